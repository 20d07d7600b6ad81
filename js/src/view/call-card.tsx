import type { ReadonlySignal } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { PageCall } from "../call/call";
import type { Finding } from "../call/diagnosis";
import { initial, shownName } from "../call/names";
import { wantsPeer } from "../call/phase";
import type { CallSnapshot } from "../call/snapshot";
import { AskWhatIsWrong, Diagnosis, DiagnosisLink, isTroubled, useDiagnosis } from "./diagnosis";
import { gridStyle } from "./grid";
import { HearButton } from "./hear-button";
import { deviceNotice, statusText } from "./status";
import { OtherTile, OwnTile } from "./tile";
import { StartButton, Toolbar } from "./toolbar";

interface CardProps {
  call: PageCall;
  snapshot: ReadonlySignal<CallSnapshot>;
  look: () => Promise<Finding[]>;
}

export function CallCard({ call, snapshot, look }: CardProps): JSX.Element {
  const now = snapshot.value;
  const joined = wantsPeer(now.phase);
  const root = useMainButtonFocus(joined);
  const diagnosis = useDiagnosis();
  return (
    <section
      ref={root}
      class="zw-root"
      data-state={now.phase.kind}
      // Else JupyterLab takes Enter and single letters from the buttons: they are commands on cells.
      data-lm-suppress-shortcuts="true"
      aria-label={`Call in room ${shownName(now.roomId)}`}
      // A key held down would press Start call, then Stop call in its place, and so on.
      onKeyDown={(event) => event.repeat && event.key === "Enter" && event.preventDefault()}
    >
      <header class="zw-header">
        <span class="zw-room" title={shownName(now.roomId)}>
          <bdi>{shownName(now.roomId)}</bdi>
        </span>
        <span class="zw-status" role="status">
          {statusText(now)}
        </span>
        {(diagnosis.open || isTroubled(now)) && <DiagnosisLink {...diagnosis} />}
      </header>
      {diagnosis.open && <Diagnosis look={look} close={diagnosis.close} />}
      <AskWhatIsWrong.Provider value={diagnosis.ask}>
        {joined ? <Stage call={call} now={now} /> : <Lobby call={call} now={now} />}
      </AskWhatIsWrong.Provider>
    </section>
  );
}

/** Start call and Stop call take each other's place: who pressed one by keyboard goes on from the other. */
function useMainButtonFocus(joined: boolean): RefObject<HTMLElement | null> {
  const root = useRef<HTMLElement>(null);
  const focused = useRef(false);
  focused.current = root.current?.querySelector("[data-zw-main]:focus") != null;
  useLayoutEffect(() => {
    if (!focused.current) return;
    root.current?.querySelector<HTMLElement>("[data-zw-main]")?.focus({ preventScroll: true });
  }, [joined]);
  return root;
}

/** Before the call and after it: who would join what, and the button. */
function Lobby({ call, now }: { call: PageCall; now: CallSnapshot }): JSX.Element {
  const name = shownName(now.userName, now.userId);
  return (
    <div class="zw-lobby">
      <span class="zw-avatar zw-avatar-lobby" aria-hidden="true">
        {initial(name)}
      </span>
      <p class="zw-you">
        You: <bdi>{name}</bdi>
      </p>
      {now.phase.kind !== "stale" && !now.live && (
        <p class="zw-hint">Run this cell again to rejoin.</p>
      )}
      {now.live && (
        <div class="zw-toolbar">
          <Toolbar call={call} now={now} />
          <StartButton call={call} />
        </div>
      )}
      {now.live && now.phase.kind === "idle" && (
        <p class="zw-hint">Camera and microphone stay off until you start.</p>
      )}
    </div>
  );
}

/** During the call: everybody's tile and the controls. */
function Stage({ call, now }: { call: PageCall; now: CallSnapshot }): JSX.Element {
  const notice = deviceNotice(now);
  return (
    <>
      <div class="zw-notices" aria-live="polite">
        {notice && <p class="zw-notice">{notice}</p>}
      </div>
      {now.soundBlocked && (
        <p class="zw-notice zw-notice-sound">
          The browser keeps the others silent until you click.
          <HearButton call={call} />
        </p>
      )}
      <ul class="zw-grid" style={gridStyle(now.tiles.length + 1)}>
        <OwnTile call={now} />
        {now.tiles.map((tile) => (
          <OtherTile key={tile.key} tile={tile} call={call} />
        ))}
      </ul>
      <div class="zw-toolbar">
        <Toolbar call={call} now={now} />
      </div>
    </>
  );
}
