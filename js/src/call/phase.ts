import { assert } from "./assert";

/** Where this page stands with the call. The kind is the `data-state` that tests and styles read. */
export type Phase =
  /** No kernel has answered: saved output, or a kernel that is gone. Nothing may happen from here. */
  | { kind: "stale" }
  | { kind: "idle" }
  | { kind: "connecting" }
  | { kind: "in_call" }
  | { kind: "reconnecting"; attempt: number; reason: string }
  | { kind: "refused"; code: number; reason: string }
  | { kind: "disconnected"; code: number; reason: string };

export type PhaseEvent =
  | { type: "kernel_answered" }
  | { type: "kernel_lost" }
  | { type: "join" }
  | { type: "joined" }
  | { type: "broken"; reason: string }
  | { type: "refused"; code: number; reason: string }
  | { type: "ended"; code: number; reason: string }
  | { type: "left" };

type Kind = Phase["kind"];
type Name = PhaseEvent["type"];
type Step<K extends Kind, N extends Name> = (
  phase: Extract<Phase, { kind: K }>,
  event: Extract<PhaseEvent, { type: N }>,
) => Phase;
type Table = { [K in Kind]: { [N in Name]?: Step<K, N> } };

const same = <P extends Phase>(phase: P): P => phase;
const idle = (): Phase => ({ kind: "idle" });
const connecting = (): Phase => ({ kind: "connecting" });
const inCall = (): Phase => ({ kind: "in_call" });
const refused = (_: Phase, e: { code: number; reason: string }): Phase => ({
  kind: "refused",
  code: e.code,
  reason: e.reason,
});
const ended = (_: Phase, e: { code: number; reason: string }): Phase => ({
  kind: "disconnected",
  code: e.code,
  reason: e.reason,
});

/** Every transition there is; what is missing here can not happen. */
const TABLE: Table = {
  stale: { kernel_answered: idle, kernel_lost: same },
  idle: {
    kernel_answered: same,
    kernel_lost: () => ({ kind: "stale" }),
    join: connecting,
    refused,
    ended,
    left: same,
  },
  connecting: { kernel_answered: same, join: same, joined: inCall, refused, ended, left: idle },
  // Media does not need the kernel: a call goes on without it until the hub says otherwise.
  in_call: {
    kernel_answered: same,
    kernel_lost: same,
    broken: (_, e) => ({ kind: "reconnecting", attempt: 0, reason: e.reason }),
    ended,
    left: idle,
  },
  reconnecting: {
    kernel_answered: same,
    joined: inCall,
    broken: (p, e) => ({ kind: "reconnecting", attempt: p.attempt + 1, reason: e.reason }),
    ended,
    left: idle,
  },
  refused: {
    kernel_answered: same,
    kernel_lost: same,
    join: connecting,
    refused,
    ended,
    left: same,
  },
  disconnected: {
    kernel_answered: same,
    kernel_lost: same,
    join: connecting,
    refused,
    ended,
    left: same,
  },
};

/** The phase after an event; an event that can not happen in this phase throws `AssertionError`. */
export function nextPhase(phase: Phase, event: PhaseEvent): Phase {
  const step = TABLE[phase.kind][event.type] as ((p: Phase, e: PhaseEvent) => Phase) | undefined;
  assert(step, `A page whose call is ${phase.kind} can not see "${event.type}".`);
  return step(phase, event);
}

/** Whether a peer belongs to this phase. */
export function wantsPeer(phase: Phase): boolean {
  return phase.kind === "connecting" || phase.kind === "in_call" || phase.kind === "reconnecting";
}
