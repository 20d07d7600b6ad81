import { computed, type ReadonlySignal } from "@preact/signals";
import {
  RemoteDeviceState as DeviceState,
  type PageDevice,
  type PageMedia,
  StreamQualityLevel,
} from "../protocol.gen";
import type { Capture } from "./capture";
import type { DeviceChoice } from "./device-list";
import { canCapture, type Device } from "./devices";
import type { Traits } from "./kernel";
import { mirrorsPreview, playedAs } from "./media";
import type { Peer } from "./peer";
import type { Phase } from "./phase";
import { peopleIn, type Room, type Tile, tilesOf } from "./room";
import { canShareScreen } from "./screen";
import {
  type Connection,
  connectionOf,
  type Hindrance,
  hindranceOf,
  NO_VITALS,
  ownConnection,
  type Vitals,
} from "./vitals";

/** A tile and what is received for it. */
export interface RemoteTile extends Tile {
  readonly media: MediaStream | null;
  /** The engine does not show the picture. */
  readonly videoMuted: boolean;
  /** Why the hub sends no picture; null where it does, or where none is wanted. */
  readonly hindrance: Hindrance | null;
  readonly voice: Voice;
  /** From its user to this page; null while unknown. */
  readonly connection: Connection | null;
  /** Nothing comes for now: the call is mended, or theirs is. */
  readonly mending: boolean;
}

/** What is to be seen of somebody's sound. */
export interface Voice {
  /** 0 to 100. */
  readonly level: number;
  /** It is the one who speaks. */
  readonly speaking: boolean;
}

/** All that a view draws; a new object after every change. */
export interface CallSnapshot {
  readonly phase: Phase;
  /** Whether a kernel owns the widget now: without one there is nothing to press. */
  readonly live: boolean;
  /** The kernel has not answered for a while. */
  readonly waitingForKernel: boolean;
  /** Whether a connection that was refused or given up may come when it is tried again from here. */
  readonly canTryAgain: boolean;
  readonly roomId: string;
  readonly userId: string;
  readonly userName: string;
  readonly captures: boolean;
  readonly capturedBy: "this page" | "another page" | "Python" | "nobody yet";
  /** Whether the browser gives this page any device. */
  readonly canCapture: boolean;
  readonly microphone: Device;
  readonly microphoneMuted: boolean;
  readonly camera: Device;
  readonly cameraEnabled: boolean;
  /** The camera is not sent, since the connection has no room for its least bitrate. */
  readonly cameraHeldBack: boolean;
  /** Whether the camera belongs open on this page. */
  readonly cameraWanted: boolean;
  readonly localMedia: MediaStream | null;
  readonly mirrored: boolean;
  /** Whether it is this person who speaks. */
  readonly speaking: boolean;
  /** Between this page and the hub; null while unknown. */
  readonly connection: Connection | null;
  readonly screen: ScreenView;
  /** Devices with a name, and which of them is chosen (empty: the browser's choice). */
  readonly devices: readonly PageDevice[];
  readonly choice: DeviceChoice;
  readonly tiles: readonly RemoteTile[];
  readonly people: number;
  /** The browser keeps the others silent until the person clicks. */
  readonly soundBlocked: boolean;
}

/** The shared screen. */
export interface ScreenView {
  readonly wanted: boolean;
  readonly canShare: boolean;
  readonly shared: boolean;
  readonly state: DeviceState;
  readonly media: MediaStream | null;
}

/** The signals a snapshot is made of. */
export interface CallSources {
  readonly phase: ReadonlySignal<Phase>;
  readonly live: ReadonlySignal<readonly unknown[]>;
  readonly waitingForKernel: ReadonlySignal<boolean>;
  readonly traits: ReadonlySignal<Traits | null>;
  readonly media: ReadonlySignal<PageMedia>;
  readonly captures: ReadonlySignal<boolean | null>;
  readonly capture: Capture;
  readonly devices: ReadonlySignal<readonly PageDevice[] | null>;
  readonly choice: ReadonlySignal<DeviceChoice>;
  readonly room: ReadonlySignal<Room>;
  readonly vitals: ReadonlySignal<Vitals>;
  readonly peer: ReadonlySignal<Peer | null>;
  readonly soundBlocked: ReadonlySignal<boolean>;
  readonly canTryAgain: ReadonlySignal<boolean>;
}

