import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  CONTROL_LABEL,
  type ControlMessage,
  type PageMessage,
  type SendSlots,
} from "../protocol.gen";
import { withAudioNack } from "./audio-nack";
import { Heartbeat } from "./heartbeat";
import { RIDS } from "./layers";
import { randomId } from "./random-id";
import { addSlots, type Slots, sendSlots } from "./slots";
import { unreachable } from "./unreachable";

const CONNECT_MS = 15_000;
const LAST_WORD_MS = 200;

export interface PeerListener {
  heard(message: ControlMessage): void;
  /** The connection is beyond waiting for; called at most once, and never after `close`. */
  broken(reason: string): void;
}

export function canConnect(): boolean {
  return "RTCPeerConnection" in globalThis;
}

/** One WebRTC connection of this page to the hub: one offer, one answer, then the control channel. */
export class Peer {
  readonly id = randomId();
  readonly #connection = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  readonly #control = this.#connection.createDataChannel(CONTROL_LABEL, { ordered: true });
  readonly #slots: Slots = addSlots(this.#connection);
  readonly #owner = new AbortController();
  readonly #listener: PeerListener;
  readonly #sent = new Map<keyof SendSlots, MediaStreamTrack | null>();
  readonly #shapes = new Map<keyof SendSlots, string>();
  readonly #wantedLayers: Signal<readonly string[]> = signal(RIDS);
  #shaping = Promise.resolve();
  #roundTrip: number | null = null;
  #heardBy: RTCRtpReceiver | undefined;
  #mediaAt = 0;
  #answer = "";
  #connectTimer: Timer;
  readonly #heartbeat: Signal<Heartbeat | null> = signal(null);
  readonly #quiet = computed(() => this.#heartbeat.value?.quiet.value ?? false);

