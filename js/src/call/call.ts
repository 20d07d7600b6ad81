import { computed, effect, type ReadonlySignal, untracked } from "@preact/signals";
import {
  type Answer,
  ErrorCode,
  type Offer,
  type PageDevice,
  PROTOCOL_VERSION,
  type Refused,
  type TakeSnapshot,
} from "../protocol.gen";
import { Capture } from "./capture";
import { Connection } from "./connection";
import { Choice, DeviceList } from "./device-list";
import { canCapture, KINDS } from "./devices";
import { type Ending, OTHER_VERSION } from "./ending";
import { Intent, isActive } from "./intent";
import { keepCapture, takeKeptCapture } from "./kept-capture";
import type { Kernel } from "./kernel";
import { Kernels } from "./kernels";
import { DEFAULT_MEDIA } from "./media";
import type { Peer } from "./peer";
import { wantsPeer } from "./phase";
import { randomId } from "./random-id";
import { Reports } from "./reports";
import type { Shown } from "./shown";
import { type CallSnapshot, callSnapshot } from "./snapshot";
import { Sound } from "./sound";
import { TileSizes } from "./tile-sizes";
import { Views } from "./views";

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
  readonly #connection = new Connection({
    tell: (message) => this.#kernels.tell(message),
    ask: () => this.#kernels.ask(),
    live: () => this.#live,
    kernelIsAtIt: () => this.#startHeard,
    wish: (take) => this.#wish(take),
    devices: () => this.#capture.states.peek(),
    joined: () => this.#tileSizes.tellAgain(),
    heardEnding: (ending) => this.#heardEnding(ending),
    leftWithCapture: () => keepCapture(this.#kernels.callId),
    startLost: () => this.#startLost(),
    over: () => this.#intent.ended(),
    kernelGone: () => this.#endKernelGone(),
  });
  readonly #snapshot: ReadonlySignal<CallSnapshot>;
  readonly #views = new Views(() => {
    this.#connection.leavePage();
    this.#closeIfUnused();
  });
  readonly #media = computed(() => this.#kernels.traits.value?._media ?? DEFAULT_MEDIA);
  readonly #chosen = new Choice();
  readonly #choice = computed(() => this.#chosen.of(this.#media.value));
  // Whether `tryAgain` may bring a connection: the engine wants this page, or its call can be started.
  readonly #canTryAgain = computed(() => {
    const { kind } = this.#phase.value;
    const over = kind === "refused" || kind === "disconnected";
    return (
      over && this.#kernels.live.value.length > 0 && (this.#isWanted || this.#kernels.canStart)
    );
  });
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

  /** `forget` is called once, when no view and no widget model holds the call any more. */
  constructor(forget: () => void) {
    this.#forget = forget;
    const { signal } = this.#owner;
    const shared = {
      traits: this.#kernels.traits,
      live: this.#kernels.live,
      media: this.#media,
      choice: this.#choice,
      captures: this.#connection.captures,
      peer: this.#connection.peer,
      slots: computed(() => this.#connection.room.value.slots),
    };
    this.#deviceList = new DeviceList(signal);
    this.#capture = new Capture({ ...shared, previewed: this.#views.previewed }, signal);
    this.#snapshot = callSnapshot({
      ...shared,
      phase: this.#phase,
      waitingForKernel: this.#connection.late,
      capture: this.#capture,
      devices: this.#deviceList.devices,
      room: this.#connection.room,
      vitals: this.#connection.vitals,
      soundBlocked: this.#sound.blocked,
      canTryAgain: this.#canTryAgain,
    });
    this.#reports = new Reports(
      {
        ...shared,
        pageId: this.#pageId,
        tileSizes: this.#tileSizes,
        capture: this.#capture,
        devices: this.#deviceList,
        connected: this.#connection.connected,
        tell: (message, buffer) => this.#kernels.tell(message, buffer),
        listening: this.#kernels.listening,
        mention: (message) => this.#kernels.mention(message),
      },
      signal,
    );
    this.#sound.follow(shared, signal);
    const disposals = [
      effect(() => this.#connection.tellDevices(this.#capture.states.value)),
      effect(() => this.#offerCapture()),
    ];
    signal.addEventListener("abort", () => {
      for (const dispose of disposals) dispose();
    });
    addEventListener("pagehide", () => this.#connection.leavePage(), { signal });
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
    const told = this.#connection.sayLast({ type: "leave_call" });
    if (!told) {
      this.#kernels.press({ type: "press_stop", page_id: this.#pageId });
      this.#kernels.ask();
    }
    this.#intent.stopPressed(!told);
    this.#connection.rest({ type: "left" });
  }

  /** Ask again for what failed: the own devices, and a connection that was refused or given up. */
  tryAgain(): void {
    for (const kind of KINDS) this.#capture.devices.retry(kind);
    if (!this.#canTryAgain.peek()) return;
    if (!untracked(() => this.#isWanted)) {
      this.#start();
      return;
    }
    this.#intent.rejoinPressed();
    this.#join(this.#wish(false));
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

  get #phase(): Connection["phase"] {
    return this.#connection.phase;
  }

  get #peer(): Peer | null {
    return this.#connection.peer.peek();
  }

  get #live(): boolean {
    return this.#kernels.live.peek().length > 0;
  }

  #kernelAnswered(protocol: number): void {
    this.#connection.step({ type: "kernel_answered" });
    this.#connection.kernelHears();
    if (protocol !== PROTOCOL_VERSION) {
      this.#connection.end(ErrorCode.PROTOCOL_VERSION_MISMATCH, OTHER_VERSION);
      return;
    }
    this.#intent.answered(this.#kernels.traits.peek()?.state ?? "idle");
    this.#follow();
  }

  #kernelLost(): void {
    const phase = this.#phase.peek();
    const over = phase.kind === "idle" ? this.#leftByKernel : wantsPeer(phase);
    if (over && (phase.kind !== "in_call" || this.#connection.interrupted)) this.#endKernelGone();
    else this.#connection.step({ type: "kernel_lost" });
  }

  #heardKernel(message: Answer | Refused | TakeSnapshot): void {
    if (message.type === "take_snapshot") {
      void this.#reports.takeSnapshot(message);
      return;
    }
    const code = message.type === "refused" ? message.code : ErrorCode.SUCCESS;
    // It refuses to speak with this page at all.
    if (code === ErrorCode.PROTOCOL_VERSION_MISMATCH && !this.#live) this.#kernelAnswered(-1);
    else this.#connection.heardKernel(message);
  }

  #kernelStateChanged(): void {
    this.#intent.kernelState(this.#kernels.traits.peek()?.state ?? "idle");
    if (this.#startHeard) this.#connection.notLate();
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
        if (!wantsPeer(phase) && !this.#views.empty)
          this.#join(this.#wish(takeKeptCapture(this.#kernels.callId)));
        else if (traits.state === "reconnecting") this.#peer?.suspect();
        break;
      case "idle":
        this.#connection.rest({ type: "left" });
        break;
      case "refused":
        if (phase.kind === "in_call" || phase.kind === "reconnecting")
          this.#connection.end(traits.error_code, reason);
        // Of a connection that did not come about the page knows more than the kernel.
        else if (!saidNoMedia || traits.error_code !== ErrorCode.MEDIA_CONNECT_FAILED)
          this.#connection.refuse(traits.error_code, reason);
        break;
      case "disconnected":
        this.#connection.end(traits.error_code, reason);
        // This page has slept, and nobody here has stopped the call.
        if (wantsPeer(phase) && traits.error_code === ErrorCode.MEDIA_PAGE_SILENT) this.#start();
        break;
      case "closed":
        this.#connection.end(ErrorCode.SUCCESS, "The widget was closed.");
        break;
    }
  }

  /** Whether the engine goes on with what pages have a part in, as far as it says. */
  get #isWanted(): boolean {
    return isActive(this.#kernels.traits.value?.state ?? "idle");
  }

  /** Whether this page's next peer is to capture; `take`: rather than any other page. */
  #wish(take: boolean): Offer["capture"] {
    if (!canCapture() || !this.#media.peek().captures) return "never";
    return take ? "take" : "offer";
  }

  #join(capture: Offer["capture"]): void {
    this.#leftByKernel = false;
    this.#connection.join(capture);
  }

  /** Start call was lost with the offer, where the kernel does not show it. */
  #startLost(): void {
    if (!this.#intent.startUnheard) return;
    this.#connection.giveUp();
    this.#start();
  }

  // -- how it ends -------------------------------------------------------------------------------------------

  #endKernelGone(): void {
    this.#peer?.close({ type: "leave_page" });
    this.#connection.end(ErrorCode.ROOM_DISCONNECT, "The kernel is gone.");
  }

  #leftElsewhere(): void {
    this.#intent.ended();
    if (!this.#live) {
      this.#endKernelGone();
      return;
    }
    this.#connection.rest({ type: "left" });
    this.#leftByKernel = true;
  }

  #heardEnding(ending: Ending | null): void {
    if (this.#connection.interrupted) this.#kernels.verify();
    else this.#kernels.trust();
    if (ending?.kind === "left") this.#leftElsewhere();
    else if (ending?.kind === "session_lost" && this.#live) this.#connection.mend(ending.reason);
    else if (ending && "code" in ending) this.#connection.end(ending.code, ending.reason);
  }

  #closeIfUnused(): void {
    if (!this.#kernels.empty || !this.#views.empty) return;
    this.#connection.leavePage();
    this.#views.close();
    this.#owner.abort();
    this.#forget();
  }

  // -- effects -----------------------------------------------------------------------------------------------

  /** A page that was not to capture when it offered its peer offers another one when it is to. */
  #offerCapture(): void {
    const wanted = this.#media.value.captures && canCapture();
    const connected = this.#connection.connected.value;
    if (!wanted || !connected || this.#connection.capture !== "never") return;
    untracked(() => this.#connection.mend("This page is to capture."));
  }
}
