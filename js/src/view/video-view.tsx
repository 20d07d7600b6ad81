import type { ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { PageCall } from "../call/call";
import type { Finding } from "../call/diagnosis";
import type { ViewTraits } from "../call/kernel";
import { shownName } from "../call/names";
import { type Shown, ViewMode } from "../call/shown";
import type { CallSnapshot, RemoteTile } from "../call/snapshot";
import { RemoteDeviceState as DeviceState, PublishChannel } from "../protocol.gen";
import { DiagnosisDialog, DiagnosisLink, isBroken, useDiagnosis } from "./diagnosis";
import { absenceOf, Frame } from "./frame";
import { HearButton } from "./hear-button";
import { AgainIcon, CameraOffIcon, ScreenIcon } from "./icons";
import { Mending } from "./mending";
import { usePicture, usePlayback, useTileSize } from "./playback";
import { canRetryDevice, ownCameraText, ownDeviceFails, screenText, streamText } from "./status";
import { useStill } from "./still";
import { Video } from "./video";

/** The call of the engine on whose canvas a view is. */
export interface Attached {
  readonly call: PageCall;
  readonly snapshot: ReadonlySignal<CallSnapshot>;
}

interface VideoViewProps {
  /** Null while the view is on no canvas. */
  attached: ReadonlySignal<Attached | null>;
  view: ReadonlySignal<ViewTraits>;
  look: (call: PageCall) => Promise<Finding[]>;
}

/** One picture: the preview of a channel, or a played stream. */
export function VideoView({ attached, view, look }: VideoViewProps): JSX.Element {
  const { shown, mode } = view.value;
  const call = attached.value?.call ?? null;
  const now = attached.value?.snapshot.value ?? null;
  const diagnosis = useDiagnosis();
  useEffect(() => diagnosis.close, [call]);
  const kind = now === null || shown.kind === "call" ? "empty" : shown.kind;
  return (
    <section
      class={`zw-root zw-view zw-view-${FITS[mode] ?? "contain"}`}
      data-zw-view={kind}
      data-state={now?.phase.kind ?? "idle"}
      // Else JupyterLab takes Enter and single letters from the buttons: they are commands on cells.
      data-lm-suppress-shortcuts="true"
      aria-label={labelOf(shown, now)}
    >
      <div class="zw-tile">
        {call && now && shown.kind === "local" && (
          <Local key={shown.channel} channel={shown.channel} call={call} now={now} />
        )}
        {call && now && shown.kind === "stream" && (
          <Played key={shown.streamId} streamId={shown.streamId} call={call} now={now} />
        )}
        {kind === "empty" && (
          <div class="zw-absent">
            <span class="zw-empty-icon">
              <CameraOffIcon />
            </span>
            <span class="zw-note">Not on a canvas yet</span>
          </div>
        )}
        {call && now && (now.canTryAgain || (isCamera(shown) && canRetryDevice(now))) && (
          <TryAgainButton call={call} />
        )}
        {now && (diagnosis.open || isTroubled(shown, now)) && (
          <div class="zw-ask">
            <DiagnosisLink {...diagnosis} />
          </div>
        )}
      </div>
      {call && diagnosis.open && (
        <DiagnosisDialog look={() => look(call)} close={diagnosis.close} />
      )}
    </section>
  );
}

/** Whether something stands in the way of what a view shows. */
function isTroubled(shown: Shown, now: CallSnapshot): boolean {
  return isBroken(now) || (isCamera(shown) && now.live && ownDeviceFails(now));
}

/** Whether it is the view of the own camera, which stands for the microphone as well. */
function isCamera(shown: Shown): boolean {
  return shown.kind === "local" && shown.channel === PublishChannel.MAIN;
}

/** Several views stand on one page: a screen reader tells them apart by what they show. */
function labelOf(shown: Shown, now: CallSnapshot | null): string {
  if (now === null) return "Video";
  if (shown.kind === "local")
    return shown.channel === PublishChannel.MAIN ? "Your camera" : "Your screen";
  if (shown.kind !== "stream") return "Video";
  const user = tileOf(now, shown.streamId)?.user;
  return `Video of ${shownName(user?.user_name ?? "", user?.user_id ?? shown.streamId)}`;
}

function tileOf({ tiles }: CallSnapshot, streamId: string): RemoteTile | null {
  return tiles.find(({ stream }) => stream?.id === streamId) ?? null;
}

const FITS: Record<ViewMode, string> = {
  [ViewMode.ASPECT_FIT]: "contain",
  [ViewMode.ASPECT_FILL]: "cover",
  [ViewMode.SCALE_TO_FILL]: "fill",
};

/** The preview of a channel of this person. */
function Local(props: { channel: PublishChannel; call: PageCall; now: CallSnapshot }): JSX.Element {
  const { now, call } = props;
  const main = props.channel === PublishChannel.MAIN;
  const media = main ? now.localMedia : now.screen.media;
  const [picture, watchPicture] = usePicture();
  const video = usePlayback(media);
  const showPicture = media !== null && picture.seen;
  const mirrored = main && now.mirrored;
  const cameraOff = main && (!now.cameraEnabled || now.camera.kind === "failed");
  const note = main ? ownCameraText(now) : screenText(now);
  const canShare = !main && now.screen.wanted && now.screen.canShare;
  return (
    <>
      <Frame
        name={now.userName}
        suffix={main ? "(you)" : "(screen)"}
        colourKey={now.userId}
        showPicture={showPicture}
        note={note}
        microphoneOff={
          main && now.captures && (now.microphoneMuted || now.microphone.kind === "failed")
        }
        cameraOff={cameraOff}
        waiting={note === null && media === null}
        voice={{ level: 0, speaking: main && now.speaking }}
        connection={main ? now.connection : null}
      >
        <Video
          element={video}
          shown={showPicture}
          watchPicture={watchPicture}
          variant={mirrored && "zw-video-mirrored"}
          streamId={null}
        />
      </Frame>
      {canShare && <ShareButton call={call} shared={now.screen.shared} />}
    </>
  );
}

/** The way back from a connection or a device that was refused. */
function TryAgainButton({ call }: { call: PageCall }): JSX.Element {
  return (
    <div class="zw-overlay">
      <button
        type="button"
        class="zw-button zw-button-plain"
        aria-label="Try again"
        title="Try again"
        onClick={(event) => {
          // The button goes; the keyboard goes on from the question beside it.
          const tile = event.currentTarget.closest(".zw-tile");
          tile?.querySelector<HTMLElement>(".zw-link")?.focus({ preventScroll: true });
          call.tryAgain();
        }}
      >
        <AgainIcon />
        <span class="zw-button-text">Try again</span>
      </button>
    </div>
  );
}

/** Browsers ask for a screen only in a gesture of the person. */
function ShareButton({ call, shared }: { call: PageCall; shared: boolean }): JSX.Element {
  const name = shared ? "Stop sharing" : "Share screen";
  return (
    <div class="zw-overlay">
      <button
        type="button"
        class="zw-button zw-button-plain"
        aria-label={name}
        title={name}
        onClick={() => (shared ? call.stopSharing() : call.shareScreen())}
      >
        <ScreenIcon />
        <span class="zw-button-text">{name}</span>
      </button>
    </div>
  );
}

/** A stream of somebody else. */
function Played(props: { streamId: string; call: PageCall; now: CallSnapshot }): JSX.Element {
  const { streamId, now, call } = props;
  const tile = tileOf(now, streamId);
  const media = tile?.media ?? null;
  const camera = tile?.stream?.camera ?? DeviceState.OPEN;
  const cameraOff = absenceOf(camera) !== null;
  const hindrance = tile?.hindrance ?? null;
  const visible = tile !== null && !cameraOff && !tile.videoMuted && hindrance?.kind !== "refused";
  const video = usePlayback(media);
  const still = useStill(video, media, tile?.mending ?? false, visible);
  const [picture, watchPicture] = usePicture(still.release);
  useTileSize(video, call, streamId);
  const showPicture = media !== null && picture.seen && visible;
  const mending = (tile?.mending ?? false) || (still.held && !hindrance);
  return (
    <>
      <Frame
        name={tile ? tile.user.user_name || tile.user.user_id : streamId}
        colourKey={tile?.user.user_id ?? streamId}
        showPicture={showPicture || still.held}
        note={streamText(now, streamId, tile)}
        microphoneOff={
          tile?.stream?.microphone !== undefined && tile.stream.microphone !== DeviceState.OPEN
        }
        cameraOff={cameraOff}
        waiting={media !== null && visible}
        voice={tile?.voice ?? { level: 0, speaking: false }}
        connection={tile?.connection ?? null}
        hindrance={hindrance}
      >
        <Video
          element={video}
          shown={showPicture}
          watchPicture={watchPicture}
          streamId={streamId}
          still={still}
        />
        <Mending mending={mending} />
      </Frame>
      {now.soundBlocked && media && !mending && (
        <div class="zw-overlay">
          <HearButton call={call} />
        </div>
      )}
    </>
  );
}
