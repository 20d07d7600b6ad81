import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { RemoteDeviceState as DeviceState } from "../protocol.gen";

export type DeviceKind = "microphone" | "camera";

export type Device =
  | { kind: "off" }
  | { kind: "opening" }
  /** `substitute`: the device that was chosen is gone, this is another. */
  | { kind: "open"; track: MediaStreamTrack; substitute: boolean }
  | { kind: "failed"; state: DeviceState };

/** How a device is to be open. */
export interface DeviceWish {
  /** Empty: the browser's choice. */
  readonly deviceId: string;
  readonly constraints: MediaTrackConstraints;
}

/** Null where the device is to be closed. */
export type DeviceWishes = Readonly<Record<DeviceKind, DeviceWish | null>>;

type Permissions = Record<DeviceKind, PermissionState>;

export const KINDS: readonly DeviceKind[] = ["microphone", "camera"];
const OFF: Device = { kind: "off" };

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
  readonly #adjusted = signal(0);
  #wanted: DeviceWishes = { microphone: null, camera: null };
  #opening = false;
  // To be tried again when whoever is opening is done.
  readonly #again = new Set<DeviceKind>();

  get microphone(): ReadonlySignal<Device> {
    return this.#devices.microphone;
  }

  get camera(): ReadonlySignal<Device> {
    return this.#devices.camera;
  }

  /** Changes whenever an open device changed what it gives. */
  get adjusted(): ReadonlySignal<number> {
    return this.#adjusted;
  }

  want(wanted: DeviceWishes): void {
    const before = this.#wanted;
    this.#wanted = { ...wanted };
    for (const kind of KINDS) {
      const device = this.#devices[kind].peek();
      const wish = wanted[kind];
      const other = wish?.deviceId !== before[kind]?.deviceId;
      if (device.kind === "opening") continue;
      if (!wish || other) this.#set(kind, OFF);
      else if (device.kind === "open") this.#adjust(device.track, wish, before[kind]);
    }
    void this.#openWanted();
  }

  /** Try again to open a device that failed. */
  retry(kind: DeviceKind): void {
    if (this.#devices[kind].peek().kind !== "failed") return;
    this.#set(kind, OFF);
    void this.#openWanted();
  }

  /** Look whether a device that failed can be had by now; while that lasts it counts as failed. */
  async tryAgain(kind: DeviceKind): Promise<void> {
    const wish = this.#wanted[kind];
    const failed = this.#devices[kind].peek();
    if (!wish || failed.kind !== "failed") return;
    if (this.#opening) {
      this.#again.add(kind);
      return;
    }
    this.#opening = true;
    try {
      const device = await openAlone(kind, wish);
      if (device.kind !== "failed" || device.state !== failed.state) this.#take(kind, device, wish);
    } finally {
      this.#opening = false;
      void this.#openWanted();
    }
  }

  /** The browser takes a device back. */
  forbid(kind: DeviceKind): void {
    const { kind: now } = this.#devices[kind].peek();
    if (now === "open" || now === "failed")
      this.#set(kind, { kind: "failed", state: DeviceState.NO_AUTHORIZATION });
  }

  /** These devices are there: a chosen one takes its place again. */
  found(deviceIds: readonly string[]): void {
    for (const kind of KINDS) {
      const device = this.#devices[kind].peek();
      if (device.kind !== "open" || !device.substitute) continue;
      if (deviceIds.includes(this.#wanted[kind]?.deviceId ?? "")) this.#set(kind, OFF);
    }
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
      const [kind] = this.#again;
      if (kind && this.#again.delete(kind)) void this.tryAgain(kind);
    }
  }

  async #open(kinds: DeviceKind[]): Promise<void> {
    if (!canCapture()) {
      for (const kind of kinds)
        this.#set(kind, { kind: "failed", state: DeviceState.NO_AUTHORIZATION });
      return;
    }
    const wishes = this.#wanted;
    try {
      const opened = await request(kinds, wishes);
      for (const kind of kinds) this.#take(kind, opened[kind] ?? OFF, wishes[kind]);
    } catch (error) {
      // One request for two devices fails as a whole: find the one that works. A chosen one may be gone.
      const gone = kinds.filter((kind) => wishes[kind]?.deviceId && isGone(error));
      const alone = kinds.length < 2 ? gone : worthAskingAlone(error, await permissions());
      for (const kind of kinds)
        if (!alone.includes(kind)) this.#take(kind, failure(error), wishes[kind]);
      for (const kind of alone) {
        const wish = this.#wanted[kind];
        this.#take(kind, wish ? await openAlone(kind, wish) : OFF, wish);
      }
    }
  }

  #take(kind: DeviceKind, device: Device, asked: DeviceWish | null): void {
    const wish = this.#wanted[kind];
    if (!wish || wish.deviceId !== asked?.deviceId) {
      if (device.kind === "open") device.track.stop();
      this.#set(kind, OFF);
      return;
    }
    if (device.kind === "open") {
      const { track } = device;
      this.#adjust(track, wish, asked);
      track.addEventListener("ended", () => {
        const now = this.#devices[kind].peek();
        if (now.kind !== "open" || now.track !== track) return;
        this.#set(kind, { kind: "failed", state: DeviceState.UNPLUGGED });
      });
    }
    this.#set(kind, device);
  }

  /** Let an open device follow its wish; one that can not goes on as it is. */
  #adjust(track: MediaStreamTrack, wish: DeviceWish, before: DeviceWish | null): void {
    if (JSON.stringify(wish.constraints) === JSON.stringify(before?.constraints)) return;
    const changed = () => {
      this.#adjusted.value++;
    };
    track.applyConstraints(wish.constraints).then(changed, () => {});
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

/** The device wished for, or any in its place where it is gone. */
async function openAlone(kind: DeviceKind, wish: DeviceWish): Promise<Device> {
  const open = async (wanted: DeviceWish) =>
    (await request([kind], { microphone: wanted, camera: wanted }))[kind] ?? OFF;
  try {
    return await open(wish);
  } catch (error) {
    if (wish.deviceId === "" || !isGone(error)) return failure(error);
  }
  try {
    const any = await open({ ...wish, deviceId: "" });
    return any.kind === "open" ? { ...any, substitute: true } : any;
  } catch (error) {
    return failure(error);
  }
}

async function request(
  kinds: DeviceKind[],
  wishes: DeviceWishes,
): Promise<Partial<Record<DeviceKind, Device>>> {
  const wanted = (kind: DeviceKind): MediaTrackConstraints | false => {
    const wish = wishes[kind];
    if (!kinds.includes(kind) || !wish) return false;
    const device = wish.deviceId === "" ? {} : { deviceId: { exact: wish.deviceId } };
    return { ...wish.constraints, ...device };
  };
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: wanted("microphone"),
    video: wanted("camera"),
  });
  const opened = kinds.map((kind): [DeviceKind, Device] => {
    const [track] = kind === "microphone" ? stream.getAudioTracks() : stream.getVideoTracks();
    if (!track) return [kind, failure(new DOMException("", "NotFoundError"))];
    return [kind, { kind: "open", track, substitute: false }];
  });
  return Object.fromEntries(opened);
}

function isGone(error: unknown): boolean {
  return ["OverconstrainedError", "NotFoundError"].includes(errorName(error));
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
