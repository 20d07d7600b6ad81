import { expect, test, vi } from "vitest";
import { FakePeerConnection } from "../fakes/browser";
import { giveEachTestAPage } from "../fakes/call";
import { FakeModel } from "../fakes/model";
import { openPage, page } from "../fakes/page";
import { RemoteDeviceState } from "../protocol.gen";

giveEachTestAPage();

/** In the call, with a camera whose traffic control is such. */
async function publishing(traffic: object, rest: object = {}): Promise<void> {
  const main = { publish: true, traffic, video_kbps: 600, fps: 15 };
  openPage(new FakeModel({ _media: { main, ...rest } }));
  page.show({ kind: "call" });
  await page.join();
}

const connection = () => FakePeerConnection.last;

/** The browser takes the connection for so wide. */
function room(kbps: number): void {
  connection().stats = [
    {
      type: "candidate-pair",
      id: "pair",
      nominated: true,
      availableOutgoingBitrate: 1000 * kbps,
    },
  ];
}

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(1000 * seconds);

test("what may give way is told to the browser, and told anew when it changes", async () => {
  await publishing({});
  await page.settle();
  expect(connection().preference("camera")).toBe("maintain-resolution");
  expect(connection().preference("microphone")).toBeUndefined();
  page.wants({ main: { publish: true, traffic: { resolution: true } } });
  await page.settle();
  expect(connection().preference("camera")).toBe("balanced");
});

test("a browser that does not know a preference keeps all other limits", async () => {
  FakePeerConnection.preferences = ["balanced"];
  await publishing({ fps: false });
  await page.settle();
  expect(connection().preference("camera")).toBeUndefined();
  expect(connection().encoding("camera").maxFramerate).toBe(15);
});

test("the camera is not sent while there is no room for its least bitrate, and the others know", async () => {
  await publishing({ min_kbps: 200 });
  room(100);
  await pass(20);
  expect(connection().sending("camera")).toBeNull();
  expect(connection().sending("microphone")).not.toBeNull();
  expect(connection().said.at(-1)).toMatchObject({ camera: RemoteDeviceState.MUTE });
  expect(page.call.current().cameraHeldBack).toBe(true);
  room(500);
  await pass(5);
  expect(connection().sending("camera")).not.toBeNull();
  expect(connection().said.at(-1)).toMatchObject({ camera: RemoteDeviceState.OPEN });
  expect(page.call.current().cameraHeldBack).toBe(false);
});

test("a least bitrate that is taken back, or a new connection, begins anew", async () => {
  await publishing({ min_kbps: 200 });
  room(100);
  await pass(20);
  page.wants({ main: { publish: true } });
  await page.settle();
  expect(connection().sending("camera")).not.toBeNull();
  page.wants({ main: { publish: true, traffic: { min_kbps: 200 } } });
  await pass(20);
  expect(connection().sending("camera")).toBeNull();
});

test("with the other mode two frames per second are sent", async () => {
  await publishing({ min_kbps: 200, ultra_low_fps: true });
  room(100);
  await pass(20);
  expect(connection().sending("camera")).not.toBeNull();
  expect(connection().encoding("camera").maxFramerate).toBe(2);
});

test("the frame rate is lowered to the least one and no further", async () => {
  await publishing({ min_fps: 8 });
  room(20);
  await pass(20);
  expect(connection().encoding("camera").maxFramerate).toBe(8);
  room(2000);
  await pass(20);
  expect(connection().encoding("camera").maxFramerate).toBe(15);
});

test("camera and screen share what there is room for", async () => {
  const aux = { publish: true, video_kbps: 1800, traffic: { min_kbps: 500 } };
  await publishing({ min_kbps: 200 }, { aux });
  page.call.shareScreen();
  await page.settle();
  room(900); // 225 for the camera, 675 for the screen
  await pass(20);
  expect(connection().sending("camera")).not.toBeNull();
  expect(connection().sending("screen")).not.toBeNull();
  room(700); // 175 and 525
  await pass(8);
  expect(connection().sending("camera")).toBeNull();
  expect(connection().sending("screen")).not.toBeNull();
});

test("without least values nobody looks at the connection for them", async () => {
  await publishing({});
  const stats = vi.spyOn(connection(), "getStats");
  page.model.kernelSets({ state: "in_call" });
  const before = stats.mock.calls.length;
  await pass(10);
  const looks = stats.mock.calls.length - before;
  expect(looks).toBeLessThanOrEqual(10); // the reports' own
});
