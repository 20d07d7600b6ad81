import type { JSX } from "preact";

/** That somebody is heard, and how loud (0 to 100); the one who speaks is named as such. */
export function Voice(props: { level: number; speaking: boolean }): JSX.Element | null {
  const { level, speaking } = props;
  if (level === 0 && !speaking) return null;
  const named = speaking
    ? ({ role: "img", "aria-label": "speaking", title: "speaking" } as const)
    : ({ "aria-hidden": true } as const);
  return (
    <span class="zw-voice" style={{ "--zw-voice": String(level / 100) }} {...named}>
      <span class="zw-voice-bar" />
      <span class="zw-voice-bar" />
      <span class="zw-voice-bar" />
    </span>
  );
}
