const PERIOD_MS = 5_000;

/**
 * Whether the kernel takes what it is told: counts and levels are worth nothing later, and must not pile up
 * before a kernel that runs a cell.
 */
export class Pulse {
  readonly #ask: () => void;
  #askedAt = Number.NEGATIVE_INFINITY;
  #answered = true;

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  answered(): void {
    this.#answered = true;
  }

  /** Another model of the widget is told from now on: the one before may never answer. */
  renew(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY;
    this.#answered = true;
  }

  /** Whether to tell the kernel something now, at a time in milliseconds. */
  takes(now: number): boolean {
    if (now - this.#askedAt < PERIOD_MS) return true;
    if (!this.#answered) return false;
    this.#answered = false;
    this.#askedAt = now;
    this.#ask();
    return true;
  }
}
