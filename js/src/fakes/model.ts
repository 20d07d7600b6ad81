import type { WidgetModel } from "../call/kernel";
import { PROTOCOL_VERSION } from "../protocol.gen";

/** A widget model with a kernel behind it, or, as in saved output, without. */
export class FakeModel implements WidgetModel {
  readonly sent: Record<string, unknown>[] = [];
  readonly buffers: ArrayBuffer[] = [];
  readonly #traits: Record<string, unknown>;
  readonly #listeners = new Map<string, Set<(...values: unknown[]) => void>>();
  #alive: boolean;

  constructor(traits: Record<string, unknown> = {}, alive = true) {
    this.#alive = alive;
    this.#traits = {
      state: "idle",
      error: null,
      error_code: null,
      room_id: "demo",
      user_id: "alice",
      user_name: "Alice",
      microphone_muted: false,
      camera_enabled: true,
      _call_id: "call-1",
      ...traits,
    };
  }

  get(name: string): unknown {
    return this.#traits[name];
  }

  set(name: string, value: unknown): void {
    if (this.#traits[name] === value) return;
    this.#traits[name] = value;
    this.#emit(`change:${name}`);
  }

  on(event: string, callback: (...values: unknown[]) => void): void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(callback));
  }

  off(event: string, callback: (...values: unknown[]) => void): void {
    this.#listeners.get(event)?.delete(callback);
  }

  send(content: unknown, _callbacks?: unknown, buffers: ArrayBuffer[] = []): void {
    this.buffers.push(...buffers);
    const message = content as Record<string, unknown>;
    this.sent.push(message);
    if (this.#alive && message.type === "view_hello") this.answerHello(message);
  }

  // -- what the kernel does --

  answerHello(hello = this.last("view_hello")): void {
    this.kernelSays({
      type: "ready",
      page_id: hello.page_id,
      protocol: PROTOCOL_VERSION,
      version: "1",
    });
  }

  kernelSays(message: object): void {
    this.#emit("msg:custom", message);
  }

  kernelSets(traits: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(traits)) this.set(name, value);
  }

  kernelDies(): void {
    this.#alive = false;
    this.#emit("comm_live_update");
  }

  /** The kernel takes messages, but answers none until it is told to. */
  busy(): void {
    this.#alive = false;
  }

  last(type: string): Record<string, unknown> {
    const message = this.sent.filter((m) => m.type === type).at(-1);
    if (!message) throw new Error(`No ${type} was sent; only ${this.types.join(", ")}.`);
    return message;
  }

  get types(): unknown[] {
    return this.sent.map((message) => message.type);
  }

  get listenerCount(): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0);
  }

  #emit(event: string, ...values: unknown[]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...values);
  }
}
