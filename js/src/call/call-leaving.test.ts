import { expect, test, vi } from "vitest";
import { FakePeerConnection } from "../fakes/browser";
import {
  answer,
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
import { ErrorCode, RoomStateChangedReason } from "../protocol.gen";
import { PageCall } from "./call";
import { Kernel } from "./kernel";

giveEachTestAPage();

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

const LOGGED_OUT = {
  type: "room_state_changed",
  room_id: "demo",
  reason: RoomStateChangedReason.LOGOUT,
  error_code: 0,
  message: "",
};

test("Python's stop() ends the call here", async () => {
  const { call } = await inCall();
  FakePeerConnection.last.hubSays(LOGGED_OUT);
  expect(phase(call)).toBe("idle");
  expect(browser.open).toEqual([]);
});

test.each(["before", "after"])(
  "a kernel that shuts down %s the hub says so has ended the call",
  async (when) => {
    const { call, model } = await inCall();
    if (when === "before") model.kernelDies();
    FakePeerConnection.last.hubSays(LOGGED_OUT);
    if (when === "after") model.kernelDies();
    expect(call.current()).toMatchObject({ phase: { kind: "disconnected" }, live: false });
    expect(browser.open).toEqual([]);
  },
);

test("being kicked out says why, and is not undone by the kernel's old state", async () => {
  const { call, model } = await inCall();
  const reason = "Alice logged in elsewhere.";
  FakePeerConnection.last.hubSays({
    ...LOGGED_OUT,
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

test.each<[string, () => Promise<unknown> | unknown]>([
  ["is mended", () => FakePeerConnection.last.become("failed")],
  [
    "waits for its next attempt",
    async () => {
      FakePeerConnection.last.become("failed");
      await settle();
      FakePeerConnection.last.become("failed");
    },
  ],
  [
    "has fallen silent",
    () => {
      FakePeerConnection.last.control.answers = false;
      return vi.advanceTimersByTimeAsync(2_000);
    },
  ],
])(
  "a page that is reloaded while its connection %s takes the capture along",
  async (_, happens) => {
    await inCall();
    await happens();
    await settle();
    dispatchEvent(new Event("pagehide"));
    expect(browser.open).toEqual([]);

    const reloaded = new FakeModel({ state: "reconnecting" });
    show(reloaded);
    await settle();
    expect(reloaded.last("offer").capture).toBe("take");
    expect(browser.open).toHaveLength(2);

    const third = new FakeModel({ state: "reconnecting" });
    show(third);
    await settle();
    expect(third.last("offer").capture).toBe("offer");
  },
);

test.each<[string, () => Promise<unknown> | unknown]>([
  ["the hub heard it go", () => dispatchEvent(new Event("pagehide"))],
  [
    "it went long ago",
    () => {
      FakePeerConnection.last.become("failed");
      dispatchEvent(new Event("pagehide"));
      return vi.advanceTimersByTimeAsync(15_000);
    },
  ],
])("a page takes the capture from no other page where %s", async (_, goes) => {
  await inCall();
  await goes();
  const reloaded = new FakeModel({ state: "in_call" });
  show(reloaded);
  await settle();
  expect(reloaded.last("offer").capture).toBe("offer");
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
