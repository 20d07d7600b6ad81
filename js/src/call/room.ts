import type {
  ControlMessage,
  RemoteDeviceState as DeviceState,
  RoomSnapshot,
  SlotAssignment,
  Stream,
  User,
} from "../protocol.gen";
import { PLAY_LIMIT, UpdateType } from "../protocol.gen";

/** What the hub told this page about its room. */
export interface Room {
  /** The others. */
  readonly users: readonly User[];
  /** Of the others, oldest first. */
  readonly streams: readonly Stream[];
  readonly slots: readonly SlotAssignment[];
}

export const EMPTY_ROOM: Room = { users: [], streams: [], slots: [] };

/** One place in the grid: a stream of somebody, or somebody who publishes nothing. */
export interface Tile {
  readonly key: string;
  readonly user: User;
  readonly stream: { id: string; microphone: DeviceState; camera: DeviceState } | null;
  /** Receive slots, null where nothing is received. */
  readonly audioMid: string | null;
  readonly videoMid: string | null;
}

export function roomOf(snapshot: RoomSnapshot): Room {
  return { users: snapshot.users, streams: snapshot.streams, slots: snapshot.slots };
}

/** The room after a message; messages that do not change it leave it as it is. */
export function nextRoom(room: Room, message: ControlMessage): Room {
  switch (message.type) {
    case "room_snapshot":
      return roomOf(message);
    case "room_user_update":
      return { ...room, users: updated(room.users, message.users, message.update_type, userId) };
    case "room_stream_update":
      return {
        ...room,
        streams: updated(room.streams, message.streams, message.update_type, streamId),
      };
    case "stream_state_changed": {
      const { stream } = message;
      return {
        ...room,
        streams: room.streams.map((s) => (s.stream_id === stream.stream_id ? stream : s)),
      };
    }
    case "slots_changed":
      return { ...room, slots: message.slots };
    default:
      return room;
  }
}

/** The others' tiles: streams in order of arrival, then people without one, at most `PLAY_LIMIT`. */
export function tilesOf(room: Room): Tile[] {
  const slots = new Map(room.slots.map((slot) => [slot.stream_id, slot]));
  const publishing = new Set(room.streams.map((stream) => stream.user.user_id));
  const ofStreams = room.streams.map((stream): Tile => {
    const slot = slots.get(stream.stream_id);
    return {
      key: `stream ${stream.stream_id}`,
      user: stream.user,
      stream: { id: stream.stream_id, microphone: stream.microphone, camera: stream.camera },
      audioMid: slot?.audio_mid ?? null,
      videoMid: slot?.video_mid ?? null,
    };
  });
  // Whoever is played comes first: with more streams than slots, a picture must not fall off the grid. Then who is
  // played in place of another stands in that one's place, and everyone else stays where he was.
  const places = room.slots.map((slot) => slot.stream_id);
  if (ofStreams.length > PLAY_LIMIT) ofStreams.sort((a, b) => place(places, a) - place(places, b));
  else ofStreams.sort((a, b) => Number(hasSlot(b)) - Number(hasSlot(a)));
  const ofOthers = room.users
    .filter((user) => !publishing.has(user.user_id))
    .map(
      (user): Tile => ({
        key: `user ${user.user_id}`,
        user,
        stream: null,
        audioMid: null,
        videoMid: null,
      }),
    );
  return [...ofStreams, ...ofOthers].slice(0, PLAY_LIMIT);
}

/** How many people are in the room, this one included. */
export function peopleIn(room: Room): number {
  const others = [...room.users, ...room.streams.map((stream) => stream.user)];
  return 1 + new Set(others.map(userId)).size;
}

const userId = (user: User): string => user.user_id;
const streamId = (stream: Stream): string => stream.stream_id;
const place = (places: readonly string[], tile: Tile): number => {
  const found = places.indexOf(tile.stream?.id ?? "");
  return found === -1 ? places.length : found;
};
const hasSlot = (tile: Tile): boolean => tile.audioMid !== null || tile.videoMid !== null;

function updated<T>(
  old: readonly T[],
  changed: readonly T[],
  type: UpdateType,
  id: (item: T) => string,
): T[] {
  const ids = new Set(changed.map(id));
  if (type === UpdateType.DELETE) return old.filter((item) => !ids.has(id(item)));
  const known = new Set(old.map(id));
  const byId = new Map(changed.map((item) => [id(item), item]));
  return [
    ...old.map((item) => byId.get(id(item)) ?? item),
    ...changed.filter((item) => !known.has(id(item))),
  ];
}
