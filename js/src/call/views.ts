import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { PublishChannel } from "../protocol.gen";
import type { Shown } from "./shown";

const LINGER_MS = 1_000;

/** The views of one call on this page; Jupyter renders a view anew when its output moves, so they linger. */
export class Views {
  readonly #views = new Set<object>();
  readonly #previewed: Signal<readonly PublishChannel[]> = signal([]);
  readonly #gone: () => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  /** `gone` is called when for a while there was none. */
  constructor(gone: () => void) {
    this.#gone = gone;
  }

  get empty(): boolean {
    return this.#views.size === 0;
  }

  /** The channels whose local preview is shown, or was a moment ago; one for each view. */
  get previewed(): ReadonlySignal<readonly PublishChannel[]> {
    return this.#previewed;
  }

  attach(shown: Shown, signal: AbortSignal): void {
    const view = {};
    this.#views.add(view);
    if (shown.kind === "local") this.#previewed.value = [...this.#previewed.peek(), shown.channel];
    signal.addEventListener("abort", () => {
      this.#views.delete(view);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (shown.kind === "local") this.#forget(shown.channel);
        if (this.empty && this.#timers.size === 0) this.#gone();
      }, LINGER_MS);
      this.#timers.add(timer);
    });
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #forget(channel: PublishChannel): void {
    const left = [...this.#previewed.peek()];
    left.splice(left.indexOf(channel), 1);
    this.#previewed.value = left;
  }
}
