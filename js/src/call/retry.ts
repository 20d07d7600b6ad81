/** Seconds to wait before each attempt to repair a call. */
const FIRST_DELAYS = [0, 0.3, 1.2, 2.7, 4.8] as const;
const LATER_DELAY = 7;
const LATER_JITTER = 1;

/**
 * Seconds before repair attempt `attempt` (0 is the first).
 *
 * `random` in [0, 1) spreads the later attempts, so that a room full of people does not come back at once.
 */
export function retryDelay(attempt: number, random: number): number {
  return FIRST_DELAYS[attempt] ?? LATER_DELAY + LATER_JITTER * random;
}
