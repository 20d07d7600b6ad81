import type { ComponentChildren, JSX } from "preact";
import type { PageCall } from "../call/call";
import { wantsPeer } from "../call/phase";
import type { CallSnapshot } from "../call/snapshot";
import { DeviceMenu } from "./device-menu";
import { CameraIcon, CameraOffIcon, HangUpIcon, MicrophoneIcon, MicrophoneOffIcon } from "./icons";

/** Microphone and camera, and the way out while there is one. */
export function Toolbar({ call, now }: { call: PageCall; now: CallSnapshot }): JSX.Element {
  const silent = now.microphoneMuted || now.microphone.kind === "failed";
  const unseen = !now.cameraEnabled || now.camera.kind === "failed";
  return (
    <>
      {now.canCapture && (
        <>
          <Toggle
            name={silent ? "Unmute microphone" : "Mute microphone"}
            off={silent}
            onClick={() => call.toggleMicrophone()}
          >
            {silent ? <MicrophoneOffIcon /> : <MicrophoneIcon />}
          </Toggle>
          <Toggle
            name={unseen ? "Turn camera on" : "Turn camera off"}
            off={unseen}
            onClick={() => call.toggleCamera()}
          >
            {unseen ? <CameraOffIcon /> : <CameraIcon />}
          </Toggle>
          <DeviceMenu call={call} now={now} />
        </>
      )}
      {wantsPeer(now.phase) && (
        <button
          type="button"
          class="zw-button zw-button-stop"
          data-zw-main=""
          onClick={() => call.pressStop()}
        >
          <HangUpIcon />
          Stop call
        </button>
      )}
    </>
  );
}

export function StartButton({ call }: { call: PageCall }): JSX.Element {
  return (
    <button
      type="button"
      class="zw-button zw-button-start"
      data-zw-main=""
      onClick={() => call.pressStart()}
    >
      <CameraIcon />
      Start call
    </button>
  );
}

function Toggle(props: {
  name: string;
  off: boolean;
  onClick: () => void;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <button
      type="button"
      class={`zw-button zw-button-round ${props.off ? "zw-button-off" : ""}`}
      aria-label={props.name}
      title={props.name}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}
