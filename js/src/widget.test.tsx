import { beforeEach, expect, test, vi } from "vitest";
import { FakePeerConnection, watchAudios } from "./fakes/browser";
import {
  browser,
  button,
  firstFrame,
  giveEachTestADocument,
  render,
  root,
  show,
  state,
} from "./fakes/cell";
import { answerOffer, BOB_STREAM, letIn } from "./fakes/hub";
import type { FakeModel } from "./fakes/model";
import { RemoteDeviceState } from "./protocol.gen";

giveEachTestADocument();

let audios: HTMLAudioElement[] = [];
/** What can be heard. */
const sounding = () => audios.filter((audio) => audio.srcObject && !audio.muted);

beforeEach(() => {
  audios = watchAudios();
});

const status = (el: HTMLElement) => el.querySelector('[role="status"]')?.textContent;

async function join(model: FakeModel, el: HTMLElement, userName = "Bob"): Promise<void> {
  button(el, "Start call")?.click();
  await vi.waitFor(() => expect(model.types).toContain("offer"));
  answerOffer(model);
  const user = { user_id: "bob", user_name: userName };
  letIn({
    users: [user],
    streams: [{ ...BOB_STREAM, user, microphone: RemoteDeviceState.MUTE }],
  });
  await vi.waitFor(() => expect(state(el)).toBe("in_call"));
}

test("an idle call shows the room, the user and Start call", () => {
  const { el } = show();
  expect(state(el)).toBe("idle");
  expect(status(el)).toBe("Ready to join");
  expect(el.textContent).toContain("demo");
  expect(el.textContent).toContain("You: Alice");
  expect(button(el, "Start call")).toBeDefined();
});

test("saved output without a kernel asks to run the cell and has nothing to press", () => {
  const { el } = show({ state: "in_call" }, false);
  expect(state(el)).toBe("stale");
  expect(status(el)).toBe("Run this cell to start the call");
  expect(el.querySelectorAll("button")).toHaveLength(0);
});

test("a call shows the own tile and one for each stream, with names and buttons", async () => {
  const { model, el } = show();
  await join(model, el);
  expect(status(el)).toBe("In call · 2 people");
  expect(el.querySelectorAll("video[data-local]")).toHaveLength(1);
  expect(el.querySelector<HTMLVideoElement>("video[data-local]")?.muted).toBe(true);
  const remote = el.querySelectorAll<HTMLVideoElement>("video[data-stream-id]");
  expect([...remote].map((video) => [video.dataset.streamId, video.muted])).toEqual([
    ["bob-1", true],
  ]);
  expect(sounding().map((audio) => audio.dataset.streamId)).toEqual(["bob-1"]);
  expect(remote[0]?.closest("li")?.querySelector('[aria-label="Microphone off"]')).not.toBeNull();
  for (const name of ["Mute microphone", "Turn camera off", "Stop call"]) {
    expect(button(el, name), name).toBeDefined();
  }
  expect(button(el, "Start call")).toBeUndefined();

  button(el, "Mute microphone")?.click();
  button(el, "Turn camera off")?.click();
  await vi.waitFor(() => expect(button(el, "Unmute microphone")).toBeDefined());
  expect(button(el, "Turn camera on")).toBeDefined();

  button(el, "Stop call")?.click();
  await vi.waitFor(() => expect(state(el)).toBe("idle"));
  expect(el.querySelectorAll("video")).toHaveLength(0);
});

test("names are text, whatever they contain", async () => {
  const { model, el } = show();
  await join(model, el, "<img src=x onerror=alert(1)>\u202e");
  expect(el.querySelector("img")).toBeNull();
  const names = [...el.querySelectorAll("bdi")].map((bdi) => bdi.textContent);
  expect(names).toContain("<img src=x onerror=alert(1)>");
});

test("two views of one widget are one call, and two models of it too", async () => {
  const { model, el: first } = show();
  const second = render(model);
  await join(model, first);
  await vi.waitFor(() => expect(state(second)).toBe("in_call"));

  // Another notebook on the same kernel has its own model of the widget.
  const { el: third } = show({ _call_id: model.get("_call_id"), state: "in_call" });
  await vi.waitFor(() => expect(state(third)).toBe("in_call"));
  expect(FakePeerConnection.made).toHaveLength(1);
  const shown = [...document.querySelectorAll<HTMLVideoElement>("video[data-stream-id]")];
  expect(shown.map((video) => video.muted)).toEqual([true, true, true]);
  expect(sounding()).toHaveLength(1);
});

