import { expect, test, vi } from "vitest";
import { FakePeerConnection } from "../fakes/browser";
import {
  browser,
  giveEachTestAPage,
  inCall,
  joined,
  phase,
  pressed,
  settle,
  show,
} from "../fakes/call";
import { refuseOffer } from "../fakes/hub";
import { FakeModel } from "../fakes/model";
import { ErrorCode, RoomStateChangedReason, StreamQualityLevel } from "../protocol.gen";

giveEachTestAPage();

test("a failed connection is mended by a fresh offer that keeps the camera", async () => {
  const { call, model } = await inCall();
  const [camera] = browser.open;
  const first = model.last("offer");
  FakePeerConnection.last.become("failed");
  expect(phase(call)).toBe("reconnecting");
  expect(call.current().tiles[0]).toMatchObject({ stream: { id: "bob-1" }, media: null });
  await joined(model);
  expect(phase(call)).toBe("in_call");
  expect(model.last("offer").peer_id).not.toBe(first.peer_id);
  expect(model.last("offer").capture).toBe("take");
  expect(browser.open[0]).toBe(camera);
  expect(browser.requests).toHaveLength(1);
});

test("silence of three seconds is mended by a fresh offer", async () => {
  const { call, model } = await inCall();
  FakePeerConnection.last.control.answers = false;
  await vi.advanceTimersByTimeAsync(2_400);
  expect(phase(call)).toBe("in_call");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(phase(call)).toBe("reconnecting");
  await joined(model);
  expect(phase(call)).toBe("in_call");
});

test.each<[string, () => void]>([
  ["the browser is online again", () => dispatchEvent(new Event("online"))],
  ["the page is shown again", () => dispatchEvent(new Event("pageshow"))],
  ["the browser thaws the page", () => document.dispatchEvent(new Event("resume"))],
  ["ICE finds no way", () => FakePeerConnection.last.become("disconnected")],
])("after %s a connection has a second to answer", async (_, happens) => {
  const { call } = await inCall();
  happens();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(phase(call)).toBe("in_call");
  FakePeerConnection.last.control.answers = false;
  happens();
  await vi.advanceTimersByTimeAsync(1_500);
  expect(phase(call)).toBe("reconnecting");
});

test("a control channel that closes without goodbye is mended; after a goodbye it is over", async () => {
  const { call, model } = await inCall();
  FakePeerConnection.last.control.dispatchEvent(new Event("close"));
  expect(phase(call)).toBe("reconnecting");
  await joined(model);
  FakePeerConnection.last.hubSays({
    type: "goodbye",
    code: ErrorCode.ROOM_APP_CALL_TOO_FREQUENT,
    message: "The page said more than the hub takes.",
  });
  FakePeerConnection.last.control.dispatchEvent(new Event("close"));
  expect(phase(call)).toBe("disconnected");
});

test("after the goodbye of a hub that stops the kernel says whether it goes on with another", async () => {
  const { call, model } = await inCall();
  FakePeerConnection.last.hubSays({
    type: "goodbye",
    code: ErrorCode.HUB_STOPPING,
    message: "The hub stops.",
  });
  expect(phase(call)).toBe("reconnecting");
  model.kernelSets({ error: "The hub stops.", error_code: 1900013, state: "disconnected" });
  expect(call.current().phase).toMatchObject({ kind: "disconnected", reason: "The hub stops." });
  expect(browser.open).toEqual([]);
});

test("a page that slept until the kernel had given it up starts its call again, once", async () => {
  const { call, model } = await inCall();
  model.kernelSets({ state: "in_call" });
  model.kernelSets({ error_code: ErrorCode.MEDIA_PAGE_SILENT, error: "silent" });
  model.kernelSets({ state: "disconnected" });
  expect(phase(call)).toBe("connecting");
  model.kernelSets({ state: "connecting" });
  await joined(model);
  expect(phase(call)).toBe("in_call");
  expect(pressed(model).filter((type) => type === "press_start")).toHaveLength(2);
  expect(FakePeerConnection.made.filter((c) => c.connectionState !== "closed")).toHaveLength(1);
});

