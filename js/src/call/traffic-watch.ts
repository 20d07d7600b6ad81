import {
  computed,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
  untracked,
} from "@preact/signals";
import type { PageChannel, PageMedia } from "../protocol.gen";
import type { Peer } from "./peer";
import { type Report, Sample } from "./stats";
import { type Adaption, needsWatching, TrafficControl } from "./traffic";

const LOOK_MS = 1_000;
const CHANNELS = ["main", "aux"] as const;

interface TrafficSources {
  readonly media: ReadonlySignal<PageMedia>;
  readonly captures: ReadonlySignal<boolean | null>;
  readonly peer: ReadonlySignal<Peer | null>;
}

/** Looks at what there is room for while a channel has least values, and says what to send of it. */
export class TrafficWatch {
  /** Null: all that is wanted. */
  readonly main: Signal<Adaption | null> = signal(null);
  readonly aux: Signal<Adaption | null> = signal(null);
  readonly #sources: TrafficSources;
  readonly #watched: ReadonlySignal<Peer | null>;
  #controls: Partial<Record<(typeof CHANNELS)[number], TrafficControl>> = {};

  constructor(sources: TrafficSources, owner: AbortSignal) {
    this.#sources = sources;
    this.#watched = computed(() => {
      const { main, aux } = sources.media.value;
      const watched = sources.captures.value === true && (isWatched(main) || isWatched(aux));
      return watched ? sources.peer.value : null;
    });
    const dispose = effect(() => {
      const peer = this.#watched.value;
      return peer ? untracked(() => this.#watch(peer)) : undefined;
    });
    owner.addEventListener("abort", dispose);
  }

  #watch(peer: Peer): () => void {
    const timer = setInterval(() => void this.#look(peer), LOOK_MS);
    return () => {
      clearInterval(timer);
      for (const name of CHANNELS) this.#tell(name, null);
    };
  }

  async #look(peer: Peer): Promise<void> {
    const report = await peer.stats();
    if (!report || this.#watched.peek() !== peer) return;
    const { available } = new Sample(report.values() as Iterable<Report>);
    const media = this.#sources.media.peek();
    const published = CHANNELS.map((name) => media[name]).filter((channel) => channel.publish);
    const total = published.reduce((sum, { video_kbps }) => sum + video_kbps, 0);
    for (const name of CHANNELS) {
      const channel = media[name];
      if (!isWatched(channel)) {
        this.#tell(name, null);
        continue;
      }
      const { width, height, fps, video_kbps: kbps, traffic } = channel;
      // Camera and screen have one connection: each has its share.
      const room = available === null ? null : (available * kbps) / total;
      this.#controls[name] ??= new TrafficControl();
      const wanted = { width, height, fps, kbps };
      this.#tell(name, this.#controls[name].look(traffic, wanted, room, performance.now() / 1000));
    }
  }

  #tell(name: (typeof CHANNELS)[number], adaption: Adaption | null): void {
    if (adaption === null) delete this.#controls[name];
    if (JSON.stringify(this[name].peek()) !== JSON.stringify(adaption)) this[name].value = adaption;
  }
}

function isWatched({ publish, traffic }: PageChannel): boolean {
  return publish && needsWatching(traffic);
}
