import { type ControlMessage, ErrorCode, RoomStateChangedReason as Reason } from "../protocol.gen";

export const OTHER_VERSION =
  "This page and its kernel have different versions of the widget: reload the page.";

/** What a word of the hub's is to this page's call. */
export type Ending =
  /** Python's `stop()`, or Stop call in another tab; or a kernel on its way out, which says the same. */
  | { kind: "left" }
  /** The hub waits for the kernel, whose link broke. */
  | { kind: "interrupted" }
  /** It waited in vain, or the hub itself goes: a kernel that is still there logs in anew. */
  | { kind: "session_lost"; code: number; reason: string }
  | { kind: "over"; code: number; reason: string };

/** After these the session is in no room any more. */
const OVER = new Set<Reason>([Reason.KICK_OUT, Reason.LOGOUT, Reason.RECONNECT_FAILED]);
/** Ends of a session after which a kernel may come back, if not with this hub then with the next. */
const LOST = new Set<number>([
  ErrorCode.ROOM_DISCONNECT,
  ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT,
  ErrorCode.HUB_STOPPING,
]);

/** Null for what ends nothing. */
export function endingOf(message: ControlMessage): Ending | null {
  if (message.type === "goodbye") return ending(message.code, message.message);
  if (message.type !== "room_state_changed") return null;
  if (message.reason === Reason.RECONNECTING) return { kind: "interrupted" };
  return OVER.has(message.reason) ? ending(message.error_code, message.message) : null;
}

function ending(code: number, reason: string): Ending {
  if (code === ErrorCode.SUCCESS) return { kind: "left" };
  return { kind: LOST.has(code) ? "session_lost" : "over", code, reason };
}
