import type { CallState, KernelMessage, ViewMessage } from "../protocol.gen";

/** The traits of `CallWidget` that the page reads. */
export interface Traits {
  readonly state: CallState;
  readonly error: string;
  readonly error_code: number;
  readonly room_id: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly microphone_muted: boolean;
  readonly camera_enabled: boolean;
}

const DEFAULTS: Traits = {
  state: "idle",
  error: "",
  error_code: 0,
  room_id: "",
  user_id: "",
  user_name: "",
  microphone_muted: false,
  camera_enabled: true,
};

const NAMES = Object.keys(DEFAULTS) as (keyof Traits)[];

/** What anywidget gives us of a widget model. */
export interface WidgetModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  // biome-ignore lint/suspicious/noExplicitAny: anywidget's own signature
  on(event: string, callback: (...values: any[]) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: anywidget's own signature
  off(event: string, callback: (...values: any[]) => void): void;
  send(content: unknown): void;
}

export interface KernelListener {
  traitsChanged(name: keyof Traits): void;
  heard(message: KernelMessage): void;
  /** The comm came or went; whether a kernel is there only its next answer tells. */
  commChanged(): void;
}

/** The seam to Python: the one place that knows widget models. */
export class Kernel {
  readonly #model: WidgetModel;

  constructor(model: WidgetModel) {
    this.#model = model;
  }

  /** What views of one widget, and models made twice for it, have in common. */
  get callId(): string {
    return String(this.#model.get("_call_id") ?? "");
  }

  get traits(): Traits {
    const values = NAMES.map((name) => [name, this.#model.get(name) ?? DEFAULTS[name]]);
    return Object.fromEntries(values) as unknown as Traits;
  }

  setTrait<N extends "microphone_muted" | "camera_enabled">(name: N, value: Traits[N]): void {
    this.#model.set(name, value);
    this.#model.save_changes();
  }

  /** Send a message; false when there is nobody to send it to (saved output has no comm). */
  send(message: ViewMessage): boolean {
    try {
      this.#model.send(message);
      return true;
    } catch {
      return false;
    }
  }

  /** Hear from the kernel until the signal aborts. */
  listen(listener: KernelListener, signal: AbortSignal): void {
    const on = (event: string, callback: (...values: unknown[]) => void) => {
      this.#model.on(event, callback);
      signal.addEventListener("abort", () => this.#model.off(event, callback), { once: true });
    };
    for (const name of NAMES) on(`change:${name}`, () => listener.traitsChanged(name));
    on("msg:custom", (content) => {
      if (isMessage(content)) listener.heard(content);
    });
    on("comm_live_update", () => listener.commChanged());
  }
}

function isMessage(value: unknown): value is KernelMessage {
  return (
    typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
  );
}
