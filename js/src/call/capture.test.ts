import { expect, test, vi } from "vitest";
import { FakePeerConnection } from "../fakes/browser";
import { answer, browser, giveEachTestAPage } from "../fakes/call";
import { FakeModel } from "../fakes/model";
import { openPage, page } from "../fakes/page";
import { PublishChannel, RemoteDeviceState, VideoMirrorMode } from "../protocol.gen";

giveEachTestAPage();

const MAIN = { kind: "local", channel: PublishChannel.MAIN } as const;
const AUX = { kind: "local", channel: PublishChannel.AUX } as const;

function videoView(media: object = {}): FakeModel {
  return new FakeModel({ _kind: "video", _media: media });
}

const kinds = () => browser.open.map((track) => track.kind);
const camera = () => browser.open.find((track) => track.kind === "video");

// -- previews -------------------------------------------------------------------------------------------------

test("a preview opens the camera alone, without a peer", async () => {
  openPage(videoView());
  page.show(MAIN);
  await page.settle();
  expect(browser.requests).toEqual([]);
  page.wants({ main: { preview: true } });
  await page.settle();
  expect(kinds()).toEqual(["video"]);
  expect(FakePeerConnection.made).toEqual([]);
  page.wants({});
  expect(kinds()).toEqual([]);
});

test("no preview opens a camera without a kernel, without a view, or while Python captures", async () => {
  openPage(new FakeModel({ _media: { main: { preview: true } } }, false));
  page.show(MAIN);
  await page.settle();
  expect(browser.requests).toEqual([]);
  page.model.answerHello();
  await page.settle();
  expect(kinds()).toEqual(["video"]);
  page.wants({ captures: false, main: { preview: true } });
  expect(kinds()).toEqual([]);
  page.wants({ main: { preview: true } });
  await page.settle();
  expect(kinds()).toEqual(["video"]);
  page.close();
  expect(kinds()).toEqual([]);
});

test("a preview that is rendered anew keeps its camera; one that is gone does not", async () => {
  openPage(videoView({ main: { preview: true } }));
  const [rendered, anew] = [new AbortController(), new AbortController()];
  page.call.attachView(MAIN, rendered.signal);
  await page.settle();
  rendered.abort();
  await vi.advanceTimersByTimeAsync(500);
  page.call.attachView(MAIN, anew.signal);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(kinds()).toEqual(["video"]);
  expect(browser.requests).toHaveLength(1);
  anew.abort();
  await vi.advanceTimersByTimeAsync(1_100);
  expect(kinds()).toEqual([]);
});

test("who publishes after a preview keeps the camera, and gives a microphone", async () => {
  openPage(videoView({ main: { preview: true } }));
  page.show(MAIN);
  await page.settle();
  page.wants({ main: { preview: true, publish: true } });
  await page.join();
  expect(browser.requests.filter(({ video }) => video)).toHaveLength(1);
  expect(FakePeerConnection.last.sending("camera")).toBe(camera());
  expect(FakePeerConnection.last.sending("microphone")?.kind).toBe("audio");
});

test("who only plays opens nothing", async () => {
  openPage(videoView());
  page.show({ kind: "stream", streamId: "bob-1" });
  await page.join();
  expect(browser.requests).toEqual([]);
});

test("a page that the hub does not let capture shows no preview", async () => {
  openPage(videoView({ main: { preview: true, publish: true } }));
  page.show(MAIN);
  await page.join({ captures: false });
  expect(kinds()).toEqual([]);
  expect(page.call.current().capturedBy).toBe("another page");
});

test("a page that is to capture after Python did offers itself anew", async () => {
  openPage(videoView({ captures: false, main: { publish: true } }));
  page.show(MAIN);
  await page.join({ captures: false });
  expect(page.model.last("offer").capture).toBe("never");
  page.wants({ main: { publish: true } });
  await answer(page.model);
  expect(page.model.last("offer").capture).toBe("offer");
  expect(FakePeerConnection.made).toHaveLength(2);
});

// -- what is sent ---------------------------------------------------------------------------------------------

async function publishing(main: object = {}, rest: object = {}): Promise<void> {
  openPage(videoView({ main: { publish: true, ...main }, ...rest }));
  page.show(MAIN);
  await page.join();
}

