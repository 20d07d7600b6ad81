import { expect, test } from "vitest";
import { type ControlMessage, ErrorCode, RoomStateChangedReason as Reason } from "../protocol.gen";
import { endingOf } from "./ending";

const changed = (reason: Reason, error_code: number): ControlMessage => ({
  type: "room_state_changed",
  room_id: "demo",
  reason,
  error_code,
  message: "why",
});
const goodbye = (code: number): ControlMessage => ({ type: "goodbye", code, message: "why" });

test.each<[ControlMessage, string | undefined]>([
  [goodbye(ErrorCode.SUCCESS), "left"],
  [changed(Reason.LOGOUT, ErrorCode.SUCCESS), "left"],
  [changed(Reason.RECONNECTING, ErrorCode.ROOM_CONNECT_TEMPORARY_BROKEN), "interrupted"],
  [changed(Reason.RECONNECTED, ErrorCode.SUCCESS), undefined],
  [goodbye(ErrorCode.ROOM_DISCONNECT), "session_lost"],
  [changed(Reason.KICK_OUT, ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT), "session_lost"],
  [changed(Reason.KICK_OUT, ErrorCode.ROOM_KICKED_OUT), "over"],
  [changed(Reason.KICK_OUT, ErrorCode.ROOM_MANUAL_KICKED_OUT), "over"],
  [goodbye(ErrorCode.HUB_STOPPING), "session_lost"],
  [goodbye(ErrorCode.ROOM_APP_CALL_TOO_FREQUENT), "over"],
])("after %j the call is %s", (message, kind) => {
  expect(endingOf(message)?.kind).toBe(kind);
});