  constructor(listener: PeerListener) {
    this.#listener = listener;
    const { signal } = this.#owner;
    this.#connection.addEventListener("connectionstatechange", () => this.#stateChanged(), {
      signal,
    });
    this.#control.addEventListener("open", () => this.#opened(), { signal });
    this.#control.addEventListener("message", (event) => this.#received(event.data), { signal });
    this.#control.addEventListener("close", () => this.#broken("The hub closed the connection."), {
      signal,
    });
  }

  get closed(): boolean {
    return this.#owner.signal.aborted;
  }

  /** The offer, without waiting for candidates: the hub is ICE-lite and learns our address from our checks. */
  async offer(): Promise<{ sdp: string; slots: SendSlots } | null> {
    try {
      const { sdp = "" } = await this.#connection.createOffer();
      await this.#connection
        .setLocalDescription({ type: "offer", sdp: withAudioNack(sdp) })
        .catch(() => this.#connection.setLocalDescription()); // a browser that takes only its own words
    } catch (error) {
      this.#broken(`The browser can not make an offer (${(error as Error).message}).`);
    }
    if (this.closed) return null;
    return { sdp: this.#connection.localDescription?.sdp ?? "", slots: sendSlots(this.#slots) };
  }

  /** Apply the answer; from now on the connection has `CONNECT_MS` to open its control channel. */
  async accept(sdp: string): Promise<void> {
    this.#answer = sdp;
    this.#connectTimer = setTimeout(
      () => this.#broken(unreachable(sdp, " within 15 s")),
      CONNECT_MS,
    );
    try {
      await this.#connection.setRemoteDescription({ type: "answer", sdp });
    } catch (error) {
      this.#broken(`The browser can not use the hub's answer (${(error as Error).message}).`);
    }
  }

  /** Send a track in a slot, or nothing. */
  send(slot: keyof SendSlots, track: MediaStreamTrack | null): void {
    const { sender } = this.#slots.send[slot];
    // Not `sender.track`: the browser takes its time, and what it is still to send must not stay when muted.
    if (this.closed || (this.#sent.get(slot) ?? null) === track) return;
    this.#sent.set(slot, track);
    // Fails only on a closed connection, or where the kind of the track is wrong.
    sender.replaceTrack(track).catch((error: unknown) => {
      if (!this.closed) throw error;
    });
  }

  /** The camera's layers that somebody watches, as the hub last said. */
  get wantedLayers(): ReadonlySignal<readonly string[]> {
    return this.#wantedLayers;
  }

  /**
   * Limit each encoding of a slot, by its RID where it has several, and say what gives way where there is no room
   * (`RTCDegradationPreference`); does nothing where it is so already.
   */
  shape(
    slot: keyof SendSlots,
    limits: (rid?: string) => RTCRtpEncodingParameters,
    preference?: string,
  ): void {
    const shape = JSON.stringify([preference, ...[undefined, ...RIDS].map(limits)]);
    if (this.closed || this.#shapes.get(slot) === shape) return;
    this.#shapes.set(slot, shape);
    const { sender } = this.#slots.send[slot];
    // One after the other: the browser takes only parameters that it gave out last.
    this.#shaping = this.#shaping.then(async () => {
      const parameters = sender.getParameters();
      if (this.closed || parameters.encodings.length === 0) return;
      const layered = parameters.encodings.length > 1;
      for (const encoding of parameters.encodings)
        Object.assign(encoding, limits(layered ? encoding.rid : undefined));
      const preferring = { ...parameters, degradationPreference: preference };
      await sender
        .setParameters((preference ? preferring : parameters) as RTCRtpSendParameters)
        // A browser that does not know this preference refuses it with all the rest.
        .catch(() => {
          const { encodings } = parameters;
          return sender.setParameters(Object.assign(sender.getParameters(), { encodings }));
        })
        .catch(() => this.#shapes.delete(slot));
    });
  }

  /** The browser's counts; null once closed. */
  async stats(): Promise<RTCStatsReport | null> {
    if (this.closed) return null;
    const report = await this.#connection.getStats().catch(() => null);
    return this.closed ? null : report;
  }

  /** The media identifier of a send slot; known once there is an offer. */
  mid(slot: keyof SendSlots): string | null {
    return this.#slots.send[slot].mid;
  }

  /** Something happened after which connections are often dead. */
  suspect(): void {
    this.#heartbeat.peek()?.suspect();
  }

  /** Whether nothing came for a moment, so that what is shown stands still. */
  get quiet(): ReadonlySignal<boolean> {
    return this.#quiet;
  }

  /** Seconds that the last heartbeat took to the hub and back. */
  get roundTrip(): number | null {
    return this.#roundTrip;
  }

  /** What arrives in a receive slot. */
  track(mid: string | null): MediaStreamTrack | null {
    if (mid === null) return null;
    return this.#slots.receive.find((slot) => slot.mid === mid)?.receiver.track ?? null;
  }

  /** Say something to the hub; false when the control channel is not open. */
  say(message: PageMessage): boolean {
    if (this.closed || this.#control.readyState !== "open") return false;
    this.#control.send(JSON.stringify(message));
    return true;
  }

  /** End the connection, after a last word if there is one; returns whether the last word could be said. */
  close(lastWord?: PageMessage): boolean {
    if (this.closed) return false;
    const said = lastWord !== undefined && this.say(lastWord);
    this.#owner.abort();
    clearTimeout(this.#connectTimer);
    for (const { sender } of Object.values(this.#slots.send))
      void sender.replaceTrack(null).catch(() => {});
    // Closing in the same turn would take the word with it.
    if (said) setTimeout(() => this.#connection.close(), LAST_WORD_MS);
    else this.#connection.close();
    return said;
  }

  #opened(): void {
    clearTimeout(this.#connectTimer);
    this.#heartbeat.value = new Heartbeat(
      {
        beat: () => this.say({ type: "heartbeat", sent_at: performance.now() / 1000 }),
        mediaCame: () => this.#mediaCame(),
        lost: () => this.#broken("Nothing comes from the hub any more."),
      },
      this.#owner.signal,
    );
  }

  /** Whether a packet or frame came since the last look; the receiver that knew of one last is asked first. */
  #mediaCame(): boolean {
    const receivers = this.#slots.receive.map(({ receiver }) => receiver);
    if (this.#heardBy) receivers.unshift(this.#heardBy);
    this.#heardBy = receivers.find((receiver) => {
      const [source] = receiver.getSynchronizationSources?.() ?? [];
      const came = (source?.timestamp ?? 0) > this.#mediaAt;
      if (came) this.#mediaAt = source?.timestamp ?? 0;
      return came;
    });
    return this.#heardBy !== undefined;
  }

  #received(data: unknown): void {
    if (typeof data !== "string") return;
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (!isMessage(message)) return;
    if (message.type === "heartbeat_ack") {
      this.#roundTrip = performance.now() / 1000 - message.sent_at;
      this.#heartbeat.peek()?.heardAnswer(1000 * this.#roundTrip);
    } else this.#heartbeat.peek()?.heard();
    if (message.type === "camera_layers") this.#wantedLayers.value = message.rids;
    this.#listener.heard(message);
  }

  #stateChanged(): void {
    const state = this.#connection.connectionState;
    if (state === "failed") {
      const everConnected = this.#control.readyState !== "connecting";
      this.#broken(
        everConnected ? "The media connection to the hub failed." : unreachable(this.#answer),
      );
    } else if (state === "disconnected") {
      this.suspect();
    }
  }

  #broken(reason: string): void {
    if (this.closed) return;
    this.close();
    this.#listener.broken(reason);
  }
}

function isMessage(value: unknown): value is ControlMessage {
  return (
    typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
  );
}

type Timer = ReturnType<typeof setTimeout> | undefined;