test("the camera is asked for what the engine wants, and follows changes without being reopened", async () => {
  await publishing({ width: 320, height: 180, fps: 20 });
  const wanted = (width: number, height: number, fps: number) => ({
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: fps },
  });
  expect(browser.requests[0]?.video).toEqual(wanted(320, 180, 20));
  page.wants({ main: { publish: true, width: 1280, height: 720, fps: 30 } });
  await page.settle();
  expect(browser.requests).toHaveLength(1);
  expect(camera()?.applied).toEqual([wanted(1280, 720, 30)]);
});

test("bitrates, frame rate and size of what is sent are the engine's", async () => {
  await publishing({ width: 320, height: 180, fps: 20, video_kbps: 300, audio_kbps: 32 });
  expect(FakePeerConnection.last.encoding("camera")).toMatchObject({
    maxBitrate: 300_000,
    maxFramerate: 20,
    scaleResolutionDownBy: 2,
  });
  expect(FakePeerConnection.last.encoding("microphone")).toEqual({ maxBitrate: 32_000 });
  page.wants({ main: { publish: true, video_kbps: 900 } });
  await page.settle();
  expect(FakePeerConnection.last.encoding("camera")).toMatchObject({
    maxBitrate: 900_000,
    scaleResolutionDownBy: 1,
  });
});

test("a camera that gives less after all is not made smaller a second time", async () => {
  await publishing();
  const track = camera();
  if (!track) throw new Error("No camera is open.");
  track.applyConstraints = async () => {
    track.settings = { width: 320, height: 180 };
  };
  page.wants({ main: { publish: true, width: 320, height: 180 } });
  await page.settle();
  expect(FakePeerConnection.last.encoding("camera")).toMatchObject({ scaleResolutionDownBy: 1 });
  expect(page.model.last("page_picture_size")).toMatchObject({ width: 320, height: 180 });
});

test("what is muted is not sent, and the others are told; the preview goes on", async () => {
  await publishing();
  page.wants({ main: { publish: true, audio_muted: true, video_muted: true } });
  expect(FakePeerConnection.last.sending("camera")).toBeNull();
  expect(FakePeerConnection.last.sending("microphone")).toBeNull();
  expect(FakePeerConnection.last.said.at(-1)).toMatchObject({
    microphone: RemoteDeviceState.MUTE,
    camera: RemoteDeviceState.MUTE,
  });
  expect(page.call.current().localMedia).not.toBeNull();
  page.wants({ main: { publish: true } });
  expect(FakePeerConnection.last.sending("camera")).toBe(camera());
});

test("what is muted before the browser sends it is not sent either", async () => {
  await publishing({ video_muted: true });
  const sender = FakePeerConnection.last.transceivers[1]?.sender;
  if (!sender) throw new Error("There is no camera slot.");
  let turn = Promise.resolve();
  sender.replaceTrack = (track) => {
    turn = turn.then(() => {
      sender.track = track;
    });
    return turn;
  };
  page.wants({ main: { publish: true } });
  page.wants({ main: { publish: true, video_muted: true } });
  await page.settle();
  expect(FakePeerConnection.last.sending("camera")).toBeNull();
});

test("a microphone that the browser can not make louder is sent as it is", async () => {
  let closed = 0;
  class SourcelessContext {
    createGain = () => ({});
    createMediaStreamDestination = () => ({});
    createMediaStreamSource = () => {
      throw new DOMException("other sample rate", "NotSupportedError");
    };
    close = async () => void closed++;
  }
  vi.stubGlobal("AudioContext", SourcelessContext);
  await publishing({}, { capture_volume: 150 });
  vi.unstubAllGlobals();
  expect(FakePeerConnection.last.sending("microphone")?.readyState).toBe("live");
  expect(FakePeerConnection.last.sending("camera")).toBe(camera());
  expect(closed).toBeGreaterThan(0);
});

test("without audio the microphone is closed", async () => {
  await publishing();
  page.wants({ main: { publish: true, audio: false } });
  expect(kinds()).toEqual(["video"]);
  expect(FakePeerConnection.last.said.at(-1)).toMatchObject({
    microphone: RemoteDeviceState.DISABLE,
  });
});

