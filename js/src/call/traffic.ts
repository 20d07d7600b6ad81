import type { PageTraffic } from "../protocol.gen";

/** What of a channel's pictures is sent, as far as there is room for them. */
export interface Adaption {
  readonly sends: boolean;
  readonly fps: number;
  /** How much smaller than wanted the picture is. */
  readonly scale: number;
}

/** What a channel sends where there is room. */
export interface Wanted {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly kbps: number;
}

/** In a connection's first seconds, and after a pause, the browser does not know yet what it can send. */
const SETTLING_S = 8;
const BELOW_S = 4;
const ABOVE_S = 2;
/** So much more than the least bitrate there must be room for before pictures are sent again. */
const ENOUGH = 1.25;
/** What is not sent is not measured: without a sign of room it is tried again after so long, then twice as long. */
const RETRY_S = 20;
const MOST_RETRY_S = 160;

const ULTRA_LOW_FPS = 2;

/** Of the bitrate that a rung is meant for: with less the next one looks better. */
const LEAST_QUALITY = 0.5;
const DOWN_S = 2;
const UP_S = 5;
const SCALES = [1.5, 2, 3, 4];
const PARTS_OF_FPS = [2 / 3, 1 / 2, 1 / 3, 1 / 5];

/** A condition that counts once it has been so for a while. */
class Lasting {
  #since: number | null = null;

  for(seconds: number, holds: boolean, now: number): boolean {
    if (!holds) this.#since = null;
    else this.#since ??= now;
    return this.#since !== null && now - this.#since >= seconds;
  }
}

/** Whether there is room for the least bitrate. */
class Gate {
  #open = true;
  #changedAt: number | null = null;
  #retry = RETRY_S / 2;
  #below = new Lasting();
  #above = new Lasting();

  look(least: number, available: number | null, now: number): boolean {
    this.#changedAt ??= now;
    const passed = now - this.#changedAt;
    const settled = passed >= SETTLING_S;
    const below = this.#below.for(BELOW_S, settled && available !== null && available < least, now);
    const enough = available !== null && available >= ENOUGH * least;
    const above = this.#above.for(ABOVE_S, !this.#open && enough, now);
    // Who sends little finds room for more, whether or not it is there: what failed lately rests for longer.
    const rested = passed >= this.#retry / 4;
    const again = !this.#open && ((above && rested) || passed >= this.#retry);
    if (least === 0 || again) this.#turn(true, now);
    else if (this.#open && below) {
      this.#retry = passed > 2 * this.#retry ? RETRY_S : Math.min(MOST_RETRY_S, 2 * this.#retry);
      this.#turn(false, now);
    }
    return this.#open;
  }

  #turn(open: boolean, now: number): void {
    if (open === this.#open) return;
    this.#open = open;
    this.#changedAt = now;
  }
}

interface Rung {
  readonly fps: number;
  readonly scale: number;
  /** Of the whole bitrate. */
  readonly share: number;
}

/** What may be given up, as far as the least values let it; first the size, then the frame rate, as ZEGO does. */
export function rungs(traffic: PageTraffic, { width, height, fps }: Wanted): Rung[] {
  const found: Rung[] = [{ fps, scale: 1, share: 1 }];
  if (traffic.resolution && boundsSize(traffic))
    for (const scale of SCALES)
      if (width / scale >= traffic.min_width && height / scale >= traffic.min_height)
        found.push({ fps, scale, share: scale ** -2 });
  const smallest = found.at(-1) as Rung;
  if (traffic.fps && traffic.min_fps > 0)
    for (const part of PARTS_OF_FPS) {
      const less = Math.max(traffic.min_fps, Math.round(fps * part));
      if (less < (found.at(-1) as Rung).fps)
        found.push({ ...smallest, fps: less, share: (smallest.share * less) / fps });
    }
  return found;
}

/**
 * One channel's traffic control: looked at once a second, with what the browser says there is room for (kbit/s, null
 * where it does not say, which changes nothing).
 */
export class TrafficControl {
  readonly #gate = new Gate();
  readonly #down = new Lasting();
  readonly #up = new Lasting();
  #rung = 0;

  look(traffic: PageTraffic, wanted: Wanted, available: number | null, now: number): Adaption {
    const room = this.#gate.look(Math.min(traffic.min_kbps, wanted.kbps), available, now);
    const { fps, scale } = this.#climb(rungs(traffic, wanted), wanted.kbps, available, now);
    if (room) return { sends: true, fps, scale };
    return { sends: traffic.ultra_low_fps, fps: Math.min(fps, ULTRA_LOW_FPS), scale };
  }

  #climb(all: readonly Rung[], kbps: number, available: number | null, now: number): Rung {
    const last = all.length - 1;
    this.#rung = Math.min(this.#rung, last);
    const fits = (index: number) =>
      available === null || available >= LEAST_QUALITY * kbps * (all[index]?.share ?? 0);
    const upper = Math.max(0, this.#rung - 1);
    if (this.#down.for(DOWN_S, this.#rung < last && !fits(this.#rung), now)) this.#rung++;
    else if (this.#up.for(UP_S, available !== null && upper < this.#rung && fits(upper), now))
      this.#rung = upper;
    return all[this.#rung] as Rung;
  }
}

/**
 * What the browser may lower by itself. It knows no least values: where there is one, it is left out, and
 * `TrafficControl` does it.
 */
export function preferenceOf(traffic: PageTraffic): string {
  const fps = traffic.fps && traffic.min_fps === 0;
  const resolution = traffic.resolution && !boundsSize(traffic);
  if (fps && resolution) return "balanced";
  if (fps) return "maintain-resolution";
  return resolution ? "maintain-framerate" : "maintain-framerate-and-resolution";
}

/** Whether there is anything to watch the connection for. */
export function needsWatching(traffic: PageTraffic): boolean {
  const bounded =
    (traffic.fps && traffic.min_fps > 0) || (traffic.resolution && boundsSize(traffic));
  return traffic.min_kbps > 0 || bounded;
}

function boundsSize({ min_width, min_height }: PageTraffic): boolean {
  return min_width > 0 || min_height > 0;
}
