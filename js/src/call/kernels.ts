import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Answer, PROTOCOL_VERSION, type Refused, type ViewMessage } from "../protocol.gen";
import type { Kernel, Traits } from "./kernel";

export interface KernelsListener {
  /** A kernel said that it owns the widget; its traits are current. */
  answered(protocol: number): void;
  /** No kernel owns the widget any more, as far as this page knows. */
  lost(): void;
  heard(message: Answer | Refused): void;
  /** `state` changed, or the `error` that explains it. */
  stateChanged(): void;
}

/**
 * The widget models of one call on this page, as one kernel.
 *
 * Mostly there is one; two notebooks on one kernel make two. A model counts only after its kernel answered
 * `ViewHello`: the traits of saved output look the same as those of a running call.
 */
export class Kernels {
  readonly #pageId: string;
  readonly #listener: KernelsListener;
  readonly #attached = new Set<Kernel>();
  readonly #live = signal<readonly Kernel[]>([]);
  readonly #traits: Signal<Traits | null> = signal(null);

  constructor(pageId: string, listener: KernelsListener) {
    this.#pageId = pageId;
    this.#listener = listener;
  }

  /** The models with a kernel behind them. */
  get live(): ReadonlySignal<readonly Kernel[]> {
    return this.#live;
  }

  get traits(): ReadonlySignal<Traits | null> {
    return this.#traits;
  }

  get empty(): boolean {
    return this.#attached.size === 0;
  }

  attach(kernel: Kernel, signal: AbortSignal): void {
    this.#attached.add(kernel);
    this.#traits.value ??= kernel.traits;
    signal.addEventListener("abort", () => {
      this.#attached.delete(kernel);
      this.#silent(kernel);
    });
    kernel.listen(
      {
        traitsChanged: (name) => this.#traitsChanged(kernel, name),
        heard: (message) => {
          if (message.type === "answer" || message.type === "refused")
            this.#listener.heard(message);
          else if (message.type === "ready" && message.page_id === this.#pageId) {
            this.#answered(kernel, message.protocol);
          }
        },
        commChanged: () => {
          this.#silent(kernel);
          this.#hello(kernel);
        },
      },
      signal,
    );
    this.#hello(kernel);
  }

  tell(message: ViewMessage): void {
    this.#live.peek()[0]?.send(message);
  }

  /** Ask for another `Ready`: messages are heard in order, so it says that all before was heard. */
  ask(): void {
    for (const kernel of this.#live.peek()) this.#hello(kernel);
  }

  setTrait(name: "microphone_muted" | "camera_enabled", value: boolean): void {
    const traits = this.#traits.peek();
    if (!traits) return;
    this.#traits.value = { ...traits, [name]: value };
    this.#live.peek()[0]?.setTrait(name, value);
  }

  #hello(kernel: Kernel): void {
    kernel.send({ type: "view_hello", protocol: PROTOCOL_VERSION, page_id: this.#pageId });
  }

  #answered(kernel: Kernel, protocol: number): void {
    const known = this.#live.peek();
    if (protocol === PROTOCOL_VERSION && !known.includes(kernel))
      this.#live.value = [...known, kernel];
    this.#traits.value = kernel.traits;
    this.#listener.answered(protocol);
  }

  #silent(kernel: Kernel): void {
    const known = this.#live.peek();
    if (!known.includes(kernel)) return;
    this.#live.value = known.filter((k) => k !== kernel);
    if (known.length === 1) this.#listener.lost();
  }

  #traitsChanged(kernel: Kernel, name: keyof Traits): void {
    const before = this.#traits.peek();
    const now = kernel.traits;
    // Of what a page sets take only what changed: this model may not have heard yet what was set through another.
    const { microphone_muted, camera_enabled } = before ?? now;
    const traits = { ...now, microphone_muted, camera_enabled, [name]: now[name] };
    this.#traits.value = traits;
    if (!this.#live.peek().includes(kernel)) return;
    if (traits.state !== before?.state || traits.error !== before.error)
      this.#listener.stateChanged();
  }
}
