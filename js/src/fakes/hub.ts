import { RemoteDeviceState, type RoomSnapshot, type Stream } from "../protocol.gen";
import { FakePeerConnection } from "./browser";
import type { FakeModel } from "./model";

export const BOB_STREAM: Stream = {
  stream_id: "bob-1",
  user: { user_id: "bob", user_name: "Bob" },
  extra_info: "",
  microphone: RemoteDeviceState.OPEN,
  camera: RemoteDeviceState.OPEN,
};

/** What the hub tells a page that joins; Bob is there. */
export const SNAPSHOT: RoomSnapshot = {
  type: "room_snapshot",
  room_id: "demo",
  user: { user_id: "alice", user_name: "Alice" },
  users: [BOB_STREAM.user],
  streams: [BOB_STREAM],
  slots: [{ stream_id: "bob-1", audio_mid: "4", video_mid: "16" }],
  captures: true,
  stream_id: "alice-1",
};

/** The hub answers the last offer. */
export function answerOffer(model: FakeModel, captures = true): void {
  const { request_id, peer_id } = model.last("offer");
  const sdp = "a=candidate:1 1 udp 1 127.0.0.1 4000 typ host\r\n";
  model.kernelSays({ type: "answer", request_id, peer_id, sdp, captures });
}

/** The hub refuses the last offer. */
export function refuseOffer(model: FakeModel, code: number, message: string): void {
  const { request_id } = model.last("offer");
  model.kernelSays({ type: "refused", request_id, code, message });
}

/** The page that was answered is connected, and told of the room; `changes` are to `SNAPSHOT`. */
export function letIn(changes: Partial<RoomSnapshot> = {}): void {
  FakePeerConnection.last.openControl();
  FakePeerConnection.last.hubSays({ ...SNAPSHOT, ...changes });
}
