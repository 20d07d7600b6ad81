import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type FakeDevices,
  FakePeerConnection,
  fakeBrowser,
  withoutMediaDevices,
} from "../fakes/browser";
import { FakeModel } from "../fakes/model";
import {
  ErrorCode,
  RemoteDeviceState,
  RoomStateChangedReason,
  StreamQualityLevel,
} from "../protocol.gen";
import { PageCall } from "./call";
import { Kernel } from "./kernel";

let browser: FakeDevices;
let forgotten: boolean;
let page: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  browser = fakeBrowser();
  forgotten = false;
  page = new AbortController();
});

afterEach(() => {
  page.abort();
  vi.runOnlyPendingTimers();
  vi.useRealTimers();
});

/** A call with one model and one view on this page. */
function show(model: FakeModel): PageCall {
  const call = new PageCall(() => {
    forgotten = true;
  });
  call.attachKernel(new Kernel(model), page.signal);
  call.attachView({ kind: "call" }, page.signal);
  return call;
}

const settle = () => vi.advanceTimersByTimeAsync(0);
/** What the kernel heard, reports left out. */
const pressed = (model: FakeModel) =>
  model.types.filter((type) => !String(type).startsWith("page_"));
const phase = (call: PageCall) => call.current().phase.kind;

const SNAPSHOT = {
  type: "room_snapshot",
  room_id: "demo",
  user: { user_id: "alice", user_name: "Alice" },
  users: [{ user_id: "bob", user_name: "Bob" }],
  streams: [
    {
      stream_id: "bob-1",
      user: { user_id: "bob", user_name: "Bob" },
      extra_info: "",
      microphone: RemoteDeviceState.OPEN,
      camera: RemoteDeviceState.OPEN,
    },
  ],
  slots: [{ stream_id: "bob-1", audio_mid: "4", video_mid: "16" }],
  captures: true,
  stream_id: "alice-1",
};

async function answer(model: FakeModel, captures = true): Promise<void> {
  await settle();
  const offer = model.last("offer");
  model.kernelSays({
    type: "answer",
    request_id: offer.request_id,
    peer_id: offer.peer_id,
    sdp: "a=candidate:1 1 udp 1 127.0.0.1 4000 typ host\r\n",
    captures,
  });
  await settle();
}

async function joined(model: FakeModel, captures = true): Promise<void> {
  await answer(model, captures);
  FakePeerConnection.last.openControl();
  FakePeerConnection.last.hubSays({ ...SNAPSHOT, captures });
  await settle();
}

async function inCall(model = new FakeModel()): Promise<{ call: PageCall; model: FakeModel }> {
  const call = show(model);
  call.pressStart();
  model.kernelSets({ state: "connecting" });
  await joined(model);
  model.kernelSets({ state: "in_call" });
  expect(phase(call)).toBe("in_call");
  return { call, model };
}

// -- before the call ------------------------------------------------------------------------------------------