test("a page that comes to a call that ended for silence opens nothing", async () => {
  const model = new FakeModel({
    state: "disconnected",
    error_code: ErrorCode.MEDIA_PAGE_SILENT,
    error: "silent",
  });
  const call = show(model);
  await settle();
  expect(phase(call)).toBe("disconnected");
  expect(FakePeerConnection.made).toEqual([]);
  expect(browser.requests).toEqual([]);
});

test("a kernel that has lost the hub makes the page look whether it still hears it", async () => {
  const { call, model } = await inCall();
  model.kernelSets({ state: "reconnecting" });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(phase(call)).toBe("in_call");
  model.kernelSets({ state: "in_call" });
  FakePeerConnection.last.control.answers = false;
  model.kernelSets({ state: "reconnecting" });
  await vi.advanceTimersByTimeAsync(1_500);
  expect(phase(call)).toBe("reconnecting");
});

test("refused repairs are tried again, later each time", async () => {
  const { model } = await inCall();
  FakePeerConnection.last.become("failed");
  const refuse = async () => {
    await settle();
    refuseOffer(model, 1900020, "no");
    await settle();
  };
  await refuse();
  expect(FakePeerConnection.made).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(299);
  expect(FakePeerConnection.made).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(FakePeerConnection.made).toHaveLength(3);
  await refuse();
  await vi.advanceTimersByTimeAsync(1_200);
  expect(FakePeerConnection.made).toHaveLength(4);
  expect(FakePeerConnection.made.filter((c) => c.connectionState !== "closed")).toHaveLength(1);
});

test("a repair whose session is gone ends the call", async () => {
  const { call, model } = await inCall();
  FakePeerConnection.last.become("failed");
  await settle();
  refuseOffer(model, ErrorCode.COMMON_NOT_LOGIN_ROOM, "The session has ended.");
  expect(call.current().phase).toMatchObject({
    kind: "disconnected",
    reason: "The session has ended.",
  });
  expect(browser.open).toEqual([]);
});

test("without its kernel a call goes on; its connection lost too, it is over", async () => {
  const { call, model } = await inCall();
  model.kernelDies();
  expect(call.current()).toMatchObject({ phase: { kind: "in_call" }, live: false });
  FakePeerConnection.last.become("failed");
  expect(phase(call)).toBe("disconnected");
  expect(browser.open).toEqual([]);
});

test("an offer that is lost on its way is made again once the kernel is heard", async () => {
  const { call, model } = await inCall();
  model.busy(); // it hears nothing of this page for a while, as after a machine slept
  FakePeerConnection.last.become("failed");
  await vi.advanceTimersByTimeAsync(30_000);
  const lost = model.last("offer").peer_id;
  expect(FakePeerConnection.made).toHaveLength(2);
  model.answerHello(model.sent.find(({ type }) => type === "view_hello"));
  await vi.advanceTimersByTimeAsync(5_100);
  expect(model.last("close_peer").peer_id).toBe(lost);
  expect(FakePeerConnection.made).toHaveLength(3);
  await joined(model);
  expect(phase(call)).toBe("in_call");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakePeerConnection.made).toHaveLength(3);
});

test("an offer that a kernel hears, but that waits for the hub, is not made again over and over", async () => {
  const { call, model } = await inCall();
  FakePeerConnection.last.become("failed");
  await vi.advanceTimersByTimeAsync(19 * 60_000);
  expect(phase(call)).toBe("reconnecting");
  expect(model.types.filter((type) => type === "offer").length).toBeLessThan(12);
});

test("what a kernel does not answer for twenty minutes is given up", async () => {
  const { call, model } = await inCall();
  model.busy();
  FakePeerConnection.last.become("failed");
  await vi.advanceTimersByTimeAsync(19 * 60_000);
  expect(phase(call)).toBe("reconnecting");
  await vi.advanceTimersByTimeAsync(2 * 60_000);
  expect(call.current().phase).toMatchObject({
    kind: "disconnected",
    code: ErrorCode.ROOM_RETRY_TIMEOUT,
  });
  expect(browser.open).toEqual([]);
});

test("a connection that breaks again and again as soon as it is there is mended later each time", async () => {
  const { call, model } = await inCall();
  const end = Date.now() + 30_000;
  for (let look = 0; look < 400 && Date.now() < end; look++) {
    if (phase(call) === "in_call") FakePeerConnection.last.become("failed");
    await settle();
    if (FakePeerConnection.last.connectionState === "closed")
      await vi.advanceTimersByTimeAsync(100);
    else await joined(model);
  }
  expect(FakePeerConnection.made.length).toBeLessThanOrEqual(10);
});

