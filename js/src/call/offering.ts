import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Answer, ControlMessage, Offer, Refused, ViewMessage } from "../protocol.gen";
import type { DeviceStates } from "./capture";
import { canConnect, Peer } from "./peer";

const KERNEL_HINT_MS = 2_000;

export interface OfferingListener {
  tell(message: ViewMessage): void;
  heardHub(message: ControlMessage): void;
  /** The hub took the offer; `captures`: and lets this page capture. */
  answered(captures: boolean): void;
  /** The kernel or the hub did not take it. */
  refused(code: number, reason: string): void;
  /** The browser makes no peer at all; `final`: and never will. */
  failed(reason: string, final: boolean): void;
  /** The peer is beyond waiting for. */
  broken(reason: string): void;
  /** Whether the kernel is known to be at it, so that a wait for its answer is not its business. */
  kernelIsAtIt(): boolean;
}

/** The one peer of a call, from its offer over the answer to its end. */
export class Offering {
  readonly #listener: OfferingListener;
  readonly #peer: Signal<Peer | null> = signal(null);
  readonly #late: Signal<boolean> = signal(false);
  // Other pages of the same engine hear the answers too: start where they do not.
  #requestId = Math.floor(Math.random() * 2 ** 40);
  #pending: { requestId: number; peer: Peer } | null = null;
  #capture: Offer["capture"] = "never";
  #retryTimer: Timer;
  #hintTimer: Timer;

  constructor(listener: OfferingListener) {
    this.#listener = listener;
  }

  get peer(): ReadonlySignal<Peer | null> {
    return this.#peer;
  }

  /** Whether the kernel has not answered for a while. */
  get late(): ReadonlySignal<boolean> {
    return this.#late;
  }

  /** What the present peer offered to capture. */
  get capture(): Offer["capture"] {
    return this.#capture;
  }

  /** Offer a new peer; the one before is closed. */
  async offer(capture: Offer["capture"], devices: DeviceStates): Promise<void> {
    this.drop();
    this.#capture = capture;
    if (!canConnect()) {
      this.#listener.failed("This browser has no WebRTC.", true);
      return;
    }
    let peer: Peer;
    try {
      peer = new Peer({
        heard: (message) => this.#listener.heardHub(message),
        broken: (reason) => peer === this.#peer.peek() && this.#listener.broken(reason),
      });
    } catch (error) {
      const reason = `The browser can not make a connection (${(error as Error).message}).`;
      this.#listener.failed(reason, false);
      return;
    }
    this.#peer.value = peer;
    const offer = await peer.offer();
    if (!offer || peer.closed) return;
    const requestId = ++this.#requestId;
    this.#pending = { requestId, peer };
    this.#hintTimer = setTimeout(() => {
      this.#late.value = !this.#listener.kernelIsAtIt();
    }, KERNEL_HINT_MS);
    this.#listener.tell({
      type: "offer",
      request_id: requestId,
      peer_id: peer.id,
      sdp: offer.sdp,
      send_slots: offer.slots,
      capture,
      plays: null,
      ...devices,
    });
  }

  /** Do something later in place of offering now, unless the peer is dropped before. */
  later(delay: number, action: () => void): void {
    this.#retryTimer = setTimeout(action, delay);
  }

  /** The kernel said something, perhaps to this page. */
  heard(message: Answer | Refused): void {
    const pending = this.#pending;
    if (!pending || message.request_id !== pending.requestId) return;
    this.#forget();
    if (message.type === "refused") {
      this.#listener.refused(message.code, message.message);
      return;
    }
    this.#listener.answered(message.captures);
    void pending.peer.accept(message.sdp);
  }

  /** The kernel is at it: it is not what is waited for. */
  notLate(): void {
    this.#late.value = false;
  }

  /** Tell the hub by way of the kernel that nothing will come of the peer. */
  giveUp(): void {
    const peer = this.#peer.peek();
    if (!peer) return;
    const request_id = ++this.#requestId;
    this.#listener.tell({ type: "close_peer", request_id, peer_id: peer.id });
  }

  drop(): void {
    clearTimeout(this.#retryTimer);
    this.#forget();
    this.#peer.peek()?.close();
    this.#peer.value = null;
  }

  #forget(): void {
    this.#pending = null;
    clearTimeout(this.#hintTimer);
    this.#late.value = false;
  }
}

type Timer = ReturnType<typeof setTimeout> | undefined;
