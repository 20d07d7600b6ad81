import { vi } from "vitest";
import { PageCall } from "../call/call";
import { Kernel } from "../call/kernel";
import type { Shown } from "../call/shown";
import { RemoteDeviceState } from "../protocol.gen";
import { FakePeerConnection } from "./browser";
import type { FakeModel } from "./model";

export const BOB_STREAM = {
  stream_id: "bob-1",
  user: { user_id: "bob", user_name: "Bob" },
  extra_info: "",
  microphone: RemoteDeviceState.OPEN,
  camera: RemoteDeviceState.OPEN,
};

/** A page with one model of an engine; timers are the test's. */
export class Page {
  readonly call = new PageCall(() => {});
  readonly #owner = new AbortController();

  constructor(readonly model: FakeModel) {
    this.call.attachKernel(new Kernel(model), this.#owner.signal);
  }

  /** Another view of the engine has a model of its own. */
  attach(model: FakeModel): void {
    this.call.attachKernel(new Kernel(model), this.#owner.signal);
  }

  show(shown: Shown): void {
    this.call.attachView(shown, this.#owner.signal);
  }

  /** The engine wants this from now on. */
  wants(media: object): void {
    this.model.kernelSets({ _media: media });
  }

  settle = () => vi.advanceTimersByTimeAsync(0);

  /** The kernel wants a peer, and the hub lets this page in; Bob is there and played. */
  async join({ captures = true } = {}): Promise<void> {
    this.model.kernelSets({ state: "connecting" });
    await this.answer(captures);
    FakePeerConnection.last.openControl();
    FakePeerConnection.last.hubSays({
      type: "room_snapshot",
      room_id: "demo",
      user: { user_id: "alice", user_name: "Alice" },
      users: [BOB_STREAM.user],
      streams: [BOB_STREAM],
      slots: [{ stream_id: "bob-1", audio_mid: "4", video_mid: "16" }],
      captures,
      stream_id: "alice-1",
    });
    await this.settle();
    this.model.kernelSets({ state: "in_call" });
  }

  /** The hub answers the page's last offer. */
  async answer(captures = true): Promise<void> {
    await this.settle();
    const { request_id, peer_id } = this.model.last("offer");
    this.model.kernelSays({ type: "answer", request_id, peer_id, sdp: "", captures });
    await this.settle();
  }

  close(): void {
    this.#owner.abort();
  }
}
