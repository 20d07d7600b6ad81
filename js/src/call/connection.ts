import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  type Answer,
  type ControlMessage,
  ErrorCode,
  type Offer,
  type PageMessage,
  type Refused,
  type ViewMessage,
} from "../protocol.gen";
import type { DeviceStates } from "./capture";
import { type Ending, endingOf } from "./ending";
import { Offering } from "./offering";
import type { Peer } from "./peer";
import { nextPhase, type Phase, type PhaseEvent, wantsPeer } from "./phase";
import { GIVEN_UP, Repair } from "./repair";
import { EMPTY_ROOM, nextRoom, type Room } from "./room";
import { NO_VITALS, nextVitals, type Vitals } from "./vitals";

export interface ConnectionListener {
  /** Say something to the kernel. */
  tell(message: ViewMessage): void;
  /** Ask the kernel whether it hears this page. */
  ask(): void;
  /** Whether there is a kernel to offer a peer through. */
  live(): boolean;
  /** Whether the kernel is known to be at it, so that a wait for its answer is not its business. */
  kernelIsAtIt(): boolean;
  /** Whether this page's next peer is to capture; `take`: rather than any other page. */
  wish(take: boolean): Offer["capture"];
  devices(): DeviceStates;
  /** The hub let this page in. */
  joined(): void;
  /** The hub said how the session or the call stands; null for what ends nothing. */
  heardEnding(ending: Ending | null): void;
  /** This page goes, and for the hub, which may not hear that, it captures. */
  leftWithCapture(): void;
  /** The first offer of a call was lost. */
  startLost(): void;
  /** The call is over without the person's doing. */
  over(): void;
  /** There is nobody left to mend the connection through. */
  kernelGone(): void;
}

/** This page's connection to the call: joined, mended with a fresh offer each time, ended; and what came over it. */
export class Connection {
  readonly #listener: ConnectionListener;
  readonly #repair = new Repair();
  readonly #phase = signal<Phase>({ kind: "stale" });
  readonly #room = signal<Room>(EMPTY_ROOM);
  readonly #vitals = signal<Vitals>(NO_VITALS);
  // Null while no hub has said: there is no peer yet.
  readonly #captures: Signal<boolean | null> = signal(null);
  // The hub has lost the kernel, so a kernel that does not answer here either is gone.
  #interrupted = false;
  readonly #offering: Offering;

  /** The peer of a page that is in the call. */
  readonly connected = computed(() =>
    this.#phase.value.kind === "in_call" ? this.peer.value : null,
  );

