import { expect, test, vi } from "vitest";
import { browser, button, cleanUps, giveEachTestADocument, newEngine, show } from "./fakes/cell";
import type { FakeModel } from "./fakes/model";

giveEachTestADocument();

/** Patient: other work may keep the machine busy. */
const soon = (condition: () => void) => vi.waitFor(condition, { timeout: 4_000 });

const REFUSED = { state: "refused", error: "The room is full.", error_code: 1002034 };
const VIEW = { _kind: "video", stream_id: null, _channel: null, view_mode: 0 };

/** A call that was refused, as a page shows it. */
const refusedCall = () => show(REFUSED);

/** A view of an engine whose login was refused. */
const refusedView = () => show({ ...VIEW, ...REFUSED, _channel: 0 });

const panel = (el: HTMLElement) => el.querySelector<HTMLElement>(".zw-diagnosis");
const conclusionOf = (el: HTMLElement) => panel(el)?.querySelector('[role="status"]')?.textContent;

async function ask({ el }: { el: HTMLElement }): Promise<void> {
  await soon(() => expect(button(el, "What is wrong?")).toBeDefined());
  button(el, "What is wrong?")?.focus();
  button(el, "What is wrong?")?.click();
  await soon(() => expect(panel(el)).not.toBeNull());
}

async function answer(model: FakeModel, findings: object[]): Promise<void> {
  await soon(() => expect(model.types).toContain("diagnose"));
  const { page_id, request_id } = model.last("diagnose");
  model.kernelSays({ type: "diagnosis", page_id, request_id, version: "1.2", findings });
}

const HUB = { check: "hub", verdict: "broken", sentence: "No hub answers.", advice: "Start one." };

test("a refused call offers to say what is wrong: browser, kernel, and the hub as the kernel sees it", async () => {
  const { model, el } = refusedCall();
  await ask({ el });
  expect(conclusionOf(el)).toContain("Looking");
  expect(document.activeElement?.textContent).toBe("What is wrong?");
  await answer(model, [HUB]);
  await soon(() => expect(conclusionOf(el)).toContain("mended: hub"));
  const found = [...(panel(el)?.querySelectorAll("li") ?? [])].map((each) => each.textContent);
  expect(found).toContain("brokenNo hub answers.Start one.");
  expect(found.some((text) => text?.includes("it has zego_widget 1.2"))).toBe(true);
});

test("a kernel that does not answer is what is wrong, and the rest is told all the same", async () => {
  vi.useFakeTimers();
  const { model, el } = refusedCall();
  await vi.advanceTimersByTimeAsync(100);
  button(el, "What is wrong?")?.click();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(model.types).toContain("diagnose");
  expect(conclusionOf(el)).toContain("mended: kernel");
  expect(panel(el)?.textContent).toContain("run this cell again");
});

test("a kernel that knows no such question has another version", async () => {
  const { model, el } = refusedCall();
  await ask({ el });
  await soon(() => expect(model.types).toContain("diagnose"));
  const { request_id } = model.last("diagnose");
  model.kernelSays({ type: "refused", request_id, code: 1900001, message: "Unknown." });
  await soon(() => expect(panel(el)?.textContent).toContain("another version"));
});

test("answers to other pages are not taken", async () => {
  const { model, el } = refusedCall();
  await ask({ el });
  await soon(() => expect(model.types).toContain("diagnose"));
  model.kernelSays({ ...model.last("diagnose"), type: "diagnosis", page_id: "x", findings: [HUB] });
  expect(conclusionOf(el)).toContain("Looking");
  await answer(model, []);
  await soon(() => expect(conclusionOf(el)).not.toContain("Looking"));
  expect(panel(el)?.textContent).not.toContain("No hub answers.");
});

test("Escape closes it, and the focus is back where it was opened", async () => {
  const { el } = refusedCall();
  await ask({ el });
  panel(el)?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  await soon(() => expect(panel(el)).toBeNull());
  expect(document.activeElement).toBe(button(el, "What is wrong?"));
});

