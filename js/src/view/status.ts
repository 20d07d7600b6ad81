import type { Device } from "../call/devices";
import { shownName } from "../call/names";
import { wantsPeer } from "../call/phase";
import type { CallSnapshot, RemoteTile } from "../call/snapshot";
import { RemoteDeviceState as DeviceState } from "../protocol.gen";
import { absenceOf } from "./frame";

/** The one line that says where the call stands. */
export function statusText(call: CallSnapshot): string {
  const { phase } = call;
  switch (phase.kind) {
    case "stale":
      return "Run this cell to start the call";
    case "idle":
      return "Ready to join";
    case "connecting":
      return call.waitingForKernel ? "Waiting for the kernel (a cell is running)…" : "Connecting…";
    case "in_call":
      return `In call · ${peopleText(call)}`;
    case "reconnecting":
      return call.waitingForKernel
        ? "Reconnecting… no answer from the kernel yet"
        : "Reconnecting…";
    case "refused":
      return `Could not join: ${explained(phase)}`;
    case "disconnected":
      return `Call ended: ${explained(phase)}`;
  }
}

function peopleText({ people, tiles }: CallSnapshot): string {
  const shown = 1 + new Set(tiles.map((tile) => tile.user.user_id)).size;
  const rest = shown < people ? ` (${people - shown} not shown)` : "";
  return `${people} ${people === 1 ? "person" : "people"}${rest}`;
}

/** What the person should know about the own camera and microphone, or nothing. */
export function deviceNotice(call: CallSnapshot): string | null {
  if (!wantsPeer(call.phase)) return null;
  if (!call.canCapture) {
    return (
      "You joined as a viewer: this page is not secure (https or localhost), " +
      "so the browser gives it no camera or microphone."
    );
  }
  const microphone = failureOf(call.microphone);
  const camera = call.cameraEnabled ? failureOf(call.camera) : null;
  if (microphone !== null && camera !== null) {
    const why =
      microphone === camera
        ? failed(camera, ["camera", "microphone"])
        : `${failed(camera, ["camera"])} ${failed(microphone, ["microphone"])}`;
    return `${why} You see and hear the others; they do not see or hear you.`;
  }
  if (camera !== null)
    return `${failed(camera, ["camera"])} The others hear you, but do not see you.`;
  if (microphone !== null)
    return `${failed(microphone, ["microphone"])} The others do not hear you.`;
  if (call.cameraHeldBack && call.cameraEnabled)
    return "Your connection is slow: the others hear you, but do not see you for now.";
  return goneText(call);
}

/** That a device which was chosen is gone, and another took its place. */
function goneText({ microphone, camera }: CallSnapshot): string | null {
  const gone = [
    camera.kind === "open" && camera.substitute && "camera",
    microphone.kind === "open" && microphone.substitute && "microphone",
  ].filter((name) => name !== false);
  return gone.length === 0
    ? null
    : `The chosen ${gone.join(" and ")} can not be found: the browser uses another.`;
}

const NOT_SECURE =
  "This page is not secure (https or localhost), so the browser gives it no camera or microphone.";

/** In place of the picture of the own camera; null while it is about to come. */
export function ownCameraText(call: CallSnapshot): string | null {
  const over = overText(call);
  if (over) return over;
  if (!call.canCapture) return NOT_SECURE;
  if (call.capturedBy === "Python") return "Python captures for this engine";
  if (call.capturedBy === "another page") return "Your camera is used by another tab";
  if (!call.cameraEnabled) return "Camera off";
  const state = failureOf(call.camera);
  if (state !== null) return failed(state, ["camera"]);
  return call.cameraWanted ? null : "No preview";
}

/** Whether the own camera or microphone is to be open, and can not. */
export function ownDeviceFails(call: CallSnapshot): boolean {
  return !call.canCapture || canRetryDevice(call);
}

/** Whether a device of this person failed that may be had when it is asked for again. */
export function canRetryDevice(call: CallSnapshot): boolean {
  const { canCapture, cameraEnabled, camera, microphone } = call;
  const failed = (cameraEnabled && camera.kind === "failed") || microphone.kind === "failed";
  return canCapture && failed;
}

/** In place of the picture of the own screen; null while there is one. */
export function screenText(call: CallSnapshot): string | null {
  const { screen } = call;
  const over = overText(call);
  if (over) return over;
  if (!screen.wanted) return "No preview";
  if (!screen.canShare) return "This browser can not share a screen.";
  if (screen.shared) return null;
  return screen.state === DeviceState.NO_AUTHORIZATION
    ? "The browser has no permission to share the screen."
    : "Not sharing";
}

/** In place of the picture of a played stream; null while it is shown. */
export function streamText(
  call: CallSnapshot,
  streamId: string,
  tile: RemoteTile | null,
): string | null {
  const over = overText(call);
  if (over) return over;
  if (call.phase.kind === "idle") return "Not playing";
  const waiting = `Waiting for ${shownName(tile?.user.user_name ?? "", tile?.user.user_id ?? streamId)}`;
  if (call.phase.kind !== "in_call" || !tile?.stream) return waiting;
  if (tile.videoMuted) return "Picture off";
  return absenceOf(tile.stream.camera) ?? (tile.media ? waiting : "Not playing");
}

/** Why one picture is not to be had at all. */
function overText(call: CallSnapshot): string | null {
  switch (call.phase.kind) {
    case "stale":
      return "Run this cell to see the video";
    case "refused":
    case "disconnected":
      return statusText(call);
    default:
      return null;
  }
}

function failed(state: DeviceState, devices: readonly string[]): string {
  const are = devices.length === 1 ? "is" : "are";
  switch (state) {
    case DeviceState.NO_AUTHORIZATION:
      return `The browser has no permission to use the ${devices.join(" and ")}.`;
    case DeviceState.UNPLUGGED:
      return `No ${devices.join(" and no ")} ${are} connected.`;
    case DeviceState.IN_USE_BY_OTHER:
      return `The ${devices.join(" and ")} ${are} in use by another program.`;
    default:
      return `The ${devices.join(" and ")} could not be opened.`;
  }
}

function explained({ code, reason }: { code: number; reason: string }): string {
  const sentence = reason || "no reason was given.";
  return code === 0 || sentence.includes(String(code)) ? sentence : `${sentence} (error ${code})`;
}

function failureOf(device: Device): DeviceState | null {
  return device.kind === "failed" ? device.state : null;
}