test("who stops publishing sends nothing and releases the devices", async () => {
  await publishing();
  page.wants({});
  expect(kinds()).toEqual([]);
  expect(FakePeerConnection.last.sending("camera")).toBeNull();
});

test("one sees oneself mirrored when the engine says so", async () => {
  await publishing();
  expect(page.call.current().mirrored).toBe(true);
  page.wants({ main: { publish: true }, mirror: VideoMirrorMode.NO_MIRROR });
  expect(page.call.current().mirrored).toBe(false);
});

test("zoom is relative to the widest picture, and 1 again for the next camera", async () => {
  await publishing({}, { zoom: 1 });
  const first = camera();
  if (first) first.capabilities = { zoom: { min: 100, max: 400 } };
  page.wants({ main: { publish: true }, zoom: 2 });
  await page.settle();
  expect(first?.applied.at(-1)).toMatchObject({ advanced: [{ zoom: 200 }] });
  page.wants({ main: { publish: true }, zoom: 3, camera_id: "rear" });
  await page.settle();
  const second = camera();
  expect(second?.deviceId).toBe("rear");
  if (second) second.capabilities = { zoom: { min: 100, max: 400 } };
  page.wants({ main: { publish: true }, zoom: 3, camera_id: "rear", speaker_muted: true });
  await page.settle();
  expect(second?.applied).toEqual([]);
});

// -- devices --------------------------------------------------------------------------------------------------

test("a device chosen on this page is used until the engine names another", async () => {
  await publishing({}, { camera_id: "front" });
  expect(camera()?.deviceId).toBe("front");
  page.call.chooseDevice("camera", "rear");
  await page.settle();
  expect(camera()?.deviceId).toBe("rear");
  page.wants({ main: { publish: true }, camera_id: "front", zoom: 1 });
  await page.settle();
  expect(camera()?.deviceId).toBe("rear");
  page.wants({ main: { publish: true }, camera_id: "side" });
  await page.settle();
  expect(camera()?.deviceId).toBe("side");
});

// -- screens --------------------------------------------------------------------------------------------------

test("a screen is shared in a gesture of the person, and sent", async () => {
  openPage(videoView({ main: { publish: true }, aux: { publish: true, audio: true } }));
  page.show(AUX);
  await page.join();
  expect(page.call.current().screen).toMatchObject({ wanted: true, shared: false });
  expect(FakePeerConnection.last.sending("screen")).toBeNull();
  page.call.shareScreen();
  await page.settle();
  expect(page.call.current().screen).toMatchObject({ shared: true, state: RemoteDeviceState.OPEN });
  expect(FakePeerConnection.last.sending("screen")?.deviceId).toBe("screen");
  expect(FakePeerConnection.last.sending("screen_audio")?.kind).toBe("audio");
});

test("Stop sharing in the browser's own bar ends it, and it can be shared again", async () => {
  openPage(videoView({ aux: { publish: true } }));
  page.show(AUX);
  await page.join();
  page.call.shareScreen();
  await page.settle();
  browser.tracks.find((track) => track.deviceId === "screen")?.unplug();
  await page.settle();
  expect(page.call.current().screen).toMatchObject({
    shared: false,
    state: RemoteDeviceState.UNPLUGGED,
  });
  expect(page.model.last("page_status").screen).toBe(RemoteDeviceState.UNPLUGGED);
  expect(kinds()).toEqual([]);
  page.call.shareScreen();
  await page.settle();
  expect(page.call.current().screen.shared).toBe(true);
  page.wants({});
  expect(kinds()).toEqual([]);
});

test("nobody is asked for a screen in saved output, or where no view shows it", async () => {
  openPage(new FakeModel({ _kind: "video", _media: { aux: { preview: true } } }, false));
  const view = new AbortController();
  page.call.attachView(AUX, view.signal);
  expect(page.call.current().screen.wanted).toBe(false);
  page.model.answerHello();
  expect(page.call.current().screen.wanted).toBe(true);
  page.call.shareScreen();
  await page.settle();
  expect(kinds()).toContain("video");
  view.abort();
  await vi.advanceTimersByTimeAsync(1_100);
  expect(kinds()).toEqual([]);
});
