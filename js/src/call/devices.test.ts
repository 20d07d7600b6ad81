import { beforeEach, expect, test, vi } from "vitest";
import { type FakeDevices, fakeBrowser, withoutMediaDevices } from "../fakes/browser";
import { RemoteDeviceState } from "../protocol.gen";
import { cameraState, Devices, microphoneState, worthAskingAlone } from "./devices";

let browser: FakeDevices;
let devices: Devices;

beforeEach(() => {
  browser = fakeBrowser();
  devices = new Devices();
});

const MICROPHONE = { deviceId: "", constraints: { echoCancellation: true } };
const CAMERA = { deviceId: "", constraints: { width: { ideal: 640 } } };
const both = { microphone: MICROPHONE, camera: CAMERA };

test("microphone and camera are asked for together, once", async () => {
  devices.want(both);
  devices.want(both);
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("open"));
  expect(devices.microphone.value.kind).toBe("open");
  expect(browser.requests).toHaveLength(1);
  expect(browser.requests[0]).toMatchObject({
    audio: { echoCancellation: true },
    video: { width: { ideal: 640 } },
  });
});

test("a camera that is no longer wanted is stopped, the microphone goes on", async () => {
  devices.want(both);
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("open"));
  devices.want({ microphone: MICROPHONE, camera: null });
  expect(browser.open.map((track) => track.kind)).toEqual(["audio"]);
  expect(devices.camera.value.kind).toBe("off");
});

test("devices that come after they are no longer wanted are stopped at once", async () => {
  const answer = browser.hold();
  devices.want(both);
  devices.want({ microphone: null, camera: null });
  answer();
  await vi.waitFor(() => expect(browser.tracks).toHaveLength(2));
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("off"));
  expect(browser.open).toEqual([]);
});

test("where there is no camera the microphone is opened alone", async () => {
  browser.refuse = (constraints) => (constraints.video ? "NotFoundError" : null);
  devices.want(both);
  await vi.waitFor(() => expect(devices.microphone.value.kind).toBe("open"));
  await vi.waitFor(() =>
    expect(devices.camera.value).toEqual({ kind: "failed", state: RemoteDeviceState.UNPLUGGED }),
  );
});

test("who left while the browser asked is not asked again for each device", async () => {
  const answer = browser.hold();
  devices.want(both);
  devices.want({ microphone: null, camera: null });
  browser.refuse = () => "NotFoundError";
  answer();
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("off"));
  expect(browser.requests).toHaveLength(1);
});

test("the microphone does not wait for the camera's own answer, and goes with the call", async () => {
  let answer = () => {};
  browser.refuse = ({ audio, video }) => {
    if (audio && !video) answer = browser.hold();
    return video ? "NotFoundError" : null;
  };
  devices.want(both);
  await vi.waitFor(() => expect(browser.requests).toHaveLength(3));
  expect(devices.microphone.value.kind).toBe("open");
  devices.want({ microphone: null, camera: null });
  expect(browser.open).toEqual([]);
  answer();
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("off"));
});

test("who says no is asked once, and again only on a wish of their own", async () => {
  browser.refuse = () => "NotAllowedError";
  devices.want(both);
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("failed"));
  devices.want(both);
  expect(browser.requests).toHaveLength(1);

  browser.refuse = null;
  devices.retry("camera");
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("open"));
  expect(devices.microphone.value).toEqual({
    kind: "failed",
    state: RemoteDeviceState.NO_AUTHORIZATION,
  });
});

test("a camera that is unplugged is said to be", async () => {
  devices.want(both);
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("open"));
  browser.tracks.find((track) => track.kind === "video")?.unplug();
  expect(cameraState(devices.camera.value, true)).toBe(RemoteDeviceState.UNPLUGGED);
});

test("a page without mediaDevices has no permission, and asks nobody", async () => {
  withoutMediaDevices();
  devices.want(both);
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("failed"));
  expect(microphoneState(devices.microphone.value, false)).toBe(RemoteDeviceState.NO_AUTHORIZATION);
});

test("another camera takes the place of the open one; another size does not reopen it", async () => {
  devices.want(both);
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("open"));
  const small = { ...CAMERA, constraints: { width: { ideal: 320 } } };
  devices.want({ microphone: MICROPHONE, camera: small });
  expect(browser.requests).toHaveLength(1);
  expect(browser.open.find(({ kind }) => kind === "video")?.applied).toEqual([small.constraints]);

  devices.want({ microphone: MICROPHONE, camera: { ...small, deviceId: "rear" } });
  await vi.waitFor(() => expect(devices.camera.value.kind).toBe("open"));
  expect(browser.requests.at(-1)).toEqual({
    audio: false,
    video: { width: { ideal: 320 }, deviceId: { exact: "rear" } },
  });
  expect(browser.open.map(({ kind, deviceId }) => [kind, deviceId])).toEqual([
    ["audio", ""],
    ["video", "rear"],
  ]);
});

test("in place of a chosen camera that is gone any other is opened, and told from it", async () => {
  browser.refuse = ({ video }) =>
    typeof video === "object" && video.deviceId ? "OverconstrainedError" : null;
  devices.want({ microphone: MICROPHONE, camera: { ...CAMERA, deviceId: "gone" } });
  await vi.waitFor(() =>
    expect(devices.camera.value).toMatchObject({ kind: "open", substitute: true }),
  );
  expect(devices.microphone.value).toMatchObject({ kind: "open", substitute: false });
});

test("who chooses another camera while the browser asks for the first gets the other", async () => {
  const answer = browser.hold();
  devices.want({ microphone: null, camera: CAMERA });
  devices.want({ microphone: null, camera: { ...CAMERA, deviceId: "rear" } });
  answer();
  await vi.waitFor(() => expect(browser.open.map((track) => track.deviceId)).toEqual(["rear"]));
});

test.each([
  ["NotFoundError", "prompt", "prompt", ["microphone", "camera"]],
  ["NotReadableError", "granted", "granted", ["microphone", "camera"]],
  ["NotAllowedError", "prompt", "prompt", []],
  ["NotAllowedError", "granted", "denied", ["microphone"]],
  ["NotAllowedError", "denied", "prompt", ["camera"]],
  ["NotAllowedError", "denied", "denied", []],
] as const)(
  "after %s with microphone %s and camera %s ask for %j",
  (name, microphone, camera, alone) => {
    expect(worthAskingAlone(new DOMException("", name), { microphone, camera })).toEqual(alone);
  },
);

test("what others are told", () => {
  const open = { kind: "opening" } as const;
  expect(microphoneState(open, false)).toBe(RemoteDeviceState.OPEN);
  expect(microphoneState(open, true)).toBe(RemoteDeviceState.MUTE);
  expect(cameraState(open, true)).toBe(RemoteDeviceState.OPEN);
  expect(cameraState(open, false)).toBe(RemoteDeviceState.DISABLE);
});
