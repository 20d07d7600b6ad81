import { expect, test } from "vitest";
import type { PageTraffic } from "../protocol.gen";
import { type Adaption, needsWatching, preferenceOf, rungs, TrafficControl } from "./traffic";

const WANTED = { width: 640, height: 360, fps: 15, kbps: 600 };

function traffic(changes: Partial<PageTraffic> = {}): PageTraffic {
  return {
    fps: true,
    resolution: false,
    min_kbps: 0,
    ultra_low_fps: false,
    min_fps: 0,
    min_width: 0,
    min_height: 0,
    ...changes,
  };
}

test.each<[Partial<PageTraffic>, string, boolean]>([
  [{}, "maintain-resolution", false],
  [{ resolution: true }, "balanced", false],
  [{ fps: false, resolution: true }, "maintain-framerate", false],
  [{ fps: false }, "maintain-framerate-and-resolution", false],
  [{ min_fps: 5 }, "maintain-framerate-and-resolution", true],
  [{ fps: false, min_fps: 5 }, "maintain-framerate-and-resolution", false],
  [{ resolution: true, min_height: 180 }, "maintain-resolution", true],
  [{ resolution: true, min_fps: 5 }, "maintain-framerate", true],
  [{ min_kbps: 100 }, "maintain-resolution", true],
])("with %j the browser does %s, and is watched: %j", (changes, preference, watched) => {
  expect(preferenceOf(traffic(changes))).toBe(preference);
  expect(needsWatching(traffic(changes))).toBe(watched);
});

test.each<[Partial<PageTraffic>, [fps: number, scale: number][]]>([
  [{}, []],
  [
    { min_fps: 5 },
    [
      [10, 1],
      [8, 1],
      [5, 1],
    ],
  ],
  [{ min_fps: 15 }, []],
  [{ min_fps: 14 }, [[14, 1]]],
  [
    { fps: false, resolution: true, min_width: 320, min_height: 180 },
    [
      [15, 1.5],
      [15, 2],
    ],
  ],
  [{ resolution: true, min_width: 640 }, []],
  [
    { resolution: true, min_width: 400, min_fps: 8 },
    [
      [15, 1.5],
      [10, 1.5],
      [8, 1.5],
    ],
  ],
])("with %j the picture may become %j, and no less", (changes, less) => {
  const found = rungs(traffic(changes), WANTED);
  expect(found[0]).toEqual({ fps: 15, scale: 1, share: 1 });
  expect(found.slice(1).map(({ fps, scale }) => [fps, scale])).toEqual(less);
  const shares = found.map(({ share }) => share);
  expect(shares).toEqual([...shares].sort((a, b) => b - a));
});

/** A channel's traffic control, looked at once a second. */
class Clock {
  now = 0;
  readonly #control = new TrafficControl();

  constructor(readonly traffic: PageTraffic) {}

  look(available: number | null): Adaption {
    return this.#control.look(this.traffic, WANTED, available, this.now++);
  }

  /** Look for so many seconds; the last adaption. */
  pass(seconds: number, available: number | null): Adaption {
    let last = this.look(available);
    for (let i = 1; i < seconds; i++) last = this.look(available);
    return last;
  }

  /** Seconds until pictures are sent, or not. */
  until(sends: boolean, available: number | null, most = 400): number {
    const from = this.now;
    while (this.now - from < most) if (this.look(available).sends === sends) return this.now - from;
    return Number.POSITIVE_INFINITY;
  }
}

test("below the least bitrate nothing is sent until there is room again", () => {
  const clock = new Clock(traffic({ min_kbps: 200 }));
  expect(clock.pass(30, 250).sends).toBe(true);
  expect(clock.pass(3, 150).sends).toBe(true); // it may pass
  expect(clock.pass(1, 250).sends).toBe(true);
  expect(clock.until(false, 150)).toBeLessThanOrEqual(5);
  expect(clock.pass(5, 210).sends).toBe(false); // not enough to stay
  expect(clock.until(true, 260)).toBeLessThanOrEqual(3);
});

test("in its first seconds a connection does not know what it can send", () => {
  const clock = new Clock(traffic({ min_kbps: 200 }));
  expect(clock.pass(8, 100).sends).toBe(true);
  expect(clock.pass(30, 400).sends).toBe(true);
});

test("without a sign of room it is tried again, less and less often", () => {
  const clock = new Clock(traffic({ min_kbps: 200 }));
  clock.until(false, 100);
  const pauses = [1, 2, 3, 4, 5].map(() => {
    const pause = clock.until(true, 100);
    clock.until(false, 100);
    return pause;
  });
  expect(pauses).toEqual([20, 40, 80, 160, 160].map((seconds) => expect.closeTo(seconds, -1)));
  clock.until(true, 400);
  clock.pass(400, 400);
  clock.until(false, 100);
  expect(clock.until(true, 100)).toBeCloseTo(20, -1);
});

test("where sending fails again and again, a sign of room counts later and later", () => {
  const clock = new Clock(traffic({ min_kbps: 200 }));
  const pauses = [1, 2, 3].map(() => {
    clock.until(false, 100);
    return clock.until(true, 300);
  });
  expect(pauses).toEqual([expect.closeTo(5, -1), expect.closeTo(10, -1), expect.closeTo(20, -1)]);
  expect(pauses[0]).toBeLessThan(pauses[1] ?? 0);
});

test("in the other mode two frames per second are sent", () => {
  const clock = new Clock(traffic({ min_kbps: 200, ultra_low_fps: true }));
  expect(clock.pass(20, 100)).toEqual({ sends: true, fps: 2, scale: 1 });
  expect(clock.pass(5, 400)).toEqual({ sends: true, fps: 15, scale: 1 });
});

test("a least bitrate above what the channel may have is that; one taken back opens at once", () => {
  const clock = new Clock(traffic({ min_kbps: 9000 }));
  expect(clock.pass(20, 700).sends).toBe(true);
  expect(clock.pass(20, 500).sends).toBe(false);
  Object.assign(clock.traffic, { min_kbps: 0 });
  expect(clock.look(500).sends).toBe(true);
});

test("frame rate and size go down with the room for them, one step at a time, and up again later", () => {
  const clock = new Clock(traffic({ resolution: true, min_width: 400, min_fps: 8 }));
  expect(clock.pass(10, 400)).toMatchObject({ fps: 15, scale: 1 });
  expect(clock.pass(3, 200)).toMatchObject({ fps: 15, scale: 1.5 });
  expect(clock.pass(30, 100)).toMatchObject({ fps: 10, scale: 1.5 });
  expect(clock.pass(30, 10)).toMatchObject({ fps: 8, scale: 1.5 });
  expect(clock.pass(3, 900)).toMatchObject({ fps: 8, scale: 1.5 });
  expect(clock.pass(30, 900)).toMatchObject({ fps: 15, scale: 1 });
});

test("a browser that does not say what there is room for changes nothing", () => {
  const clock = new Clock(traffic({ min_kbps: 200, min_fps: 5 }));
  expect(clock.pass(100, null)).toEqual({ sends: true, fps: 15, scale: 1 });
});
