import type { PageTrackStats } from "../protocol.gen";

/** What of the browser's statistics is used (W3C webrtc-stats). */
export interface Report {
  readonly type: string;
  readonly id: string;
  readonly state?: string;
  readonly remoteCandidateId?: string;
  readonly protocol?: string;
  readonly address?: string;
  readonly port?: number;
  readonly kind?: string;
  readonly mid?: string;
  readonly localId?: string;
  readonly mediaSourceId?: string;
  readonly trackIdentifier?: string;
  readonly bytesSent?: number;
  readonly packetsSent?: number;
  readonly framesEncoded?: number;
  readonly bytesReceived?: number;
  readonly packetsReceived?: number;
  readonly packetsLost?: number;
  readonly fractionLost?: number;
  readonly framesReceived?: number;
  readonly framesDecoded?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly audioLevel?: number;
  readonly nominated?: boolean;
  readonly currentRoundTripTime?: number;
  readonly availableOutgoingBitrate?: number;
}

/** One look at all statistics of a connection. */
export class Sample {
  readonly #reports: readonly Report[];

  constructor(reports: Iterable<Report>) {
    this.#reports = [...reports];
  }

  /** What arrives in a receive slot. */
  received(mid: string | null, track: MediaStreamTrack | null): Report | null {
    return this.#find(
      ({ type, mid: m, trackIdentifier }) =>
        type === "inbound-rtp" && (m === undefined ? trackIdentifier === track?.id : m === mid),
    );
  }

  /** What is sent in a slot: of simulcast layers the largest one, with the bytes and packets of all. */
  sent(mid: string | null): Report | null {
    const layers = this.#reports.filter(({ type, mid: m }) => type === "outbound-rtp" && m === mid);
    const total = (name: "bytesSent" | "packetsSent") =>
      layers.reduce((sum, layer) => sum + (layer[name] ?? 0), 0);
    const [first, ...others] = layers;
    if (!first || others.length === 0) return first ?? null;
    const largest = others.reduce(
      (best, layer) => ((layer.framesEncoded ?? 0) > (best.framesEncoded ?? 0) ? layer : best),
      first,
    );
    return { ...largest, bytesSent: total("bytesSent"), packetsSent: total("packetsSent") };
  }

  /** What the other end says of what is sent. */
  heardOf({ id }: Report): Report | null {
    return this.#find(({ type, localId }) => type === "remote-inbound-rtp" && localId === id);
  }

  sourceOf({ mediaSourceId }: Report): Report | null {
    return this.#find(({ type, id }) => type === "media-source" && id === mediaSourceId);
  }

  /** Seconds. */
  get roundTrip(): number | null {
    const pair = this.#find(
      ({ type, nominated, currentRoundTripTime: rtt }) =>
        type === "candidate-pair" && nominated === true && rtt !== undefined,
    );
    return pair?.currentRoundTripTime ?? null;
  }

  /** Kbit/s that the browser takes the connection for; null where it does not say. */
  get available(): number | null {
    const pair = this.#find(
      ({ type, nominated, availableOutgoingBitrate: bitrate }) =>
        type === "candidate-pair" && nominated === true && bitrate !== undefined,
    );
    return pair?.availableOutgoingBitrate === undefined
      ? null
      : pair.availableOutgoingBitrate / 1000;
  }

  #find(fits: (report: Report) => boolean): Report | null {
    return this.#reports.find(fits) ?? null;
  }
}

export const NO_TRACK: PageTrackStats = {
  bytes: 0,
  packets: 0,
  frames: 0,
  frames_decoded: 0,
  packets_lost: 0,
  loss: 0,
};

/** Counts of a received track; Opus packets are 20 ms of sound each. */
export function receivedCounts(report: Report | null): PageTrackStats {
  if (!report) return NO_TRACK;
  const packets = report.packetsReceived ?? 0;
  const video = report.kind === "video";
  return {
    bytes: report.bytesReceived ?? 0,
    packets,
    frames: video ? (report.framesReceived ?? report.framesDecoded ?? 0) : packets,
    frames_decoded: video ? (report.framesDecoded ?? 0) : packets,
    packets_lost: Math.max(0, report.packetsLost ?? 0),
    loss: 0,
  };
}

/** Counts of a sent track, and what the other end lost of it. */
export function sentCounts(report: Report | null, heard: Report | null): PageTrackStats {
  if (!report) return NO_TRACK;
  const packets = report.packetsSent ?? 0;
  return {
    bytes: report.bytesSent ?? 0,
    packets,
    frames: report.kind === "video" ? (report.framesEncoded ?? 0) : packets,
    frames_decoded: 0,
    packets_lost: Math.max(0, heard?.packetsLost ?? 0),
    loss: Math.min(1, Math.max(0, heard?.fractionLost ?? 0)),
  };
}

/** Counts since `base`, with the share lost since `before`. */
export function since(
  now: PageTrackStats,
  base: PageTrackStats,
  before: PageTrackStats,
): PageTrackStats {
  const grown = (name: keyof PageTrackStats, from: PageTrackStats) =>
    Math.max(0, now[name] - from[name]);
  const lost = grown("packets_lost", before);
  const got = grown("packets", before);
  return {
    bytes: grown("bytes", base),
    packets: grown("packets", base),
    frames: grown("frames", base),
    frames_decoded: grown("frames_decoded", base),
    packets_lost: grown("packets_lost", base),
    loss: lost + got === 0 ? 0 : lost / (lost + got),
  };
}

/** The loudness of an `audioLevel` (0 to 1): 0 to 100, linear in decibels from -60 dBFS. */
export function loudness(audioLevel: number | undefined): number {
  if (!audioLevel || audioLevel <= 0) return 0;
  return Math.min(100, Math.max(0, 100 * (1 + (20 * Math.log10(audioLevel)) / 60)));
}