test("saved output of a running call opens nothing and offers nothing", async () => {
  const model = new FakeModel({ state: "in_call" }, false);
  const call = show(model);
  call.pressStart();
  model.kernelSets({ camera_enabled: false });
  model.kernelSets({ state: "connecting" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(phase(call)).toBe("stale");
  expect(model.types).toEqual(["view_hello"]);
  expect(browser.requests).toEqual([]);
  expect(FakePeerConnection.made).toEqual([]);
});

test("another page's Ready does not count", () => {
  const model = new FakeModel({ state: "in_call" }, false);
  const call = show(model);
  model.kernelSays({ type: "ready", page_id: "somebody else", protocol: 1, version: "1" });
  expect(phase(call)).toBe("stale");
});

test("a kernel of another version is told apart in words", () => {
  const model = new FakeModel({ state: "in_call" }, false);
  const call = show(model);
  model.kernelSays({
    type: "refused",
    request_id: null,
    code: ErrorCode.PROTOCOL_VERSION_MISMATCH,
    message: "",
  });
  expect(call.current()).toMatchObject({ phase: { kind: "disconnected" }, live: false });
  expect(FakePeerConnection.made).toEqual([]);
});

test("nothing opens before Start call is pressed", async () => {
  const model = new FakeModel();
  const call = show(model);
  await settle();
  expect(phase(call)).toBe("idle");
  expect(browser.requests).toEqual([]);
  expect(FakePeerConnection.made).toEqual([]);
});

// -- joining --------------------------------------------------------------------------------------------------

test("Start call presses, offers and asks for the devices at once", async () => {
  const model = new FakeModel();
  const call = show(model);
  const say = browser.hold();
  call.pressStart();
  await settle();
  expect(phase(call)).toBe("connecting");
  expect(pressed(model)).toEqual(["view_hello", "press_start", "offer"]);
  expect(browser.requests).toHaveLength(1);
  expect(model.last("offer")).toMatchObject({
    sdp: "offer",
    capture: "take",
    send_slots: { microphone: "0", camera: "1", screen: "2", screen_audio: "3" },
    microphone: RemoteDeviceState.OPEN,
    camera: RemoteDeviceState.OPEN,
  });

  await joined(model);
  expect(phase(call)).toBe("in_call");
  expect(FakePeerConnection.last.sending("camera")).toBeNull();
  say();
  await settle();
  expect(FakePeerConnection.last.sending("camera")?.kind).toBe("video");
  expect(FakePeerConnection.last.sending("microphone")?.kind).toBe("audio");
});

test("the one offer has four send slots and twelve pairs to receive", async () => {
  await inCall();
  const kinds = FakePeerConnection.last.transceivers.map(
    (t) => `${t.receiver.track.kind} ${t.direction}`,
  );
  expect(kinds.slice(0, 4)).toEqual([
    "audio sendonly",
    "video sendonly",
    "video sendonly",
    "audio sendonly",
  ]);
  expect(kinds.slice(4)).toEqual([
    ...Array<string>(12).fill("audio recvonly"),
    ...Array<string>(12).fill("video recvonly"),
  ]);
});

test("a stream is shown with the tracks of its slots", async () => {
  const { call } = await inCall();
  const [tile] = call.current().tiles;
  const tracks = FakePeerConnection.last.transceivers.map((t) => t.receiver.track);
  expect(tile?.stream?.id).toBe("bob-1");
  expect(tile?.media?.getTracks()).toEqual([tracks[4], tracks[16]]);

  // What does not change keeps its stream object, or the picture would blink.
  FakePeerConnection.last.hubSays({ type: "slots_changed", slots: SNAPSHOT.slots });
  expect(call.current().tiles[0]?.media).toBe(tile?.media);
});

test("answers to other pages are ignored", async () => {
  const model = new FakeModel();
  show(model).pressStart();
  await settle();
  const requestId = Number(model.last("offer").request_id);
  model.kernelSays({
    type: "answer",
    request_id: requestId + 1,
    peer_id: "x",
    sdp: "",
    captures: true,
  });
  model.kernelSays({ type: "refused", request_id: requestId - 1, code: 1, message: "no" });
  await settle();
  expect(FakePeerConnection.last.remoteDescription).toBeNull();
});

test("a call that Python started joins, and opens the camera only when this page is to capture", async () => {
  const model = new FakeModel();
  const call = show(model);
  model.kernelSets({ state: "connecting" });
  await joined(model, false);
  expect(model.last("offer").capture).toBe("offer");
  expect(model.types).not.toContain("press_start");
  expect(phase(call)).toBe("in_call");
  expect(browser.requests).toEqual([]);

  FakePeerConnection.last.hubSays({ type: "capture_changed", captures: true });
  await settle();
  expect(browser.open).toHaveLength(2);
  FakePeerConnection.last.hubSays({ type: "capture_changed", captures: false });
  expect(browser.open).toEqual([]);
});

test("a reloaded page joins the running call after the kernel answered", async () => {
  const model = new FakeModel({ state: "in_call" });
  const call = show(model);
  await joined(model);
  expect(phase(call)).toBe("in_call");
  expect(FakePeerConnection.made).toHaveLength(1);
});

test("a busy kernel is named after two seconds, and waited for", async () => {
  const model = new FakeModel();
  const call = show(model);
  call.pressStart();
  await vi.advanceTimersByTimeAsync(1_900);
  expect(call.current().waitingForKernel).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(call.current().waitingForKernel).toBe(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(phase(call)).toBe("connecting");
  await joined(model);
  expect(call.current()).toMatchObject({ phase: { kind: "in_call" }, waitingForKernel: false });
});

test("a kernel that heard of the start is not called busy while its hub starts", async () => {
  const model = new FakeModel();
  const call = show(model);
  call.pressStart();
  await settle();
  model.kernelSets({ state: "connecting" });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(call.current()).toMatchObject({ phase: { kind: "connecting" }, waitingForKernel: false });
});

test("Start call that is lost on its way is said again once the kernel is heard", async () => {
  const model = new FakeModel();
  const call = show(model);
  model.busy(); // it hears nothing of this page for a while, as after a machine slept
  call.pressStart();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(phase(call)).toBe("connecting");
  expect(pressed(model).filter((type) => type === "offer")).toHaveLength(1);
  model.answerHello(model.sent.find(({ type }) => type === "view_hello"));
  await vi.advanceTimersByTimeAsync(5_100);
  expect(pressed(model).slice(-3)).toEqual(["close_peer", "press_start", "offer"]);
  model.kernelSets({ state: "connecting" });
  await joined(model);
  expect(phase(call)).toBe("in_call");
  expect(browser.requests).toHaveLength(1);
});

test.each<[string, Record<string, unknown>, boolean]>([
  ["whose start the kernel heard", {}, true],
  ["that was on when the page came", { state: "in_call" }, false],
])("a call %s waits for the hub with one offer", async (_, traits, start) => {
  const model = new FakeModel(traits);
  const call = show(model);
  if (start) call.pressStart();
  await settle();
  if (start) model.kernelSets({ state: "connecting" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(phase(call)).toBe("connecting");
  expect(pressed(model).filter((type) => type === "offer")).toHaveLength(1);
});

test("a browser that makes no connection says so, and no camera stays open", async () => {
  const model = new FakeModel();
  const call = show(model);
  vi.stubGlobal("RTCPeerConnection", function refuse() {
    throw new DOMException("too many connections", "UnknownError");
  });
  call.pressStart();
  await settle();
  expect(call.current().phase).toMatchObject({
    kind: "refused",
    reason: expect.stringContaining("too many connections"),
  });
  expect(browser.open).toEqual([]);
});

test("without a media connection in 15 s the call is refused with what was tried", async () => {
  const model = new FakeModel();
  const call = show(model);
  call.pressStart();
  await answer(model);
  model.kernelSets({ state: "connecting" });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(call.current().phase).toMatchObject({
    kind: "refused",
    reason: expect.stringContaining("within 15 s (tried UDP 127.0.0.1:4000)"),
  });
  expect(model.last("close_peer").peer_id).toBe(model.last("offer").peer_id);
  expect(browser.open).toEqual([]);
  expect(FakePeerConnection.last.connectionState).toBe("closed");

  // The kernel gives up later, and knows less.
  model.kernelSets({ error: "It did not connect.", error_code: 1900021, state: "refused" });
  expect(call.current().phase).toMatchObject({ reason: expect.stringContaining("127.0.0.1:4000") });
});

test("a connection that fails before it was there says what was tried, too", async () => {
  const model = new FakeModel();
  const call = show(model);
  call.pressStart();
  await answer(model);
  FakePeerConnection.last.become("failed");
  expect(call.current().phase).toMatchObject({
    kind: "refused",
    reason: expect.stringMatching(/to the hub \(tried UDP 127\.0\.0\.1:4000\)/),
  });
});

test("a refused login says why and releases the camera", async () => {
  const model = new FakeModel();
  const call = show(model);
  call.pressStart();
  await settle();
  const message = "The room is full.";
  model.kernelSays({
    type: "refused",
    request_id: model.last("offer").request_id,
    code: 1002034,
    message,
  });
  expect(call.current().phase).toEqual({ kind: "refused", code: 1002034, reason: message });
  expect(browser.open).toEqual([]);

  // Pressed again, the state of the last time is not taken for an answer.
  model.kernelSets({ error: message, error_code: 1002034, state: "refused" });
  call.pressStart();
  model.kernelSets({ error: null, error_code: null });
  expect(phase(call)).toBe("connecting");
});

test("a refused camera makes a viewer", async () => {
  browser.refuse = () => "NotAllowedError";
  const { call } = await inCall();
  expect(phase(call)).toBe("in_call");
  expect(FakePeerConnection.last.said.at(-1)).toEqual({
    type: "set_device_state",
    microphone: RemoteDeviceState.NO_AUTHORIZATION,
    camera: RemoteDeviceState.NO_AUTHORIZATION,
  });
});

test("a page that is not secure joins as a viewer", async () => {
  withoutMediaDevices();
  const { call, model } = await inCall();
  expect(call.current().canCapture).toBe(false);
  expect(model.last("offer")).toMatchObject({
    capture: "never",
    camera: RemoteDeviceState.NO_AUTHORIZATION,
  });
});

// -- devices during the call ----------------------------------------------------------------------------------

test("muting is immediate, told to the hub and to Python", async () => {
  const { call, model } = await inCall();
  call.toggleMicrophone();
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(false);
  expect(FakePeerConnection.last.said.at(-1)).toMatchObject({ microphone: RemoteDeviceState.MUTE });
  expect(model.last("press_switches")).toMatchObject({
    microphone_muted: true,
    camera_enabled: null,
  });
});

test("camera off stops the camera, camera on opens it again", async () => {
  const { call } = await inCall();
  call.toggleCamera();
  expect(browser.open.map((track) => track.kind)).toEqual(["audio"]);
  expect(FakePeerConnection.last.sending("camera")).toBeNull();
  expect(FakePeerConnection.last.said.at(-1)).toMatchObject({ camera: RemoteDeviceState.DISABLE });
  call.toggleCamera();
  await settle();
  expect(FakePeerConnection.last.sending("camera")?.readyState).toBe("live");
  expect(FakePeerConnection.last.said.at(-1)).toMatchObject({ camera: RemoteDeviceState.OPEN });
});

test("what Python sets acts as the buttons do", async () => {
  const { model } = await inCall();
  model.kernelSets({ microphone_muted: true, camera_enabled: false });
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(false);
  expect(browser.open.map((track) => track.kind)).toEqual(["audio"]);
});

test("a second model of the widget, which knows nothing of it yet, does not undo muting", async () => {
  const { call } = await inCall();
  const twin = new FakeModel({ state: "in_call" });
  call.attachKernel(new Kernel(twin), page.signal);
  call.toggleMicrophone();
  twin.kernelSets({ error: "of the hub" });
  expect(call.current().microphoneMuted).toBe(true);
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(false);
  twin.kernelSets({ microphone_muted: true });
  twin.kernelSets({ microphone_muted: false });
  expect(call.current().microphoneMuted).toBe(false);
});

test("what was pressed stays, whatever a kernel says that has not heard of it", async () => {
  const { call, model } = await inCall();
  model.busy();
  call.toggleMicrophone();
  call.toggleCamera();
  // JupyterLab connects anew, and asks the kernel how the widget is.
  model.kernelSets({ microphone_muted: false, camera_enabled: true });
  await settle();
  expect(call.current()).toMatchObject({ microphoneMuted: true, cameraEnabled: false });
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(false);
  expect(browser.open.map((track) => track.kind)).toEqual(["audio"]);

  // The kernel is told again, and once it has heard it may say otherwise.
  expect(model.last("press_switches")).toMatchObject({
    microphone_muted: true,
    camera_enabled: false,
  });
  model.answerHello();
  model.kernelSets({ microphone_muted: false });
  expect(call.current().microphoneMuted).toBe(false);
});

test("who mutes while there is no kernel stays muted when it is back", async () => {
  const { call, model } = await inCall();
  model.kernelDies();
  call.toggleMicrophone();
  expect(call.current()).toMatchObject({ live: false, microphoneMuted: true });
  model.answerHello(model.sent.find(({ type }) => type === "view_hello"));
  expect(call.current()).toMatchObject({ live: true, microphoneMuted: true });
  expect(model.last("press_switches")).toMatchObject({ microphone_muted: true });
});

test("two presses in a row end with the second, although the kernel tells of the first", async () => {
  const { call, model } = await inCall();
  model.busy();
  call.toggleMicrophone();
  call.toggleMicrophone();
  model.kernelSets({ microphone_muted: true });
  expect(call.current().microphoneMuted).toBe(false);
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(true);
});

// -- leaving --------------------------------------------------------------------------------------------------

test("Stop call tells the hub, even while the kernel is busy, and releases everything at once", async () => {
  const { call, model } = await inCall();
  model.busy();
  call.pressStop();
  expect(phase(call)).toBe("idle");
  expect(browser.open).toEqual([]);
  expect(FakePeerConnection.last.said.at(-1)).toEqual({ type: "leave_call" });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(FakePeerConnection.last.connectionState).toBe("closed");
  expect(model.types).not.toContain("press_stop");

  // The kernel's late news do not start it again; its next call does.
  model.kernelSets({ state: "reconnecting" });
  await settle();
  expect(phase(call)).toBe("idle");
  model.kernelSets({ state: "idle" });
  model.kernelSets({ state: "connecting" });
  expect(phase(call)).toBe("connecting");
});

test("Start call right after Stop call begins a new call, although the kernel has not heard of the end", async () => {
  const { call, model } = await inCall();
  call.pressStop();
  call.pressStart();
  await settle();
  // Else the kernel takes the new start for one of the call that is ending.
  expect(pressed(model).slice(-3)).toEqual(["press_stop", "press_start", "offer"]);

  // What the kernel says until it has heard is of the old call.
  model.kernelSets({ state: "reconnecting" });
  model.kernelSets({ state: "idle" });
  expect(phase(call)).toBe("connecting");
  model.kernelSets({ state: "connecting" });
  await joined(model);
  expect(phase(call)).toBe("in_call");
  expect(model.last("offer").capture).toBe("take");
  expect(FakePeerConnection.made).toHaveLength(2);

  // A start that was heard leaves nothing behind: Python's stop() is followed.
  model.kernelSets({ state: "in_call" });
  model.kernelSets({ state: "idle" });
  expect(phase(call)).toBe("idle");
});

test("Stop call while the kernel has not answered goes to the kernel, which does not call back", async () => {
  const model = new FakeModel();
  const call = show(model);
  model.busy();
  call.pressStart();
  await settle();
  call.pressStop();
  expect(pressed(model).slice(-2)).toEqual(["press_stop", "view_hello"]);
  model.kernelSets({ state: "connecting" });
  model.answerHello();
  await settle();
  expect(phase(call)).toBe("idle");
  expect(browser.open).toEqual([]);
  model.kernelSets({ state: "idle" });
  expect(FakePeerConnection.made).toHaveLength(1);
});

test("Stop call on a connection that has fallen silent goes to the kernel as well", async () => {
  const { call, model } = await inCall();
  FakePeerConnection.last.control.answers = false;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(phase(call)).toBe("in_call");
  call.pressStop();
  expect(FakePeerConnection.last.said.at(-1)).toEqual({ type: "leave_call" });
  expect(pressed(model).slice(-2)).toEqual(["press_stop", "view_hello"]);
});

test("Python's stop() ends the call here", async () => {
  const { call } = await inCall();
  FakePeerConnection.last.hubSays({
    type: "room_state_changed",
    room_id: "demo",
    reason: RoomStateChangedReason.LOGOUT,
    error_code: 0,
    message: "",
  });
  expect(phase(call)).toBe("idle");
  expect(browser.open).toEqual([]);
});

test.each(["before", "after"])(
  "a kernel that shuts down %s the hub says so has ended the call",
  async (when) => {
    const { call, model } = await inCall();
    if (when === "before") model.kernelDies();
    FakePeerConnection.last.hubSays({
      type: "room_state_changed",
      room_id: "demo",
      reason: RoomStateChangedReason.LOGOUT,
      error_code: 0,
      message: "",
    });
    if (when === "after") model.kernelDies();
    expect(call.current()).toMatchObject({ phase: { kind: "disconnected" }, live: false });
    expect(browser.open).toEqual([]);
  },
);

test("being kicked out says why, and is not undone by the kernel's old state", async () => {
  const { call, model } = await inCall();
  const reason = "Alice logged in elsewhere.";
  FakePeerConnection.last.hubSays({
    type: "room_state_changed",
    room_id: "demo",
    reason: RoomStateChangedReason.KICK_OUT,
    error_code: ErrorCode.ROOM_KICKED_OUT,
    message: reason,
  });
  expect(call.current().phase).toEqual({ kind: "disconnected", code: 1002050, reason });
  expect(browser.open).toEqual([]);
  model.kernelSets({ state: "reconnecting" });
  await settle();
  expect(phase(call)).toBe("disconnected");
  expect(FakePeerConnection.made).toHaveLength(1);
});

test("when the page goes the hub hears it from the page", async () => {
  const { call } = await inCall();
  dispatchEvent(new Event("pagehide"));
  expect(FakePeerConnection.last.said.at(-1)).toEqual({ type: "leave_page" });
  expect(phase(call)).toBe("idle");
  expect(browser.open).toEqual([]);
});

test("a view that goes while its offer is under way takes the offer back", async () => {
  const model = new FakeModel();
  const call = new PageCall(() => {});
  const view = new AbortController();
  call.attachKernel(new Kernel(model), page.signal);
  call.attachView({ kind: "call" }, view.signal);
  call.pressStart();
  await settle();
  view.abort();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(phase(call)).toBe("idle");
  expect(model.last("close_peer").peer_id).toBe(model.last("offer").peer_id);
  await answer(model);
  expect(FakePeerConnection.made.map((each) => each.connectionState)).toEqual(["closed"]);
  expect(browser.open).toEqual([]);
});

// -- repair ---------------------------------------------------------------------------------------------------

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
    const requestId = model.last("offer").request_id;
    model.kernelSays({ type: "refused", request_id: requestId, code: 1900020, message: "no" });
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
  model.kernelSays({
    type: "refused",
    request_id: model.last("offer").request_id,
    code: ErrorCode.COMMON_NOT_LOGIN_ROOM,
    message: "The session has ended.",
  });
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
    const requestId = model.last("offer").request_id;
    model.kernelSays({ type: "refused", request_id: requestId, code: 1900020, message: "no" });
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

// -- views ----------------------------------------------------------------------------------------------------

test("a second view is the same call", async () => {
  const { call } = await inCall();
  const second = new AbortController();
  call.attachView({ kind: "call" }, second.signal);
  expect(FakePeerConnection.made).toHaveLength(1);
  expect(browser.requests).toHaveLength(1);
  second.abort();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(phase(call)).toBe("in_call");
});

test("Start call reaches the call widget, whatever other views its engine has", async () => {
  const view = new FakeModel({ _kind: "video" });
  const widget = new FakeModel();
  const call = show(view);
  call.attachKernel(new Kernel(widget), page.signal);
  call.pressStart();
  await settle();
  expect(pressed(view)).not.toContain("press_start");
  expect(pressed(widget)).toContain("press_start");
});

test("a view that is rendered anew within a second keeps the call, else camera and peer are released", async () => {
  const model = new FakeModel();
  const call = new PageCall(() => {});
  call.attachKernel(new Kernel(model), page.signal);
  const [first, second] = [new AbortController(), new AbortController()];
  call.attachView({ kind: "call" }, first.signal);
  call.pressStart();
  await joined(model);
  first.abort();
  await vi.advanceTimersByTimeAsync(900);
  call.attachView({ kind: "call" }, second.signal);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(phase(call)).toBe("in_call");
  second.abort();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(phase(call)).toBe("idle");
  expect(FakePeerConnection.last.said.at(-1)).toEqual({ type: "leave_page" });
  expect(browser.open).toEqual([]);
});

test("a call nobody holds lets go of its model and is forgotten", async () => {
  const { model } = await inCall();
  page.abort();
  expect(forgotten).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(forgotten).toBe(true);
  expect(model.listenerCount).toBe(0);
  expect(browser.open).toEqual([]);
});
