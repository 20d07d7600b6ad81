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
  #start: "none" | "after_rest" | "unheard" | "heard" = "none";
  #stop: "heard" | "until_answered" | "until_at_rest" = "heard";
  #state: CallState = "idle";

  startPressed(): void {
    this.#start = this.endUnheard || isActive(this.#state) ? "after_rest" : "unheard";
    this.#stop = "heard";
  }

  /** Whether the kernel still speaks of a call that is over here. */
  get endUnheard(): boolean {
    return this.#stop !== "heard";
  }

  /** The person wants to be in a call that goes on without this page. */
  rejoinPressed(): void {
    this.#stop = "heard";
  }

  /** `ask`: the kernel was told and asked for an answer; else the hub tells it, and its state will show it. */
  stopPressed(ask: boolean): void {
    this.#start = "none";
    this.#stop = ask ? "until_answered" : "until_at_rest";
  }

  /** The call is over for this page, without the person's doing. */
  ended(): void {
    this.#start = "none";
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
    if (this.#start === "after_rest" && !isActive(state)) {
      this.#start = "unheard"; // the end of the call before
      return;
    }
    // A refusal follows a start, so whoever becomes refused has heard of it.
    if (this.#start === "unheard" && (isActive(state) || state === "refused"))
      this.#start = "heard";
    if (!isActive(state) && this.#stop === "until_at_rest") this.#stop = "heard";
  }

  /** Whether Start call was pressed here and the kernel knows. */
  get startHeard(): boolean {
    return this.#start === "heard";
  }

  /** Whether Start call was pressed here and the kernel does not show it. */
  get startUnheard(): boolean {
    return this.#start === "unheard" || this.#start === "after_rest";
  }

  /** Whether the kernel's state is news, not what was before the person pressed. */
  believes(state: CallState): boolean {
    return isActive(state)
      ? this.#stop === "heard"
      : this.#start === "none" || this.#start === "heard";
  }
}
