import { afterEach, beforeEach, expect, vi } from "vitest";
import { PageCall } from "../call/call";
import { Kernel } from "../call/kernel";
import { type FakeDevices, fakeBrowser } from "./browser";
import { answerOffer, letIn } from "./hub";
import { FakeModel } from "./model";

/** The browser of the test that runs. */
export let browser: FakeDevices;
/** Its page, which goes when the test ends. */
export let page: AbortController;

/** Give each test of a file a browser, a page and timers of its own. */
export function giveEachTestAPage(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    browser = fakeBrowser();
    sessionStorage.clear();
    page = new AbortController();
  });
  afterEach(() => {
    page.abort();
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
  });
}

/** A call with one model and one view on this page. */
export function show(model: FakeModel, forget: () => void = () => {}): PageCall {
  const call = new PageCall(forget);
  call.attachKernel(new Kernel(model), page.signal);
  call.attachView({ kind: "call" }, page.signal);
  return call;
}

export const settle = () => vi.advanceTimersByTimeAsync(0);
/** What the kernel heard, reports left out. */
export const pressed = (model: FakeModel) =>
  model.types.filter((type) => !String(type).startsWith("page_"));
export const phase = (call: PageCall) => call.current().phase.kind;

/** The hub answers the last offer. */
export async function answer(model: FakeModel, captures = true): Promise<void> {
  await settle();
  answerOffer(model, captures);
  await settle();
}

/** The hub answers the last offer and lets the page in. */
export async function joined(model: FakeModel, captures = true): Promise<void> {
  await answer(model, captures);
  letIn({ captures });
  await settle();
}

/** A call that was started on this page. */
export async function inCall(
  model = new FakeModel(),
): Promise<{ call: PageCall; model: FakeModel }> {
  const call = show(model);
  call.pressStart();
  model.kernelSets({ state: "connecting" });
  await joined(model);
  model.kernelSets({ state: "in_call" });
  expect(phase(call)).toBe("in_call");
  return { call, model };
}
