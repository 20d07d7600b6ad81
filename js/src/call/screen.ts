import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { RemoteDeviceState as DeviceState, type PageChannel } from "../protocol.gen";

export type Screen =
  | { kind: "off" }
  | { kind: "asking" }
  | { kind: "shared"; video: MediaStreamTrack; audio: MediaStreamTrack | null }
  | { kind: "failed"; state: DeviceState };

export function canShareScreen(): boolean {
  return navigator.mediaDevices?.getDisplayMedia !== undefined;
}

/** The screen this page shares: begun by a person's gesture, ended by them, their browser or the engine. */
export class ScreenShare {
  readonly #screen: Signal<Screen> = signal({ kind: "off" });
  #wanted: PageChannel | null = null;

  get screen(): ReadonlySignal<Screen> {
    return this.#screen;
  }

  /** Null: no screen is to be shared. */
  want(channel: PageChannel | null): void {
    this.#wanted = channel;
    if (!channel && this.#screen.peek().kind !== "asking") this.#set({ kind: "off" });
  }

  /** Ask the person for a screen; only in a gesture of theirs. */
  async start(): Promise<void> {
    const channel = this.#wanted;
    const { kind } = this.#screen.peek();
    if (!channel || kind === "asking" || kind === "shared") return;
    this.#set({ kind: "asking" });
    this.#set(await this.#ask(channel));
  }

  /** The person shares it no more. */
  stop(): void {
    if (this.#screen.peek().kind === "shared")
      this.#set({ kind: "failed", state: DeviceState.UNPLUGGED });
  }

  async #ask({ fps, audio }: PageChannel): Promise<Screen> {
    let stream: MediaStream;
    try {
      const video = { frameRate: { ideal: fps } };
      stream = await navigator.mediaDevices.getDisplayMedia({ video, audio });
    } catch (error) {
      const refused = (error as Error).name === "NotAllowedError";
      return {
        kind: "failed",
        state: refused ? DeviceState.NO_AUTHORIZATION : DeviceState.GENERIC_ERROR,
      };
    }
    const [video] = stream.getVideoTracks();
    const sound = stream.getAudioTracks()[0] ?? null;
    if (!this.#wanted || !video) {
      for (const track of stream.getTracks()) track.stop();
      return { kind: "off" };
    }
    // The browser's own "Stop sharing".
    video.addEventListener("ended", () => {
      const now = this.#screen.peek();
      if (now.kind === "shared" && now.video === video) this.stop();
    });
    return { kind: "shared", video, audio: sound };
  }

  #set(screen: Screen): void {
    const old = this.#screen.peek();
    if (old.kind === "shared") for (const track of [old.video, old.audio]) track?.stop();
    if (old.kind !== "off" || screen.kind !== "off") this.#screen.value = screen;
  }
}

/** What others and the kernel are told about the screen. */
export function screenState(screen: Screen, channel: PageChannel, wanted: boolean): DeviceState {
  if (!wanted) return DeviceState.DISABLE;
  if (!canShareScreen()) return DeviceState.NOT_SUPPORT;
  if (screen.kind === "failed") return screen.state;
  if (screen.kind !== "shared") return DeviceState.DISABLE;
  return channel.video_muted ? DeviceState.MUTE : DeviceState.OPEN;
}
