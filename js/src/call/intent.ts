import type { CallState } from "../protocol.gen";

export function isActive(state: CallState): boolean {
  return state === "connecting" || state === "in_call" || state === "reconnecting";
}

/**
 * What the person did last here, against what the kernel says.
 *
 * A busy kernel speaks of the past: after Start call its `idle` is old, after Stop call its `in_call` is, and
 * following that would open the camera of somebody who just hung up.
 */
export class Intent {
  #startUnheard = false;
  #stop: "heard" | "until_answered" | "until_at_rest" = "heard";
  #state: CallState = "idle";

  startPressed(): void {
    this.#startUnheard = true;
    this.#stop = "heard";
  }

  /** `ask`: the kernel was told and asked for an answer; else the hub tells it, and its state will show it. */
  stopPressed(ask: boolean): void {
    this.#startUnheard = false;
    this.#stop = ask ? "until_answered" : "until_at_rest";
  }

  /** The call is over for this page, without the person's doing. */
  ended(): void {
    this.#startUnheard = false;
    if (isActive(this.#state)) this.#stop = "until_at_rest";
  }

  /** The kernel answered a question of this page. */
  answered(state: CallState): void {
    this.#state = state;
    if (this.#stop === "until_answered") this.#stop = isActive(state) ? "until_at_rest" : "heard";
  }

  kernelState(state: CallState): void {
    if (state === this.#state) return;
    this.#state = state;
    // A refusal follows a start, so whoever becomes refused has heard of it.
    if (isActive(state) || state === "refused") this.#startUnheard = false;
    if (!isActive(state) && this.#stop === "until_at_rest") this.#stop = "heard";
  }

  /** Whether the kernel's state is news, not what was before the person pressed. */
  believes(state: CallState): boolean {
    return isActive(state) ? this.#stop === "heard" : !this.#startUnheard;
  }
}
