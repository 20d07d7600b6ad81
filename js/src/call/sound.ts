import { effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import type { PageMedia, SlotAssignment } from "../protocol.gen";
import type { DeviceChoice } from "./device-list";
import { playedAs } from "./media";
import type { Peer } from "./peer";

/** A stream that is to be heard. */
export interface Heard {
  readonly streamId: string;
  readonly track: MediaStreamTrack;
  /** 0 to 200; 100 leaves the sound as it is. */
  readonly volume: number;
  readonly muted: boolean;
}

export interface SoundSources {
  readonly slots: ReadonlySignal<readonly SlotAssignment[]>;
  readonly peer: ReadonlySignal<Peer | null>;
  readonly media: ReadonlySignal<PageMedia>;
  readonly choice: ReadonlySignal<DeviceChoice>;
}

/** What a peer receives to be heard. */
export function heardOf(
  slots: readonly SlotAssignment[],
  peer: Pick<Peer, "track"> | null,
  media: PageMedia,
): Heard[] {
  return slots.flatMap(({ stream_id, audio_mid }) => {
    const track = peer?.track(audio_mid);
    if (!track) return [];
    const { audio_muted, volume } = playedAs(media, stream_id);
    return [{ streamId: stream_id, track, volume, muted: audio_muted || media.speaker_muted }];
  });
}

/** The sound of all played streams of one engine: once per page, whatever number of views shows them. */
export class Sound {
  readonly #voices = new Map<string, Voice>();
  readonly #blocked: Signal<boolean> = signal(false);

  /** Whether the browser keeps the page silent until the person clicks. */
  get blocked(): ReadonlySignal<boolean> {
    return this.#blocked;
  }

  /** Let what comes be heard until the signal aborts. */
  follow({ slots, peer, media, choice }: SoundSources, owner: AbortSignal): void {
    const dispose = effect(() => {
      const heard = heardOf(slots.value, peer.value, media.value);
      const { speaker } = choice.value;
      untracked(() => this.play(heard, speaker));
    });
    owner.addEventListener("abort", () => {
      dispose();
      this.play([], "");
    });
  }

  /** Let exactly these be heard, on the speaker with this ID (empty: the browser's choice). */
  play(wanted: readonly Heard[], speakerId: string): void {
    const left = new Set(this.#voices.keys());
    for (const heard of wanted) {
      left.delete(heard.streamId);
      const voice = this.#voices.get(heard.streamId) ?? new Voice(heard.streamId, this.#refused);
      this.#voices.set(heard.streamId, voice);
      voice.follow(heard, speakerId);
    }
    for (const streamId of left) {
      this.#voices.get(streamId)?.close();
      this.#voices.delete(streamId);
    }
    if (this.#voices.size === 0) this.#blocked.value = false;
  }

  /** Try again; in a gesture of the person the browser says yes. */
  allow(): void {
    this.#blocked.value = false;
    for (const voice of this.#voices.values()) voice.start();
  }

  readonly #refused = () => {
    this.#blocked.value = true;
  };
}

/** One stream's sound. */
class Voice {
  readonly #audio = document.createElement("audio");
  readonly #refused: () => void;
  #track: MediaStreamTrack | null = null;
  #speakerId = "";
  #amplifier: Amplifier | null = null;
  #amplifies = false;
  #closed = false;

  constructor(streamId: string, refused: () => void) {
    this.#audio.dataset.streamId = streamId;
    this.#refused = refused;
  }

  follow({ track, volume, muted }: Heard, speakerId: string): void {
    const amplifies = volume > 100;
    const another = track !== this.#track || amplifies !== this.#amplifies;
    if (another) {
      this.#amplifier?.close();
      this.#amplifier = amplifies ? amplifierOf(track) : null;
      this.#track = track;
      this.#amplifies = amplifies;
      this.#audio.srcObject = this.#amplifier?.stream ?? new MediaStream([track]);
    }
    // A browser that plays only what is muted pauses what no longer is.
    const unmuted = this.#audio.muted && !muted;
    this.#audio.muted = muted;
    if (another || unmuted) this.start();
    this.#amplifier?.amplify(volume / 100);
    this.#audio.volume = Math.min(1, volume / 100);
    if (speakerId === this.#speakerId) return;
    this.#speakerId = speakerId;
    this.#audio.setSinkId?.(speakerId).catch(() => {}); // a speaker that is gone: the browser's choice goes on
  }

  start(): void {
    this.#amplifier?.start();
    this.#audio.play().catch((error: Error) => {
      if (error.name === "NotAllowedError" && !this.#closed) this.#refused();
    });
  }

  close(): void {
    this.#closed = true;
    this.#amplifier?.close();
    this.#audio.pause();
    this.#audio.srcObject = null;
  }
}

/** Null where the browser has no more of them: then it is heard as it comes. */
function amplifierOf(track: MediaStreamTrack): Amplifier | null {
  try {
    return new Amplifier(track);
  } catch {
    return null;
  }
}

/** Makes a track louder than it is. */
class Amplifier {
  readonly #context = new AudioContext();
  readonly #gain = this.#context.createGain();
  readonly #destination = this.#context.createMediaStreamDestination();
  // Chromium gives a received track to Web Audio only while an element plays it.
  readonly #pump = document.createElement("video");

  constructor(track: MediaStreamTrack) {
    const source = new MediaStream([track]);
    this.#pump.muted = true;
    try {
      const received = this.#context.createMediaStreamSource(source);
      received.connect(this.#gain).connect(this.#destination);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#pump.srcObject = source;
  }

  get stream(): MediaStream {
    return this.#destination.stream;
  }

  amplify(factor: number): void {
    this.#gain.gain.value = factor;
  }

  start(): void {
    this.#pump.play().catch(() => {});
    this.#context.resume().catch(() => {});
  }

  close(): void {
    this.#pump.srcObject = null;
    void this.#context.close().catch(() => {});
  }
}
