import type { TileSize } from "../protocol.gen";

const DEBOUNCE_MS = 200;
const MAX_SIDE = 16_383;
const MAX_TILES = 64;

interface Tile {
  readonly streamId: string;
  width: number;
  height: number;
  inSight: boolean;
  /** Whether it has a picture: the first one comes in any case, as engines tell of it. */
  readonly hasPicture: () => boolean;
}

/** How large this page shows each stream, in device pixels, told to the hub when it has settled. */
export class TileSizes {
  readonly #tiles = new Set<Tile>();
  readonly #held = new Map<string, number>();
  readonly #say: (tiles: TileSize[]) => boolean;
  #told = "[]";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `say` tells the hub, and returns whether it could be told. */
  constructor(say: (tiles: TileSize[]) => boolean, owner: AbortSignal) {
    this.#say = say;
    document.addEventListener("visibilitychange", () => this.#changed(), { signal: owner });
    owner.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Follow the element that shows a stream until the signal aborts; of other streams the hub is told nothing. */
  watch(element: Element, streamId: string, hasPicture: () => boolean, signal: AbortSignal): void {
    if (!("ResizeObserver" in globalThis && "IntersectionObserver" in globalThis)) return;
    const tile: Tile = { streamId, width: 0, height: 0, inSight: false, hasPicture };
    let measured = false;
    const sizes = new ResizeObserver(([entry]) => {
      if (entry) Object.assign(tile, inDevicePixels(entry.contentRect));
      this.#changed();
    });
    const sight = new IntersectionObserver((entries) => {
      tile.inSight = entries.at(-1)?.isIntersecting ?? true;
      // Before that nobody knows where it is, and it is better sent too much than nothing.
      if (!measured) this.#tiles.add(tile);
      measured = true;
      this.#changed();
    });
    sizes.observe(element);
    sight.observe(element);
    element.addEventListener("loadeddata", () => this.#changed(), { capture: true, signal });
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      sight.disconnect();
      this.#tiles.delete(tile);
      this.#changed();
    });
  }

  /** Have a stream sent whole, in sight or not, until what is returned is called. */
  hold(streamId: string): () => void {
    const count = (step: number) => {
      const held = (this.#held.get(streamId) ?? 0) + step;
      if (held > 0) this.#held.set(streamId, held);
      else this.#held.delete(streamId);
      this.#tell();
    };
    count(1);
    return () => count(-1);
  }

  /** The hub knows nothing any more: it is another connection. */
  tellAgain(): void {
    this.#told = "[]";
    this.#tell();
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, DEBOUNCE_MS);
  }

  #tell(): void {
    const tiles = this.#sizes();
    const text = JSON.stringify(tiles);
    if (text !== this.#told && this.#say(tiles)) this.#told = text;
  }

  /** The largest size of each stream. */
  #sizes(): TileSize[] {
    const sizes = new Map<string, TileSize>();
    for (const { streamId, width, height, inSight, hasPicture } of this.#tiles) {
      if (this.#held.has(streamId)) continue;
      const seen = !hasPicture() || (inSight && document.visibilityState !== "hidden");
      const before = sizes.get(streamId) ?? { stream_id: streamId, width: 0, height: 0 };
      if (!seen) sizes.set(streamId, before);
      else if (width * height >= before.width * before.height)
        sizes.set(streamId, { stream_id: streamId, width, height });
    }
    return [...sizes.values()].slice(0, MAX_TILES);
  }
}

function inDevicePixels({ width, height }: { width: number; height: number }) {
  const pixels = (side: number) =>
    Math.min(MAX_SIDE, Math.round(side * (globalThis.devicePixelRatio || 1)));
  return { width: pixels(width), height: pixels(height) };
}