const interrupted = {
  type: "room_state_changed",
  room_id: "demo",
  reason: RoomStateChangedReason.RECONNECTING,
  error_code: ErrorCode.ROOM_CONNECT_TEMPORARY_BROKEN,
  message: "The link broke.",
};

test("a kernel that neither the hub nor this page hears is gone, which is said at once", async () => {
  const { call, model } = await inCall();
  model.busy();
  FakePeerConnection.last.hubSays(interrupted);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(phase(call)).toBe("in_call");
  await vi.advanceTimersByTimeAsync(200);
  expect(call.current()).toMatchObject({
    phase: { kind: "disconnected", reason: "The kernel is gone." },
    live: false,
  });
  expect(FakePeerConnection.last.said.at(-1)).toEqual({ type: "leave_page" });
  expect(browser.open).toEqual([]);
});

test("a kernel whose link broke, but that answers this page, is waited for", async () => {
  const { call } = await inCall();
  FakePeerConnection.last.hubSays(interrupted);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(phase(call)).toBe("in_call");
});

test("a kernel whose link is back is there, however busy it is", async () => {
  const { call, model } = await inCall();
  model.busy();
  FakePeerConnection.last.hubSays(interrupted);
  await vi.advanceTimersByTimeAsync(1_000);
  const back = { reason: RoomStateChangedReason.RECONNECTED, error_code: 0, message: "" };
  FakePeerConnection.last.hubSays({ ...interrupted, ...back });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(call.current()).toMatchObject({ phase: { kind: "in_call" }, live: true });
  FakePeerConnection.last.become("failed");
  expect(phase(call)).toBe("reconnecting");
});

test("a session that the hub lost is mended through the kernel, which logs in anew", async () => {
  const { call, model } = await inCall();
  FakePeerConnection.last.hubSays({
    type: "goodbye",
    code: ErrorCode.ROOM_DISCONNECT,
    message: "The link broke.",
  });
  expect(phase(call)).toBe("reconnecting");
  model.kernelSets({ state: "reconnecting" });
  await joined(model);
  expect(phase(call)).toBe("in_call");
});

test("what can not be mended for twenty minutes is given up, and can be started again", async () => {
  const { call, model } = await inCall();
  FakePeerConnection.last.become("failed");
  for (let minutes = 0; minutes < 21; minutes++) {
    await vi.advanceTimersByTimeAsync(60_000);
    if (phase(call) !== "reconnecting") break;
    refuseOffer(model, 1900020, "no");
  }
  expect(call.current().phase).toMatchObject({
    kind: "disconnected",
    code: ErrorCode.ROOM_RETRY_TIMEOUT,
  });
  expect(browser.open).toEqual([]);
  call.pressStart();
  expect(phase(call)).toBe("connecting");
});

test("tiles are marked while nothing comes: of one person, or of the call", async () => {
  const { call } = await inCall();
  const mending = () => call.current().tiles[0]?.mending;
  const way = (level: StreamQualityLevel) => ({ level, rtt: 10, loss: 0 });
  const tell = (level: StreamQualityLevel) =>
    FakePeerConnection.last.hubSays({
      type: "network_quality",
      upstream: way(StreamQualityLevel.EXCELLENT),
      downstream: way(StreamQualityLevel.EXCELLENT),
      users: [{ user_id: "bob", upstream: way(level) }],
    });
  expect(mending()).toBe(false);
  tell(StreamQualityLevel.DIE);
  expect(mending()).toBe(true);
  tell(StreamQualityLevel.GOOD);
  expect(mending()).toBe(false);
  FakePeerConnection.last.control.answers = false;
  await vi.advanceTimersByTimeAsync(2_000);
  expect([phase(call), mending()]).toEqual(["in_call", true]);
  FakePeerConnection.last.control.answers = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect([phase(call), mending()]).toEqual(["in_call", false]);
  FakePeerConnection.last.become("failed");
  expect([phase(call), mending()]).toEqual(["reconnecting", true]);
});
