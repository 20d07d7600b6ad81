import { batch, computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import {
  type Answer,
  type ControlMessage,
  ErrorCode,
  type Offer,
  type PageDevice,
  PROTOCOL_VERSION,
  type Refused,
  type TakeSnapshot,
} from "../protocol.gen";
import { Capture } from "./capture";
import { Choice, DeviceList } from "./device-list";
import { canCapture } from "./devices";
import { type Ending, endingOf, OTHER_VERSION } from "./ending";
import { Intent } from "./intent";
import type { Kernel } from "./kernel";
import { Kernels } from "./kernels";
import { DEFAULT_MEDIA } from "./media";
import { Offering } from "./offering";
import type { Peer } from "./peer";
import { nextPhase, type Phase, type PhaseEvent, wantsPeer } from "./phase";
import { randomId } from "./random-id";
import { GIVEN_UP, Repair } from "./repair";
import { Reports } from "./reports";
import { EMPTY_ROOM, nextRoom, type Room } from "./room";
import type { Shown } from "./shown";
import { type CallSnapshot, callSnapshot } from "./snapshot";
import { Sound } from "./sound";
import { TileSizes } from "./tile-sizes";
import { Views } from "./views";
import { NO_VITALS, nextVitals, type Vitals } from "./vitals";

/** The call of one engine on this page: its phase, its one peer, its devices. Views only attach. */
export class PageCall {
  readonly #pageId = randomId();
  readonly #kernels = new Kernels(this.#pageId, {
    answered: (protocol) => this.#kernelAnswered(protocol),
    lost: () => this.#kernelLost(),
    heard: (message) => this.#heardKernel(message),
    stateChanged: () => this.#kernelStateChanged(),
  });
  readonly #intent = new Intent();
  readonly #repair = new Repair();
  readonly #phase = signal<Phase>({ kind: "stale" });
  readonly #room = signal<Room>(EMPTY_ROOM);
  readonly #vitals = signal<Vitals>(NO_VITALS);
  readonly #offering = new Offering({
    tell: (message) => this.#kernels.tell(message),
    heardHub: (message) => this.#heardHub(message),
    answered: (captures) => {
      this.#captures.value = captures;
    },
    refused: (code, reason) => this.#offerRefused(code, reason),
    failed: (reason, final) => this.#noPeer(reason, final),
    broken: (reason) => this.#broken(reason),
    unanswered: () => this.#unanswered(),
    lost: () => this.#offerLost(),
    kernelIsAtIt: () => this.#startHeard,
  });
  // Null while no hub has said: there is no peer yet.
  readonly #captures = signal<boolean | null>(null);
  readonly #snapshot: ReadonlySignal<CallSnapshot>;
  readonly #views = new Views(() => {
    this.#leavePage();
    this.#closeIfUnused();
  });
  readonly #media = computed(() => this.#kernels.traits.value?._media ?? DEFAULT_MEDIA);
  readonly #chosen = new Choice();
  readonly #choice = computed(() => this.#chosen.of(this.#media.value));
  readonly #connected = computed(() =>
    this.#phase.value.kind === "in_call" ? this.#offering.peer.value : null,
  );
  readonly #capture: Capture;
  readonly #deviceList: DeviceList;
  readonly #sound = new Sound();
  readonly #reports: Reports;
  readonly #owner = new AbortController();
  readonly #tileSizes = new TileSizes(
    (tiles) => this.#peer?.say({ type: "tile_sizes", tiles }) ?? false,
    this.#owner.signal,
  );
  readonly #forget: () => void;
  // The call ended on the kernel's word, so a kernel that then goes has ended it.
  #leftByKernel = false;
  // The hub has lost the kernel, so a kernel that does not answer here either is gone.
  #interrupted = false;

  /** `forget` is called once, when no view and no widget model holds the call any more. */
  constructor(forget: () => void) {
    this.#forget = forget;
    const { signal } = this.#owner;
    const shared = {
      traits: this.#kernels.traits,
      live: this.#kernels.live,
      media: this.#media,
      choice: this.#choice,
      captures: this.#captures,
      peer: this.#offering.peer,
      slots: computed(() => this.#room.value.slots),
    };
    this.#deviceList = new DeviceList(signal);
    this.#capture = new Capture({ ...shared, previewed: this.#views.previewed }, signal);
    this.#snapshot = callSnapshot({
      ...shared,
      phase: this.#phase,
      waitingForKernel: this.#offering.late,
      capture: this.#capture,
      devices: this.#deviceList.devices,
      room: this.#room,
      vitals: this.#vitals,
      soundBlocked: this.#sound.blocked,
    });
    this.#reports = new Reports(
      {
        ...shared,
        pageId: this.#pageId,
        tileSizes: this.#tileSizes,
        capture: this.#capture,
        devices: this.#deviceList,
        connected: this.#connected,
        tell: (message, buffer) => this.#kernels.tell(message, buffer),
        listening: this.#kernels.listening,
        mention: (message) => this.#kernels.mention(message),
      },
      signal,
    );
    this.#sound.follow(shared, signal);
    const disposals = [effect(() => this.#tellDevices()), effect(() => this.#offerCapture())];
    signal.addEventListener("abort", () => {
      for (const dispose of disposals) dispose();
    });
    addEventListener("pagehide", () => this.#leavePage(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.#follow(), { signal });
  }

  /** Attach a widget model until the signal aborts. */
  attachKernel(kernel: Kernel, signal: AbortSignal): void {
    this.#kernels.attach(kernel, signal);
    signal.addEventListener("abort", () => this.#closeIfUnused());
  }

  /** Attach a view until the signal aborts. */
  attachView(shown: Shown, signal: AbortSignal): void {
    this.#views.attach(shown, signal);
    this.#follow();
  }

  /** Have a stream sent as large as this element shows it, until the signal aborts. */
  watchTile(
    element: Element,
    streamId: string,
    hasPicture: () => boolean,
    signal: AbortSignal,
  ): void {
    this.#tileSizes.watch(element, streamId, hasPicture, signal);
  }

  current(): CallSnapshot {
    return this.#snapshot.peek();
  }

  /** Call `listener` now and after every change, until the signal aborts. */
  watch(listener: (snapshot: CallSnapshot) => void, signal: AbortSignal): void {
    const dispose = effect(() => {
      const snapshot = this.#snapshot.value;
      untracked(() => listener(snapshot));
    });
    signal.addEventListener("abort", dispose);
  }

  pressStart(): void {
    if (this.#live && !wantsPeer(this.#phase.peek())) this.#start();
  }

  #start(): void {
    // A kernel that has not heard of the end would take this for a start of the call that is over.
    if (this.#intent.endUnheard) this.#kernels.press({ type: "press_stop", page_id: this.#pageId });
    this.#intent.startPressed();
    this.#kernels.press({ type: "press_start", page_id: this.#pageId });
    this.#join(this.#wish(true));
  }

  pressStop(): void {
    if (!wantsPeer(this.#phase.peek())) return;
    const silent = this.#peer?.quiet.peek();
    const told = this.#peer?.close({ type: "leave_call" }) && !silent;
    if (!told) {
      this.#kernels.press({ type: "press_stop", page_id: this.#pageId });
      this.#kernels.ask();
    }
    this.#intent.stopPressed(!told);
    this.#rest({ type: "left" });
  }

  toggleMicrophone(): void {
    const { devices } = this.#capture;
    const failed = devices.microphone.peek().kind === "failed";
    const muted = !failed && !this.#kernels.traits.peek()?.microphone_muted;
    this.#kernels.pressSwitch("microphone_muted", muted);
    devices.retry("microphone");
  }

  toggleCamera(): void {
    const { devices } = this.#capture;
    const failed = devices.camera.peek().kind === "failed";
    const enabled = failed || !this.#kernels.traits.peek()?.camera_enabled;
    this.#kernels.pressSwitch("camera_enabled", enabled);
    devices.retry("camera");
  }

  /** Use another device on this page, until the engine names one; an empty ID is the browser's choice. */
  chooseDevice(kind: PageDevice["kind"], deviceId: string): void {
    this.#chosen.choose(kind, deviceId, this.#media.peek());
  }

  /** Ask the person for a screen; only in a gesture of theirs. */
  shareScreen(): void {
    void this.#capture.screen.start();
  }

  stopSharing(): void {
    this.#capture.screen.stop();
  }

  /** Let the others be heard; only in a gesture of the person. */
  allowSound(): void {
    this.#sound.allow();
  }

  /** The browser's counts of the connection to the hub; null while there is none. */
  async connectionStats(): Promise<RTCStatsReport | null> {
    return (await this.#peer?.stats()) ?? null;
  }

  // -- kernel ------------------------------------------------------------------------------------------------

  get #peer(): Peer | null {
    return this.#offering.peer.peek();
  }

  get #live(): boolean {
    return this.#kernels.live.peek().length > 0;
  }

  #kernelAnswered(protocol: number): void {
    this.#step({ type: "kernel_answered" });
    this.#offering.kernelHears();
    if (protocol !== PROTOCOL_VERSION) {
      this.#end(ErrorCode.PROTOCOL_VERSION_MISMATCH, OTHER_VERSION);
      return;
    }
    this.#intent.answered(this.#kernels.traits.peek()?.state ?? "idle");
    this.#follow();
  }

  #kernelLost(): void {
    const phase = this.#phase.peek();
    const over = phase.kind === "idle" ? this.#leftByKernel : wantsPeer(phase);
    if (over && (phase.kind !== "in_call" || this.#interrupted)) this.#endKernelGone();
    else this.#step({ type: "kernel_lost" });
  }

  #heardKernel(message: Answer | Refused | TakeSnapshot): void {
    if (message.type === "take_snapshot") {
      void this.#reports.takeSnapshot(message);
      return;
    }
    const code = message.type === "refused" ? message.code : ErrorCode.SUCCESS;
    // It refuses to speak with this page at all.
    if (code === ErrorCode.PROTOCOL_VERSION_MISMATCH && !this.#live) this.#kernelAnswered(-1);
    else this.#offering.heard(message);
  }

  #kernelStateChanged(): void {
    this.#intent.kernelState(this.#kernels.traits.peek()?.state ?? "idle");
    if (this.#startHeard) this.#offering.notLate();
    this.#follow();
  }

  /** The kernel is at it: who heard Start call heard the offer after it, and waits for the hub itself. */
  get #startHeard(): boolean {
    return this.#phase.peek().kind === "connecting" && this.#intent.startHeard;
  }

  /** Do what the kernel's state asks of this page. */
  #follow(): void {
    const traits = this.#kernels.traits.peek();
    const phase = this.#phase.peek();
    if (!this.#live || !traits || phase.kind === "stale" || !this.#intent.believes(traits.state))
      return;
    const reason = traits.error || ("reason" in phase ? phase.reason : "");
    const saidNoMedia = phase.kind === "refused" && phase.code === ErrorCode.MEDIA_CONNECT_FAILED;
    switch (traits.state) {
      case "connecting":
      case "in_call":
      case "reconnecting":
        if (!wantsPeer(phase) && !this.#views.empty) this.#join(this.#wish(false));
        else if (traits.state === "reconnecting") this.#peer?.suspect();
        break;
      case "idle":
        this.#rest({ type: "left" });
        break;
      case "refused":
        if (phase.kind === "in_call" || phase.kind === "reconnecting")
          this.#end(traits.error_code, reason);
        // Of a connection that did not come about the page knows more than the kernel.
        else if (!saidNoMedia || traits.error_code !== ErrorCode.MEDIA_CONNECT_FAILED)
          this.#refuse(traits.error_code, reason);
        break;
      case "disconnected":
        this.#end(traits.error_code, reason);
        // This page has slept, and nobody here has stopped the call.
        if (wantsPeer(phase) && traits.error_code === ErrorCode.MEDIA_PAGE_SILENT) this.#start();
        break;
      case "closed":
        this.#end(ErrorCode.SUCCESS, "The widget was closed.");
        break;
    }
  }

  // -- joining, repairing, leaving ---------------------------------------------------------------------------

  /** Whether this page's next peer is to capture; `take`: rather than any other page. */
  #wish(take: boolean): Offer["capture"] {
    if (!canCapture() || !this.#media.peek().captures) return "never";
    return take ? "take" : "offer";
  }

  #join(capture: Offer["capture"]): void {
    this.#leftByKernel = false;
    batch(() => {
      this.#room.value = EMPTY_ROOM;
      this.#captures.value = capture === "take" ? true : null;
      this.#step({ type: "join" });
    });
    this.#offer(capture);
  }

  #offer(capture: Offer["capture"]): void {
    void this.#offering.offer(capture, this.#capture.states.peek());
  }

  #offerRefused(code: number, reason: string): void {
    if (this.#phase.peek().kind === "connecting") this.#refuse(code, reason);
    else if (code === ErrorCode.COMMON_NOT_LOGIN_ROOM) this.#end(code, reason);
    else this.#repairLater(reason);
  }

  #noPeer(reason: string, final: boolean): void {
    if (final || this.#phase.peek().kind === "connecting")
      this.#refuse(ErrorCode.MEDIA_CONNECT_FAILED, reason);
    else this.#repairLater(reason);
  }

  #broken(reason: string): void {
    if (this.#phase.peek().kind !== "connecting") {
      this.#repairLater(reason);
      return;
    }
    this.#offering.giveUp();
    this.#refuse(ErrorCode.MEDIA_CONNECT_FAILED, reason);
  }

  #repairLater(reason: string): void {
    if (!this.#live) {
      this.#endKernelGone();
      return;
    }
    this.#offering.drop();
    // No frozen faces: what comes back comes with the new peer's own slots.
    this.#room.value = { ...this.#room.peek(), slots: [] };
    this.#step({ type: "broken", reason });
    const again = () => this.#offer(this.#wish(this.#captures.peek() === true));
    const delay = this.#repair.next(performance.now(), Math.random());
    if (delay === null) this.#end(ErrorCode.ROOM_RETRY_TIMEOUT, GIVEN_UP);
    else this.#offering.later(delay, again);
  }

  #unanswered(): void {
    if (this.#repair.over(performance.now())) this.#end(ErrorCode.ROOM_RETRY_TIMEOUT, GIVEN_UP);
    else this.#kernels.ask();
  }

  /** Start call was lost with it, where the kernel does not show it. */
  #offerLost(): void {
    const repairs = this.#phase.peek().kind === "reconnecting";
    if (!repairs && !this.#intent.startUnheard) return;
    this.#offering.giveUp();
    if (repairs) this.#repairLater("The kernel did not answer.");
    else this.#start();
  }

  #refuse(code: number, reason: string): void {
    this.#intent.ended();
    this.#rest({ type: "refused", code, reason });
  }

  #end(code: number, reason: string): void {
    this.#intent.ended();
    this.#rest({ type: "ended", code, reason });
  }

  #endKernelGone(): void {
    this.#peer?.close({ type: "leave_page" });
    this.#end(ErrorCode.ROOM_DISCONNECT, "The kernel is gone.");
  }

  #leftElsewhere(): void {
    this.#intent.ended();
    if (!this.#live) {
      this.#endKernelGone();
      return;
    }
    this.#rest({ type: "left" });
    this.#leftByKernel = true;
  }

  #leavePage(): void {
    if (!wantsPeer(this.#phase.peek())) return;
    if (!this.#peer?.close({ type: "leave_page" })) this.#offering.giveUp();
    this.#rest({ type: "left" });
  }

  /** Camera, microphone and peer are released in the same turn as the phase changes. */
  #rest(event: PhaseEvent): void {
    batch(() => {
      this.#offering.drop();
      this.#repair.done();
      this.#interrupted = false;
      this.#captures.value = null;
      this.#room.value = EMPTY_ROOM;
      this.#step(event);
    });
  }

  #step(event: PhaseEvent): void {
    this.#phase.value = nextPhase(this.#phase.peek(), event);
  }

  #closeIfUnused(): void {
    if (!this.#kernels.empty || !this.#views.empty) return;
    this.#leavePage();
    this.#views.close();
    this.#owner.abort();
    this.#forget();
  }

  // -- hub ---------------------------------------------------------------------------------------------------

  #heardHub(message: ControlMessage): void {
    this.#vitals.value = nextVitals(this.#vitals.peek(), message);
    switch (message.type) {
      case "room_snapshot":
        this.#repair.mended(performance.now());
        this.#interrupted = false;
        batch(() => {
          this.#room.value = nextRoom(EMPTY_ROOM, message);
          this.#captures.value = message.captures;
          if (this.#phase.peek().kind !== "in_call") this.#step({ type: "joined" });
        });
        this.#tileSizes.tellAgain();
        break;
      case "capture_changed":
        this.#captures.value = message.captures;
        break;
      case "room_state_changed":
      case "goodbye":
        this.#heardEnding(endingOf(message));
        break;
      default:
        this.#room.value = nextRoom(this.#room.peek(), message);
    }
  }

  #heardEnding(ending: Ending | null): void {
    this.#interrupted = ending?.kind === "interrupted" || ending?.kind === "session_lost";
    if (this.#interrupted) this.#kernels.verify();
    else this.#kernels.trust();
    if (ending?.kind === "left") this.#leftElsewhere();
    else if (ending?.kind === "session_lost" && this.#live) this.#repairLater(ending.reason);
    else if (ending && "code" in ending) this.#end(ending.code, ending.reason);
  }

  // -- effects -----------------------------------------------------------------------------------------------

  #tellDevices(): void {
    if (this.#phase.value.kind === "in_call" && this.#captures.value)
      this.#offering.tellDevices(this.#capture.states.value);
  }

  /** A page that was not to capture when it offered its peer offers another one when it is to. */
  #offerCapture(): void {
    const wanted = this.#media.value.captures && canCapture();
    const connected = this.#connected.value;
    if (!wanted || !connected || this.#offering.capture !== "never") return;
    untracked(() => this.#repairLater("This page is to capture."));
  }
}
