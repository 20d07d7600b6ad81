import { PageCall } from "./call";
import type { Kernel } from "./kernel";

const CALLS = Symbol.for("zego-widget.calls");

/**
 * The page's call of a widget, made when first asked for.
 *
 * Each widget model may load its own copy of this module, so the calls hang on the page itself; what they offer
 * (`watch`, `current`, methods) works across copies, signals would not.
 */
export function callOf(kernel: Kernel): PageCall {
  const calls = pageCalls();
  const found = calls.get(kernel.callId);
  if (found) return found;
  const call = new PageCall(() => {
    if (calls.get(kernel.callId) === call) calls.delete(kernel.callId);
  });
  calls.set(kernel.callId, call);
  return call;
}

function pageCalls(): Map<string, PageCall> {
  const page = globalThis as { [CALLS]?: Map<string, PageCall> };
  page[CALLS] ??= new Map();
  return page[CALLS];
}
