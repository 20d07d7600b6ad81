import { expect, test } from "vitest";
import { type ControlMessage, RemoteDeviceState, type Stream, UpdateType } from "../protocol.gen";
import { EMPTY_ROOM, nextRoom, peopleIn, type Room, tilesOf } from "./room";

const user = (id: string) => ({ user_id: id, user_name: id.toUpperCase() });
const stream = (id: string, owner = id): Stream => ({
  stream_id: id,
  user: user(owner),
  extra_info: "",
  microphone: RemoteDeviceState.OPEN,
  camera: RemoteDeviceState.OPEN,
});
const slot = (id: string, pair: number) => ({
  stream_id: id,
  audio_mid: `a${pair}`,
  video_mid: `v${pair}`,
});

function roomAfter(...messages: ControlMessage[]): Room {
  return messages.reduce(nextRoom, EMPTY_ROOM);
}

const snapshot = (streams: Stream[], slots: Room["slots"]): ControlMessage => ({
  type: "room_snapshot",
  room_id: "demo",
  user: user("me"),
  users: streams.map((s) => s.user),
  streams,
  slots: [...slots],
  captures: true,
  stream_id: "mine",
});

const streams = (update_type: UpdateType, ...changed: Stream[]): ControlMessage => ({
  type: "room_stream_update",
  room_id: "demo",
  update_type,
  streams: changed,
  stream_delete_reason: [],
});

test("each stream gets a tile with the slots that carry it", () => {
  const tiles = tilesOf(
    roomAfter(snapshot([stream("bob"), stream("eve")], [slot("eve", 0), slot("bob", 1)])),
  );
  expect(tiles.map((t) => [t.stream?.id, t.audioMid, t.videoMid])).toEqual([
    ["bob", "a1", "v1"],
    ["eve", "a0", "v0"],
  ]);
});

test("a slot that moves to another stream moves between tiles, never under the old name", () => {
  const room = roomAfter(snapshot([stream("bob"), stream("eve")], [slot("bob", 0)]), {
    type: "slots_changed",
    slots: [slot("eve", 0)],
  });
  expect(tilesOf(room).map((t) => [t.stream?.id, t.videoMid])).toEqual([
    ["eve", "v0"],
    ["bob", null],
  ]);
});

test("who has no stream has a tile without one, and it turns into the stream's", () => {
  const joined = roomAfter({
    type: "room_user_update",
    room_id: "demo",
    update_type: UpdateType.ADD,
    users: [user("bob")],
  });
  expect(tilesOf(joined)).toMatchObject([{ key: "user bob", stream: null }]);
  const publishing = nextRoom(joined, streams(UpdateType.ADD, stream("bob-1", "bob")));
  expect(tilesOf(publishing)).toMatchObject([{ key: "stream bob-1" }]);
  expect(peopleIn(publishing)).toBe(2);
});

test("a stream that goes takes its tile with it; one told twice is there once", () => {
  const added = streams(UpdateType.ADD, stream("bob"));
  const room = roomAfter(added, added);
  expect(room.streams).toHaveLength(1);
  expect(nextRoom(room, streams(UpdateType.DELETE, stream("bob"))).streams).toEqual([]);
});

test("a device that changes is seen on the tile", () => {
  const off = { ...stream("bob"), camera: RemoteDeviceState.DISABLE };
  const room = roomAfter(streams(UpdateType.ADD, stream("bob")), {
    type: "stream_state_changed",
    room_id: "demo",
    stream: off,
  });
  expect(tilesOf(room)[0]?.stream?.camera).toBe(RemoteDeviceState.DISABLE);
});

test("there are at most twelve tiles of others, and those that are played come first", () => {
  const many = Array.from({ length: 15 }, (_, i) => stream(`s${i}`));
  const played = many.slice(3).map((s, i) => slot(s.stream_id, i));
  const tiles = tilesOf(roomAfter(snapshot(many, played)));
  expect(tiles).toHaveLength(12);
  expect(tiles.every((t) => t.videoMid !== null)).toBe(true);
});

test("who is played in place of another stands there, and the others stay", () => {
  const many = Array.from({ length: 15 }, (_, i) => stream(`s${i}`));
  const slots = many.slice(0, 12).map((s, i) => slot(s.stream_id, i));
  const before = tilesOf(roomAfter(snapshot(many, slots))).map((tile) => tile.stream?.id);
  slots[4] = slot("s13", 4);
  const after = tilesOf(roomAfter(snapshot(many, slots))).map((tile) => tile.stream?.id);
  expect(after).toEqual(before.map((id) => (id === "s4" ? "s13" : id)));
});
