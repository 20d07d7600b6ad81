import { expect, test, vi } from "vitest";
import { FakePeerConnection } from "./fakes/browser";
import {
  browser,
  button,
  cleanUps,
  firstFrame,
  giveEachTestADocument,
  newEngine,
  root,
  show as showWidget,
  state,
} from "./fakes/cell";
import { answerOffer, BOB_STREAM, letIn, refuseOffer } from "./fakes/hub";
import type { FakeModel } from "./fakes/model";
import { ErrorCode, RemoteDeviceState } from "./protocol.gen";

giveEachTestADocument();

const VIEW = { _kind: "video", _channel: null, stream_id: null, view_mode: 0, _media: {} };

/** A VideoView on the page; on a canvas of an engine when there is one. */
const show = (traits: Record<string, unknown> = {}) =>
  showWidget({ ...VIEW, _call_id: "", ...traits });

const shows = (el: HTMLElement) => root(el)?.dataset.zwView;

async function joinWith(model: FakeModel): Promise<void> {
  model.kernelSets({ state: "connecting" });
  await vi.waitFor(() => expect(model.types).toContain("offer"));
  answerOffer(model);
  letIn({ stream_id: null });
}

test("a view on no canvas says so, and opens and offers nothing", async () => {
  const { model, el } = show();
  expect(shows(el)).toBe("empty");
  expect(el.textContent).toContain("Not on a canvas yet");
  model.kernelSets({ state: "connecting" });
  expect(model.types).toEqual([]);
  expect(browser.requests).toEqual([]);
});

test("a preview shows the own camera under the own name", async () => {
  const { model, el } = show();
  model.kernelSets({ _channel: 0, _media: { main: { preview: true } }, _call_id: newEngine() });
  await vi.waitFor(() => expect(shows(el)).toBe("local"));
  await vi.waitFor(() =>
    expect(el.querySelector<HTMLVideoElement>("video[data-local]")?.srcObject).not.toBeNull(),
  );
  const video = el.querySelector<HTMLVideoElement>("video[data-local]");
  expect(video?.muted).toBe(true);
  expect(video?.hidden).toBe(true);
  firstFrame(video);
  await vi.waitFor(() => expect(video?.hidden).toBe(false));
  expect(el.textContent).toContain("Alice");
});

test("a preview without permission says so", async () => {
  browser.refuse = () => "NotAllowedError";
  const { el } = show({ _call_id: newEngine(), _channel: 0, _media: { main: { preview: true } } });
  await vi.waitFor(() => expect(el.textContent).toContain("no permission to use the camera"));
});

test("a stream is shown with its user's name, and never as a frozen face", async () => {
  const { model, el } = show({ _call_id: newEngine(), stream_id: "bob-1" });
  expect(shows(el)).toBe("stream");
  expect(el.textContent).toContain("Not playing");
  await joinWith(model);
  await vi.waitFor(() => expect(el.textContent).toContain("Waiting for Bob"));
  const video = el.querySelector<HTMLVideoElement>('video[data-stream-id="bob-1"]');
  firstFrame(video);
  await vi.waitFor(() => expect(video?.hidden).toBe(false));
  expect(state(el)).toBe("in_call");
  expect(el.textContent).not.toContain("Waiting");

  const closed = { ...BOB_STREAM, camera: RemoteDeviceState.DISABLE };
  FakePeerConnection.last.hubSays({
    type: "stream_state_changed",
    room_id: "demo",
    stream: closed,
  });
  await vi.waitFor(() => expect(el.textContent).toContain("Camera off"));
  expect(video?.hidden).toBe(true);
});

test("a stream whose picture the engine does not want shows none", async () => {
  const { model, el } = show({ _call_id: newEngine(), stream_id: "bob-1" });
  await joinWith(model);
  const video = el.querySelector<HTMLVideoElement>("video[data-stream-id]");
  await vi.waitFor(() => expect(video?.srcObject).not.toBeNull());
  firstFrame(video);
  await vi.waitFor(() => expect(video?.hidden).toBe(false));
  model.kernelSets({ _media: { played: [{ stream_id: "bob-1", video_muted: true }] } });
  await vi.waitFor(() => expect(video?.hidden).toBe(true));
  expect(el.textContent).toContain("Picture off");
});

