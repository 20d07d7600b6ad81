import { effect } from "@preact/signals";
import { RemoteDeviceState as DeviceState } from "../protocol.gen";
import { type Device, type DeviceKind, type Devices, KINDS } from "./devices";

const AGAIN_MS = 5_000;

/**
 * Brings devices back that failed, once they can be had again, until the signal aborts.
 *
 * One is plugged in, another program lets go of one, a permission is granted: nobody has to press anything. And a
 * permission that is revoked takes its device away.
 */
export function followReturns(devices: Devices, owner: AbortSignal): void {
  if (!navigator.mediaDevices) return;
  const tryAgain = (...states: DeviceState[]) => {
    for (const kind of KINDS) {
      const device = devices[kind].peek();
      if (device.kind === "failed" && states.includes(device.state)) void devices.tryAgain(kind);
    }
  };
  const changed = async () => {
    tryAgain(DeviceState.UNPLUGGED, DeviceState.IN_USE_BY_OTHER, DeviceState.GENERIC_ERROR);
    const found = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    if (!owner.aborted) devices.found(found.map(({ deviceId }) => deviceId));
  };
  navigator.mediaDevices.addEventListener?.("devicechange", () => void changed(), {
    signal: owner,
  });
  followTaken(devices, () => tryAgain(DeviceState.IN_USE_BY_OTHER), owner);
  for (const kind of KINDS) void followPermission(devices, kind, owner);
}

/** What another program uses is asked for now and then: nothing tells when it lets go. */
function followTaken(devices: Devices, again: () => void, owner: AbortSignal): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const dispose = effect(() => {
    const taken = KINDS.map((kind) => devices[kind].value).some(isTaken);
    if (!taken) clearInterval(timer);
    else if (timer === undefined) timer = setInterval(again, AGAIN_MS);
    if (!taken) timer = undefined;
  });
  owner.addEventListener("abort", () => {
    dispose();
    clearInterval(timer);
  });
}

async function followPermission(
  devices: Devices,
  kind: DeviceKind,
  owner: AbortSignal,
): Promise<void> {
  const permission = await permissionOf(kind);
  if (!permission || owner.aborted) return;
  permission.addEventListener?.(
    "change",
    () => {
      if (permission.state === "granted") void devices.tryAgain(kind);
      else devices.forbid(kind);
    },
    { signal: owner },
  );
  // The end of a track is all that browsers tell of both, a cable that is pulled and a permission that is taken back.
  let before: Device = devices[kind].peek();
  const dispose = effect(() => {
    const now = devices[kind].value;
    const ended = before.kind === "open" && now.kind === "failed";
    before = now;
    if (!ended) return;
    if (permission.state === "granted") void devices.tryAgain(kind);
    else if (permission.state === "denied") queueMicrotask(() => devices.forbid(kind));
  });
  owner.addEventListener("abort", dispose);
}

function isTaken(device: Device): boolean {
  return device.kind === "failed" && device.state === DeviceState.IN_USE_BY_OTHER;
}

/** Null where the browser can not say. */
async function permissionOf(kind: DeviceKind): Promise<PermissionStatus | null> {
  try {
    return await navigator.permissions.query({ name: kind as PermissionName });
  } catch {
    return null;
  }
}
