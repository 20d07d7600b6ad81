import type {
  CallState,
  KernelMessage,
  PageMedia,
  PublishChannel,
  ViewMessage,
} from "../protocol.gen";
import { DEFAULT_MEDIA, pageMedia } from "./media";
import { type Shown, ViewMode } from "./shown";

/** What every view of an engine says of it. */
export interface Traits {
  readonly state: CallState;
  readonly error: string;
  readonly error_code: number;
  readonly room_id: string;
  readonly user_id: string;
  readonly user_name: string;
  readonly microphone_muted: boolean;
  readonly camera_enabled: boolean;
  readonly _media: PageMedia;
}

/** What a person presses, and Python sets as well. */
export type Switch = "microphone_muted" | "camera_enabled";

/** What one view shows, and how. */
export interface ViewTraits {
  readonly shown: Shown;
  readonly mode: ViewMode;
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
  _media: DEFAULT_MEDIA,
};

const VIEW_NAMES = ["_kind", "_channel", "stream_id", "view_mode"] as const;
const NAMES = Object.keys(DEFAULTS) as (keyof Traits)[];

/** What anywidget gives us of a widget model. */
export interface WidgetModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  // biome-ignore lint/suspicious/noExplicitAny: anywidget's own signature
  on(event: string, callback: (...values: any[]) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: anywidget's own signature
  off(event: string, callback: (...values: any[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
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
  // Parsed once: what does not change keeps its identity.
  #media: { raw: unknown; media: PageMedia } = { raw: undefined, media: DEFAULT_MEDIA };

  constructor(model: WidgetModel) {
    this.#model = model;
  }

  /** What views of one engine, and models made twice for one, have in common; empty while a view has none. */
  get callId(): string {
    return String(this.#model.get("_call_id") ?? "");
  }

  get traits(): Traits {
    const values = NAMES.map((name) => [name, this.#model.get(name) ?? DEFAULTS[name]]);
    const traits = Object.fromEntries(values) as unknown as Traits;
    const raw = this.#model.get("_media");
    if (raw !== this.#media.raw) this.#media = { raw, media: pageMedia(raw) };
    return { ...traits, _media: this.#media.media };
  }

  get view(): ViewTraits {
    const mode = this.#model.get("view_mode");
    return { shown: this.#shown, mode: (mode ?? ViewMode.ASPECT_FIT) as ViewMode };
  }

  get #shown(): Shown {
    if (this.#model.get("_kind") !== "video") return { kind: "call" };
    const channel = this.#model.get("_channel");
    if (typeof channel === "number") return { kind: "local", channel: channel as PublishChannel };
    const streamId = this.#model.get("stream_id");
    return typeof streamId === "string" && streamId !== ""
      ? { kind: "stream", streamId }
      : { kind: "empty" };
  }

  /** Have the model say what was pressed; the kernel hears of it in another way. */
  show(name: Switch, value: boolean): void {
    this.#model.set(name, value);
  }

  /** Send a message; false when there is nobody to send it to (saved output has no comm). */
  send(message: ViewMessage, buffer?: ArrayBuffer): boolean {
    try {
      if (buffer) this.#model.send(message, undefined, [buffer]);
      else this.#model.send(message);
      return true;
    } catch {
      return false;
    }
  }

  /** Hear from the kernel until the signal aborts. */
  listen(listener: KernelListener, signal: AbortSignal): void {
    for (const name of NAMES)
      this.#on(`change:${name}`, () => listener.traitsChanged(name), signal);
    const heard = (content: unknown) => isMessage(content) && listener.heard(content);
    this.#on("msg:custom", heard, signal);
    this.#on("comm_live_update", () => listener.commChanged(), signal);
  }

  /** Call back whenever the view moved to another engine, until the signal aborts. */
  onMoved(callback: () => void, signal: AbortSignal): void {
    this.#on("change:_call_id", callback, signal);
  }

  /** Call back whenever the view is to show something else, until the signal aborts. */
  onViewChanged(callback: () => void, signal: AbortSignal): void {
    for (const name of VIEW_NAMES) this.#on(`change:${name}`, callback, signal);
  }

  #on(event: string, callback: (...values: unknown[]) => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#model.on(event, callback);
    signal.addEventListener("abort", () => this.#model.off(event, callback), { once: true });
  }
}

function isMessage(value: unknown): value is KernelMessage {
  return (
    typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
  );
}
