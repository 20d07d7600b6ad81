import { computed, effect, type ReadonlySignal, untracked } from "@preact/signals";
import {
  RemoteDeviceState as DeviceState,
  type PageMedia,
  type PageStatus,
  PublishChannel,
  type SlotAssignment,
  type TakeSnapshot,
  type ViewMessage,
} from "../protocol.gen";
import type { Capture } from "./capture";
import type { DeviceList } from "./device-list";
import { openTrack } from "./devices";
import { type Measured, Measuring } from "./measuring";
import type { Peer } from "./peer";
import { pictureOf } from "./picture";
import type { TileSizes } from "./tile-sizes";
import { maxZoom } from "./zoom";

const STATS_MS = 1_000;
const SNAPSHOTS_REMEMBERED = 16;

export interface ReportSources {
  readonly pageId: string;
  readonly tileSizes: TileSizes;
  readonly capture: Capture;
  readonly devices: DeviceList;
  readonly media: ReadonlySignal<PageMedia>;
  readonly captures: ReadonlySignal<boolean | null>;
  readonly live: ReadonlySignal<readonly unknown[]>;
  /** The peer while it is connected. */
  readonly connected: ReadonlySignal<Peer | null>;
  readonly slots: ReadonlySignal<readonly SlotAssignment[]>;
  /** False while the kernel takes nothing: what changes must not pile up before it. */
  readonly listening: ReadonlySignal<boolean>;
  tell(message: ViewMessage, buffer?: ArrayBuffer): void;
  /** Tell what is worth nothing later. */
  mention(message: ViewMessage): void;
}

/** What this page tells its engine: devices, status, first frames, sizes, counts, levels, snapshots. */
export class Reports {
  readonly #sources: ReportSources;
  #toldStatus = "";
  #toldDevices = "";
  readonly #toldPictures: Record<PublishChannel, Picture> = { 0: NOTHING, 1: NOTHING };
  readonly #answered = new Set<number>();

