import type { JSX } from "preact";
import type { PageCall } from "../call/call";
import type { CallSnapshot, RemoteTile } from "../call/snapshot";
import { RemoteDeviceState as DeviceState } from "../protocol.gen";
import { absenceOf, Frame } from "./frame";
import { Mending } from "./mending";
import { usePicture, usePlayback, useTileSize } from "./playback";
import { useStill } from "./still";
import { Video } from "./video";

/** Somebody else: their stream, or their name while they publish none. */
export function OtherTile({ tile, call }: { tile: RemoteTile; call: PageCall }): JSX.Element {
  const { stream } = tile;
  const cameraOff = stream !== null && stream.camera !== DeviceState.OPEN;
  const visible = !cameraOff && !tile.videoMuted && tile.hindrance?.kind !== "refused";
  const video = usePlayback(tile.media);
  const still = useStill(video, tile.media, tile.mending, visible);
  const [picture, watchPicture] = usePicture(still.release);
  useTileSize(video, call, stream?.id ?? null);
  const showPicture = tile.media !== null && picture.seen && visible;
  const mending = tile.mending || (still.held && !tile.hindrance);
  return (
    <li class="zw-tile">
      <Frame
        name={tile.user.user_name || tile.user.user_id}
        colourKey={tile.user.user_id}
        showPicture={showPicture || still.held}
        note={stream ? absenceOf(stream.camera) : "Not sending"}
        microphoneOff={stream !== null && stream.microphone !== DeviceState.OPEN}
        cameraOff={cameraOff}
        waiting={stream !== null && visible && !showPicture}
        voice={tile.voice}
        connection={tile.connection}
        hindrance={tile.hindrance}
      >
        {stream && (
          <Video
            element={video}
            shown={showPicture}
            watchPicture={watchPicture}
            variant={!picture.wide && "zw-video-whole"}
            streamId={stream.id}
            still={still}
          />
        )}
        <Mending mending={mending} />
      </Frame>
    </li>
  );
}

/** This person, as in a mirror unless the engine wants it otherwise. */
export function OwnTile({ call }: { call: CallSnapshot }): JSX.Element {
  const [picture, watchPicture] = usePicture();
  const video = usePlayback(call.localMedia);
  const showPicture = call.localMedia !== null && picture.seen;
  const sends = call.captures;
  const cameraOff = sends && (!call.cameraEnabled || call.camera.kind === "failed");
  const microphoneOff = sends && (call.microphoneMuted || call.microphone.kind === "failed");
  return (
    <li class="zw-tile">
      <Frame
        name={call.userName}
        suffix="(you)"
        colourKey={call.userId}
        showPicture={showPicture}
        note={ownNote(call)}
        microphoneOff={microphoneOff}
        cameraOff={cameraOff}
        waiting={sends && !cameraOff && !picture.seen}
        voice={{ level: 0, speaking: call.speaking }}
        connection={call.connection}
      >
        <Video
          element={video}
          shown={showPicture}
          watchPicture={watchPicture}
          variant={call.mirrored && "zw-video-mirrored"}
          streamId={null}
        />
      </Frame>
    </li>
  );
}

function ownNote(call: CallSnapshot): string | null {
  if (!call.canCapture || call.camera.kind === "failed") return "No camera";
  if (call.capturedBy === "Python") return "Python captures";
  if (!call.captures)
    return call.phase.kind === "in_call" ? "Your camera is used by another tab" : null;
  return call.cameraEnabled ? null : "Camera off";
}