test("a picture that is held back after a repair is not said to be reconnecting", async () => {
  const context = { drawImage() {} } as unknown as CanvasRenderingContext2D;
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(context as never);
  const { model, el } = show({ _call_id: newEngine(), stream_id: "bob-1" });
  await joinWith(model);
  const mark = () => el.querySelector('[aria-label="Reconnecting"]');
  const video = el.querySelector<HTMLVideoElement>("video[data-stream-id]");
  await vi.waitFor(() => expect(video?.srcObject).not.toBeNull());
  firstFrame(video);
  await vi.waitFor(() => expect(video?.hidden).toBe(false));
  FakePeerConnection.last.become("failed");
  await vi.waitFor(() => expect(el.querySelector("canvas")?.hidden).toBe(false));
  expect(mark()).not.toBeNull();
  await vi.waitFor(() => expect(model.types.filter((type) => type === "offer")).toHaveLength(2));
  await joinWith(model);
  await vi.waitFor(() => expect(state(el)).toBe("in_call"));
  FakePeerConnection.last.hubSays({ type: "videos_paused", stream_ids: ["bob-1"] });
  await vi.waitFor(() => expect(el.textContent).toContain("Video paused"));
  expect(mark()).toBeNull();
  expect(el.querySelector("canvas")?.hidden).toBe(false);
});

test("all views of an engine are one connection", async () => {
  const engine = newEngine();
  const first = show({ _call_id: engine, _channel: 0 });
  const second = show({ _call_id: engine, stream_id: "bob-1" });
  await joinWith(first.model);
  second.model.kernelSets({ state: "connecting" });
  await vi.waitFor(() => expect(state(second.el)).toBe("in_call"));
  expect(FakePeerConnection.made).toHaveLength(1);
});

test("what a view that is behind says of the engine changes nothing", async () => {
  const engine = newEngine();
  const first = show({ _call_id: engine, _channel: 0 });
  const second = show({ _call_id: engine, stream_id: "bob-1" });
  await joinWith(first.model);
  first.model.kernelSets({ state: "in_call" });
  second.model.kernelSets({ state: "in_call" });
  second.model.kernelSets({ state: "idle" }); // of the call before, long over for the first view
  expect(FakePeerConnection.last.connectionState).not.toBe("closed");
  expect(state(first.el)).toBe("in_call");

  // The first view goes: the second one speaks for the engine, as it stands there.
  second.model.kernelSets({ state: "in_call" });
  first.model.kernelSets({ _call_id: "" });
  second.model.kernelSets({ state: "idle" });
  await vi.waitFor(() => expect(state(second.el)).toBe("idle"));
});

test("a view that moves to another engine leaves nothing behind", async () => {
  const { model, el } = show({ _call_id: newEngine(), stream_id: "bob-1" });
  await joinWith(model);
  await vi.waitFor(() => expect(state(el)).toBe("in_call"));
  const [first] = FakePeerConnection.made;
  const listeners = model.listenerCount;
  model.kernelSets({ _call_id: "" });
  await vi.waitFor(() => expect(shows(el)).toBe("empty"));
  expect(el.querySelector("video")).toBeNull();
  await vi.waitFor(() => expect(first?.said.at(-1)).toEqual({ type: "leave_page" }), 3_000);
  expect(model.listenerCount).toBeLessThan(listeners);
  model.kernelSets({ state: "idle", stream_id: null, _channel: 0, _call_id: newEngine() });
  await vi.waitFor(() => expect(shows(el)).toBe("local"));
  expect(model.listenerCount).toBe(listeners);
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
  expect(model.listenerCount).toBe(0);
});

test("a view that comes back to an engine long after it left it has a call that works", async () => {
  const engine = newEngine();
  const { model } = show({ _call_id: engine, _channel: 0, _media: { main: { preview: true } } });
  await vi.waitFor(() => expect(browser.open).toHaveLength(1));
  model.kernelSets({ _call_id: "" });
  await vi.waitFor(() => expect(browser.open).toEqual([]));
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  model.kernelSets({ _call_id: engine });
  await vi.waitFor(() => expect(browser.open).toHaveLength(1));
});

test("a screen reader tells views apart", async () => {
  const engine = newEngine();
  const own = show({ _call_id: engine, _channel: 0 });
  const other = show({ _call_id: engine, stream_id: "bob-1" });
  await joinWith(own.model);
  const label = (el: HTMLElement) => root(el)?.getAttribute("aria-label");
  await vi.waitFor(() => expect(label(other.el)).toBe("Video of Bob"));
  expect(label(own.el)).toBe("Your camera");
});

test.each([
  [0, "contain"],
  [1, "cover"],
  [2, "fill"],
])("view mode %i fits the picture as %s", (mode, fit) => {
  const { el } = show({ view_mode: mode });
  expect(root(el)?.classList.contains(`zw-view-${fit}`)).toBe(true);
});

test("a screen is shared from its view", async () => {
  const { model, el } = show({ _call_id: newEngine(), _channel: 1 });
  expect(button(el, "Share screen")).toBeUndefined();
  model.kernelSets({ _media: { aux: { preview: true } } });
  await vi.waitFor(() => expect(button(el, "Share screen")).toBeDefined());
  button(el, "Share screen")?.click();
  await vi.waitFor(() => expect(button(el, "Stop sharing")).toBeDefined());
  expect(el.querySelector<HTMLVideoElement>("video[data-local]")?.srcObject).not.toBeNull();
  button(el, "Stop sharing")?.click();
  await vi.waitFor(() => expect(button(el, "Share screen")).toBeDefined());
  expect(browser.open).toEqual([]);
});

