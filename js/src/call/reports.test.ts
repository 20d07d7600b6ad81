import { expect, test, vi } from "vitest";
import { FakePeerConnection } from "../fakes/browser";
import { browser, giveEachTestAPage } from "../fakes/call";
import { FakeModel } from "../fakes/model";
import { openPage, page } from "../fakes/page";
import { PublishChannel, RemoteDeviceState } from "../protocol.gen";

giveEachTestAPage();

async function inCall(media: object = {}): Promise<void> {
  openPage(new FakeModel({ _kind: "video", _media: { main: { publish: true }, ...media } }));
  page.show({ kind: "local", channel: PublishChannel.MAIN });
  await page.join();
}

const all = (type: string) => page.model.sent.filter((message) => message.type === type);
const second = () => vi.advanceTimersByTimeAsync(1_000);

/** Statistics of Bob's stream, and of what is sent. */
function statistics(counts: { packets: number; lost?: number; frames: number }): void {
  const { packets, lost = 0, frames } = counts;
  FakePeerConnection.last.stats = [
    {
      type: "inbound-rtp",
      id: "a",
      kind: "audio",
      mid: "4",
      packetsReceived: packets,
      audioLevel: 0.1,
    },
    {
      type: "inbound-rtp",
      id: "v",
      kind: "video",
      mid: "16",
      packetsReceived: packets,
      packetsLost: lost,
      framesReceived: frames,
      framesDecoded: frames,
      frameWidth: 640,
      frameHeight: 360,
    },
    { type: "outbound-rtp", id: "o", kind: "video", mid: "1", packetsSent: 7, framesEncoded: 5 },
    { type: "remote-inbound-rtp", id: "r", localId: "o", packetsLost: 2, fractionLost: 0.25 },
    { type: "outbound-rtp", id: "m", kind: "audio", mid: "0", packetsSent: 9, mediaSourceId: "s" },
    { type: "media-source", id: "s", kind: "audio", audioLevel: 1 },
    { type: "candidate-pair", id: "p", nominated: true, currentRoundTripTime: 0.02 },
  ];
}

test("the browser's devices are told at once and after each change", async () => {
  browser.list = [{ kind: "videoinput", deviceId: "front", label: "" }];
  await inCall();
  const told = () => page.model.last("page_devices").devices;
  expect(told()).toEqual([{ kind: "camera", device_id: "front", device_name: "" }]);
  browser.change([
    { kind: "videoinput", deviceId: "front", label: "Front" },
    { kind: "audiooutput", deviceId: "loud", label: "Loud" },
  ]);
  await page.settle();
  expect(told()).toEqual([
    { kind: "camera", device_id: "front", device_name: "Front" },
    { kind: "speaker", device_id: "loud", device_name: "Loud" },
  ]);
});

test("where the page stands is told after every change, and only then", async () => {
  await inCall();
  expect(page.model.last("page_status")).toMatchObject({
    peer_id: page.model.last("offer").peer_id,
    captures: true,
    microphone: RemoteDeviceState.OPEN,
    camera: RemoteDeviceState.OPEN,
    screen: RemoteDeviceState.DISABLE,
    max_zoom: 1,
    played: ["bob-1"],
  });
  const before = all("page_status").length;
  page.wants({ main: { publish: true }, speaker_muted: true });
  expect(all("page_status")).toHaveLength(before);
  page.wants({ main: { publish: true, video_muted: true } });
  expect(page.model.last("page_status").camera).toBe(RemoteDeviceState.MUTE);
});

test("a refused camera is told by its state", async () => {
  browser.refuse = () => "NotAllowedError";
  openPage(new FakeModel({ _kind: "video", _media: { main: { preview: true } } }));
  page.show({ kind: "local", channel: PublishChannel.MAIN });
  await page.settle();
  expect(page.model.last("page_status")).toMatchObject({
    peer_id: null,
    camera: RemoteDeviceState.NO_AUTHORIZATION,
  });
});

test("a kernel that comes anew is told everything again", async () => {
  await inCall();
  page.model.kernelDies();
  const before = all("page_status").length;
  page.model.answerHello();
  expect(all("page_status")).toHaveLength(before + 1);
});

test("the first frames of what is captured are told, and its size", async () => {
  await inCall();
  const firsts = all("page_first_frame").map(({ kind, channel }) => [kind, channel]);
  expect(firsts).toContainEqual(["video", PublishChannel.MAIN]);
  expect(firsts).toContainEqual(["audio", PublishChannel.MAIN]);
  expect(page.model.last("page_picture_size")).toMatchObject({
    channel: 0,
    width: 640,
    height: 360,
  });
  const camera = browser.open.find((track) => track.kind === "video");
  if (camera) camera.settings = { width: 320, height: 180 };
  await second();
  expect(page.model.last("page_picture_size")).toMatchObject({
    channel: 0,
    width: 320,
    height: 180,
  });
});

test("first frames and size of a played stream are told once", async () => {
  await inCall();
  const played = (type: string) => all(type).filter(({ stream_id }) => stream_id === "bob-1");
  await second();
  expect(played("page_first_frame")).toEqual([]);
  statistics({ packets: 10, frames: 3 });
  await second();
  await second();
  expect(played("page_first_frame").map(({ kind }) => kind)).toEqual(["audio", "video"]);
  expect(played("page_picture_size")).toHaveLength(1);
  expect(played("page_picture_size")[0]).toMatchObject({ width: 640, height: 360 });
});

