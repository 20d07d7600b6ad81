import type { JSX } from "preact";
import type { Connection } from "../call/vitals";
import { StreamQualityLevel as Level } from "../protocol.gen";

const BARS = 3;

const WORDS: Record<Connection["level"], readonly [bars: number, word: string]> = {
  [Level.EXCELLENT]: [3, "excellent"],
  [Level.GOOD]: [3, "good"],
  [Level.MEDIUM]: [2, "fair"],
  [Level.BAD]: [1, "poor"],
  [Level.DIE]: [0, "lost"],
};

/** How good a connection is, in three bars; what is unknown shows nothing. */
export function Meter({ connection }: { connection: Connection | null }): JSX.Element | null {
  if (!connection) return null;
  const [bars, word] = WORDS[connection.level];
  const text = `Connection: ${word}`;
  return (
    <span
      class={`zw-meter zw-meter-${bars}`}
      role="img"
      aria-label={text}
      title={`${text}${numbersOf(connection)}`}
    >
      {Array.from({ length: BARS }, (_, i) => (
        <span key={i} class={`zw-meter-bar ${i < bars ? "" : "zw-meter-bar-off"}`} />
      ))}
    </span>
  );
}

function numbersOf({ rtt, loss }: Connection): string {
  const numbers = [
    rtt !== null && `round trip ${rtt} ms`,
    loss !== null && `${Math.round(100 * loss)} % lost`,
  ].filter((text) => text !== false);
  return numbers.length === 0 ? "" : ` (${numbers.join(", ")})`;
}
