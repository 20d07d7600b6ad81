import { computed, type ReadonlySignal } from "@preact/signals";
import { canCapture, type Device, openTrack } from "./devices";
import type { Traits } from "./kernel";
import type { Peer } from "./peer";
import type { Phase } from "./phase";
import { peopleIn, type Room, type Tile, tilesOf } from "./room";

/** A tile and what is received for it. */
export interface RemoteTile extends Tile {
  readonly media: MediaStream | null;
}

/** All that a view draws; a new object after every change. */
export interface CallSnapshot {
  readonly phase: Phase;
  /** Whether a kernel owns the widget now: without one there is nothing to press. */
  readonly live: boolean;
  /** The kernel has not answered for a while. */
  readonly waitingForKernel: boolean;
  readonly roomId: string;
  readonly userId: string;
  readonly userName: string;
  readonly captures: boolean;
  /** Whether the browser gives this page any device. */
  readonly canCapture: boolean;
  readonly microphone: Device;
  readonly microphoneMuted: boolean;
  readonly camera: Device;
  readonly cameraEnabled: boolean;
  readonly localMedia: MediaStream | null;
  readonly tiles: readonly RemoteTile[];
  readonly people: number;
  /** The one view that plays sound: two would play everybody twice. */
  readonly soundView: number | null;
}

/** The signals a snapshot is made of. */
export interface CallSources {
  readonly phase: ReadonlySignal<Phase>;
  readonly live: ReadonlySignal<readonly unknown[]>;
  readonly waitingForKernel: ReadonlySignal<boolean>;
  readonly traits: ReadonlySignal<Traits | null>;
  readonly captures: ReadonlySignal<boolean>;
  readonly microphone: ReadonlySignal<Device>;
  readonly camera: ReadonlySignal<Device>;
  readonly room: ReadonlySignal<Room>;
  readonly peer: ReadonlySignal<Peer | null>;
  readonly views: ReadonlySignal<readonly number[]>;
}

/** The snapshot as a signal; what did not change keeps its identity, so that no picture is attached anew. */
export function callSnapshot(sources: CallSources): ReadonlySignal<CallSnapshot> {
  const localMedia = computed(() => {
    const track = openTrack(sources.camera.value);
    return track && new MediaStream([track]);
  });
  let received = new Map<string, MediaStream>();
  const tiles = computed(() => {
    const peer = sources.peer.value;
    const before = received;
    received = new Map();
    return tilesOf(sources.room.value).map((tile): RemoteTile => {
      const tracks = [peer?.track(tile.audioMid), peer?.track(tile.videoMid)].filter((t) => !!t);
      if (tracks.length === 0) return { ...tile, media: null };
      const old = before.get(tile.key);
      const media = old && sameTracks(old, tracks) ? old : new MediaStream(tracks);
      received.set(tile.key, media);
      return { ...tile, media };
    });
  });
  return computed(() => {
    const traits = sources.traits.value;
    return {
      phase: sources.phase.value,
      live: sources.live.value.length > 0,
      waitingForKernel: sources.waitingForKernel.value,
      roomId: traits?.room_id ?? "",
      userId: traits?.user_id ?? "",
      userName: traits?.user_name || (traits?.user_id ?? ""),
      captures: sources.captures.value,
      canCapture: canCapture(),
      microphone: sources.microphone.value,
      microphoneMuted: traits?.microphone_muted ?? false,
      camera: sources.camera.value,
      cameraEnabled: traits?.camera_enabled ?? true,
      localMedia: localMedia.value,
      tiles: tiles.value,
      people: peopleIn(sources.room.value),
      soundView: sources.views.value[0] ?? null,
    };
  });
}

function sameTracks(media: MediaStream, tracks: readonly MediaStreamTrack[]): boolean {
  const old = media.getTracks();
  return old.length === tracks.length && old.every((track) => tracks.includes(track));
}