  constructor(sources: ReportSources, owner: AbortSignal) {
    this.#sources = sources;
    const disposals = [
      effect(() => this.#forgetTold()),
      effect(() => this.#forgetCaptured()),
      effect(() => this.#tellDevices()),
      effect(() => this.#tellStatus()),
      effect(() => this.#tellCaptured()),
      effect(() => this.#measure()),
      effect(() => this.#listen()),
    ];
    owner.addEventListener("abort", () => {
      for (const dispose of disposals) dispose();
    });
  }

  /** Answer a question for a picture; asked through every view of the engine, answered once. */
  async takeSnapshot({ request_id, channel, stream_id }: TakeSnapshot): Promise<void> {
    if (this.#answered.has(request_id)) return;
    this.#answered.add(request_id);
    const [oldest] = this.#answered;
    if (oldest !== undefined && this.#answered.size > SNAPSHOTS_REMEMBERED)
      this.#answered.delete(oldest);
    const { pageId, tell, tileSizes } = this.#sources;
    const release = stream_id === null ? null : tileSizes.hold(stream_id);
    const picture = await pictureOf(this.#pictureTrack(channel, stream_id));
    release?.();
    const { width, height } = picture ?? { width: 0, height: 0 };
    const answer = { type: "page_snapshot", page_id: pageId, request_id, width, height } as const;
    if (picture) tell(answer, picture.data.buffer as ArrayBuffer);
    else tell(answer, new ArrayBuffer(0));
  }

  #pictureTrack(channel: PublishChannel | null, streamId: string | null): MediaStreamTrack | null {
    const { capture, connected, slots } = this.#sources;
    if (channel === PublishChannel.MAIN) return openTrack(capture.devices.camera.peek());
    if (channel === PublishChannel.AUX) {
      const screen = capture.screen.screen.peek();
      return screen.kind === "shared" ? screen.video : null;
    }
    const slot = slots.peek().find((s) => s.stream_id === streamId);
    return connected.peek()?.track(slot?.video_mid ?? null) ?? null;
  }

  readonly #live = computed(() => this.#sources.live.value.length > 0);

  /** A kernel that comes anew has heard nothing. */
  #forgetTold(): void {
    if (!this.#live.value) return;
    this.#toldStatus = this.#toldDevices = "";
    void untracked(() => this.#sources.devices.look());
  }

  /** With a new peer another page may count for the engine: what it did not take from this one is told again. */
  #forgetCaptured(): void {
    void this.#live.value;
    void this.#sources.connected.value;
    this.#toldPictures[0] = this.#toldPictures[1] = NOTHING;
  }

  #tellDevices(): void {
    const { devices, capture, pageId } = this.#sources;
    const found = devices.devices.value;
    // With the person's permission the devices get their names.
    const { microphone, camera } = capture.devices;
    if (camera.value.kind === "open" || microphone.value.kind === "open")
      void untracked(() => devices.look());
    const told = JSON.stringify(found);
    if (!this.#live.value || !found || told === this.#toldDevices) return;
    this.#toldDevices = told;
    this.#tell({ type: "page_devices", page_id: pageId, devices: [...found] });
  }

  readonly #status = computed((): PageStatus => {
    const { pageId, capture, connected, slots, captures } = this.#sources;
    const wanted = capture.wanted.value;
    const states = capture.states.value;
    const capturing = captures.value === true;
    // A preview without a peer captures too; a page that captures nothing has nothing to say of its devices.
    const state = (of: "microphone" | "camera") =>
      wanted[of] || capturing ? states[of] : DeviceState.DISABLE;
    return {
      type: "page_status",
      page_id: pageId,
      peer_id: connected.value?.id ?? null,
      captures: capturing || wanted.camera,
      microphone: state("microphone"),
      camera: state("camera"),
      screen: capture.screenState.value,
      max_zoom: maxZoom(openTrack(capture.devices.camera.value)),
      played: connected.value ? slots.value.map((slot) => slot.stream_id) : [],
    };
  });

  #tellStatus(): void {
    const status = this.#status.value;
    const told = JSON.stringify(status);
    if (!this.#live.value || !this.#sources.listening.value || told === this.#toldStatus) return;
    this.#toldStatus = told;
    this.#tell(status);
  }

  #tellCaptured(): void {
    const { capture, connected, listening } = this.#sources;
    const microphone = openTrack(capture.devices.microphone.value);
    const screen = capture.screen.screen.value;
    const shared = screen.kind === "shared" ? screen : null;
    // What gives another size, or another listener.
    void [capture.devices.adjusted.value, connected.value];
    if (!this.#live.value || !listening.value) return;
    this.#captured(PublishChannel.MAIN, openTrack(capture.devices.camera.value), microphone);
    this.#captured(PublishChannel.AUX, shared?.video ?? null, shared?.audio ?? null);
  }

  #captured(
    channel: PublishChannel,
    video: MediaStreamTrack | null,
    audio: MediaStreamTrack | null,
  ): void {
    const { pageId } = this.#sources;
    const told = this.#toldPictures[channel];
    const of = { page_id: pageId, channel, stream_id: null };
    for (const [kind, track] of [
      ["audio", audio],
      ["video", video],
    ] as const)
      if (track && track !== told[kind]) this.#tell({ type: "page_first_frame", kind, ...of });
    const { width, height } = video?.getSettings?.() ?? {};
    const size = video ? `${width}x${height}` : "";
    if (width && height && size !== told.size)
      this.#tell({ type: "page_picture_size", ...of, width, height });
    this.#toldPictures[channel] = { audio, video, size };
  }

  /** Counts every second while connected; never a second look before the first one is done. */
  #measure(): (() => void) | undefined {
    const { connected, slots, capture, pageId, listening } = this.#sources;
    const peer = connected.value;
    if (!peer || !this.#live.value) return;
    const measuring = new Measuring(peer);
    const untold = new Map<string, Measured["news"][number]>();
    let ended = false;
    const look = async () => {
      const sends = (channel: PublishChannel) => untracked(() => capture.sends(channel));
      const measured = await measuring.measure(slots.peek(), sends);
      if (!measured || ended) return;
      this.#sources.mention({ type: "page_stats", page_id: pageId, ...measured.stats });
      for (const news of measured.news) untold.set(subjectOf(news), news);
      for (const [subject, { stream_id }] of untold)
        if (stream_id !== null && !(stream_id in measured.stats.played)) untold.delete(subject);
      if (listening.peek()) {
        for (const news of untold.values()) this.#tell({ ...news, page_id: pageId });
        untold.clear();
      }
      untracked(() => this.#tellCaptured()); // a camera takes its time to change the size
    };
    const stop = repeat(look, STATS_MS);
    return () => {
      ended = true;
      stop();
    };
  }

  readonly #soundPeriod = computed(() => this.#sources.media.value.sound_period);

  #listen(): (() => void) | undefined {
    const { connected, slots, capture, pageId } = this.#sources;
    const peer = connected.value;
    const period = this.#soundPeriod.value;
    if (!peer || period <= 0 || !this.#live.value) return;
    const measuring = new Measuring(peer);
    let ended = false;
    const look = async () => {
      const captures = openTrack(capture.devices.microphone.peek()) !== null;
      const levels = await measuring.levels(slots.peek(), captures);
      if (levels && !ended)
        this.#sources.mention({ type: "page_sound_levels", page_id: pageId, ...levels });
    };
    const stop = repeat(look, period);
    return () => {
      ended = true;
      stop();
    };
  }

  #tell(message: ViewMessage): void {
    untracked(() => this.#sources.tell(message));
  }
}

interface Picture {
  readonly audio: MediaStreamTrack | null;
  readonly video: MediaStreamTrack | null;
  readonly size: string;
}

/** What a piece of news replaces where it was not told yet. */
function subjectOf(news: Measured["news"][number]): string {
  return JSON.stringify([news.type, news.stream_id, "kind" in news ? news.kind : null]);
}

const NOTHING: Picture = { audio: null, video: null, size: "" };

/** Repeat something that takes time, never twice at once, until the returned function is called. */
function repeat(action: () => Promise<void>, period: number): () => void {
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    void action().finally(() => {
      busy = false;
    });
  }, period);
  return () => clearInterval(timer);
}
