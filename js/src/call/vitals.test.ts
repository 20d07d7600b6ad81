import { expect, test } from "vitest";
import { type ConnectionQuality, type ControlMessage, StreamQualityLevel } from "../protocol.gen";
import { connectionOf, NO_VITALS, nextVitals, ownConnection } from "./vitals";

const { EXCELLENT, GOOD, BAD, DIE, UNKNOWN } = StreamQualityLevel;
const way = (
  level: StreamQualityLevel,
  rtt: number | null = null,
  loss: number | null = null,
): ConnectionQuality => ({ level, rtt, loss });
const nothing = way(UNKNOWN);

function told(
  bob: ConnectionQuality,
  downstream: ConnectionQuality,
  upstream: ConnectionQuality = nothing,
) {
  const users = [{ user_id: "bob", upstream: bob }];
  return nextVitals(NO_VITALS, { type: "network_quality", upstream, downstream, users });
}

test.each<[string, ConnectionQuality, ConnectionQuality, object | null]>([
  ["nothing", nothing, nothing, null],
  ["only the way here", nothing, way(EXCELLENT, 5, 0), null],
  ["only the way from there", way(GOOD, 100, 0.1), nothing, { level: GOOD, rtt: 100, loss: 0.1 }],
  [
    "both ways",
    way(GOOD, 100, 0.1),
    way(BAD, 20, 0.4),
    { level: BAD, rtt: 120, loss: expect.closeTo(0.5) },
  ],
  [
    "no time there",
    way(EXCELLENT, null, 0),
    way(GOOD, 20, 0.1),
    { level: GOOD, rtt: 20, loss: 0.1 },
  ],
  ["more than all", way(BAD, 1, 0.8), way(BAD, 1, 0.7), { level: BAD, rtt: 2, loss: 1 }],
])("of another with %s known", (_, bob, downstream, connection) => {
  expect(connectionOf(told(bob, downstream), "bob")).toEqual(connection);
  expect(connectionOf(told(bob, downstream), "carol")).toBeNull();
});

test("one's own is the worse of both directions", () => {
  expect(ownConnection(NO_VITALS)).toBeNull();
  expect(ownConnection(told(nothing, way(EXCELLENT, 20, 0), nothing))?.level).toBe(EXCELLENT);
  expect(ownConnection(told(nothing, way(GOOD, 20, 0.1), way(DIE, 20, 0.05)))).toEqual({
    level: DIE,
    rtt: 20,
    loss: 0.1,
  });
});

test("each message replaces its own part, and a snapshot everything", () => {
  const messages: ControlMessage[] = [
    { type: "active_speaker", stream_id: "bob-1", user_id: "bob" },
    { type: "sound_levels", levels: { "bob-1": 60 } },
    { type: "network_quality", upstream: nothing, downstream: way(GOOD), users: [] },
  ];
  const all = messages.reduce(nextVitals, NO_VITALS);
  expect([all.speaker.user_id, all.levels, all.network.downstream.level]).toEqual([
    "bob",
    { "bob-1": 60 },
    GOOD,
  ]);
  expect(nextVitals(all, { type: "heartbeat_ack", sent_at: 0 })).toBe(all);
  const snapshot: ControlMessage = {
    type: "room_snapshot",
    room_id: "demo",
    user: { user_id: "me", user_name: "" },
    users: [],
    streams: [],
    slots: [],
    captures: true,
    stream_id: null,
  };
  expect(nextVitals(all, snapshot)).toBe(NO_VITALS);
});
