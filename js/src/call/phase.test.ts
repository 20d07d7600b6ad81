import { expect, test } from "vitest";
import { AssertionError } from "./assert";
import { nextPhase, type Phase, type PhaseEvent, wantsPeer } from "./phase";

const PHASES: Phase[] = [
  { kind: "stale" },
  { kind: "idle" },
  { kind: "connecting" },
  { kind: "in_call" },
  { kind: "reconnecting", attempt: 2, reason: "gone" },
  { kind: "refused", code: 1, reason: "no" },
  { kind: "disconnected", code: 2, reason: "over" },
];

const EVENTS: PhaseEvent[] = [
  { type: "kernel_answered" },
  { type: "kernel_lost" },
  { type: "join" },
  { type: "joined" },
  { type: "broken", reason: "lost" },
  { type: "refused", code: 7, reason: "full" },
  { type: "ended", code: 8, reason: "kicked" },
  { type: "left" },
];

// Rows: phases; columns: events in the order above; "-" is impossible.
const EXPECTED = `
  stale         idle          stale         -           -        -             -        -             -
  idle          idle          stale         connecting  -        -             refused  disconnected  idle
  connecting    connecting    -             connecting  in_call  -             refused  disconnected  idle
  in_call       in_call       in_call       -           -        reconnecting  -        disconnected  idle
  reconnecting  reconnecting  -             -           in_call  reconnecting  -        disconnected  idle
  refused       refused       refused       connecting  -        -             refused  disconnected  refused
  disconnected  disconnected  disconnected  connecting  -        -             refused  disconnected  disconnected
`;

const table = EXPECTED.trim()
  .split("\n")
  .map((row) => row.trim().split(/\s+/));

test.each(
  PHASES.flatMap((phase, row) =>
    EVENTS.map((event, column) => [phase, event, table[row]?.[column + 1] ?? "?"] as const),
  ),
)("%o on %o", (phase, event, expected) => {
  if (expected === "-") {
    expect(() => nextPhase(phase, event)).toThrow(AssertionError);
    expect(() => nextPhase(phase, event)).toThrow(`${phase.kind} can not see "${event.type}"`);
  } else {
    expect(nextPhase(phase, event).kind).toBe(expected);
  }
});

test("repairs are counted from zero, and the count starts anew after a success", () => {
  const broken: PhaseEvent = { type: "broken", reason: "lost" };
  const first = nextPhase({ kind: "in_call" }, broken);
  expect(first).toMatchObject({ attempt: 0 });
  expect(nextPhase(first, broken)).toMatchObject({ attempt: 1 });
  expect(nextPhase(nextPhase(first, { type: "joined" }), broken)).toMatchObject({ attempt: 0 });
});

test("the reason of an end is kept", () => {
  expect(
    nextPhase({ kind: "in_call" }, { type: "ended", code: 1002050, reason: "kicked" }),
  ).toEqual({
    kind: "disconnected",
    code: 1002050,
    reason: "kicked",
  });
});

test("a peer belongs to connecting, in_call and reconnecting only", () => {
  expect(PHASES.filter(wantsPeer).map((p) => p.kind)).toEqual([
    "connecting",
    "in_call",
    "reconnecting",
  ]);
});
