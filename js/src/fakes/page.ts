import { PageCall } from "../call/call";
import { Kernel } from "../call/kernel";
import type { Shown } from "../call/shown";
import { joined, page as owner, settle } from "./call";
import type { FakeModel } from "./model";

/** The page that the test that runs has opened. */
export let page: Page;

export function openPage(model: FakeModel): void {
  page = new Page(model, owner);
}

/** A page with one model of an engine; timers are the test's. */
class Page {
  readonly call = new PageCall(() => {});
  readonly #owner: AbortController;

  constructor(
    readonly model: FakeModel,
    owner: AbortController,
  ) {
    this.#owner = owner;
    this.attach(model);
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

  settle = settle;

  /** The kernel wants a peer, and the hub lets this page in; Bob is there and played. */
  async join({ captures = true } = {}): Promise<void> {
    this.model.kernelSets({ state: "connecting" });
    await joined(this.model, captures);
    this.model.kernelSets({ state: "in_call" });
  }

  close(): void {
    this.#owner.abort();
  }
}
