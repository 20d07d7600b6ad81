import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import {
  type Answer,
  PROTOCOL_VERSION,
  type PressStart,
  type PressStop,
  type Refused,
  type TakeSnapshot,
  type ViewMessage,
} from "../protocol.gen";
import type { Kernel, Switch, Traits } from "./kernel";
import { Pulse } from "./pulse";

const VERIFY_MS = 3_000;

export interface KernelsListener {
  /** A kernel said that it owns the widget; its traits are current. */
  answered(protocol: number): void;
  /** No kernel owns the widget any more, as far as this page knows. */
  lost(): void;
  heard(message: Answer | Refused | TakeSnapshot): void;
  /** `state` changed, or the `error` that explains it. */
  stateChanged(): void;
}

/**
 * The widget models of one engine on this page, as one kernel.
 *
 * There is one for each view, and two notebooks on one kernel make two of each. A model counts only after its
 * kernel answered `ViewHello`: the traits of saved output look the same as those of a running call. What the
 * engine says it says to one model after the other, so the first one leads: of the rest some are always behind.
 */
export class Kernels {
  readonly #pageId: string;
  readonly #listener: KernelsListener;
  readonly #attached = new Set<Kernel>();
  readonly #live = signal<readonly Kernel[]>([]);
  readonly #traits: Signal<Traits | null> = signal(null);
  // Switches that were pressed here, until a kernel has heard it: what it says before is old.
  readonly #pressed = new Map<Switch, boolean>();
  #presses = 0;
  // Asked by `verify`, and not heard since.
  #unsure = new Set<Kernel>();
  #verifying: ReturnType<typeof setTimeout> | undefined;
  readonly #pulse = new Pulse(() => {
    this.tell({ type: "view_hello", protocol: PROTOCOL_VERSION, page_id: this.#pulseId });
  });

  constructor(pageId: string, listener: KernelsListener) {
    this.#pageId = pageId;
    this.#listener = listener;
  }

  /** The models with a kernel behind them. */
  get live(): ReadonlySignal<readonly Kernel[]> {
    return this.#live;
  }

  /** False while the kernel is known to run a cell and to take no messages. */
  get listening(): ReadonlySignal<boolean> {
    return this.#pulse.listening;
  }

  get traits(): ReadonlySignal<Traits | null> {
    return this.#traits;
  }

  /** What all of them have in common, also after a reload; empty without any. */
  get callId(): string {
    const [kernel] = this.#attached;
    return kernel?.callId ?? "";
  }

  get empty(): boolean {
    return this.#attached.size === 0;
  }

