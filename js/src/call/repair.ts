import { retryDelay } from "./retry";

/** Milliseconds for which a call is repaired; then a person may try again (ZEGO: 20 min, av_retry_time). */
const WINDOW_MS = 20 * 60_000;

/** Milliseconds that a connection has to last for the next one that breaks to be mended at once. */
const STEADY_MS = 10_000;

export const GIVEN_UP = "The connection did not come back.";

/** When to try again to repair a call; times in milliseconds. */
export class Repair {
  #brokenAt: number | null = null;
  #mendedAt: number | null = null;
  #triedAt = Number.NEGATIVE_INFINITY;
  #attempt = 0;

  /**
   * Milliseconds from now to the next attempt; null when it was tried for long enough.
   *
   * Attempts are spaced from beginning to beginning: one that took its time to fail is followed at once, so that a
   * network that comes back is found by the attempt under way.
   */
  next(now: number, random: number): number | null {
    if (this.#mendedAt !== null && now - this.#mendedAt >= STEADY_MS) this.done();
    this.#mendedAt = null;
    this.#brokenAt ??= now;
    if (this.over(now)) return null;
    const due = this.#triedAt + 1000 * retryDelay(this.#attempt, random);
    this.#attempt++;
    const delay = Math.max(0, due - now);
    this.#triedAt = now + delay;
    return delay;
  }

  /** Whether it was tried for long enough. */
  over(now: number): boolean {
    return this.#brokenAt !== null && now - this.#brokenAt >= WINDOW_MS;
  }

  /** The call is whole; whether it stays so, its next break tells. */
  mended(now: number): void {
    this.#brokenAt = null;
    this.#mendedAt = now;
  }

  /** The call is over. */
  done(): void {
    this.#brokenAt = null;
    this.#mendedAt = null;
    this.#triedAt = Number.NEGATIVE_INFINITY;
    this.#attempt = 0;
  }
}
