import {
  type ActiveSpeaker,
  type ConnectionQuality,
  type ControlMessage,
  type NetworkQuality,
  type SoundLevels,
  StreamQualityLevel,
  type VideosPaused,
  type VideosRefused,
} from "../protocol.gen";

/** What the hub tells this page all the time: who speaks, how loud, how well packets get through, what it holds back. */
export interface Vitals {
  readonly speaker: Pick<ActiveSpeaker, "stream_id" | "user_id">;
  /** By stream ID, 0 to 100; the silent are left out. */
  readonly levels: SoundLevels["levels"];
  readonly network: Pick<NetworkQuality, "upstream" | "downstream" | "users">;
  readonly refused: VideosRefused["videos"];
  readonly paused: VideosPaused["stream_ids"];
}

/** Why the hub sends no picture of a stream, though there is one: its codec, or no room for it. */
export type Hindrance =
  | { readonly kind: "refused"; readonly codec: string }
  | { readonly kind: "paused" };

/** How well what a tile shows gets from its user to this page. */
export interface Connection {
  readonly level: Exclude<StreamQualityLevel, typeof StreamQualityLevel.UNKNOWN>;
  /** Milliseconds there and back, null if unknown. */
  readonly rtt: number | null;
  /** Share of packets lost, 0 to 1, null if unknown. */
  readonly loss: number | null;
}

const UNKNOWN: ConnectionQuality = { level: StreamQualityLevel.UNKNOWN, rtt: null, loss: null };

export const NO_VITALS: Vitals = {
  speaker: { stream_id: null, user_id: null },
  levels: {},
  network: { upstream: UNKNOWN, downstream: UNKNOWN, users: [] },
  refused: [],
  paused: [],
};

/** The vitals after a message; messages that do not change them leave them as they are. */
export function nextVitals(vitals: Vitals, message: ControlMessage): Vitals {
  switch (message.type) {
    case "room_snapshot":
      return NO_VITALS;
    case "active_speaker":
      return { ...vitals, speaker: message };
    case "sound_levels":
      return { ...vitals, levels: message.levels };
    case "network_quality":
      return { ...vitals, network: message };
    case "videos_refused":
      return { ...vitals, refused: message.videos };
    case "videos_paused":
      return { ...vitals, paused: message.stream_ids };
    default:
      return vitals;
  }
}

/** Why a stream comes without pictures; null where they are not held back. */
export function hindranceOf({ refused, paused }: Vitals, streamId: string): Hindrance | null {
  const codec = refused.find((video) => video.stream_id === streamId)?.codec;
  if (codec !== undefined) return { kind: "refused", codec };
  return paused.includes(streamId) ? { kind: "paused" } : null;
}

/** From another user over the hub to this page: the worse of both ways; null while the first is unknown. */
export function connectionOf({ network }: Vitals, userId: string): Connection | null {
  const theirs = network.users.find((user) => user.user_id === userId)?.upstream ?? UNKNOWN;
  return theirs.level === StreamQualityLevel.UNKNOWN
    ? null
    : joined(theirs, network.downstream, (one, other) => one + other);
}

/** Between this page and the hub: the worse of both directions; null while neither is known. */
export function ownConnection({ network }: Vitals): Connection | null {
  return joined(network.upstream, network.downstream, Math.max);
}

function joined(
  one: ConnectionQuality,
  other: ConnectionQuality,
  both: (one: number, other: number) => number,
): Connection | null {
  const known = [one, other].filter(({ level }) => level !== StreamQualityLevel.UNKNOWN);
  if (known.length === 0) return null;
  const number = (name: "rtt" | "loss"): number | null => {
    const numbers = known.map((quality) => quality[name]).filter((value) => value !== null);
    return numbers.length === 0 ? null : numbers.reduce((a, b) => both(a, b));
  };
  const loss = number("loss");
  return {
    level: Math.max(...known.map(({ level }) => level)) as Connection["level"],
    rtt: number("rtt"),
    loss: loss === null ? null : Math.min(1, loss),
  };
}
