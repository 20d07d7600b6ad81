import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeTrack, fakeBrowser, watchAudios } from "../fakes/browser";
import { type Heard, Sound } from "./sound";

let audios: HTMLAudioElement[];
let sound: Sound;

beforeEach(() => {
  fakeBrowser();
  audios = watchAudios();
  sound = new Sound();
});

afterEach(() => {
  sound.play([], "");
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function heard(streamId: string, changes: Partial<Heard> = {}): Heard {
  const track = new FakeTrack("audio") as unknown as MediaStreamTrack;
  return { streamId, track, volume: 100, muted: false, ...changes };
}

const sounding = () => audios.filter((audio) => audio.srcObject !== null);

test("each stream sounds once, and no more when it is not to be heard", () => {
  const [bob, carol] = [heard("bob"), heard("carol")];
  sound.play([bob, carol], "");
  sound.play([bob, carol], "");
  expect(sounding().map((audio) => audio.dataset.streamId)).toEqual(["bob", "carol"]);
  sound.play([carol], "");
  expect(sounding().map((audio) => audio.dataset.streamId)).toEqual(["carol"]);
});

test("volume and mute are the stream's own", () => {
  const bob = heard("bob");
  sound.play([{ ...bob, volume: 40 }], "");
  expect(audios[0]).toMatchObject({ volume: 0.4, muted: false });
  sound.play([{ ...bob, muted: true }], "");
  expect(audios[0]).toMatchObject({ volume: 1, muted: true });
  expect(audios).toHaveLength(1);
});

test("what is louder than it comes goes through an amplifier, which ends with it", async () => {
  const made: { gain: number; closed: boolean }[] = [];
  class FakeContext {
    readonly state = { gain: 1, closed: false };
    constructor() {
      made.push(this.state);
    }
    createGain() {
      const { state } = this;
      return {
        connect: () => {},
        gain: {
          set value(value: number) {
            state.gain = value;
          },
        },
      };
    }
    createMediaStreamDestination = () => ({ stream: new MediaStream([]) });
    createMediaStreamSource = () => ({ connect: (node: object) => node });
    resume = async () => {};
    close = async () => {
      this.state.closed = true;
    };
  }
  vi.stubGlobal("AudioContext", FakeContext);
  const bob = heard("bob");
  sound.play([{ ...bob, volume: 150 }], "");
  expect(made).toEqual([{ gain: 1.5, closed: false }]);
  expect(audios[0]).toMatchObject({ volume: 1 });
  sound.play([bob], "");
  expect(made).toEqual([{ gain: 1.5, closed: true }]);
  expect(sounding()).toHaveLength(1);
});

test("what can not be made louder is heard as it comes, and so are the others", () => {
  vi.stubGlobal(
    "AudioContext",
    class {
      constructor() {
        throw new DOMException("too many", "NotSupportedError");
      }
    },
  );
  const loud = heard("bob", { volume: 150 });
  sound.play([loud, heard("carol")], "");
  sound.play([loud, heard("carol")], "");
  expect(sounding().map((audio) => audio.dataset.streamId)).toEqual(["bob", "carol"]);
});

test("a chosen speaker plays what is heard", () => {
  const speakers: string[] = [];
  Object.assign(HTMLMediaElement.prototype, {
    setSinkId: async (id: string) => void speakers.push(id),
  });
  const bob = heard("bob");
  sound.play([bob], "");
  sound.play([bob], "kitchen");
  sound.play([bob], "kitchen");
  expect(speakers).toEqual(["kitchen"]);
  Reflect.deleteProperty(HTMLMediaElement.prototype, "setSinkId");
});

test("sound that the browser blocks waits for a click", async () => {
  const play = vi.spyOn(HTMLMediaElement.prototype, "play");
  play.mockRejectedValue(new DOMException("", "NotAllowedError"));
  sound.play([heard("bob")], "");
  await vi.waitFor(() => expect(sound.blocked.value).toBe(true));
  play.mockResolvedValue(undefined);
  sound.allow();
  expect(sound.blocked.value).toBe(false);
  expect(play).toHaveBeenCalledTimes(2);
});

test("who is muted no more may need the click that a muted sound did not", async () => {
  const play = vi.spyOn(HTMLMediaElement.prototype, "play");
  play.mockImplementation(async function (this: HTMLMediaElement) {
    if (!this.muted) throw new DOMException("", "NotAllowedError");
  });
  const bob = heard("bob");
  sound.play([{ ...bob, muted: true }], "");
  await Promise.resolve();
  expect(sound.blocked.value).toBe(false);
  sound.play([bob], "");
  await vi.waitFor(() => expect(sound.blocked.value).toBe(true));
});
