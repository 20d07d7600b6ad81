import { computed, effect, type ReadonlySignal, untracked } from "@preact/signals";
import { RemoteDeviceState as DeviceState, type PageMedia, PublishChannel } from "../protocol.gen";
import { CaptureGain } from "./capture-gain";
import { cameraConstraints, microphoneConstraints } from "./constraints";
import type { DeviceChoice } from "./device-list";
import { followReturns } from "./device-returns";
import { cameraState, canCapture, Devices, microphoneState, openTrack } from "./devices";
import type { Traits } from "./kernel";
import { layerLimits } from "./layers";
import { mirrorsPublished } from "./media";
import { PublishedMirror } from "./mirror";
import type { Peer } from "./peer";
import { ScreenShare, screenState } from "./screen";
import { preferenceOf } from "./traffic";
import { TrafficWatch } from "./traffic-watch";
import { Zoom } from "./zoom";

export interface CaptureSources {
  readonly traits: ReadonlySignal<Traits | null>;
  readonly media: ReadonlySignal<PageMedia>;
  readonly choice: ReadonlySignal<DeviceChoice>;
  /** Whether this page may capture for a peer; null while no hub has said. */
  readonly captures: ReadonlySignal<boolean | null>;
  readonly live: ReadonlySignal<readonly unknown[]>;
  /** The channels whose local preview a view shows. */
  readonly previewed: ReadonlySignal<readonly PublishChannel[]>;
  readonly peer: ReadonlySignal<Peer | null>;
}

export interface DeviceStates {
  readonly microphone: DeviceState;
  readonly camera: DeviceState;
}

/** What this page captures and sends: opens what is wanted, and releases it in the same turn as it is not. */
export class Capture {
  readonly devices = new Devices();
  readonly screen = new ScreenShare();
  readonly #gain = new CaptureGain();
  readonly #mirror = new PublishedMirror();
  readonly #zoom = new Zoom();
  readonly #sources: CaptureSources;
  readonly #traffic: TrafficWatch;