  attach(kernel: Kernel, signal: AbortSignal): void {
    this.#attached.add(kernel);
    this.#traits.value ??= kernel.traits;
    signal.addEventListener("abort", () => {
      this.#attached.delete(kernel);
      this.#silent(kernel);
      if (this.empty) clearTimeout(this.#verifying);
    });
    kernel.listen(
      {
        traitsChanged: (name) => this.#traitsChanged(kernel, name),
        heard: (message) => {
          if (message.type === "take_snapshot") {
            if (message.page_id === this.#pageId) this.#listener.heard(message);
          } else if (message.type === "answer" || message.type === "refused")
            this.#listener.heard(message);
          else if (message.type === "ready" && message.page_id === this.#pageId) {
            this.#answered(kernel, message.protocol);
          } else if (message.type === "ready" && message.page_id === this.#pulseId) {
            this.#pulse.answered();
          } else if (message.type === "ready" && message.page_id === this.#pressId) {
            this.#pressed.clear();
          }
        },
        commChanged: () => {
          this.#silent(kernel);
          this.#hello(kernel);
        },
      },
      signal,
    );
    this.#hello(kernel);
  }

  tell(message: ViewMessage, buffer?: ArrayBuffer): void {
    this.#live.peek()[0]?.send(message, buffer);
  }

  /** Tell what a person pressed: only a call widget has buttons, whatever other views its engine has. */
  press(message: PressStart | PressStop): void {
    const live = this.#live.peek();
    (live.find(isCallWidget) ?? live[0])?.send(message);
  }

  /** Whether a call widget is among them, with which a call can be started. */
  get canStart(): boolean {
    return this.#live.value.some(isCallWidget);
  }

  /** Tell something that is worth nothing later: a kernel that runs a cell does not get it. */
  mention(message: ViewMessage): void {
    if (this.#pulse.takes(performance.now())) this.tell(message);
  }

  /** Ask for another `Ready`: messages are heard in order, so it says that all before was heard. */
  ask(): void {
    for (const kernel of this.#live.peek()) this.#hello(kernel);
  }

  /** Take whoever does not answer soon for gone, until it answers; `lost` is told if there is nobody. */
  verify(): void {
    this.#unsure = new Set(this.#attached);
    this.ask();
    clearTimeout(this.#verifying);
    this.#verifying = setTimeout(() => {
      for (const kernel of this.#unsure) this.#silent(kernel);
      if (this.#live.peek().length === 0) this.#listener.lost();
    }, VERIFY_MS);
  }

  /** The kernel was heard of elsewhere: it is there. */
  trust(): void {
    clearTimeout(this.#verifying);
  }

  /** A person pressed a switch: it stays as it is until the kernel has heard that, whatever it says. */
  pressSwitch(name: Switch, value: boolean): void {
    this.#pressed.set(name, value);
    this.#traits.value = this.#asPressed(this.#traits.peek());
    this.#tellPressed();
  }

  #asPressed<T extends Traits | null>(traits: T): T {
    return traits && { ...traits, ...Object.fromEntries(this.#pressed) };
  }

  #tellPressed(): void {
    const [kernel] = this.#live.peek();
    if (this.#pressed.size === 0 || !kernel) return;
    for (const [name, value] of this.#pressed) kernel.show(name, value);
    this.#presses++;
    kernel.send({
      type: "press_switches",
      page_id: this.#pageId,
      microphone_muted: this.#pressed.get("microphone_muted") ?? null,
      camera_enabled: this.#pressed.get("camera_enabled") ?? null,
    });
    this.#hello(kernel, this.#pressId);
  }

  #hello(kernel: Kernel, pageId = this.#pageId): void {
    kernel.send({ type: "view_hello", protocol: PROTOCOL_VERSION, page_id: pageId });
  }

  get #pulseId(): string {
    return `${this.#pageId} pulse`;
  }

  get #pressId(): string {
    return `${this.#pageId} press ${this.#presses}`;
  }

  #answered(kernel: Kernel, protocol: number): void {
    this.#unsure.delete(kernel);
    const known = this.#live.peek();
    if (protocol === PROTOCOL_VERSION && !known.includes(kernel))
      this.#live.value = [...known, kernel];
    if (known.length === 0 || known[0] === kernel)
      this.#traits.value = this.#asPressed(kernel.traits);
    if (known.length === 0) this.#tellPressed();
    this.#listener.answered(protocol);
  }

  #silent(kernel: Kernel): void {
    const known = this.#live.peek();
    if (!known.includes(kernel)) return;
    const left = known.filter((k) => k !== kernel);
    this.#live.value = left;
    if (kernel === known[0]) this.#pulse.renew();
    const [leader] = left;
    if (!leader) this.#listener.lost();
    else if (kernel === known[0]) this.#take(leader.traits);
  }

  #traitsChanged(kernel: Kernel, name: keyof Traits): void {
    const before = this.#traits.peek();
    const now = kernel.traits;
    const live = this.#live.peek();
    const leads = !live[0] || live[0] === kernel;
    const pressed = this.#pressed.get(name as Switch);
    if (pressed !== undefined && pressed !== now[name]) {
      this.#tellPressed();
      return;
    }
    // Of what a page sets take only what changed: this model may not have heard yet what was set through another.
    const { microphone_muted, camera_enabled } = before ?? now;
    const setHere = name === "microphone_muted" || name === "camera_enabled";
    if (!leads && !setHere) return;
    const rest = leads ? now : (before ?? now);
    this.#take({ ...rest, microphone_muted, camera_enabled, [name]: now[name] });
  }

  #take(said: Traits): void {
    const before = this.#traits.peek();
    const traits = this.#asPressed(said);
    this.#traits.value = traits;
    if (this.#live.peek().length === 0) return;
    if (traits.state !== before?.state || traits.error !== before.error)
      this.#listener.stateChanged();
  }
}

function isCallWidget(kernel: Kernel): boolean {
  return kernel.view.shown.kind === "call";
}
