import { createContext, type JSX } from "preact";
import { useContext, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { conclusion, type Finding, reportText } from "../call/diagnosis";
import type { CallSnapshot } from "../call/snapshot";
import { deviceNotice } from "./status";

const COPIED_MS = 3_000;
const QUESTION = "What is wrong?";
const MARKS: Record<Finding["verdict"], string> = {
  ok: "works",
  limited: "limited",
  broken: "broken",
  unknown: "not known",
};

/** Opens the diagnosis of the call card that is around; null where there is none. */
export const AskWhatIsWrong = createContext<(() => void) | null>(null);

/** Whether something stands in the way of the call, or may do so soon. */
export function isTroubled(now: CallSnapshot): boolean {
  return isBroken(now) || (now.phase.kind === "in_call" && deviceNotice(now) !== null);
}

/** Whether there should be a connection, and is none. */
export function isBroken({ phase }: Pick<CallSnapshot, "phase">): boolean {
  return ["connecting", "reconnecting", "refused", "disconnected"].includes(phase.kind);
}

/** Whether the diagnosis is shown; who closes it by keyboard goes on where it was opened. */
export function useDiagnosis(): { open: boolean; ask: () => void; close: () => void } {
  const [open, setOpen] = useState(false);
  const opener = useRef<HTMLElement | null>(null);
  const close = () => {
    setOpen(false);
    opener.current?.focus({ preventScroll: true });
    opener.current = null;
  };
  const ask = () => {
    if (open) return close();
    opener.current = document.activeElement as HTMLElement | null;
    setOpen(true);
  };
  return { open, ask, close };
}

export function DiagnosisLink({ open, ask }: { open: boolean; ask: () => void }): JSX.Element {
  return (
    <button type="button" class="zw-link" aria-expanded={open} onClick={ask}>
      {QUESTION}
    </button>
  );
}

/** The entry of a menu; nothing outside a call card. */
export function DiagnosisItem(): JSX.Element | null {
  const ask = useContext(AskWhatIsWrong);
  if (!ask) return null;
  return (
    <button type="button" class="zw-link" onClick={ask}>
      {QUESTION}
    </button>
  );
}

/** What was found, a sentence each, and what to do; it looks when it is shown, and again when asked. */
export function Diagnosis(props: {
  look: () => Promise<Finding[]>;
  close: () => void;
}): JSX.Element {
  const { look, close } = props;
  const [findings, setFindings] = useState<readonly Finding[] | null>(null);
  const [turn, setTurn] = useState(0);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    let wanted = true;
    setFindings(null);
    void look().then((found) => wanted && setFindings(found));
    return () => {
      wanted = false;
    };
  }, [turn]);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  return (
    <section
      class="zw-diagnosis"
      aria-label={QUESTION}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      <h3 class="zw-diagnosis-title" ref={title} tabIndex={-1}>
        {QUESTION}
      </h3>
      <p class="zw-conclusion" role="status">
        {findings ? conclusion(findings) : "Looking at browser, kernel and hub…"}
      </p>
      {findings && (
        <ul class="zw-findings">
          {findings.map((finding) => (
            <li key={finding.check} class="zw-finding" data-verdict={finding.verdict}>
              <span class="zw-verdict">{MARKS[finding.verdict]}</span>
              <span class="zw-sentence">
                {finding.sentence}
                {finding.advice && <span class="zw-advice">{finding.advice}</span>}
              </span>
            </li>
          ))}
        </ul>
      )}
      <div class="zw-actions">
        {findings && <CopyButton findings={findings} />}
        <button
          type="button"
          class="zw-button zw-button-plain"
          disabled={!findings}
          onClick={() => setTurn(turn + 1)}
        >
          Look again
        </button>
        <button type="button" class="zw-button zw-button-plain" onClick={close}>
          Close
        </button>
      </div>
    </section>
  );
}

/** The diagnosis of what is too small to hold it: in front of the page. */
export function DiagnosisDialog(props: {
  look: () => Promise<Finding[]>;
  close: () => void;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before the effect that moves the focus: what is not shown takes none.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="zw-dialog" aria-label={QUESTION} onClose={props.close}>
      <Diagnosis look={props.look} close={() => dialog.current?.close()} />
    </dialog>
  );
}

function CopyButton({ findings }: { findings: readonly Finding[] }): JSX.Element {
  const [outcome, setOutcome] = useState<"" | "Copied" | "Could not copy">("");
  useEffect(() => {
    if (outcome === "") return;
    const timer = setTimeout(() => setOutcome(""), COPIED_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const button = useRef<HTMLButtonElement>(null);
  const copy = async () => {
    const text = reportText(findings, navigator.userAgent);
    // Beside the button: what is behind a dialog can not be selected.
    const place = button.current?.parentElement ?? document.body;
    setOutcome((await copied(text, place)) ? "Copied" : "Could not copy");
  };
  return (
    <button
      ref={button}
      type="button"
      class="zw-button zw-button-plain"
      onClick={() => void copy()}
    >
      <span aria-live="polite">{outcome || "Copy report"}</span>
    </button>
  );
}

/** Put a text on the clipboard; browsers give insecure pages only the old way. */
async function copied(text: string, place: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    place.append(area);
    area.select();
    const done = document.execCommand?.("copy") ?? false;
    area.remove();
    return done;
  }
}
