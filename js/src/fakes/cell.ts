import { afterEach, beforeEach, vi } from "vitest";
import widget from "../widget";
import { type FakeDevices, fakeBrowser } from "./browser";
import { FakeModel } from "./model";

/** The browser of the test that runs. */
export let browser: FakeDevices;
/** What removes the test's views and models, in this order. */
export const cleanUps: (() => void)[] = [];

/** Give each test of a file a browser and an empty document. */
export function giveEachTestADocument(): void {
  beforeEach(() => {
    browser = fakeBrowser();
  });
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0)) cleanUp();
    vi.useRealTimers();
    vi.restoreAllMocks();
    document.body.replaceChildren();
  });
}

let engines = 0;
export const newEngine = () => `engine-${++engines}`;

/** A widget of an engine of its own, and the output of the cell that shows it. */
export function show(
  traits: Record<string, unknown> = {},
  alive = true,
): { model: FakeModel; el: HTMLElement } {
  const model = new FakeModel({ _call_id: newEngine(), ...traits }, alive);
  cleanUps.push(widget.initialize({ model }));
  return { model, el: render(model) };
}

/** One more output of a widget. */
export function render(model: FakeModel): HTMLElement {
  const el = document.createElement("div");
  document.body.append(el);
  cleanUps.unshift(widget.render({ model, el }));
  return el;
}

export const root = (el: HTMLElement) => el.querySelector<HTMLElement>(".zw-root");
export const state = (el: HTMLElement) => root(el)?.dataset.state;
export const button = (el: HTMLElement, name: string) =>
  [...el.querySelectorAll("button")].find(
    (each) => (each.getAttribute("aria-label") ?? each.textContent) === name,
  );

/** The first frame of a video element arrives. */
export function firstFrame(video: HTMLVideoElement | null): void {
  const size = (value: number) => ({ value, configurable: true });
  Object.defineProperties(video, { videoWidth: size(640), videoHeight: size(360) });
  video?.dispatchEvent(new Event("loadeddata"));
}
