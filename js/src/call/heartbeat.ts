import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { LOOK_MS, Silence } from "./silence";

const PERIOD_MS = 5_000;

export interface HeartbeatListener {
  /** Ask the hub for a sign of life. */
  beat(): void;
  /** Whether media came since the last question. */
  mediaCame(): boolean;
  /** Nothing is heard any more. */
  lost(): void;
}

/** Beats for the hub, and notices when the connection falls silent, until the signal aborts. */
export class Heartbeat {
  readonly #listener: HeartbeatListener;
  readonly #silence = new Silence(performance.now());
  readonly #quiet: Signal<boolean> = signal(false);
  readonly #owner: AbortSignal;
  #beatAt = performance.now();

  constructor(listener: HeartbeatListener, owner: AbortSignal) {
    this.#listener = listener;
    this.#owner = owner;
    const timer = setInterval(() => this.#look(), LOOK_MS);
    owner.addEventListener("abort", () => clearInterval(timer));
    onDisturbance(() => this.suspect(), owner);
  }

  /** Whether what is shown stands still. */
  get quiet(): ReadonlySignal<boolean> {
    return this.#quiet;
  }

  /** Something came. */
  heard(): void {
    this.#silence.heard();
    this.#quiet.value = false;
  }

  /** The answer to a beat came, after so many milliseconds. */
  heardAnswer(roundTrip: number): void {
    this.#silence.heardAnswer(roundTrip);
    this.#quiet.value = false;
  }

  /** The connection may be dead: ask, and wait no longer than an answer takes. */
  suspect(): void {
    this.#silence.suspect();
    this.#look();
  }

  #look(): void {
    if (this.#listener.mediaCame()) this.#silence.heardMedia();
    const now = performance.now();
    const { ask, quiet, lost } = this.#silence.look(now);
    this.#quiet.value = quiet;
    if (lost) this.#listener.lost();
    if (this.#owner.aborted || !(ask || now - this.#beatAt >= PERIOD_MS)) return;
    this.#beatAt = now;
    this.#listener.beat();
  }
}

/** Call back when something happens after which connections are often dead, until the signal aborts. */
function onDisturbance(callback: () => void, signal: AbortSignal): void {
  const { connection } = navigator as { connection?: EventTarget };
  addEventListener("online", callback, { signal });
  addEventListener("pageshow", callback, { signal });
  // The browser had frozen the page (Page Lifecycle).
  document.addEventListener("resume", callback, { signal });
  connection?.addEventListener?.("change", callback, { signal });
}