test("counts are told every second: since the stream came, with the share lost lately", async () => {
  await inCall();
  statistics({ packets: 10, frames: 3 });
  await second();
  statistics({ packets: 40, lost: 10, frames: 18 });
  await second();
  expect(page.model.last("page_stats")).toMatchObject({
    rtt: 0.02,
    main: { video: { packets: 7, frames: 5, packets_lost: 2, loss: 0.25 }, audio: { packets: 9 } },
    aux: null,
    played: {
      "bob-1": { video: { packets: 40, frames_decoded: 18, packets_lost: 10, loss: 0.25 } },
    },
  });

  // Another stream in the same slots begins at nothing.
  FakePeerConnection.last.hubSays({
    type: "slots_changed",
    slots: [{ stream_id: "carol-1", audio_mid: "4", video_mid: "16" }],
  });
  statistics({ packets: 45, lost: 10, frames: 20 });
  await second();
  expect(page.model.last("page_stats").played).toMatchObject({
    "carol-1": { video: { packets: 5, frames_decoded: 2, packets_lost: 0 } },
  });
});

test("loudness is told as often as the engine wants it", async () => {
  await inCall({ sound_period: 200 });
  statistics({ packets: 1, frames: 0 });
  await vi.advanceTimersByTimeAsync(400);
  expect(all("page_sound_levels")).toHaveLength(2);
  expect(page.model.last("page_sound_levels")).toMatchObject({ captured: 100 });
  const { played } = page.model.last("page_sound_levels") as { played: Record<string, number> };
  expect(played["bob-1"]).toBeCloseTo(66.7, 1);
  page.wants({ main: { publish: true } });
  await second();
  expect(all("page_sound_levels")).toHaveLength(2);
});

test("counts do not pile up before a busy kernel", async () => {
  await inCall();
  page.model.busy();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(all("page_stats").length).toBeLessThan(12);
  const before = all("page_stats").length;
  page.model.answerHello();
  await second();
  expect(all("page_stats")).toHaveLength(before + 1);
});

test("what others do does not pile up before a busy kernel; it hears the last of it", async () => {
  await inCall();
  page.model.busy();
  await vi.advanceTimersByTimeAsync(12_000);
  const before = all("page_status").length + all("page_first_frame").length;
  for (let i = 0; i < 50; i++) {
    const slots = [{ stream_id: `stream-${i}`, audio_mid: "4", video_mid: "16" }];
    FakePeerConnection.last.hubSays({ type: "slots_changed", slots });
    statistics({ packets: 10 * i, frames: 3 * i });
    await second();
  }
  expect(all("page_status").length + all("page_first_frame").length).toBe(before);
  page.model.answerHello();
  expect(page.model.last("page_status").played).toEqual(["stream-49"]);
  await second();
  const firsts = all("page_first_frame").filter(({ stream_id }) => stream_id !== null);
  expect(new Set(firsts.map(({ stream_id }) => stream_id))).toEqual(new Set(["stream-49"]));
});

test("counts go on after a view was closed that was asked whether the kernel listens", async () => {
  await inCall();
  const first = page.model;
  const other = new FakeModel({
    _kind: "video",
    _media: { main: { publish: true } },
    state: "in_call",
  });
  page.attach(other);
  first.busy();
  await vi.advanceTimersByTimeAsync(12_000);
  first.kernelDies();
  await second();
  expect(other.types).toContain("page_stats");
});

test("nothing is counted after the peer has gone", async () => {
  await inCall();
  page.model.kernelSets({ state: "idle" });
  const before = all("page_stats").length;
  await second();
  await second();
  expect(all("page_stats")).toHaveLength(before);
});

test("a question for a picture is answered once, whatever number of views it comes through", async () => {
  await inCall();
  const asked = { request_id: 7, channel: null, stream_id: "nobody" };
  const { page_id } = page.model.last("page_status");
  page.model.kernelSays({
    type: "take_snapshot",
    page_id: "another page",
    ...asked,
    request_id: 6,
  });
  page.model.kernelSays({ type: "take_snapshot", page_id, ...asked });
  page.model.kernelSays({ type: "take_snapshot", page_id, ...asked });
  await page.settle();
  expect(all("page_snapshot")).toEqual([
    { type: "page_snapshot", page_id, request_id: 7, width: 0, height: 0 },
  ]);
});

test("a picture travels as RGBA beside its message", async () => {
  await inCall();
  const context = {
    drawImage: () => {},
    getImageData: (_x: number, _y: number, width: number, height: number) => ({
      width,
      height,
      data: new Uint8ClampedArray(width * height * 4),
    }),
  };
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(context as never);
  const size = { videoWidth: 4, videoHeight: 2 };
  Object.assign(HTMLVideoElement.prototype, size);
  vi.spyOn(HTMLMediaElement.prototype, "play").mockImplementation(async function (
    this: HTMLMediaElement,
  ) {
    this.dispatchEvent(new Event("loadeddata"));
  });
  const { page_id } = page.model.last("page_status");
  const question = { request_id: 8, channel: PublishChannel.MAIN, stream_id: null };
  page.model.kernelSays({ type: "take_snapshot", page_id, ...question });
  await page.settle();
  vi.restoreAllMocks();
  for (const name of Object.keys(size)) Reflect.deleteProperty(HTMLVideoElement.prototype, name);
  expect(page.model.last("page_snapshot")).toMatchObject({ request_id: 8, width: 4, height: 2 });
  expect(page.model.buffers.map((buffer) => buffer.byteLength)).toEqual([32]);
});
