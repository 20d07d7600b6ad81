import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { PageDevice, PageMedia } from "../protocol.gen";

const KINDS: Record<string, PageDevice["kind"]> = {
  videoinput: "camera",
  audioinput: "microphone",
  audiooutput: "speaker",
};

/** All devices of the browser, looked up anew after each change and when asked. */
export class DeviceList {
  readonly #devices: Signal<readonly PageDevice[] | null> = signal(null);
  #looking = false;
  #again = false;

  constructor(owner: AbortSignal) {
    const look = () => void this.look();
    navigator.mediaDevices?.addEventListener?.("devicechange", look, { signal: owner });
  }

  /** Null until the first look. */
  get devices(): ReadonlySignal<readonly PageDevice[] | null> {
    return this.#devices;
  }

  /** Look anew: names are there only after the person allowed the use of a device. */
  async look(): Promise<void> {
    this.#again = this.#looking;
    if (this.#looking) return;
    this.#looking = true;
    do {
      this.#again = false;
      const found = await enumerate();
      const same = JSON.stringify(found) === JSON.stringify(this.#devices.peek());
      if (!same) this.#devices.value = found;
    } while (this.#again);
    this.#looking = false;
  }
}

async function enumerate(): Promise<PageDevice[]> {
  try {
    const found = await navigator.mediaDevices.enumerateDevices();
    return found.flatMap(({ kind, deviceId, label }) => {
      const named = KINDS[kind];
      // Before permission there is one device of each kind, without an ID.
      return named && deviceId ? [{ kind: named, device_id: deviceId, device_name: label }] : [];
    });
  } catch {
    return [];
  }
}

export type DeviceChoice = Readonly<Record<PageDevice["kind"], string>>;

/** Which devices to use: what the person chose on this page, until the kernel names another. */
export class Choice {
  readonly #here: Signal<Partial<Record<PageDevice["kind"], { id: string; over: string }>>> =
    signal({});

  choose(kind: PageDevice["kind"], id: string, media: PageMedia): void {
    this.#here.value = { ...this.#here.peek(), [kind]: { id, over: named(media)[kind] } };
  }

  of(media: PageMedia): DeviceChoice {
    const theirs = named(media);
    const id = (kind: PageDevice["kind"]) => {
      const here = this.#here.value[kind];
      return here?.over === theirs[kind] ? here.id : theirs[kind];
    };
    return { camera: id("camera"), microphone: id("microphone"), speaker: id("speaker") };
  }
}

function named({ camera_id, microphone_id, speaker_id }: PageMedia): DeviceChoice {
  return { camera: camera_id, microphone: microphone_id, speaker: speaker_id };
}
