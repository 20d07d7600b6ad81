import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { RemoteDeviceState as DeviceState } from "../protocol.gen";

export type DeviceKind = "microphone" | "camera";

export type Device =
  | { kind: "off" }
  | { kind: "opening" }
  | { kind: "open"; track: MediaStreamTrack }
  | { kind: "failed"; state: DeviceState };

type Permissions = Record<DeviceKind, PermissionState>;

const KINDS: readonly DeviceKind[] = ["microphone", "camera"];
const OFF: Device = { kind: "off" };

const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};
/** ZEGO's default preset, 360P. */
const CAMERA: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 360 },
  frameRate: { ideal: 30 },
};

/** Whether this page can capture at all: browsers give devices to https and localhost only. */
export function canCapture(): boolean {
  return navigator.mediaDevices !== undefined;
}

/**
 * The microphone and the camera of this page.
 *
 * `want` says which should be open; the rest follows, also when the wish changes while the browser still asks
 * the person. A device that is not wanted is released at once, so its light goes off.
 */
export class Devices {
  readonly #devices: Record<DeviceKind, Signal<Device>> = {
    microphone: signal(OFF),
    camera: signal(OFF),
  };
  #wanted: Record<DeviceKind, boolean> = { microphone: false, camera: false };
  #opening = false;

  get microphone(): ReadonlySignal<Device> {
    return this.#devices.microphone;
  }

  get camera(): ReadonlySignal<Device> {
    return this.#devices.camera;
  }

  want(wanted: Record<DeviceKind, boolean>): void {
    this.#wanted = { ...wanted };
    for (const kind of KINDS) {
      if (!wanted[kind] && this.#devices[kind].peek().kind !== "opening") this.#set(kind, OFF);
    }
    void this.#openWanted();
  }

  /** Try again to open a device that failed. */
  retry(kind: DeviceKind): void {
    if (this.#devices[kind].peek().kind !== "failed") return;
    this.#set(kind, OFF);
    void this.#openWanted();
  }

  async #openWanted(): Promise<void> {
    if (this.#opening) return; // whoever is opening looks again when done
    this.#opening = true;
    try {
      for (;;) {
        const missing = KINDS.filter(
          (k) => this.#wanted[k] && this.#devices[k].peek().kind === "off",
        );
        if (missing.length === 0) return;
        for (const kind of missing) this.#set(kind, { kind: "opening" });
        await this.#open(missing);
      }
    } finally {
      this.#opening = false;
    }
  }

  async #open(kinds: DeviceKind[]): Promise<void> {
    if (!canCapture()) {
      for (const kind of kinds)
        this.#take(kind, { kind: "failed", state: DeviceState.NO_AUTHORIZATION });
      return;
    }
    try {
      const opened = await request(kinds);
      for (const kind of kinds) this.#take(kind, opened[kind] ?? OFF);
    } catch (error) {
      // One request for two devices fails as a whole: find the one that works.
      const alone = kinds.length < 2 ? [] : worthAskingAlone(error, await permissions());
      for (const kind of kinds) if (!alone.includes(kind)) this.#take(kind, failure(error));
      for (const kind of alone) this.#take(kind, this.#wanted[kind] ? await openAlone(kind) : OFF);
    }
  }

  #take(kind: DeviceKind, device: Device): void {
    if (!this.#wanted[kind]) {
      if (device.kind === "open") device.track.stop();
      this.#set(kind, OFF);
      return;
    }
    if (device.kind === "open") {
      const { track } = device;
      track.addEventListener("ended", () => {
        const now = this.#devices[kind].peek();
        if (now.kind !== "open" || now.track !== track) return;
        this.#set(kind, { kind: "failed", state: DeviceState.UNPLUGGED });
      });
    }
    this.#set(kind, device);
  }

  #set(kind: DeviceKind, device: Device): void {
    const old = this.#devices[kind].peek();
    if (old.kind === "open" && (device.kind !== "open" || device.track !== old.track))
      old.track.stop();
    this.#devices[kind].value = device;
  }
}

export function openTrack(device: Device): MediaStreamTrack | null {
  return device.kind === "open" ? device.track : null;
}

/** What others are told about the microphone. */
export function microphoneState(device: Device, muted: boolean): DeviceState {
  if (device.kind === "failed") return device.state;
  return muted ? DeviceState.MUTE : DeviceState.OPEN;
}

/** What others are told about the camera. */
export function cameraState(device: Device, enabled: boolean): DeviceState {
  if (!enabled) return DeviceState.DISABLE;
  return device.kind === "failed" ? device.state : DeviceState.OPEN;
}

async function openAlone(kind: DeviceKind): Promise<Device> {
  try {
    return (await request([kind]))[kind] ?? OFF;
  } catch (error) {
    return failure(error);
  }
}

async function request(kinds: DeviceKind[]): Promise<Partial<Record<DeviceKind, Device>>> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: kinds.includes("microphone") ? MICROPHONE : false,
    video: kinds.includes("camera") ? CAMERA : false,
  });
  const opened = kinds.map((kind): [DeviceKind, Device] => {
    const [track] = kind === "microphone" ? stream.getAudioTracks() : stream.getVideoTracks();
    return [kind, track ? { kind: "open", track } : failure(new DOMException("", "NotFoundError"))];
  });
  return Object.fromEntries(opened);
}

/** The devices worth a second question after both together failed; who said no is not asked again. */
export function worthAskingAlone(error: unknown, permissions: Permissions): DeviceKind[] {
  if (errorName(error) !== "NotAllowedError") return [...KINDS];
  if (!KINDS.some((kind) => permissions[kind] === "denied")) return [];
  return KINDS.filter((kind) => permissions[kind] !== "denied");
}

async function permissions(): Promise<Permissions> {
  const ask = async (name: string): Promise<PermissionState> => {
    try {
      return (await navigator.permissions.query({ name: name as PermissionName })).state;
    } catch {
      return "denied"; // a browser that can not say: do not ask again
    }
  };
  return { microphone: await ask("microphone"), camera: await ask("camera") };
}

function failure(error: unknown): Device {
  return { kind: "failed", state: failedState(error) };
}

/** What a refusal of getUserMedia says of the device (Media Capture and Streams, section 10.2). */
function failedState(error: unknown): DeviceState {
  switch (errorName(error)) {
    case "NotAllowedError":
    case "SecurityError":
      return DeviceState.NO_AUTHORIZATION;
    case "NotFoundError":
    case "OverconstrainedError":
      return DeviceState.UNPLUGGED;
    case "NotReadableError":
    case "AbortError":
      return DeviceState.IN_USE_BY_OTHER;
    default:
      return DeviceState.GENERIC_ERROR;
  }
}

function errorName(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : "";
}