  constructor(listener: ConnectionListener) {
    this.#listener = listener;
    this.#offering = new Offering({
      tell: (message) => listener.tell(message),
      heardHub: (message) => this.#heardHub(message),
      answered: (captures) => {
        this.#captures.value = captures;
      },
      refused: (code, reason) => this.#offerRefused(code, reason),
      failed: (reason, final) => this.#noPeer(reason, final),
      broken: (reason) => this.#broken(reason),
      unanswered: () => this.#unanswered(),
      lost: () => this.#offerLost(),
      kernelIsAtIt: () => listener.kernelIsAtIt(),
    });
  }

  get phase(): ReadonlySignal<Phase> {
    return this.#phase;
  }

  get peer(): ReadonlySignal<Peer | null> {
    return this.#offering.peer;
  }

  /** Whether the hub lets this page capture; null while no hub has said. */
  get captures(): ReadonlySignal<boolean | null> {
    return this.#captures;
  }

  get room(): ReadonlySignal<Room> {
    return this.#room;
  }

  get vitals(): ReadonlySignal<Vitals> {
    return this.#vitals;
  }

  /** Whether the kernel has not answered an offer for a while. */
  get late(): ReadonlySignal<boolean> {
    return this.#offering.late;
  }

  /** What the present peer offered to capture. */
  get capture(): Offer["capture"] {
    return this.#offering.capture;
  }

  /** Whether the hub has lost the kernel. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  step(event: PhaseEvent): void {
    this.#phase.value = nextPhase(this.#phase.peek(), event);
  }

  // -- from the kernel ---------------------------------------------------------------------------------------

  /** It hears this page. */
  kernelHears(): void {
    this.#offering.kernelHears();
  }

  /** It is at it: it is not what is waited for. */
  notLate(): void {
    this.#offering.notLate();
  }

  heardKernel(message: Answer | Refused): void {
    this.#offering.heard(message);
  }

  // -- joining and leaving -----------------------------------------------------------------------------------

  join(capture: Offer["capture"]): void {
    batch(() => {
      this.#room.value = EMPTY_ROOM;
      this.#captures.value = capture === "take" ? true : null;
      this.step({ type: "join" });
    });
    this.#offer(capture);
  }

  refuse(code: number, reason: string): void {
    this.#listener.over();
    this.rest({ type: "refused", code, reason });
  }

  end(code: number, reason: string): void {
    this.#listener.over();
    this.rest({ type: "ended", code, reason });
  }

  /** Say a last word and close the peer; false where the hub does not hear it. */
  sayLast(word: PageMessage): boolean {
    const peer = this.peer.peek();
    const silent = peer?.quiet.peek();
    return (peer?.close(word) && !silent) ?? false;
  }

  /** This page goes, or its last view. */
  leavePage(): void {
    if (!wantsPeer(this.#phase.peek())) return;
    const peer = this.peer.peek();
    const silent = peer?.quiet.peek() ?? false;
    const said = peer?.close({ type: "leave_page" }) ?? false;
    if (!said) this.giveUp();
    if (this.#captures.peek() && (silent || !said)) this.#listener.leftWithCapture();
    this.rest({ type: "left" });
  }

  /** Tell the hub by way of the kernel that nothing will come of the peer. */
  giveUp(): void {
    this.#offering.giveUp();
  }

  /** Camera, microphone and peer are released in the same turn as the phase changes. */
  rest(event: PhaseEvent): void {
    batch(() => {
      this.#offering.drop();
      this.#repair.done();
      this.#interrupted = false;
      this.#captures.value = null;
      this.#room.value = EMPTY_ROOM;
      this.step(event);
    });
  }

  /** Tell the hub of the devices of a page that captures, where they are not as it knows them. */
  tellDevices(devices: DeviceStates): void {
    if (this.connected.value && this.#captures.value) this.#offering.tellDevices(devices);
  }

  // -- mending -----------------------------------------------------------------------------------------------

  /** Offer a fresh peer in place of the present one, at once or when its turn comes. */
  mend(reason: string): void {
    if (!this.#listener.live()) {
      this.#listener.kernelGone();
      return;
    }
    this.#offering.drop();
    // No frozen faces: what comes back comes with the new peer's own slots.
    this.#room.value = { ...this.#room.peek(), slots: [] };
    this.step({ type: "broken", reason });
    const again = () => this.#offer(this.#listener.wish(this.#captures.peek() === true));
    const delay = this.#repair.next(performance.now(), Math.random());
    if (delay === null) this.end(ErrorCode.ROOM_RETRY_TIMEOUT, GIVEN_UP);
    else this.#offering.later(delay, again);
  }

  #offer(capture: Offer["capture"]): void {
    void this.#offering.offer(capture, this.#listener.devices());
  }

  #offerRefused(code: number, reason: string): void {
    if (this.#phase.peek().kind === "connecting") this.refuse(code, reason);
    else if (code === ErrorCode.COMMON_NOT_LOGIN_ROOM) this.end(code, reason);
    else this.mend(reason);
  }

  #noPeer(reason: string, final: boolean): void {
    if (final || this.#phase.peek().kind === "connecting")
      this.refuse(ErrorCode.MEDIA_CONNECT_FAILED, reason);
    else this.mend(reason);
  }

  #broken(reason: string): void {
    if (this.#phase.peek().kind !== "connecting") {
      this.mend(reason);
      return;
    }
    this.giveUp();
    this.refuse(ErrorCode.MEDIA_CONNECT_FAILED, reason);
  }

  #unanswered(): void {
    if (this.#repair.over(performance.now())) this.end(ErrorCode.ROOM_RETRY_TIMEOUT, GIVEN_UP);
    else this.#listener.ask();
  }

  #offerLost(): void {
    if (this.#phase.peek().kind !== "reconnecting") {
      this.#listener.startLost();
      return;
    }
    this.giveUp();
    this.mend("The kernel did not answer.");
  }

  // -- from the hub ------------------------------------------------------------------------------------------

  #heardHub(message: ControlMessage): void {
    this.#vitals.value = nextVitals(this.#vitals.peek(), message);
    switch (message.type) {
      case "room_snapshot":
        this.#repair.mended(performance.now());
        this.#interrupted = false;
        batch(() => {
          this.#room.value = nextRoom(EMPTY_ROOM, message);
          this.#captures.value = message.captures;
          if (this.#phase.peek().kind !== "in_call") this.step({ type: "joined" });
        });
        this.#listener.joined();
        break;
      case "capture_changed":
        this.#captures.value = message.captures;
        break;
      case "room_state_changed":
      case "goodbye": {
        const ending = endingOf(message);
        this.#interrupted = ending?.kind === "interrupted" || ending?.kind === "session_lost";
        this.#listener.heardEnding(ending);
        break;
      }
      default:
        this.#room.value = nextRoom(this.#room.peek(), message);
    }
  }
}
