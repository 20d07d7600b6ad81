import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeBrowser } from "./fakes/browser";
import { FakeModel } from "./fakes/model";
import widget from "./widget";

const cleanUps: (() => void)[] = [];
/** Patient: other work may keep the machine busy. */
const soon = (condition: () => void) => vi.waitFor(condition, { timeout: 4_000 });
let calls = 0;

beforeEach(() => {
  fakeBrowser();
});

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
  vi.useRealTimers();
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

/** A call that was refused, as a page shows it. */
function refusedCall(): { model: FakeModel; el: HTMLElement } {
  const model = new FakeModel({
    _call_id: `diagnosis-${++calls}`,
    state: "refused",
    error: "The room is full.",
    error_code: 1002055,
  });
  const el = document.createElement("div");
  document.body.append(el);
  cleanUps.push(widget.initialize({ model }), widget.render({ model, el }));
  return { model, el };
}

const button = (el: HTMLElement, name: string) =>
  [...el.querySelectorAll("button")].find((each) => each.textContent === name);
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
  const model = new FakeModel({ _call_id: `diagnosis-${++calls}` });
  const el = document.createElement("div");
  document.body.append(el);
  cleanUps.push(widget.initialize({ model }), widget.render({ model, el }));
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