test("two widgets on one page are two calls", () => {
  const [one, other] = [show(), show()];
  button(one.el, "Start call")?.click();
  expect(one.model.types).toContain("press_start");
  expect(other.model.types).not.toContain("press_start");
  expect(state(other.el)).toBe("idle");
});

test("sound that the browser blocks comes with a click", async () => {
  const blocked = new DOMException("", "NotAllowedError");
  const play = vi.spyOn(HTMLMediaElement.prototype, "play");
  play.mockImplementation(async function (this: HTMLMediaElement) {
    if (!this.muted) throw blocked;
  });
  const { model, el } = show();
  await join(model, el);
  await vi.waitFor(() => expect(button(el, "Click to hear")).toBeDefined());
  const [audio] = sounding();
  let heard = false;
  play.mockImplementation(async function (this: HTMLMediaElement) {
    heard ||= this === audio;
  });
  button(el, "Click to hear")?.click();
  await vi.waitFor(() => expect(button(el, "Click to hear")).toBeUndefined());
  expect(heard).toBe(true);
});

test("who pressed Start call by keyboard goes on from Stop call", async () => {
  const { model, el } = show();
  button(el, "Start call")?.focus();
  await join(model, el);
  expect(document.activeElement).toBe(button(el, "Stop call"));
});

test("who clicked to hear by keyboard does not lose their place", async () => {
  const play = vi.spyOn(HTMLMediaElement.prototype, "play");
  play.mockRejectedValue(new DOMException("", "NotAllowedError"));
  const { model, el } = show();
  await join(model, el);
  await vi.waitFor(() => expect(button(el, "Click to hear")).toBeDefined());
  play.mockResolvedValue(undefined);
  button(el, "Click to hear")?.focus();
  button(el, "Click to hear")?.click();
  await vi.waitFor(() => expect(button(el, "Click to hear")).toBeUndefined());
  expect(document.activeElement).toBe(button(el, "Mute microphone"));
  // A card that took the focus of every click would keep the notebook's shortcuts from the cell.
  expect(root(el)?.hasAttribute("tabindex")).toBe(false);
});

test("while a connection is mended there is the initial of a person, not a black picture", async () => {
  const { model, el } = show();
  await join(model, el);
  const video = el.querySelector<HTMLVideoElement>("video[data-stream-id]");
  firstFrame(video);
  const avatar = () => video?.closest("li")?.querySelector(".zw-avatar");
  await vi.waitFor(() => expect(avatar()).toBeNull());
  FakePeerConnection.last.become("failed");
  await vi.waitFor(() => expect(avatar()?.textContent).toBe("B"));
  expect(video?.hidden).toBe(true);
});

test("who has a choice of cameras finds it in a menu, by keyboard too", async () => {
  browser.list = [
    { kind: "videoinput", deviceId: "front", label: "Front" },
    { kind: "videoinput", deviceId: "rear", label: "Rear" },
    { kind: "audioinput", deviceId: "only", label: "The only one" },
  ];
  const { model, el } = show();
  await vi.waitFor(() => expect(button(el, "Choose devices")).toBeDefined());
  button(el, "Choose devices")?.click();
  await vi.waitFor(() => expect(el.querySelectorAll("select")).toHaveLength(1));
  const select = el.querySelector("select");
  expect(select?.closest("label")?.textContent).toContain("Camera");
  if (select) select.value = "rear";
  select?.dispatchEvent(new Event("change", { bubbles: true }));

  const key = new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
  select?.dispatchEvent(key);
  await vi.waitFor(() => expect(el.querySelector("select")).toBeNull());
  expect(document.activeElement).toBe(button(el, "Choose devices"));

  await join(model, el);
  await vi.waitFor(() => expect(browser.open.map((t) => t.deviceId)).toContain("rear"));
});

test("Enter held down presses a button once: Stop call takes the place of Start call", () => {
  const { el } = show();
  const press = (repeat: boolean) => {
    const key = new KeyboardEvent("keydown", {
      key: "Enter",
      repeat,
      bubbles: true,
      cancelable: true,
    });
    button(el, "Start call")?.dispatchEvent(key);
    return key.defaultPrevented;
  };
  expect([press(false), press(true)]).toEqual([false, true]);
});
