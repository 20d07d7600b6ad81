import { expect, test, vi } from "vitest";
import { FakePeerConnection, withoutMediaDevices } from "../fakes/browser";
import {
  answer,
  browser,
  giveEachTestAPage,
  inCall,
  joined,
  phase,
  pressed,
  settle,
  show,
} from "../fakes/call";
import { refuseOffer, SNAPSHOT } from "../fakes/hub";
import { FakeModel } from "../fakes/model";
import { ErrorCode, RemoteDeviceState } from "../protocol.gen";

giveEachTestAPage();

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
  refuseOffer(model, 1002034, message);
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
