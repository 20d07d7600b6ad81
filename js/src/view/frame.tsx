import type { ComponentChildren, JSX } from "preact";
import { initial, shownName } from "../call/names";
import type { Voice as Heard } from "../call/snapshot";
import type { Connection, Hindrance } from "../call/vitals";
import { RemoteDeviceState as DeviceState } from "../protocol.gen";
import { CameraOffIcon, MicrophoneOffIcon } from "./icons";
import { Meter } from "./meter";
import { Voice } from "./voice";

const AVATAR_COLOURS = 8;

/** What fills a tile: a picture, or in its place an initial and why there is none; and a name. */
export function Frame(props: {
  name: string;
  suffix?: string;
  colourKey: string;
  showPicture: boolean;
  note: string | null;
  microphoneOff: boolean;
  cameraOff: boolean;
  waiting: boolean;
  voice: Heard;
  connection: Connection | null;
  /** Why the picture is held back; undefined where it never is. */
  hindrance?: Hindrance | null;
  children?: ComponentChildren;
}): JSX.Element {
  const name = shownName(props.name, props.colourKey);
  return (
    <>
      {!props.showPicture && !props.hindrance && (
        <div class="zw-absent">
          <span
            class={`zw-avatar zw-avatar-${colourOf(props.colourKey)} ${props.waiting ? "zw-waiting" : ""}`}
            aria-hidden="true"
          >
            {initial(name)}
          </span>
          {props.note && (
            <span class="zw-note" title={props.note}>
              {props.note}
            </span>
          )}
        </div>
      )}
      {props.children}
      {props.hindrance !== undefined && <Held hindrance={props.hindrance} name={name} />}
      {props.voice.speaking && <span class="zw-ring" aria-hidden="true" />}
      <Meter connection={props.connection} />
      <div class="zw-label">
        {props.microphoneOff && (
          <span class="zw-label-icon" role="img" aria-label="Microphone off" title="Microphone off">
            <MicrophoneOffIcon />
          </span>
        )}
        {props.cameraOff && (
          <span class="zw-label-icon" role="img" aria-label="Camera off" title="Camera off">
            <CameraOffIcon />
          </span>
        )}
        <bdi class="zw-name" title={name}>
          {name}
        </bdi>
        {props.suffix && <span class="zw-suffix">{props.suffix}</span>}
        <Voice {...props.voice} />
      </div>
    </>
  );
}

/** Over what is left of a picture: why there is no more of it. Always there, so that it is read out when it changes. */
function Held({ hindrance, name }: { hindrance: Hindrance | null; name: string }): JSX.Element {
  const text = hindrance && hindranceText(hindrance, name);
  return (
    <div class={`zw-held ${text ? "zw-held-shown" : ""}`} role="status">
      {text && (
        <span class="zw-held-text" title={text}>
          {text}
        </span>
      )}
    </div>
  );
}

/** Why there is no picture of somebody, as far as their camera says. */
export function absenceOf(camera: DeviceState): string | null {
  switch (camera) {
    case DeviceState.OPEN:
      return null;
    case DeviceState.DISABLE:
    case DeviceState.MUTE:
      return "Camera off";
    default:
      return "No camera";
  }
}

/** Why somebody's picture is not sent. */
export function hindranceText(hindrance: Hindrance, name: string): string {
  return hindrance.kind === "paused"
    ? "Video paused: slow connection"
    : `${name} sends ${hindrance.codec}, which this browser can not show.`;
}

function colourOf(key: string): number {
  let sum = 0;
  for (let i = 0; i < Math.min(key.length, 64); i++) sum = (sum * 31 + key.charCodeAt(i)) >>> 0;
  return sum % AVATAR_COLOURS;
}
