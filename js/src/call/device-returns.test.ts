import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FakeDevices, fakeBrowser } from "../fakes/browser";
import { RemoteDeviceState } from "../protocol.gen";
import { followReturns } from "./device-returns";
import { Devices } from "./devices";

let browser: FakeDevices;
let devices: Devices;
let page: AbortController;

const CAMERA = { deviceId: "", constraints: {} };
const settle = () => vi.advanceTimersByTimeAsync(0);
const failed = (state: RemoteDeviceState) => ({ kind: "failed", state });
const camera = () => browser.tracks.filter((track) => track.kind === "video").at(-1);

beforeEach(async () => {
  vi.useFakeTimers();
  browser = fakeBrowser();
  browser.permissions.camera.state = "granted";
  devices = new Devices();
  page = new AbortController();
  followReturns(devices, page.signal);
  await settle();
});

afterEach(() => {
  page.abort();
  vi.useRealTimers();
});

async function wantCamera(refusal: string | null = null, deviceId = ""): Promise<void> {
  browser.refuse = () => refusal;
  devices.want({ microphone: null, camera: { ...CAMERA, deviceId } });
  await settle();
}

test("a camera that is unplugged and plugged in again comes back by itself", async () => {
  await wantCamera();
  browser.refuse = () => "NotFoundError";
  camera()?.unplug();
  await settle();
  expect(devices.camera.value).toEqual(failed(RemoteDeviceState.UNPLUGGED));
  browser.refuse = null;
  browser.change([{ kind: "videoinput", deviceId: "front", label: "Front" }]);
  await settle();
  expect(devices.camera.value.kind).toBe("open");
  expect(browser.open).toHaveLength(1);
});

test("where another camera is there it takes the place of the one that is unplugged", async () => {
  await wantCamera();
  camera()?.unplug();
  await settle();
  expect(devices.camera.value.kind).toBe("open");
});

test("a chosen camera takes its place again when it is plugged in", async () => {
  browser.refuse = ({ video }) =>
    typeof video === "object" && video.deviceId ? "OverconstrainedError" : null;
  devices.want({ microphone: null, camera: { ...CAMERA, deviceId: "rear" } });
  await settle();
  expect(devices.camera.value).toMatchObject({ substitute: true });
  browser.refuse = null;
  browser.change([{ kind: "videoinput", deviceId: "front", label: "" }]);
  await settle();
  expect(devices.camera.value).toMatchObject({ substitute: true });
  browser.change([{ kind: "videoinput", deviceId: "rear", label: "" }]);
  await settle();
  expect(devices.camera.value).toMatchObject({ kind: "open", substitute: false });
  expect(browser.open.map((track) => track.deviceId)).toEqual(["rear"]);
});

test("a camera that another program uses is asked for until it is free, and counts as taken meanwhile", async () => {
  await wantCamera("NotReadableError");
  const states: string[] = [];
  const dispose = devices.camera.subscribe((device) => states.push(device.kind));
  expect(devices.camera.value).toEqual(failed(RemoteDeviceState.IN_USE_BY_OTHER));
  const asked = browser.requests.length;
  await vi.advanceTimersByTimeAsync(12_000);
  expect(browser.requests).toHaveLength(asked + 2);
  browser.refuse = null;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(states).toEqual(["failed", "open"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(browser.requests).toHaveLength(asked + 3);
  dispose();
});

test("nobody asks for a taken camera that is not wanted any more", async () => {
  await wantCamera("NotReadableError");
  devices.want({ microphone: null, camera: null });
  const asked = browser.requests.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(browser.requests).toHaveLength(asked);
});

test("a permission that is granted later opens the camera", async () => {
  browser.permissions.camera.state = "denied";
  await wantCamera("NotAllowedError");
  expect(devices.camera.value).toEqual(failed(RemoteDeviceState.NO_AUTHORIZATION));
  browser.refuse = null;
  browser.permissions.camera.become("granted");
  await settle();
  expect(devices.camera.value.kind).toBe("open");
});

test("permissions for both devices, granted in one turn, open both", async () => {
  const { permissions } = browser;
  browser.refuse = () => "NotAllowedError";
  devices.want({ microphone: CAMERA, camera: CAMERA });
  await settle();
  browser.refuse = null;
  permissions.microphone.become("granted");
  permissions.camera.become("granted");
  await settle();
  expect([devices.microphone.value.kind, devices.camera.value.kind]).toEqual(["open", "open"]);
});

test.each(["denied", "prompt"] as const)(
  "a permission that becomes %s takes the camera away, and nobody is asked",
  async (state) => {
    await wantCamera();
    const asked = browser.requests.length;
    browser.permissions.camera.become(state);
    await settle();
    expect(devices.camera.value).toEqual(failed(RemoteDeviceState.NO_AUTHORIZATION));
    expect(browser.open).toEqual([]);
    browser.change([{ kind: "videoinput", deviceId: "front", label: "" }]);
    await settle();
    expect(browser.requests).toHaveLength(asked);
  },
);

test("a track that ends because the permission went is not said to be a cable", async () => {
  await wantCamera();
  const asked = browser.requests.length;
  browser.permissions.camera.state = "denied";
  camera()?.unplug();
  await settle();
  expect(devices.camera.value).toEqual(failed(RemoteDeviceState.NO_AUTHORIZATION));
  expect(browser.requests).toHaveLength(asked);
});
