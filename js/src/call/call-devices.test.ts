import { expect, test } from "vitest";
import { FakePeerConnection } from "../fakes/browser";
import { browser, giveEachTestAPage, inCall, page, settle } from "../fakes/call";
import { FakeModel } from "../fakes/model";
import { RemoteDeviceState } from "../protocol.gen";
import { Kernel } from "./kernel";

giveEachTestAPage();

test("muting is immediate, told to the hub and to Python", async () => {
  const { call, model } = await inCall();
  call.toggleMicrophone();
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(false);
  expect(FakePeerConnection.last.said.at(-1)).toMatchObject({ microphone: RemoteDeviceState.MUTE });
  expect(model.last("press_switches")).toMatchObject({
    microphone_muted: true,
    camera_enabled: null,
  });
});

test("camera off stops the camera, camera on opens it again", async () => {
  const { call } = await inCall();
  call.toggleCamera();
  expect(browser.open.map((track) => track.kind)).toEqual(["audio"]);
  expect(FakePeerConnection.last.sending("camera")).toBeNull();
  expect(FakePeerConnection.last.said.at(-1)).toMatchObject({ camera: RemoteDeviceState.DISABLE });
  call.toggleCamera();
  await settle();
  expect(FakePeerConnection.last.sending("camera")?.readyState).toBe("live");
  expect(FakePeerConnection.last.said.at(-1)).toMatchObject({ camera: RemoteDeviceState.OPEN });
});

test("what Python sets acts as the buttons do", async () => {
  const { model } = await inCall();
  model.kernelSets({ microphone_muted: true, camera_enabled: false });
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(false);
  expect(browser.open.map((track) => track.kind)).toEqual(["audio"]);
});

test("a second model of the widget, which knows nothing of it yet, does not undo muting", async () => {
  const { call } = await inCall();
  const twin = new FakeModel({ state: "in_call" });
  call.attachKernel(new Kernel(twin), page.signal);
  call.toggleMicrophone();
  twin.kernelSets({ error: "of the hub" });
  expect(call.current().microphoneMuted).toBe(true);
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(false);
  twin.kernelSets({ microphone_muted: true });
  twin.kernelSets({ microphone_muted: false });
  expect(call.current().microphoneMuted).toBe(false);
});

test("what was pressed stays, whatever a kernel says that has not heard of it", async () => {
  const { call, model } = await inCall();
  model.busy();
  call.toggleMicrophone();
  call.toggleCamera();
  // JupyterLab connects anew, and asks the kernel how the widget is.
  model.kernelSets({ microphone_muted: false, camera_enabled: true });
  await settle();
  expect(call.current()).toMatchObject({ microphoneMuted: true, cameraEnabled: false });
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(false);
  expect(browser.open.map((track) => track.kind)).toEqual(["audio"]);

  // The kernel is told again, and once it has heard it may say otherwise.
  expect(model.last("press_switches")).toMatchObject({
    microphone_muted: true,
    camera_enabled: false,
  });
  model.answerHello();
  model.kernelSets({ microphone_muted: false });
  expect(call.current().microphoneMuted).toBe(false);
});

test("who mutes while there is no kernel stays muted when it is back", async () => {
  const { call, model } = await inCall();
  model.kernelDies();
  call.toggleMicrophone();
  expect(call.current()).toMatchObject({ live: false, microphoneMuted: true });
  model.answerHello(model.sent.find(({ type }) => type === "view_hello"));
  expect(call.current()).toMatchObject({ live: true, microphoneMuted: true });
  expect(model.last("press_switches")).toMatchObject({ microphone_muted: true });
});

test("two presses in a row end with the second, although the kernel tells of the first", async () => {
  const { call, model } = await inCall();
  model.busy();
  call.toggleMicrophone();
  call.toggleMicrophone();
  model.kernelSets({ microphone_muted: true });
  expect(call.current().microphoneMuted).toBe(false);
  expect(FakePeerConnection.last.sending("microphone")?.enabled).toBe(true);
});
