import type { JSX } from "preact";
import type { PageCall } from "../call/call";
import { SoundIcon } from "./icons";

/** Lets the browser play sound, which it may refuse until the person clicks. */
export function HearButton({ call }: { call: PageCall }): JSX.Element {
  return (
    <button
      type="button"
      class="zw-button zw-button-plain"
      aria-label="Click to hear"
      onClick={(event) => {
        // The button goes; the keyboard goes on from the next one, not from the top of the page.
        const root = event.currentTarget.closest(".zw-root");
        root?.querySelector<HTMLElement>(".zw-toolbar button")?.focus({ preventScroll: true });
        call.allowSound();
      }}
    >
      <SoundIcon />
      <span class="zw-button-text">Click to hear</span>
    </button>
  );
}
