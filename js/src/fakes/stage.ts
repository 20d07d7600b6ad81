import { afterEach, beforeEach, vi } from "vitest";
import { type FakeDevices, fakeBrowser } from "./browser";
import type { FakeModel } from "./model";
import { Page } from "./page";

/** The browser of the running test. */
export let browser: FakeDevices;

/** The page that it opened last. */
export let page: Page;

export function openPage(model: FakeModel): void {
  page = new Page(model);
}

/** Every test of the file has a browser and a clock of its own, and its page is closed after it. */
export function stageEachTest(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    browser = fakeBrowser();
  });

  afterEach(() => {
    page.close();
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
  });
}
