import { expect, test, vi } from "vitest";
import { FakePeerConnection } from "./fakes/browser";
import { firstFrame, giveEachTestADocument, show, state } from "./fakes/cell";
import { answerOffer, BOB_STREAM, letIn, SNAPSHOT } from "./fakes/hub";
import { type ControlMessage, RemoteDeviceState, StreamQualityLevel } from "./protocol.gen";

giveEachTestADocument();

/** A widget in the call: Alice's, with Bob and Carol there. */
async function joined(traits: Record<string, unknown> = {}) {
  const { model, el } = show(traits);
  model.kernelSets({ state: "connecting" });
  await vi.waitFor(() => expect(model.types).toContain("offer"));
  answerOffer(model);
  const carol = { user_id: "carol", user_name: "Carol" };
  letIn({
    users: [BOB_STREAM.user, carol],
    streams: [BOB_STREAM, { ...BOB_STREAM, stream_id: "carol-1", user: carol }],
    slots: [...SNAPSHOT.slots, { stream_id: "carol-1", audio_mid: "5", video_mid: "17" }],
  });
  model.kernelSets({ state: "in_call" });
  const tileOf = (name: string) =>
    [...el.querySelectorAll(".zw-tile")].find((tile) => tile.textContent?.includes(name));
  return { model, el, tileOf };
}

async function hubSays(message: ControlMessage): Promise<void> {
  FakePeerConnection.last.hubSays(message);
  await new Promise((resolve) => setTimeout(resolve));
}

const speaks = (stream_id: string | null, user_id: string | null) =>
  hubSays({ type: "active_speaker", stream_id, user_id });

/** Whose tile has the accent; what it is called is no matter of colour. */
function speakers(el: HTMLElement): (string | null)[] {
  const ringed = [...el.querySelectorAll(".zw-tile")].filter((t) => t.querySelector(".zw-ring"));
  for (const tile of ringed) expect(tile.querySelector('[aria-label="speaking"]')).not.toBeNull();
  expect(el.querySelectorAll('[aria-label="speaking"]')).toHaveLength(ringed.length);
  return ringed.map((tile) => tile.querySelector(".zw-name")?.textContent ?? null);
}

test("who speaks has the accent, and nobody else", async () => {
  const { el } = await joined();
  expect(speakers(el)).toEqual([]);
  await speaks("bob-1", "bob");
  expect(speakers(el)).toEqual(["Bob"]);
  await speaks("carol-1", "carol");
  expect(speakers(el)).toEqual(["Carol"]);
  await speaks("alice-1", "alice");
  expect(speakers(el)).toEqual(["Alice"]);
  await speaks(null, null);
  expect(speakers(el)).toEqual([]);
});

test("the tiles stay where they are, whoever speaks", async () => {
  const { el } = await joined();
  const names = () => [...el.querySelectorAll(".zw-name")].map((name) => name.textContent);
  const pictures = () => [...el.querySelectorAll("video")].map((video) => video.srcObject);
  await vi.waitFor(() => expect(pictures()).not.toContain(null));
  const [people, media] = [names(), pictures()];
  await speaks("carol-1", "carol");
  await hubSays({ type: "sound_levels", levels: { "carol-1": 80 } });
  expect(names()).toEqual(people);
  expect(pictures().every((picture, i) => picture === media[i])).toBe(true);
});

test("who is muted does not speak, even before the hub says so", async () => {
  const { el, model } = await joined();
  await speaks("bob-1", "bob");
  await hubSays({
    type: "stream_state_changed",
    room_id: "demo",
    stream: { ...BOB_STREAM, microphone: RemoteDeviceState.MUTE },
  });
  expect(speakers(el)).toEqual([]);
  await speaks("alice-1", "alice");
  expect(speakers(el)).toEqual(["Alice"]);
  model.kernelSets({ microphone_muted: true });
  await vi.waitFor(() => expect(speakers(el)).toEqual([]));
});

test("who is heard beside the speaker is seen to be, without being called the speaker", async () => {
  const { el, tileOf } = await joined();
  await speaks("bob-1", "bob");
  await hubSays({ type: "sound_levels", levels: { "bob-1": 80, "carol-1": 40 } });
  const voice = (name: string) => tileOf(name)?.querySelector<HTMLElement>(".zw-voice");
  expect(voice("Bob")?.style.getPropertyValue("--zw-voice")).toBe("0.8");
  expect(voice("Carol")?.getAttribute("aria-hidden")).toBe("true");
  expect(speakers(el)).toEqual(["Bob"]);
  await hubSays({ type: "sound_levels", levels: {} });
  expect(voice("Carol")).toBeNull();
  expect(speakers(el)).toEqual(["Bob"]);
});