/** The snapshot as a signal; what did not change keeps its identity, so that no picture is attached anew. */
export function callSnapshot(sources: CallSources): ReadonlySignal<CallSnapshot> {
  const { capture } = sources;
  const named = computed(() => (sources.devices.value ?? []).filter((d) => d.device_name !== ""));
  const screen = computed((): ScreenView => {
    const now = capture.screen.screen.value;
    return {
      wanted: capture.wanted.value.screen,
      canShare: canShareScreen(),
      shared: now.kind === "shared",
      state: capture.screenState.value,
      media: capture.screenMedia.value,
    };
  });
  const vitals = computed(() =>
    sources.phase.value.kind === "in_call" ? sources.vitals.value : NO_VITALS,
  );
  const mending = computed(
    () => sources.phase.value.kind === "reconnecting" || (sources.peer.value?.quiet.value ?? false),
  );
  let received = new Map<string, MediaStream>();
  const tiles = computed(() => {
    const peer = sources.peer.value;
    const before = received;
    received = new Map();
    const media = sources.media.value;
    return tilesOf(sources.room.value).map((tile): RemoteTile => {
      const published = tile.stream;
      const videoMuted = published !== null && playedAs(media, published.id).video_muted;
      const wanted = published?.camera === DeviceState.OPEN && !videoMuted;
      const connection = published && connectionOf(vitals.value, tile.user.user_id);
      const lost = connection?.level === StreamQualityLevel.DIE;
      const shown = {
        ...tile,
        videoMuted,
        hindrance: wanted ? hindranceOf(vitals.value, published.id) : null,
        voice: voiceOf(vitals.value, tile),
        connection,
        mending: published !== null && (mending.value || lost),
      };
      const tracks = [peer?.track(tile.audioMid), peer?.track(tile.videoMid)].filter((t) => !!t);
      if (tracks.length === 0) return { ...shown, media: null };
      const old = before.get(tile.key);
      const stream = old && sameTracks(old, tracks) ? old : new MediaStream(tracks);
      received.set(tile.key, stream);
      return { ...shown, media: stream };
    });
  });
  return computed(() => {
    const traits = sources.traits.value;
    const speaker = vitals.value.speaker.user_id;
    return {
      phase: sources.phase.value,
      live: sources.live.value.length > 0,
      waitingForKernel: sources.waitingForKernel.value,
      canTryAgain: sources.canTryAgain.value,
      roomId: traits?.room_id ?? "",
      userId: traits?.user_id ?? "",
      userName: traits?.user_name || (traits?.user_id ?? ""),
      captures: sources.captures.value === true && sources.media.value.captures,
      capturedBy: capturedBy(sources.media.value.captures, sources.captures.value),
      canCapture: canCapture(),
      microphone: capture.devices.microphone.value,
      microphoneMuted: traits?.microphone_muted ?? false,
      camera: capture.devices.camera.value,
      cameraEnabled: traits?.camera_enabled ?? true,
      cameraHeldBack: capture.heldBack.value,
      cameraWanted: capture.wanted.value.camera,
      localMedia: capture.localMedia.value,
      mirrored: mirrorsPreview(sources.media.value),
      speaking: speaker !== null && speaker === traits?.user_id && !traits.microphone_muted,
      connection: ownConnection(vitals.value),
      screen: screen.value,
      devices: named.value,
      choice: sources.choice.value,
      tiles: tiles.value,
      people: peopleIn(sources.room.value),
      soundBlocked: sources.soundBlocked.value,
    };
  });
}

/** Who has a microphone that is off is not heard, whatever the hub said last. */
function voiceOf({ speaker, levels }: Vitals, { stream }: Tile): Voice {
  if (stream?.microphone !== DeviceState.OPEN) return { level: 0, speaking: false };
  return { level: levels[stream.id] ?? 0, speaking: speaker.stream_id === stream.id };
}

function capturedBy(pages: boolean, here: boolean | null): CallSnapshot["capturedBy"] {
  if (!pages) return "Python";
  if (here === null) return "nobody yet";
  return here ? "this page" : "another page";
}

function sameTracks(media: MediaStream, tracks: readonly MediaStreamTrack[]): boolean {
  const old = media.getTracks();
  return old.length === tracks.length && old.every((track) => tracks.includes(track));
}
