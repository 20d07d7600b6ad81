import { type Signal, signal } from "@preact/signals";
import { render } from "preact";
import type { PageCall } from "../call/call";
import { examine } from "../call/examination";
import type { Kernel } from "../call/kernel";
import { callOf, followCall } from "../call/registry";
import type { CallSnapshot } from "../call/snapshot";
import { CallCard } from "./call-card";
import { type Attached, VideoView } from "./video-view";

/** Show a widget in an element until the signal aborts. */
export function mount(el: HTMLElement, kernel: Kernel, owner: AbortSignal): void {
  if (kernel.view.shown.kind === "call") mountCall(el, kernel, owner);
  else mountVideo(el, kernel, owner);
  owner.addEventListener("abort", () => render(null, el));
}

function mountCall(el: HTMLElement, kernel: Kernel, owner: AbortSignal): void {
  const call = callOf(kernel);
  call.attachView({ kind: "call" }, owner);
  const look = () => examine(call, kernel);
  render(<CallCard call={call} snapshot={snapshotOf(call, owner)} look={look} />, el);
}

function mountVideo(el: HTMLElement, kernel: Kernel, owner: AbortSignal): void {
  const attached: Signal<Attached | null> = signal(null);
  const view = signal(kernel.view);
  followCall(
    kernel,
    (call, moved) => {
      attached.value = call && { call, snapshot: snapshotOf(call, moved) };
      if (call) attachShown(call, kernel, moved);
    },
    owner,
  );
  const changed = () => {
    view.value = kernel.view;
  };
  kernel.onViewChanged(changed, owner);
  kernel.onMoved(changed, owner);
  el.classList.add("zw-view-host");
  const look = (call: PageCall) => examine(call, kernel);
  render(<VideoView attached={attached} view={view} look={look} />, el);
}

/** Let the call know what the view shows, until the signal aborts. */
function attachShown(call: PageCall, kernel: Kernel, owner: AbortSignal): void {
  let attachment = new AbortController();
  let shown = kernel.view.shown;
  call.attachView(shown, attachment.signal);
  kernel.onViewChanged(() => {
    const now = kernel.view.shown;
    if (JSON.stringify(now) === JSON.stringify(shown)) return;
    shown = now;
    const before = attachment;
    attachment = new AbortController();
    call.attachView(shown, attachment.signal);
    before.abort();
  }, owner);
  owner.addEventListener("abort", () => attachment.abort());
}

/** The call may belong to another copy of this module, whose signals this copy's components can not follow. */
function snapshotOf(call: PageCall, owner: AbortSignal): Signal<CallSnapshot> {
  const snapshot = signal(call.current());
  call.watch((now) => {
    snapshot.value = now;
  }, owner);
  return snapshot;
}
