import { vi } from "vitest";

// The browser's media interfaces, which happy-dom does not have: just enough to see what a call does with them.

let made = 0;

export class FakeTrack extends EventTarget {
  readonly id = `track-${++made}`;
  enabled = true;
  readyState: "live" | "ended" = "live";
  readonly applied: MediaTrackConstraints[] = [];
  settings: MediaTrackSettings = {};
  capabilities: Record<string, unknown> = {};

  constructor(
    readonly kind: "audio" | "video",
    readonly deviceId = "",
  ) {
    super();
    if (kind === "video") this.settings = { width: 640, height: 360 };
  }

  getSettings = () => this.settings;
  getCapabilities = () => this.capabilities;

  async applyConstraints(constraints: MediaTrackConstraints): Promise<void> {
    this.applied.push(constraints);
  }

  stop(): void {
    this.readyState = "ended";
  }

  /** The device goes away by itself. */
  unplug(): void {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
}

export class FakeMediaStream {
  constructor(readonly tracks: FakeTrack[]) {}
  getTracks = () => this.tracks;
  getAudioTracks = () => this.tracks.filter((track) => track.kind === "audio");
  getVideoTracks = () => this.tracks.filter((track) => track.kind === "video");
}

class FakeChannel extends EventTarget {
  readyState = "connecting";
  readonly sent: string[] = [];
  /** Whether the hub is there. */
  answers = true;
  send(text: string): void {
    this.sent.push(text);
    const message = JSON.parse(text);
    if (message.type !== "heartbeat" || !this.answers) return;
    const data = JSON.stringify({ type: "heartbeat_ack", sent_at: message.sent_at });
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

class FakeTransceiver {
  mid: string | null = null;
  sent: FakeTrack | null = null;
  readonly receiver: { track: FakeTrack };
  readonly sender: {
    track: FakeTrack | null;
    readonly encoding: RTCRtpEncodingParameters;
    replaceTrack(track: FakeTrack | null): Promise<void>;
    layers: RTCRtpEncodingParameters[];
    preference: string | undefined;
    getParameters(): { encodings: RTCRtpEncodingParameters[] };
    setParameters(parameters: FakeParameters): Promise<void>;
  };

  constructor(
    kind: "audio" | "video",
    readonly direction: string,
    sendEncodings: RTCRtpEncodingParameters[] = [{}],
  ) {
    this.receiver = { track: new FakeTrack(kind) };
    this.sender = {
      track: null,
      layers: sendEncodings,
      /** Of the largest layer. */
      get encoding() {
        return this.layers.at(-1) ?? {};
      },
      async replaceTrack(track) {
        this.track = track;
      },
      getParameters() {
        return { encodings: this.layers.map((layer) => ({ ...layer })) };
      },
      preference: undefined,
      async setParameters({ encodings, degradationPreference: preference }) {
        if (preference !== undefined && !FakePeerConnection.preferences.includes(preference))
          throw new TypeError("The provided value is not a valid enum value.");
        this.layers = encodings;
        this.preference = preference;
      },
    };
  }
}

interface FakeParameters {
  encodings: RTCRtpEncodingParameters[];
  degradationPreference?: string;
}

const PREFERENCES = [
  "balanced",
  "maintain-framerate",
  "maintain-resolution",
  "maintain-framerate-and-resolution",
];

export class FakePeerConnection extends EventTarget {
  /** What the browser knows of `RTCDegradationPreference`. */
  static preferences = PREFERENCES;
  static made: FakePeerConnection[] = [];
  static get last(): FakePeerConnection {
    const last = FakePeerConnection.made.at(-1);
    if (!last) throw new Error("No connection was made.");
    return last;
  }

  connectionState = "new";
  localDescription: { sdp: string } | null = null;
  remoteDescription: { sdp: string } | null = null;
  readonly transceivers: FakeTransceiver[] = [];
  readonly control = new FakeChannel();
  /** What `getStats` gives next. */
  stats: ({ type: string; id: string } & Record<string, unknown>)[] = [];

  constructor() {
    super();
    FakePeerConnection.made.push(this);
  }

  createDataChannel(): FakeChannel {
    return this.control;
  }

  addTransceiver(
    kind: "audio" | "video",
    init: { direction: string; sendEncodings?: RTCRtpEncodingParameters[] },
  ): FakeTransceiver {
    const transceiver = new FakeTransceiver(kind, init.direction, init.sendEncodings);
    this.transceivers.push(transceiver);
    return transceiver;
  }

  async createOffer(): Promise<{ sdp: string }> {
    return { sdp: "offer" };
  }

  async setLocalDescription(): Promise<void> {
    for (const [index, transceiver] of this.transceivers.entries()) transceiver.mid = String(index);
    this.localDescription = { sdp: "offer" };
  }

  async setRemoteDescription(description: { sdp: string }): Promise<void> {
    this.remoteDescription = description;
  }

  close(): void {
    this.connectionState = "closed";
  }

  async getStats(): Promise<Map<string, object>> {
    return new Map(this.stats.map((report) => [report.id, report]));
  }

  // -- what the other side does --

  openControl(): void {
    this.control.readyState = "open";
    this.control.dispatchEvent(new Event("open"));
  }

  hubSays(message: object): void {
    this.control.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  become(state: string): void {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  /** Messages sent on the control channel, heartbeats left out. */
  get said(): Record<string, unknown>[] {
    return this.control.sent.map((text) => JSON.parse(text)).filter((m) => m.type !== "heartbeat");
  }

  sending(slot: Slot): FakeTrack | null {
    return this.#sender(slot)?.track ?? null;
  }

  encoding(slot: Slot): RTCRtpEncodingParameters {
    return this.#sender(slot)?.encoding ?? {};
  }

  preference(slot: Slot): string | undefined {
    return this.#sender(slot)?.preference;
  }

  layers(slot: Slot): RTCRtpEncodingParameters[] {
    return this.#sender(slot)?.layers ?? [];
  }

  #sender(slot: Slot) {
    return this.transceivers[SLOTS.indexOf(slot)]?.sender;
  }
}

const SLOTS = ["microphone", "camera", "screen", "screen_audio"] as const;
type Slot = (typeof SLOTS)[number];

export class FakePermission extends EventTarget {
  state: PermissionState = "prompt";

  become(state: PermissionState): void {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** The camera and microphone of a page, and what the person answers when asked for them. */
export class FakeDevices extends EventTarget {
  readonly requests: MediaStreamConstraints[] = [];
  readonly tracks: FakeTrack[] = [];
  readonly permissions = { camera: new FakePermission(), microphone: new FakePermission() };
  list: Pick<MediaDeviceInfo, "kind" | "deviceId" | "label">[] = [];
  refuse: ((constraints: MediaStreamConstraints) => string | null) | null = null;
  #held: (() => void)[] | null = null;

  getUserMedia = async (constraints: MediaStreamConstraints): Promise<FakeMediaStream> => {
    this.requests.push(constraints);
    const held = this.#held;
    if (held) await new Promise<void>((resolve) => held.push(resolve));
    const refusal = this.refuse?.(constraints);
    if (refusal) throw new DOMException("refused", refusal);
    const tracks: FakeTrack[] = [];
    if (constraints.audio) tracks.push(new FakeTrack("audio", deviceOf(constraints.audio)));
    if (constraints.video) tracks.push(new FakeTrack("video", deviceOf(constraints.video)));
    this.tracks.push(...tracks);
    return new FakeMediaStream(tracks);
  };

  getDisplayMedia = async ({ audio }: DisplayMediaStreamOptions): Promise<FakeMediaStream> => {
    const tracks = [new FakeTrack("video", "screen")];
    if (audio) tracks.push(new FakeTrack("audio", "screen"));
    this.tracks.push(...tracks);
    return new FakeMediaStream(tracks);
  };

  enumerateDevices = async () => this.list;

  /** A device comes or goes. */
  change(list: FakeDevices["list"]): void {
    this.list = list;
    this.dispatchEvent(new Event("devicechange"));
  }

  /** From now on the person takes time to answer; the returned function answers. */
  hold(): () => void {
    const held: (() => void)[] = [];
    this.#held = held;
    return () => {
      this.#held = null;
      for (const answer of held) answer();
    };
  }

  get open(): FakeTrack[] {
    return this.tracks.filter((track) => track.readyState === "live");
  }
}

function deviceOf(constraints: MediaTrackConstraints | boolean): string {
  const wanted = typeof constraints === "object" ? constraints.deviceId : undefined;
  return String((wanted as { exact?: string } | undefined)?.exact ?? "");
}

/** Put the fakes where the page looks for the browser's own; returns the devices. */
export function fakeBrowser(): FakeDevices {
  const devices = new FakeDevices();
  FakePeerConnection.made = [];
  FakePeerConnection.preferences = PREFERENCES;
  const put = (target: object, name: string, value: unknown) =>
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
  put(HTMLMediaElement.prototype, "srcObject", null);
  put(HTMLMediaElement.prototype, "play", async () => {});
  put(globalThis, "RTCPeerConnection", FakePeerConnection);
  put(globalThis, "RTCRtpReceiver", { getCapabilities: () => null });
  put(globalThis, "MediaStream", FakeMediaStream);
  put(navigator, "mediaDevices", devices);
  const { permissions } = devices;
  put(navigator, "permissions", {
    query: async ({ name }: { name: string }) =>
      name === "camera" ? permissions.camera : permissions.microphone,
  });
  return devices;
}

/** The `audio` elements that the page makes from now on; they are nowhere in the document. */
export function watchAudios(): HTMLAudioElement[] {
  const made: HTMLAudioElement[] = [];
  const create = document.createElement.bind(document);
  vi.spyOn(document, "createElement").mockImplementation((name: string) => {
    const element = create(name);
    if (name === "audio") made.push(element as HTMLAudioElement);
    return element;
  });
  return made;
}

/** A page that is not secure gets no devices at all. */
export function withoutMediaDevices(): void {
  Object.defineProperty(navigator, "mediaDevices", { value: undefined, configurable: true });
}
