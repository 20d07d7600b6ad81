import { expect, test, vi } from "vitest";
import { FakePeerConnection } from "../fakes/browser";
import {
  browser,
  giveEachTestAPage,
  inCall,
  joined,
  page,
  phase,
  pressed,
  settle,
  show,
} from "../fakes/call";
import { FakeModel } from "../fakes/model";
import { PageCall } from "./call";
import { Kernel } from "./kernel";

giveEachTestAPage();

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
  let forgotten = false;
  const model = new FakeModel();
  const call = show(model, () => {
    forgotten = true;
  });
  call.pressStart();
  await joined(model);
  page.abort();
  expect(forgotten).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(forgotten).toBe(true);
  expect(model.listenerCount).toBe(0);
  expect(browser.open).toEqual([]);
});
