import { expect, test } from "vitest";
import type { CallSnapshot, RemoteTile } from "../call/snapshot";
import { RemoteDeviceState } from "../protocol.gen";
import { chosen } from "./device-menu";
import { columnsFor, gridStyle } from "./grid";
import { deviceNotice, ownCameraText, statusText } from "./status";

function tilesFor(others: number): RemoteTile[] {
  return Array.from({ length: others }, (_, i) => ({
    key: `user ${i}`,
    user: { user_id: `u${i}`, user_name: "" },
    stream: null,
    audioMid: null,
    videoMid: null,
    media: null,
    videoMuted: false,
    hindrance: null,
    voice: { level: 0, speaking: false },
    connection: null,
    mending: false,
  }));
}

function callIn(changes: Partial<CallSnapshot>): CallSnapshot {
  return {
    phase: { kind: "in_call" },
    live: true,
    waitingForKernel: false,
    canTryAgain: false,
    roomId: "demo",
    userId: "alice",
    userName: "Alice",
    captures: true,
    capturedBy: "this page",
    canCapture: true,
    microphone: { kind: "off" },
    microphoneMuted: false,
    camera: { kind: "off" },
    cameraEnabled: true,
    cameraHeldBack: false,
    cameraWanted: true,
    localMedia: null,
    mirrored: true,
    speaking: false,
    connection: null,
    screen: {
      wanted: false,
      canShare: true,
      shared: false,
      state: RemoteDeviceState.DISABLE,
      media: null,
    },
    devices: [],
    choice: { camera: "", microphone: "", speaker: "" },
    tiles: [],
    people: 1,
    soundBlocked: false,
    ...changes,
  };
}

test.each<[Partial<CallSnapshot>, string]>([
  [{ phase: { kind: "stale" } }, "Run this cell to start the call"],
  [{ phase: { kind: "idle" } }, "Ready to join"],
  [{ phase: { kind: "connecting" } }, "Connecting…"],
  [
    { phase: { kind: "connecting" }, waitingForKernel: true },
    "Waiting for the kernel (a cell is running)…",
  ],
  [{ people: 1 }, "In call · 1 person"],
  [{ people: 3, tiles: tilesFor(2) }, "In call · 3 people"],
  [{ people: 17, tiles: tilesFor(12) }, "In call · 17 people (4 not shown)"],
  [
    { phase: { kind: "reconnecting", attempt: 1, reason: "" }, waitingForKernel: true },
    "Reconnecting… no answer from the kernel yet",
  ],
  [{ phase: { kind: "reconnecting", attempt: 1, reason: "" } }, "Reconnecting…"],
  [
    { phase: { kind: "refused", code: 1002034, reason: "The room is full." } },
    "Could not join: The room is full. (error 1002034)",
  ],
  [
    { phase: { kind: "disconnected", code: 1002050, reason: "Kicked out (1002050)." } },
    "Call ended: Kicked out (1002050).",
  ],
  [{ phase: { kind: "disconnected", code: 0, reason: "" } }, "Call ended: no reason was given."],
])("%j says %j", (changes, text) => {
  expect(statusText(callIn(changes))).toBe(text);
});

const failed = (state: RemoteDeviceState) => ({ kind: "failed", state }) as const;
const NO = failed(RemoteDeviceState.NO_AUTHORIZATION);

test.each<[Partial<CallSnapshot>, RegExp | null]>([
  [{}, null],
  [
    { microphone: NO, camera: NO },
    /no permission to use the camera and microphone\. You see and hear/,
  ],
  [{ camera: NO }, /no permission to use the camera\. The others hear you/],
  [{ camera: NO, cameraEnabled: false }, null],
  [{ microphone: failed(RemoteDeviceState.UNPLUGGED) }, /No microphone is connected/],
  [{ camera: failed(RemoteDeviceState.IN_USE_BY_OTHER) }, /camera is in use by another program/],
  [
    { camera: failed(RemoteDeviceState.UNPLUGGED), microphone: NO },
    /No camera is connected\. The browser has no permission to use the microphone/,
  ],
  [
    { camera: { kind: "open", track: {} as MediaStreamTrack, substitute: true } },
    /The chosen camera can not be found/,
  ],
  [{ cameraHeldBack: true }, /connection is slow: the others hear you, but do not see you/],
  [{ cameraHeldBack: true, cameraEnabled: false }, null],
  [{ canCapture: false }, /viewer: this page is not secure/],
  [{ canCapture: false, phase: { kind: "idle" } }, null],
])("with %j the person reads %s", (changes, text) => {
  const notice = deviceNotice(callIn(changes));
  if (text === null) expect(notice).toBeNull();
  else expect(notice).toMatch(text);
});

test.each<[Partial<CallSnapshot>, string | null]>([
  [{}, null],
  [{ capturedBy: "another page" }, "Your camera is used by another tab"],
  [{ capturedBy: "Python" }, "Python captures for this engine"],
  [{ cameraEnabled: false }, "Camera off"],
  [{ cameraWanted: false }, "No preview"],
  [{ camera: NO }, "The browser has no permission to use the camera."],
  [{ phase: { kind: "stale" } }, "Run this cell to see the video"],
])("in place of a preview with %j there is %j", (changes, text) => {
  expect(ownCameraText(callIn(changes))).toBe(text);
});

test.each([
  [1, 1, 1, 1],
  [2, 1, 2, 2],
  [3, 2, 2, 3],
  [4, 2, 2, 2],
  [6, 2, 3, 3],
  [9, 3, 3, 5],
  [13, 3, 4, 5],
])("%i tiles stand in %i, %i or %i columns", (tiles, narrow, medium, wide) => {
  expect(columnsFor(tiles)).toEqual({ narrow, medium, wide });
});

test("the grid has rows for all tiles", () => {
  expect(gridStyle(13)).toMatchObject({ "--zw-columns-wide": "5", "--zw-rows-wide": "3" });
});

test.each([
  ["front", "front"],
  ["gone", ""],
])("with the camera %j chosen the menu says %j", (camera, shown) => {
  const devices = [{ kind: "camera", device_id: "front", device_name: "Front" } as const];
  const choice = { camera, microphone: "", speaker: "" };
  expect(chosen(callIn({ devices, choice }), "camera")).toBe(shown);
});
