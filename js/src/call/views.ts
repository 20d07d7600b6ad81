import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { PublishChannel } from "../protocol.gen";
import type { Shown } from "./shown";

const LINGER_MS = 1_000;

/** The views of one call on this page. */
export class Views {
  readonly #views: Signal<readonly { readonly shown: Shown }[]> = signal([]);
  readonly #gone: () => void;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  /** `gone` is called when for a while there was none: Jupyter renders a view anew when its output moves. */
  constructor(gone: () => void) {
    this.#gone = gone;
  }

  get empty(): boolean {
    return this.#views.peek().length === 0;
  }

  /** Whether the camera's own picture is shown somewhere, also where there is no call. */
  readonly preview: ReadonlySignal<boolean> = computed(() =>
    this.#views.value.some(
      ({ shown }) => shown.kind === "local" && shown.channel === PublishChannel.MAIN,
    ),
  );

  attach(shown: Shown, signal: AbortSignal): void {
    const view = { shown };
    clearTimeout(this.#lingerTimer);
    this.#views.value = [...this.#views.peek(), view];
    signal.addEventListener("abort", () => {
      this.#views.value = this.#views.peek().filter((v) => v !== view);
      if (this.empty) this.#lingerTimer = setTimeout(this.#gone, LINGER_MS);
    });
  }

  close(): void {
    clearTimeout(this.#lingerTimer);
  }
}
