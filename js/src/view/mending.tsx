import type { JSX } from "preact";

/** That the way to this picture is being mended. */
export function Mending(props: { mending: boolean }): JSX.Element | null {
  if (!props.mending) return null;
  return (
    <span class="zw-mending" role="img" aria-label="Reconnecting" title="Reconnecting">
      <span class="zw-mending-text" aria-hidden="true">
        Reconnecting
      </span>
    </span>
  );
}
