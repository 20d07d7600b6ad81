/** Milliseconds between two looks. */
export const LOOK_MS = 250;

const ASK_MS = 1_000;
const QUIET_MS = 1_500;
const LOST_MS = 3_000;
const SUSPECTED_MS = 1_000;
const STOPPED_MS = 1_250;
const ASK_STOPPED_MS = 500;
const STEADY_LOOKS = 12;
const SLEPT_MS = 4_000;
const UNANSWERED_MS = 12_000;

export interface Verdict {
  /** Ask the other side for a sign of life. */
  readonly ask: boolean;
  /** What is shown stands still by now. */
  readonly quiet: boolean;
  /** The connection is not worth waiting for. */
  readonly lost: boolean;
}

/**
 * Whether a connection lives, from the moments at which something came over it; times in milliseconds.
 *
 * Only time in which this page was awake counts: what comes while its thread is blocked, or its machine sleeps, is
 * heard afterwards.
 */
export class Silence {
  #quiet = 0;
  #unanswered = 0;
  #patience = LOST_MS;
  #roundTrip = 0;
  #lookedAt: number;
  #suspected = false;
  // Looks in a row at which media had come.
  #flow = 0;
  #mediaCame = false;
  // Media that had come all the time have stopped, and nothing was heard since.
  #stopped = false;

  constructor(now: number) {
    this.#lookedAt = now;
  }

  /** Anything at all came. */
  heard(): void {
    this.#quiet = 0;
    this.#stopped = false;
    this.#patience = LOST_MS;
  }

  /** The answer to a question came, so that the other side hears us too; `roundTrip`: after so long. */
  heardAnswer(roundTrip: number): void {
    this.heard();
    this.#unanswered = 0;
    this.#roundTrip = roundTrip;
  }

  /** Media came: where they come all the time, their end is noticed sooner. */
  heardMedia(): void {
    this.#mediaCame = true;
    this.heard();
  }

  /** Something happened after which connections are often dead: another network, a machine that woke up. */
  suspect(): void {
    this.#suspected = true;
    this.#shorten(this.#quiet, SUSPECTED_MS);
  }

  /** To be called every `LOOK_MS`. */
  look(now: number): Verdict {
    const passed = now - this.#lookedAt;
    this.#lookedAt = now;
    const slept = passed >= SLEPT_MS;
    if (slept) this.suspect();
    const awake = slept ? 0 : Math.min(passed, 2 * LOOK_MS);
    if (!this.#mediaCame && this.#flow >= STEADY_LOOKS && !slept) {
      this.#stopped = true;
      this.#shorten(ASK_STOPPED_MS, STOPPED_MS - ASK_STOPPED_MS);
    }
    this.#flow = this.#mediaCame ? this.#flow + 1 : 0;
    this.#mediaCame = false;
    this.#quiet += awake;
    this.#unanswered += awake;
    const ask = this.#suspected || this.#quiet >= (this.#stopped ? ASK_STOPPED_MS : ASK_MS);
    this.#suspected = false;
    const lost = this.#quiet >= this.#patience || this.#unanswered >= UNANSWERED_MS;
    return { ask, quiet: this.#quiet >= QUIET_MS, lost };
  }

  /** Wait only until so long after a question at `asked`; an answer may be on a long way. */
  #shorten(asked: number, wait: number): void {
    this.#patience = Math.min(this.#patience, asked + Math.max(wait, 2 * this.#roundTrip));
  }
}