test("each tile has the meter of its connection; what is unknown has none", async () => {
  const { el, tileOf } = await joined();
  const { EXCELLENT, MEDIUM, UNKNOWN } = StreamQualityLevel;
  const meter = (name: string) => tileOf(name)?.querySelector('[aria-label^="Connection"]');
  expect(el.querySelector(".zw-meter")).toBeNull();
  await hubSays({
    type: "network_quality",
    upstream: { level: EXCELLENT, rtt: 12, loss: 0 },
    downstream: { level: EXCELLENT, rtt: 12, loss: 0 },
    users: [
      { user_id: "bob", upstream: { level: MEDIUM, rtt: 400, loss: 0.03 } },
      { user_id: "carol", upstream: { level: UNKNOWN, rtt: null, loss: null } },
    ],
  });
  const said = (name: string) =>
    ["aria-label", "title"].map((attribute) => meter(name)?.getAttribute(attribute));
  expect(said("Alice")).toEqual([
    "Connection: excellent",
    "Connection: excellent (round trip 12 ms, 0 % lost)",
  ]);
  expect(said("Bob")).toEqual([
    "Connection: fair",
    "Connection: fair (round trip 412 ms, 3 % lost)",
  ]);
  expect(meter("Bob")?.querySelectorAll(".zw-meter-bar-off")).toHaveLength(1);
  expect(meter("Carol")).toBeFalsy();
});

test("a video view has accent and meter, too", async () => {
  const shown = { _kind: "video", _channel: null, stream_id: "bob-1", view_mode: 0, _media: {} };
  const { el } = await joined(shown);
  await speaks("bob-1", "bob");
  expect(speakers(el)).toEqual(["Bob"]);
  const good = { level: StreamQualityLevel.GOOD, rtt: null, loss: null };
  const users = [{ user_id: "bob", upstream: good }];
  await hubSays({ type: "network_quality", upstream: good, downstream: good, users });
  expect(el.querySelector(".zw-meter")?.getAttribute("title")).toBe("Connection: good");
});

test("with the connection everything that was known of others is gone", async () => {
  const { el } = await joined();
  await speaks("bob-1", "bob");
  FakePeerConnection.last.become("failed");
  await vi.waitFor(() => expect(state(el)).toBe("reconnecting"));
  expect(speakers(el)).toEqual([]);
});

const held = (tile: Element | null | undefined) =>
  tile?.querySelector('.zw-held[role="status"]')?.textContent;
const picture = (tile: Element | null | undefined) => {
  const video = tile?.querySelector("video");
  if (!video) throw new Error("There is no picture.");
  return video;
};

/** The browser has shown a frame of a stream. */
async function showsFrame(video: HTMLVideoElement): Promise<void> {
  firstFrame(video);
  await vi.waitFor(() => expect(video.hidden).toBe(false));
}

test("a codec that this browser can not show is named in that tile, until another comes", async () => {
  const { tileOf } = await joined();
  await showsFrame(picture(tileOf("Bob")));
  await showsFrame(picture(tileOf("Carol")));
  await hubSays({ type: "videos_refused", videos: [{ stream_id: "bob-1", codec: "H.264" }] });
  expect(held(tileOf("Bob"))).toBe("Bob sends H.264, which this browser can not show.");
  expect(picture(tileOf("Bob")).hidden).toBe(true);
  expect(held(tileOf("Carol"))).toBe("");
  expect(picture(tileOf("Carol")).hidden).toBe(false);
  await hubSays({ type: "videos_refused", videos: [] });
  expect(held(tileOf("Bob"))).toBe("");
  expect(picture(tileOf("Bob")).hidden).toBe(false);
});

test("a paused picture stays under the reason, with name and voice, until it goes on", async () => {
  const { tileOf } = await joined();
  await showsFrame(picture(tileOf("Bob")));
  await speaks("bob-1", "bob");
  await hubSays({ type: "videos_paused", stream_ids: ["bob-1"] });
  expect(held(tileOf("Bob"))).toBe("Video paused: slow connection");
  expect(held(tileOf("Carol"))).toBe("");
  expect(picture(tileOf("Bob")).hidden).toBe(false);
  expect(tileOf("Bob")?.querySelector(".zw-name")?.textContent).toBe("Bob");
  expect(tileOf("Bob")?.querySelector('[aria-label="speaking"]')).not.toBeNull();
  await hubSays({ type: "videos_paused", stream_ids: [] });
  expect(held(tileOf("Bob"))).toBe("");
});

test("of a picture that is paused before it came, the reason is there in place of an initial", async () => {
  const { tileOf } = await joined();
  await hubSays({ type: "videos_paused", stream_ids: ["bob-1"] });
  expect(held(tileOf("Bob"))).toBe("Video paused: slow connection");
  expect(tileOf("Bob")?.querySelector(".zw-avatar")).toBeNull();
});

test("who has the camera off is not said to be held back", async () => {
  const { tileOf } = await joined();
  await hubSays({ type: "videos_paused", stream_ids: ["bob-1"] });
  const stream = { ...BOB_STREAM, camera: RemoteDeviceState.DISABLE };
  await hubSays({ type: "stream_state_changed", room_id: "demo", stream });
  expect(held(tileOf("Bob"))).toBe("");
  expect(tileOf("Bob")?.querySelector(".zw-note")?.textContent).toBe("Camera off");
});

test("a video view says why its picture is held back, and a new room that nothing is", async () => {
  const shown = { _kind: "video", _channel: null, stream_id: "bob-1", view_mode: 0, _media: {} };
  const { el } = await joined(shown);
  await hubSays({ type: "videos_refused", videos: [{ stream_id: "bob-1", codec: "H.264" }] });
  expect(held(el)).toBe("Bob sends H.264, which this browser can not show.");
  await hubSays(SNAPSHOT);
  expect(held(el)).toBe("");
});
