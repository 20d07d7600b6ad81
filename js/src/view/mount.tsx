import { signal } from "@preact/signals";
import { render } from "preact";
import type { PageCall } from "../call/call";
import type { CallSnapshot } from "../call/snapshot";
import { CallCard } from "./call-card";

/** Show a call in an element until the signal aborts. */
export function mount(el: HTMLElement, call: PageCall, owner: AbortSignal): void {
  const view = call.attachView(owner);
  // The call may belong to another copy of this module, whose signals this copy's components can not follow.
  const snapshot = signal<CallSnapshot>(call.current());
  call.watch((now) => {
    snapshot.value = now;
  }, owner);
  render(<CallCard call={call} snapshot={snapshot} view={view} />, el);
  owner.addEventListener("abort", () => render(null, el));
}
