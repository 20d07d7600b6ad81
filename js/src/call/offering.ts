import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Answer, ControlMessage, Offer, Refused, ViewMessage } from "../protocol.gen";
import type { DeviceStates } from "./capture";
import { canConnect, Peer } from "./peer";

const KERNEL_HINT_MS = 2_000;
/** Milliseconds after which a kernel that has not answered is asked whether it hears this page; then twice that, and so on. */
const ASK_MS = 3_000;
const LONGEST_ASK_MS = 15_000;
/** Milliseconds in which a kernel that hears answers; twice that after each that it did not, as it may wait for its hub. */
const ANSWER_MS = 5_000;
const MOST_LOST = 6;

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
  /** There is no answer: ask the kernel for a `Ready`, or wait no longer. */
  unanswered(): void;
  /** The kernel hears this page, and does not answer. */
  lost(): void;
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
  #pending: { requestId: number; peer: Peer; asked: boolean } | null = null;
  #capture: Offer["capture"] = "never";
  // What the hub knows of the devices.
  #toldDevices = "";
  // Offers in a row that a kernel which hears did not answer.
  #lost = 0;
  #retryTimer: Timer;
  #hintTimer: Timer;
  #askTimer: Timer;
  #lostTimer: Timer;

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
    this.#toldDevices = JSON.stringify(devices);
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
    this.#pending = { requestId, peer, asked: false };
    this.#hintTimer = setTimeout(() => {
      this.#late.value = !this.#listener.kernelIsAtIt();
    }, KERNEL_HINT_MS);
    this.#askLater(ASK_MS);
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
    this.#lost = 0;
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

  /** The kernel hears this page by now; an offer from before may be lost with their connection. */
  kernelHears(): void {
    if (!this.#pending?.asked || this.#lostTimer !== undefined) return;
    this.#lostTimer = setTimeout(
      () => {
        this.#lost = Math.min(this.#lost + 1, MOST_LOST);
        this.#listener.lost();
      },
      ANSWER_MS * 2 ** this.#lost,
    );
  }

  /** Tell the hub of devices that are not as it knows them. */
  tellDevices(devices: DeviceStates): void {
    const told = JSON.stringify(devices);
    if (told === this.#toldDevices) return;
    if (this.#peer.peek()?.say({ type: "set_device_state", ...devices })) this.#toldDevices = told;
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
    for (const timer of [this.#hintTimer, this.#askTimer, this.#lostTimer]) clearTimeout(timer);
    this.#lostTimer = undefined;
    this.#late.value = false;
  }

  #askLater(delay: number): void {
    this.#askTimer = setTimeout(() => {
      if (this.#pending) this.#pending.asked = true;
      this.#askLater(Math.min(2 * delay, LONGEST_ASK_MS));
      this.#listener.unanswered();
    }, delay);
  }
}

type Timer = ReturnType<typeof setTimeout> | undefined;