test("an engine that was refused says why", async () => {
  const { model, el } = show({ _call_id: newEngine(), stream_id: "bob-1" });
  model.kernelSets({ error: "The room is full.", error_code: 1002034, state: "refused" });
  await vi.waitFor(() => expect(el.textContent).toContain("The room is full."));
});

/** The hub takes no peer of the page. */
async function refusePeer(model: FakeModel): Promise<void> {
  await vi.waitFor(() => expect(model.types).toContain("offer"));
  const message = "A session has at most 8 peers; close one first.";
  refuseOffer(model, ErrorCode.MEDIA_TOO_MANY_PEERS, message);
}

test("a view that was refused a connection gets one by Try again, while its engine still wants it", async () => {
  const { model, el } = show({ _call_id: newEngine(), stream_id: "bob-1" });
  model.kernelSets({ state: "connecting" });
  await refusePeer(model);
  await vi.waitFor(() => expect(el.textContent).toContain("at most 8 peers"));
  model.kernelSets({ state: "in_call" }); // another page of the engine is connected
  expect(state(el)).toBe("refused");

  button(el, "Try again")?.focus();
  button(el, "Try again")?.click();
  await vi.waitFor(() => expect(model.types.filter((type) => type === "offer")).toHaveLength(2));
  await vi.waitFor(() => expect(button(el, "Try again")).toBeUndefined());
  expect(document.activeElement?.textContent).toBe("What is wrong?");
  expect(model.types).not.toContain("press_start");
  await joinWith(model);
  await vi.waitFor(() => expect(state(el)).toBe("in_call"));

  // What the kernel says is followed again.
  model.kernelSets({ state: "idle" });
  await vi.waitFor(() => expect(state(el)).toBe("idle"));
});

test("a view that was refused again can be tried again", async () => {
  const { model, el } = show({ _call_id: newEngine(), stream_id: "bob-1" });
  model.kernelSets({ state: "connecting" });
  await refusePeer(model);
  await vi.waitFor(() => expect(button(el, "Try again")).toBeDefined());
  button(el, "Try again")?.click();
  await vi.waitFor(() => expect(model.types.filter((type) => type === "offer")).toHaveLength(2));
  await refusePeer(model);
  await vi.waitFor(() => expect(button(el, "Try again")).toBeDefined());
});

test.each([
  ["whose login was refused", "refused"],
  ["that lost its room", "disconnected"],
])("only Python can bring an engine back %s", async (_, state) => {
  const { model, el } = show({ _call_id: newEngine(), stream_id: "bob-1" });
  model.kernelSets({ error: "The room is full.", error_code: 1002034, state });
  await vi.waitFor(() => expect(el.textContent).toContain("The room is full."));
  expect(button(el, "Try again")).toBeUndefined();
});

test("a view of a call that was refused starts the call", async () => {
  const _call_id = newEngine();
  const refused = { error: "The room is full.", error_code: 1002034, state: "refused" };
  const { model: widgetModel } = show({ _kind: "call", _call_id, ...refused });
  const { el } = show({ _call_id, stream_id: "bob-1", ...refused });
  await vi.waitFor(() => expect(button(el, "Try again")).toBeDefined());
  button(el, "Try again")?.click();
  await vi.waitFor(() => expect(widgetModel.types).toContain("press_start"));
});

test("a camera that failed is asked for again", async () => {
  browser.refuse = () => "NotAllowedError";
  const { el } = show({ _call_id: newEngine(), _channel: 0, _media: { main: { preview: true } } });
  await vi.waitFor(() => expect(button(el, "Try again")).toBeDefined());
  browser.refuse = () => null;
  button(el, "Try again")?.click();
  await vi.waitFor(() => expect(browser.open).toHaveLength(1));
  await vi.waitFor(() => expect(button(el, "Try again")).toBeUndefined());
});

test("a microphone that failed is shown and asked for again beside the own picture", async () => {
  browser.refuse = ({ audio }) => (audio ? "NotFoundError" : null);
  const { model, el } = show({
    _call_id: newEngine(),
    _channel: 0,
    _media: { main: { preview: true, publish: true } },
  });
  await joinWith(model);
  await vi.waitFor(() => expect(button(el, "Try again")).toBeDefined());
  expect(el.querySelector('[aria-label="Microphone off"]')).not.toBeNull();
  expect(button(el, "What is wrong?")).toBeDefined();
  browser.refuse = () => null;
  button(el, "Try again")?.click();
  await vi.waitFor(() => expect(browser.open).toHaveLength(2));
  await vi.waitFor(() => expect(button(el, "Try again")).toBeUndefined());
});