  constructor(sources: CaptureSources, owner: AbortSignal) {
    this.#sources = sources;
    followReturns(this.devices, owner);
    this.#traffic = new TrafficWatch(sources, owner);
    const disposals = [
      effect(() => this.#wantDevices()),
      effect(() => this.#sendTracks()),
      effect(() => this.#shapeTracks()),
    ];
    owner.addEventListener("abort", () => {
      for (const dispose of disposals) dispose();
      this.devices.want({ microphone: null, camera: null });
      this.screen.want(null);
      this.#gain.close();
      this.#mirror.close();
    });
  }

  /** Which devices belong open now. */
  readonly wanted = computed(() => {
    const { main, aux, captures: engineCaptures } = this.#media.value;
    const { captures: allowed, previewed, traits, live } = this.#sources;
    const captures = engineCaptures ? allowed.value : false;
    const sends = captures === true && main.publish;
    // A preview needs no peer, but a view and a kernel: saved output opens nothing.
    const shows = (channel: PublishChannel) =>
      captures === true ||
      (captures === null && previewed.value.includes(channel) && live.value.length > 0);
    return {
      microphone: sends && main.audio,
      camera:
        (sends || (shows(PublishChannel.MAIN) && main.preview)) &&
        (traits.value?.camera_enabled ?? false),
      screen: shows(PublishChannel.AUX) && (aux.preview || aux.publish),
    };
  });

  /** Whether the connection has no room for the least bitrate of the camera, which is not sent. */
  readonly heldBack = computed(() => this.#traffic.main.value?.sends === false);

  /** What others are told of the devices behind the main stream. */
  readonly states = computed((): DeviceStates => {
    const traits = this.#sources.traits.value;
    const { main } = this.#media.value;
    if (!canCapture()) {
      return { microphone: DeviceState.NO_AUTHORIZATION, camera: DeviceState.NO_AUTHORIZATION };
    }
    const muted = (traits?.microphone_muted ?? false) || main.audio_muted;
    const microphone = microphoneState(this.devices.microphone.value, muted);
    const camera = cameraState(this.devices.camera.value, traits?.camera_enabled ?? true);
    const unsent = main.video_muted || this.heldBack.value;
    return {
      microphone: main.audio ? microphone : DeviceState.DISABLE,
      camera: camera === DeviceState.OPEN && unsent ? DeviceState.MUTE : camera,
    };
  });

  readonly screenState = computed(() =>
    screenState(this.screen.screen.value, this.#media.value.aux, this.wanted.value.screen),
  );

  readonly localMedia = computed(() => asStream(openTrack(this.devices.camera.value)));

  readonly screenMedia = computed(() => {
    const screen = this.screen.screen.value;
    return asStream(screen.kind === "shared" ? screen.video : null);
  });

  /** Whether a channel of this page is sent. */
  sends(channel: PublishChannel): boolean {
    if (this.#sources.captures.value !== true) return false;
    const { main, aux } = this.#media.value;
    return channel === PublishChannel.MAIN
      ? main.publish
      : aux.publish && this.screen.screen.value.kind === "shared";
  }

  get #media(): ReadonlySignal<PageMedia> {
    return this.#sources.media;
  }

  #wantDevices(): void {
    const { main, aux, zoom } = this.#media.value;
    const wanted = this.wanted.value;
    const choice = this.#sources.choice.value;
    const constraints = cameraConstraints(main);
    const microphone = wanted.microphone
      ? { deviceId: choice.microphone, constraints: microphoneConstraints(main) }
      : null;
    const camera = wanted.camera ? { deviceId: choice.camera, constraints } : null;
    untracked(() => {
      this.devices.want({ microphone, camera });
      this.screen.want(wanted.screen ? aux : null);
    });
    this.#zoom.follow(openTrack(this.devices.camera.value), zoom, constraints);
  }

  #sendTracks(): void {
    const media = this.#media.value;
    const microphone = openTrack(this.devices.microphone.value);
    if (microphone) microphone.enabled = !this.#sources.traits.value?.microphone_muted;
    const louder = this.#gain.track(microphone, media.capture_volume);
    const mirrored = mirrorsPublished(media) && media.main.publish;
    const camera = openTrack(this.devices.camera.value);
    const seen = this.#mirror.track(camera, mirrored, media.main.fps);
    const screen = this.screen.screen.value;
    const shared = screen.kind === "shared" ? screen : null;

    const [main, aux] = [this.sends(PublishChannel.MAIN), this.sends(PublishChannel.AUX)];
    const peer = this.#sources.peer.value;
    peer?.send("microphone", main && !media.main.audio_muted ? louder : null);
    const sendsScreen = !media.aux.video_muted && this.#traffic.aux.value?.sends !== false;
    peer?.send("camera", main && !media.main.video_muted && !this.heldBack.value ? seen : null);
    peer?.send("screen", aux && sendsScreen ? (shared?.video ?? null) : null);
    peer?.send("screen_audio", aux && !media.aux.audio_muted ? (shared?.audio ?? null) : null);
  }

  /** Bitrates, frame rates and sizes of what is encoded. */
  #shapeTracks(): void {
    const { main, aux } = this.#media.value;
    const peer = this.#sources.peer.value;
    if (!peer || this.#sources.captures.value !== true) return;
    peer.shape("microphone", () => ({ maxBitrate: 1000 * main.audio_kbps }));
    peer.shape("screen_audio", () => ({ maxBitrate: 1000 * aux.audio_kbps }));
    const camera = openTrack(this.devices.camera.value);
    void this.devices.adjusted.value; // then its picture has another size
    const [adaption, screen] = [this.#traffic.main.value, this.#traffic.aux.value];
    const scale = downscale(camera, main) * (adaption?.scale ?? 1);
    const { width = main.width * scale, height = main.height * scale } =
      camera?.getSettings?.() ?? {};
    const limits = {
      width: width / scale,
      height: height / scale,
      fps: adaption?.fps ?? main.fps,
      kbps: main.video_kbps,
      downscale: scale,
    };
    const wanted = peer.wantedLayers.value;
    peer.shape("camera", (rid) => layerLimits(rid, limits, wanted), preferenceOf(main.traffic));
    const screenLimits = {
      maxBitrate: 1000 * aux.video_kbps,
      maxFramerate: screen?.fps ?? aux.fps,
      scaleResolutionDownBy: screen?.scale ?? 1,
    };
    peer.shape("screen", () => screenLimits, preferenceOf(aux.traffic));
  }
}

/** How much smaller than the camera's picture the encoded one is to be. */
export function downscale(
  camera: MediaStreamTrack | null,
  { width, height }: { width: number; height: number },
): number {
  const got = camera?.getSettings?.() ?? {};
  if (!got.width || !got.height) return 1;
  return Math.max(1, Math.min(got.width / width, got.height / height));
}

function asStream(track: MediaStreamTrack | null): MediaStream | null {
  return track && new MediaStream([track]);
}