test("the report can be copied, and a second look asks again", async () => {
  const writeText = vi.fn(async () => {});
  vi.stubGlobal("navigator", { ...navigator, userAgent: "B/1", clipboard: { writeText } });
  cleanUps.push(() => vi.unstubAllGlobals());
  const { model, el } = refusedCall();
  await ask({ el });
  await answer(model, [HUB]);
  await soon(() => expect(button(el, "Copy report")).toBeDefined());
  button(el, "Copy report")?.click();
  await soon(() => expect(button(el, "Copied")).toBeDefined());
  expect(writeText).toHaveBeenCalledWith(expect.stringContaining("broken   hub: No hub answers."));
  button(el, "Look again")?.click();
  await soon(() => expect(model.types.filter((type) => type === "diagnose")).toHaveLength(2));
});

test("a call that is ready has nothing to explain, and leaves no listener behind", async () => {
  const { el } = show({});
  expect(button(el, "What is wrong?")).toBeUndefined();
});

test("what was listened to for an answer is not any more", async () => {
  const { model, el } = refusedCall();
  const before = model.listenerCount;
  await ask({ el });
  await answer(model, []);
  await soon(() => expect(conclusionOf(el)).not.toContain("Looking"));
  expect(model.listenerCount).toBe(before);
});

// -- one view of an engine -----------------------------------------------------------------------------------

test("a view of an engine that was refused says what is wrong in the same words, in a dialog", async () => {
  const { model, el } = refusedView();
  await ask({ el });
  expect(panel(el)?.closest("dialog")?.open).toBe(true);
  await soon(() => expect(document.activeElement?.textContent).toBe("What is wrong?"));
  expect(document.activeElement?.closest("dialog")).not.toBeNull();
  await answer(model, [HUB]);
  await soon(() => expect(conclusionOf(el)).toContain("mended: hub"));
  const found = [...(panel(el)?.querySelectorAll("li") ?? [])].map((each) => each.textContent);
  expect(found).toContain("brokenNo hub answers.Start one.");
  expect(panel(el)?.textContent).toContain("The room is full.");

  button(el, "Close")?.click();
  await soon(() => expect(el.querySelector("dialog")).toBeNull());
  await soon(() => expect(document.activeElement).toBe(button(el, "What is wrong?")));
});

test("Escape closes the dialog of a view, and another look is possible", async () => {
  const { model, el } = refusedView();
  await ask({ el });
  panel(el)?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  await soon(() => expect(el.querySelector("dialog")).toBeNull());
  await ask({ el });
  await soon(() => expect(model.types.filter((type) => type === "diagnose")).toHaveLength(2));
});

test.each([
  ["waits for a connection", { stream_id: "bob-1", state: "connecting" }, true],
  ["plays nothing", { stream_id: "bob-1" }, false],
  ["is on no canvas", { _call_id: "" }, false],
  ["shows saved output", { ...REFUSED, _channel: 0, alive: false }, false],
  ["waits for a connection to show the camera", { _channel: 0, state: "connecting" }, true],
  ["shows a preview", { _channel: 0, _media: { main: { preview: true } } }, false],
])("a view that %s", async (_, { alive = true, ...traits }: Record<string, unknown>, troubled) => {
  const { el } = show({ ...VIEW, ...traits }, alive === true);
  await new Promise((resolve) => setTimeout(resolve));
  expect(button(el, "What is wrong?") !== undefined).toBe(troubled);
});

test("a preview that gets no camera can be asked what is wrong; a stream beside it has nothing to say", async () => {
  browser.refuse = () => "NotAllowedError";
  const preview = show({ ...VIEW, _channel: 0, _media: { main: { preview: true } } });
  const stream = show({
    ...VIEW,
    _call_id: preview.model.get("_call_id"),
    stream_id: "bob-1",
    _media: { main: { preview: true } },
  });
  await soon(() => expect(button(preview.el, "What is wrong?")).toBeDefined());
  expect(button(stream.el, "What is wrong?")).toBeUndefined();
});

test("a view that leaves its canvas takes its dialog with it", async () => {
  const { model, el } = refusedView();
  await ask({ el });
  model.kernelSets({ _call_id: "" });
  await soon(() => expect(el.querySelector("dialog")).toBeNull());
  model.kernelSets({ _call_id: newEngine() });
  await soon(() => expect(button(el, "What is wrong?")).toBeDefined());
  expect(el.querySelector("dialog")).toBeNull();
});
