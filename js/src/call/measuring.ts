import {
  type PageFirstFrame,
  type PagePictureSize,
  type PageSoundLevels,
  type PageStats,
  type PageStreamStats,
  type PageTrackStats,
  PublishChannel,
  type SlotAssignment,
} from "../protocol.gen";
import type { Peer } from "./peer";
import {
  loudness,
  NO_TRACK,
  type Report,
  receivedCounts,
  Sample,
  sentCounts,
  since,
} from "./stats";

/** What a look at the statistics of a peer brought. */
export interface Measured {
  readonly stats: Omit<PageStats, "type" | "page_id">;
  readonly news: readonly (Omit<PageFirstFrame, "page_id"> | Omit<PagePictureSize, "page_id">)[];
}

interface Played {
  readonly slot: SlotAssignment;
  readonly audio: Counted;
  readonly video: Counted;
  size: string;
}

/** One received track: counts of the slot when the stream came, and at the last look. */
interface Counted {
  base: PageTrackStats;
  before: PageTrackStats;
  seen: boolean;
}

/** Reads what a peer sends and plays from its statistics, one look after the other. */
export class Measuring {
  readonly peer: Peer;
  readonly #played = new Map<string, Played>();
  // Counts of every slot at the last look: a slot that shows another stream goes on counting.
  readonly #counts = new Map<string, PageTrackStats>();

  constructor(peer: Peer) {
    this.peer = peer;
  }

  /** Null when the peer has closed. */
  async measure(
    slots: readonly SlotAssignment[],
    sends: (channel: PublishChannel) => boolean,
  ): Promise<Measured | null> {
    const sample = await this.#sample();
    if (!sample) return null;
    const news: Measured["news"][number][] = [];
    const playing = new Set(slots.map((slot) => slot.stream_id));
    for (const streamId of this.#played.keys())
      if (!playing.has(streamId)) this.#played.delete(streamId);
    const played: Record<string, PageStreamStats> = {};
    for (const slot of slots) {
      const known = this.#played.get(slot.stream_id);
      const stream = known && sameSlot(known.slot, slot) ? known : this.#came(slot);
      this.#played.set(slot.stream_id, stream);
      const audio = this.#received(sample, slot.audio_mid);
      const video = this.#received(sample, slot.video_mid);
      played[slot.stream_id] = {
        audio: count(stream.audio, receivedCounts(audio)),
        video: count(stream.video, receivedCounts(video)),
      };
      news.push(...firstFrames(stream, played[slot.stream_id]), ...resized(stream, video));
    }
    this.#remember(sample, slots);
    const sent = (channel: PublishChannel) => (sends(channel) ? this.#sent(sample, channel) : null);
    return {
      news,
      stats: {
        rtt: sample.roundTrip ?? this.peer.roundTrip,
        main: sent(PublishChannel.MAIN),
        aux: sent(PublishChannel.AUX),
        played,
      },
    };
  }

  /** Null when the peer has closed. */
  async levels(
    slots: readonly SlotAssignment[],
    captures: boolean,
  ): Promise<Pick<PageSoundLevels, "captured" | "played"> | null> {
    const sample = await this.#sample();
    if (!sample) return null;
    const played = slots.map((slot): [string, number] => [
      slot.stream_id,
      loudness(this.#received(sample, slot.audio_mid)?.audioLevel),
    ]);
    const microphone = sample.sent(this.peer.mid("microphone"));
    const source = microphone && sample.sourceOf(microphone);
    return {
      captured: captures ? loudness(source?.audioLevel) : null,
      played: Object.fromEntries(played),
    };
  }

  async #sample(): Promise<Sample | null> {
    const report = await this.peer.stats();
    return report && new Sample(report.values() as Iterable<Report>);
  }

  #received(sample: Sample, mid: string | null): Report | null {
    return mid === null ? null : sample.received(mid, this.peer.track(mid));
  }

  #sent(sample: Sample, channel: PublishChannel): PageStreamStats {
    const main = channel === PublishChannel.MAIN;
    const counts = (slot: Parameters<Peer["mid"]>[0]) => {
      const report = sample.sent(this.peer.mid(slot));
      return sentCounts(report, report && sample.heardOf(report));
    };
    return {
      audio: counts(main ? "microphone" : "screen_audio"),
      video: counts(main ? "camera" : "screen"),
    };
  }

  #came(slot: SlotAssignment): Played {
    const counted = (mid: string | null): Counted => {
      const base = this.#counts.get(mid ?? "") ?? NO_TRACK;
      return { base, before: base, seen: false };
    };
    return { slot, audio: counted(slot.audio_mid), video: counted(slot.video_mid), size: "" };
  }

  #remember(sample: Sample, slots: readonly SlotAssignment[]): void {
    for (const mid of slots.flatMap((slot) => [slot.audio_mid, slot.video_mid]))
      if (mid !== null) this.#counts.set(mid, receivedCounts(this.#received(sample, mid)));
  }
}

function count(counted: Counted, now: PageTrackStats): PageTrackStats {
  const counts = since(now, counted.base, counted.before);
  counted.before = now;
  return counts;
}

function firstFrames(
  stream: Played,
  counts: PageStreamStats | undefined,
): Omit<PageFirstFrame, "page_id">[] {
  return (["audio", "video"] as const).flatMap((kind) => {
    const counted = stream[kind];
    if (counted.seen || !counts?.[kind].frames_decoded) return [];
    counted.seen = true;
    const { stream_id } = stream.slot;
    return [{ type: "page_first_frame" as const, kind, channel: null, stream_id }];
  });
}

function resized(stream: Played, video: Report | null): Omit<PagePictureSize, "page_id">[] {
  const { frameWidth: width, frameHeight: height } = video ?? {};
  const size = `${width}x${height}`;
  // Until the first frame the size is that of the stream before in this slot.
  if (!width || !height || !stream.video.seen || size === stream.size) return [];
  stream.size = size;
  const { stream_id } = stream.slot;
  return [{ type: "page_picture_size", channel: null, stream_id, width, height }];
}

function sameSlot(one: SlotAssignment, other: SlotAssignment): boolean {
  return one.audio_mid === other.audio_mid && one.video_mid === other.video_mid;
}
