import type { RemoteDeviceState as DeviceState } from "../protocol.gen";
import type { PageCall } from "./call";
import { canCapture, type Device, type DeviceKind } from "./devices";
import {
  type DeviceFacts,
  type Facts,
  type Finding,
  judge,
  type KernelFacts,
  pathIn,
} from "./diagnosis";
import type { Kernel } from "./kernel";
import { canConnect } from "./peer";
import { randomId } from "./random-id";
import type { Report } from "./stats";

const KERNEL_MS = 4_000;

/** Look at this browser, at the kernel and, through it, at the hub; resolves within seconds, whatever is wrong. */
export async function examine(call: PageCall, kernel: Kernel): Promise<Finding[]> {
  const now = call.current();
  const [answer, microphone, camera, report] = await Promise.all([
    askKernel(kernel),
    lookAt("microphone", now.microphone),
    lookAt("camera", now.camera),
    call.connectionStats(),
  ]);
  const { phase, live, canTryAgain } = call.current();
  const view = kernel.view.shown.kind === "call" ? "call" : "video";
  return judge({
    secure: globalThis.isSecureContext ?? true,
    canCapture: canCapture(),
    canConnect: canConnect(),
    devices: { microphone, camera },
    kernel: answer,
    phase,
    path: report && pathIn(report.values() as Iterable<Report>),
    view,
    wayBack: wayBackFrom(view, live, canTryAgain),
  });
}

function wayBackFrom(view: Facts["view"], live: boolean, canTryAgain: boolean): Facts["wayBack"] {
  if (!live) return "run";
  if (view === "call") return "start";
  return canTryAgain ? "again" : "log in";
}

/** What the kernel says of itself and the hub; null where it does not answer soon. */
function askKernel(kernel: Kernel): Promise<KernelFacts | null> {
  const pageId = randomId();
  const requestId = Math.floor(Math.random() * 2 ** 40); // as answers to others are heard, too
  const owner = new AbortController();
  const began = performance.now();
  return new Promise<KernelFacts | null>((resolve) => {
    const timer = setTimeout(() => resolve(null), KERNEL_MS);
    owner.signal.addEventListener("abort", () => clearTimeout(timer));
    kernel.listen(
      {
        heard: (message) => {
          const milliseconds = performance.now() - began;
          if (message.type === "refused" && message.request_id === requestId)
            resolve({ milliseconds, version: null, findings: [] });
          if (message.type !== "diagnosis" || message.page_id !== pageId) return;
          const { version, findings } = message;
          resolve({ milliseconds, version, findings });
        },
        traitsChanged: () => {},
        commChanged: () => {},
      },
      owner.signal,
    );
    if (!kernel.send({ type: "diagnose", page_id: pageId, request_id: requestId })) resolve(null);
  }).finally(() => owner.abort());
}

async function lookAt(kind: DeviceKind, device: Device): Promise<DeviceFacts> {
  return {
    permission: device.kind === "open" ? "granted" : await permissionFor(kind),
    found: await countOf(kind),
    failure: device.kind === "failed" ? (device.state as DeviceState) : null,
  };
}

async function permissionFor(kind: DeviceKind): Promise<PermissionState | "unknown"> {
  try {
    const status = await navigator.permissions.query({ name: kind as PermissionName });
    return status.state;
  } catch {
    return "unknown"; // a browser that has no such permission to ask for
  }
}

async function countOf(kind: DeviceKind): Promise<number | null> {
  const wanted = kind === "camera" ? "videoinput" : "audioinput";
  try {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === wanted).length;
  } catch {
    return null;
  }
}
