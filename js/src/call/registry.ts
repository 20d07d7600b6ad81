import { assert } from "./assert";
import { PageCall } from "./call";
import type { Kernel } from "./kernel";

const CALLS = Symbol.for("zego-widget.calls");

/** Attach to the call of a view's engine, to the next one when the view moves, until the signal aborts. */
export function followCall(
  kernel: Kernel,
  attach: (call: PageCall | null, owner: AbortSignal) => void,
  signal: AbortSignal,
): void {
  let owner = new AbortController();
  let attached: string | null = null;
  const follow = () => {
    if (kernel.callId === attached) return;
    attached = kernel.callId;
    owner.abort();
    owner = new AbortController();
    attach(attached === "" ? null : callOf(kernel), owner.signal);
  };
  follow();
  kernel.onMoved(follow, signal);
  signal.addEventListener("abort", () => owner.abort());
}

/**
 * The page's call of an engine, made when first asked for.
 *
 * Each widget model may load its own copy of this module, so the calls hang on the page itself; what they offer
 * (`watch`, `current`, methods) works across copies, signals would not.
 */
export function callOf(kernel: Kernel): PageCall {
  assert(kernel.callId !== "", "A view without an engine has no call.");
  const calls = pageCalls();
  const { callId } = kernel; // of now: the view may be on another engine's canvas when the call ends
  const found = calls.get(callId);
  if (found) return found;
  const call = new PageCall(() => {
    if (calls.get(callId) === call) calls.delete(callId);
  });
  calls.set(callId, call);
  return call;
}

function pageCalls(): Map<string, PageCall> {
  const page = globalThis as { [CALLS]?: Map<string, PageCall> };
  page[CALLS] ??= new Map();
  return page[CALLS];
}
