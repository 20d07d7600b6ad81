import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

const PERIOD_MS = 5_000;
const LOST_MS = 60_000;

/**
 * Whether the kernel takes what it is told: counts and levels are worth nothing later, and must not pile up
 * before a kernel that runs a cell.
 */
export class Pulse {
  readonly #ask: () => void;
  #askedAt = Number.NEGATIVE_INFINITY;
  #answered = true;
  readonly #listening: Signal<boolean> = signal(true);

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** False while the kernel is known to take nothing: of what changes only the last is told, later. */
  get listening(): ReadonlySignal<boolean> {
    return this.#listening;
  }

  answered(): void {
    this.#answered = true;
    this.#listening.value = true;
  }

  /** Another model of the widget is told from now on: the one before may never answer. */
  renew(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY;
    this.answered();
  }

  /** Whether to tell the kernel something now, at a time in milliseconds. */
  takes(now: number): boolean {
    if (now - this.#askedAt < PERIOD_MS) return this.#listening.peek();
    const takes = this.#answered;
    this.#listening.value = takes;
    // A question may be lost with its connection: it is put again, seldom enough not to pile up itself.
    if (!takes && now - this.#askedAt < LOST_MS) return false;
    this.#answered = false;
    this.#askedAt = now;
    this.#ask();
    return takes;
  }
}
