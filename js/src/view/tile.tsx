import type { ComponentChildren, JSX, TargetedEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { initial, shownName } from "../call/names";
import type { CallSnapshot, RemoteTile } from "../call/snapshot";
import { RemoteDeviceState as DeviceState } from "../protocol.gen";
import { CameraOffIcon, MicrophoneOffIcon } from "./icons";

const AVATAR_COLOURS = 8;

/** Somebody else: their stream, or their name while they publish none. */
export function OtherTile(props: {
  tile: RemoteTile;
  silent: boolean;
  onSoundBlocked: () => void;
}): JSX.Element {
  const { tile } = props;
  const { stream } = tile;
  const [picture, watchPicture] = usePicture();
  const video = usePlayback(tile.media, props.silent, props.onSoundBlocked);
  const cameraOff = stream !== null && stream.camera !== DeviceState.OPEN;
  const showPicture = tile.media !== null && picture.seen && !cameraOff;
  return (
    <TileFrame
      name={tile.user.user_name || tile.user.user_id}
      colourKey={tile.user.user_id}
      showPicture={showPicture}
      note={stream ? absenceOf(stream.camera) : "Not sending"}
      microphoneOff={stream !== null && stream.microphone !== DeviceState.OPEN}
      cameraOff={cameraOff}
      waiting={stream !== null && !cameraOff && !showPicture}
    >
      {stream && (
        <video
          ref={video}
          class={`zw-video ${picture.wide ? "" : "zw-video-whole"}`}
          data-stream-id={stream.id}
          hidden={!showPicture}
          autoplay
          playsInline
          muted={props.silent}
          {...watchPicture}
        />
      )}
    </TileFrame>
  );
}

/** This person, mirrored as in a mirror. */
export function OwnTile({ call }: { call: CallSnapshot }): JSX.Element {
  const [picture, watchPicture] = usePicture();
  const video = usePlayback(call.localMedia, true, () => {});
  const showPicture = call.localMedia !== null && picture.seen;
  const sends = call.captures;
  const cameraOff = sends && (!call.cameraEnabled || call.camera.kind === "failed");
  const microphoneOff = sends && (call.microphoneMuted || call.microphone.kind === "failed");
  return (
    <TileFrame
      name={call.userName}
      suffix="(you)"
      colourKey={call.userId}
      showPicture={showPicture}
      note={ownNote(call)}
      microphoneOff={microphoneOff}
      cameraOff={cameraOff}
      waiting={sends && !cameraOff && !picture.seen}
    >
      <video
        ref={video}
        class="zw-video zw-video-mirrored"
        data-local=""
        hidden={!showPicture}
        autoplay
        playsInline
        muted
        {...watchPicture}
      />
    </TileFrame>
  );
}

function ownNote(call: CallSnapshot): string | null {
  if (!call.canCapture || call.camera.kind === "failed") return "No camera";
  if (!call.captures)
    return call.phase.kind === "in_call" ? "Your camera is used by another tab" : null;
  return call.cameraEnabled ? null : "Camera off";
}

function TileFrame(props: {
  name: string;
  suffix?: string;
  colourKey: string;
  showPicture: boolean;
  note: string | null;
  microphoneOff: boolean;
  cameraOff: boolean;
  waiting: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const name = shownName(props.name, props.colourKey);
  return (
    <li class="zw-tile">
      {!props.showPicture && (
        <div class="zw-absent">
          <span
            class={`zw-avatar zw-avatar-${colourOf(props.colourKey)} ${props.waiting ? "zw-waiting" : ""}`}
            aria-hidden="true"
          >
            {initial(name)}
          </span>
          {props.note && <span class="zw-note">{props.note}</span>}
        </div>
      )}
      {props.children}
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
      </div>
    </li>
  );
}

interface Picture {
  /** The element has shown a frame. */
  seen: boolean;
  /** Wide enough to fill the tile; a portrait picture is shown whole. */
  wide: boolean;
}

function usePicture(): [Picture, Record<"onLoadedData" | "onResize" | "onEmptied", VideoListener>] {
  const [picture, setPicture] = useState<Picture>({ seen: false, wide: true });
  const look: VideoListener = ({ currentTarget: { videoWidth: width, videoHeight: height } }) =>
    setPicture((old) => (width === 0 ? old : { seen: true, wide: width / height > 1.2 }));
  // Another stream: until its first frame there is nothing to see.
  const forget: VideoListener = () => setPicture((old) => ({ ...old, seen: false }));
  return [picture, { onLoadedData: look, onResize: look, onEmptied: forget }];
}

type VideoListener = (event: TargetedEvent<HTMLVideoElement>) => void;

/** Attach a stream to a video element and keep it playing: a call has no pause. */
function usePlayback(media: MediaStream | null, silent: boolean, onSoundBlocked: () => void) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    if (video.srcObject !== media) video.srcObject = media;
    if (!media) return;
    const owner = new AbortController();
    const play = () => {
      video.play().catch((error: Error) => {
        if (error.name === "NotAllowedError" && !silent && !owner.signal.aborted) onSoundBlocked();
      });
    };
    // Jupyter takes cells that scroll away out of the document, and the browser pauses what leaves it.
    video.addEventListener("pause", play, { signal: owner.signal });
    play();
    return () => owner.abort();
  }, [media, silent]);
  useEffect(() => {
    const video = ref.current;
    return () => {
      if (video) video.srcObject = null;
    };
  }, []);
  return ref;
}

function absenceOf(camera: DeviceState): string | null {
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

function colourOf(key: string): number {
  let sum = 0;
  for (let i = 0; i < Math.min(key.length, 64); i++) sum = (sum * 31 + key.charCodeAt(i)) >>> 0;
  return sum % AVATAR_COLOURS;
}
