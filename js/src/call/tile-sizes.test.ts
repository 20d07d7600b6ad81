import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TileSize } from "../protocol.gen";
import { TileSizes } from "./tile-sizes";

type Sized = (entries: { contentRect: { width: number; height: number } }[]) => void;
type Sighted = (entries: { isIntersecting: boolean }[]) => void;

const sizes = new Map<Element, Sized>();
const sights = new Map<Element, Sighted>();
let owner: AbortController;
let told: TileSize[][];
let open: boolean;
let pictures: boolean;
let tiles: TileSizes;

/** Keeps who observes an element, for the test to tell. */
const observer = <C>(callbacks: Map<Element, C>) =>
  class {
    #element: Element | null = null;
    constructor(readonly callback: C) {}
    observe(element: Element): void {
      this.#element = element;
      callbacks.set(element, this.callback);
    }
    disconnect(): void {
      if (this.#element) callbacks.delete(this.#element);
    }
  };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("ResizeObserver", observer(sizes));
  vi.stubGlobal("IntersectionObserver", observer(sights));
  vi.stubGlobal("devicePixelRatio", 2);
  owner = new AbortController();
  told = [];
  open = true;
  pictures = true;
  const say = (said: TileSize[]) => {
    if (open) told.push(said);
    return open;
  };
  tiles = new TileSizes(say, owner.signal);
});

afterEach(() => {
  owner.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A tile of a stream, its size in CSS pixels. */
function tile(streamId: string, width: number, height: number, signal = owner.signal): Element {
  const element = document.createElement("div");
  tiles.watch(element, streamId, () => pictures, signal);
  resize(element, width, height);
  sights.get(element)?.([{ isIntersecting: true }]);
  return element;
}

const resize = (element: Element, width: number, height: number) =>
  sizes.get(element)?.([{ contentRect: { width, height } }]);
const settle = () => vi.advanceTimersByTime(300);
const size = (stream_id: string, width: number, height: number) => ({ stream_id, width, height });

test("a tile is told in device pixels, once it has settled", () => {
  const element = tile("a", 100, 50);
  for (let width = 100; width <= 200; width += 10) resize(element, width, width / 2);
  expect(told).toEqual([]);
  settle();
  expect(told).toEqual([[size("a", 400, 200)]]);
  settle();
  expect(told).toHaveLength(1);
});

test("a tile out of sight has no size, until it is in sight again", () => {
  const element = tile("a", 100, 50);
  settle();
  sights.get(element)?.([{ isIntersecting: false }]);
  settle();
  expect(told.at(-1)).toEqual([size("a", 0, 0)]);
  sights.get(element)?.([{ isIntersecting: true }]);
  settle();
  expect(told.at(-1)).toEqual([size("a", 200, 100)]);
});

test("of several tiles of one stream the largest in sight counts", () => {
  const large = tile("a", 400, 300);
  tile("a", 100, 50);
  settle();
  expect(told.at(-1)).toEqual([size("a", 800, 600)]);
  sights.get(large)?.([{ isIntersecting: false }]);
  settle();
  expect(told.at(-1)).toEqual([size("a", 200, 100)]);
});

test("a tile that is gone is told no more, and is not looked at", () => {
  const view = new AbortController();
  const element = tile("a", 100, 50, view.signal);
  settle();
  view.abort();
  settle();
  expect(told.at(-1)).toEqual([]);
  expect([sizes.has(element), sights.has(element)]).toEqual([false, false]);
});

test("a page in the background sees nothing", () => {
  const hidden = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  tile("a", 100, 50);
  settle();
  expect(told.at(-1)).toEqual([size("a", 0, 0)]);
  hidden.mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  settle();
  expect(told.at(-1)).toEqual([size("a", 200, 100)]);
  hidden.mockRestore();
});

test("a stream that is held is sent whole meanwhile, at once", () => {
  tile("a", 100, 50);
  settle();
  const [release, other] = [tiles.hold("a"), tiles.hold("a")];
  expect(told.at(-1)).toEqual([]);
  release();
  expect(told.at(-1)).toEqual([]);
  other();
  expect(told.at(-1)).toEqual([size("a", 200, 100)]);
});

test("what could not be told is told to the next connection", () => {
  open = false;
  tile("a", 100, 50);
  settle();
  expect(told).toEqual([]);
  open = true;
  tiles.tellAgain();
  expect(told).toEqual([[size("a", 200, 100)]]);
  tiles.tellAgain();
  expect(told).toHaveLength(2);
});

test("nothing is told where the browser can not look", () => {
  vi.stubGlobal("ResizeObserver", undefined);
  Reflect.deleteProperty(globalThis, "ResizeObserver");
  tiles.watch(document.createElement("div"), "a", () => true, owner.signal);
  settle();
  expect(told).toEqual([]);
});

test("the first picture comes out of sight, too", () => {
  pictures = false;
  const element = tile("a", 100, 50);
  sights.get(element)?.([{ isIntersecting: false }]);
  settle();
  expect(told.at(-1)).toEqual([size("a", 200, 100)]);
  pictures = true;
  element.dispatchEvent(new Event("loadeddata"));
  settle();
  expect(told.at(-1)).toEqual([size("a", 0, 0)]);
});
