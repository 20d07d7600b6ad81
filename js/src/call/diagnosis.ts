import type { DiagnosisFinding } from "../protocol.gen";
import { RemoteDeviceState as DeviceState, ErrorCode, PROTOCOL_VERSION } from "../protocol.gen";
import type { DeviceKind } from "./devices";
import type { Phase } from "./phase";
import type { Report } from "./stats";

/** What one check found; the same on this page, in the kernel and in `zego-widget doctor`. */
export type Finding = DiagnosisFinding;

/** What the browser and the call say; `judge` makes sentences of it. */
export interface Facts {
  /** Whether the page came over https or from localhost. */
  readonly secure: boolean;
  /** Whether the browser has devices to give, to this page and in this frame. */
  readonly canCapture: boolean;
  readonly canConnect: boolean;
  readonly devices: Readonly<Record<DeviceKind, DeviceFacts>>;
  readonly kernel: KernelFacts | null;
  readonly phase: Phase;
  readonly path: PathFacts | null;
  /** What the advice is read in: a call with its buttons, or one picture. */
  readonly view: "call" | "video";
  /** What leads back into a call that is over: a button of the view, a verb of the engine, or the cell. */
  readonly wayBack: "start" | "again" | "log in" | "run";
}

export interface DeviceFacts {
  readonly permission: PermissionState | "unknown";
  /** How many the browser sees; null where it does not say. */
  readonly found: number | null;
  /** Why it could not be opened. */
  readonly failure: DeviceState | null;
}

/** What a kernel answered. */
export interface KernelFacts {
  readonly milliseconds: number;
  /** Of the package there; null where it knows no such question. */
  readonly version: string | null;
  readonly findings: readonly Finding[];
}

/** Which way the media go now. */
export interface PathFacts {
  readonly transport: string;
  readonly address: string;
  /** Seconds. */
  readonly roundTrip: number | null;
}

const NAMES: Record<DeviceKind, string> = { microphone: "microphone", camera: "camera" };
const AT_THE_ADDRESS = "at the left end of the address bar";
const CHOOSING: Record<DeviceKind, string> = {
  microphone: "use_audio_device",
  camera: "use_video_device",
};
const WAYS_BACK: Record<Facts["wayBack"], string> = {
  start: "press Start call",
  again: "press Try again",
  "log in": "log in to the room again in Python",
  run: "run this cell again",
};

/** A sentence for each fact, and what to do where something is wrong; pure. */
export function judge(facts: Facts): Finding[] {
  return [
    judgeSecurity(facts),
    ...(facts.secure ? [judgeBrowser(facts)] : []),
    ...(facts.canCapture ? [judgeDevice("microphone", facts), judgeDevice("camera", facts)] : []),
    judgeKernel(facts),
    ...(facts.kernel?.findings ?? []),
    judgeMedia(facts),
    ...judgeEnd(facts),
  ];
}

/** The one sentence above the others. */
export function conclusion(findings: readonly Finding[]): string {
  const named = (verdict: Finding["verdict"]) =>
    findings.filter((finding) => finding.verdict === verdict).map((finding) => finding.check);
  const broken = named("broken");
  if (broken.length > 0) return `A call can not work before this is mended: ${broken.join(", ")}.`;
  const limited = named("limited");
  if (limited.length === 1 && limited[0] === "call")
    return "There is no call now, and nothing else is wrong that can be seen from here.";
  if (limited.length > 0) return `A call can work, with limits: ${limited.join(", ")}.`;
  return "Nothing is wrong that can be seen from here.";
}

/** The findings as plain text; nothing in them is secret. */
export function reportText(findings: readonly Finding[], browser: string): string {
  const lines = findings.map(({ check, verdict, sentence, advice }) => {
    const todo = advice ? `\n${" ".repeat(9)}-> ${advice}` : "";
    return `${verdict.padEnd(8)} ${check}: ${sentence}${todo}`;
  });
  const head = `zego_widget, page with protocol ${PROTOCOL_VERSION}\n${browser}`;
  return `${head}\n\n${lines.join("\n")}\n\n${conclusion(findings)}\n`;
}

/** The way that the nominated pair of candidates goes, out of the browser's statistics. */
export function pathIn(reports: Iterable<Report>): PathFacts | null {
  const all = [...reports];
  const pair = all.find(
    ({ type, nominated, state }) =>
      type === "candidate-pair" && nominated === true && state === "succeeded",
  );
  const remote = all.find(({ id }) => id === pair?.remoteCandidateId);
  if (!pair || !remote) return null;
  return {
    transport: (remote.protocol ?? "udp").toUpperCase(),
    address: `${remote.address ?? "?"}:${remote.port ?? "?"}`,
    roundTrip: pair.currentRoundTripTime ?? null,
  };
}

function judgeSecurity({ secure }: Facts): Finding {
  return secure
    ? ok("page", "This page is secure, so the browser may give it camera and microphone.")
    : limited(
        "page",
        "This page is not secure, so the browser gives it no camera or microphone; you can watch.",
        "Open the notebook over https or at localhost (from another machine with ssh -L).",
      );
}

function judgeBrowser({ canCapture, canConnect }: Facts): Finding {
  if (!canConnect)
    return broken(
      "browser",
      "This browser has no WebRTC, or it is switched off.",
      "Use a current Chrome, Edge, Firefox or Safari.",
    );
  if (!canCapture)
    return limited(
      "browser",
      "The browser gives this frame no camera or microphone, as in the notebooks of VS Code.",
      "Open the notebook in JupyterLab in a browser.",
    );
  return ok("browser", "This browser can make calls.");
}

function judgeDevice(kind: DeviceKind, { devices, view }: Facts): Finding {
  const { permission, found, failure } = devices[kind];
  const name = NAMES[kind];
  const then =
    view === "call" ? `, then press the button of the ${name}.` : "; it then opens by itself.";
  if (permission === "denied" || failure === DeviceState.NO_AUTHORIZATION)
    return limited(
      kind,
      `The browser has no permission to use the ${name}.`,
      `Allow it ${AT_THE_ADDRESS} (and in the system's settings)${then}`,
    );
  if (found === 0 || failure === DeviceState.UNPLUGGED)
    return limited(kind, `No ${name} is connected.`, `Connect one${then}`);
  if (failure === DeviceState.IN_USE_BY_OTHER)
    return limited(
      kind,
      `The ${name} is in use by another program.`,
      `End the call or the recording there${then}`,
    );
  if (failure !== null)
    return limited(
      kind,
      `The ${name} could not be opened.`,
      view === "call"
        ? `Choose another ${name}, or connect this one again.`
        : `Connect it again, or choose another with \`${CHOOSING[kind]}\` in Python.`,
    );
  if (permission === "prompt")
    return ok(kind, `The browser will ask for the ${name} when it is needed.`);
  if (permission === "unknown")
    return ok(kind, `The browser does not say whether it allows the ${name}; it asks when needed.`);
  const several = found !== null && found > 1 ? `, and there are ${found} to choose from` : "";
  return ok(kind, `The browser allows the ${name}${several}.`);
}

function judgeKernel({ kernel, phase }: Facts): Finding {
  if (kernel && kernel.version === null)
    return limited(
      "kernel",
      "The kernel answers, but has another version of zego_widget than this page.",
      "Reload the page and run this cell again.",
    );
  if (kernel)
    return ok(
      "kernel",
      `The kernel answers within ${Math.max(1, Math.round(kernel.milliseconds))} ms; it has zego_widget ${kernel.version}.`,
    );
  if (phase.kind === "in_call")
    return limited(
      "kernel",
      "The kernel does not answer; the call goes on without it.",
      "If a cell is running, its end is enough; else restart the kernel and run this cell again.",
    );
  return broken(
    "kernel",
    "The kernel does not answer, so nothing is known of the hub.",
    "If a cell is running, wait for it or interrupt it; else run this cell again.",
  );
}

function judgeMedia({ phase, path }: Facts): Finding {
  if (path) {
    const delay =
      path.roundTrip === null ? "" : `, ${Math.round(path.roundTrip * 1000)} ms there and back`;
    const sentence = `Media go over ${path.transport} to ${path.address}${delay}.`;
    return path.transport === "UDP"
      ? ok("media", sentence)
      : limited("media", sentence, "Calls stutter less where UDP to this port is let through.");
  }
  switch (phase.kind) {
    case "connecting":
      return { ...ok("media", "A media connection is being made."), verdict: "unknown" };
    case "reconnecting":
      return limited(
        "media",
        `The media connection is being made again: ${phase.reason}`,
        "If this goes on, look at the network between here and the hub.",
      );
    case "refused":
      if (phase.code === ErrorCode.MEDIA_CONNECT_FAILED)
        return broken(
          "media",
          phase.reason,
          "Run `zego-widget doctor` where the hub runs: it tries the same from there.",
        );
      return { ...ok("media", "No media connection was tried."), verdict: "unknown" };
    default:
      return { ...ok("media", "There is no media connection now."), verdict: "unknown" };
  }
}

/** Why there is no call, where the reason is none of the connection's. */
function judgeEnd({ phase, wayBack }: Facts): Finding[] {
  if (phase.kind !== "refused" && phase.kind !== "disconnected") return [];
  if (phase.code === ErrorCode.MEDIA_CONNECT_FAILED || phase.reason === "") return [];
  const told = phase.code === 0 || phase.reason.includes(String(phase.code));
  const sentence = told ? phase.reason : `${phase.reason} (error ${phase.code})`;
  const doing = WAYS_BACK[wayBack];
  const advice =
    phase.kind === "refused"
      ? `Mend what it names, then ${doing}.`
      : `${doing.charAt(0).toUpperCase()}${doing.slice(1)}.`;
  return [limited("call", sentence, advice)];
}

const ok = (check: string, sentence: string): Finding => ({
  check,
  verdict: "ok",
  sentence,
  advice: "",
});

const limited = (check: string, sentence: string, advice: string): Finding => ({
  check,
  verdict: "limited",
  sentence,
  advice,
});

const broken = (check: string, sentence: string, advice: string): Finding => ({
  check,
  verdict: "broken",
  sentence,
  advice,
});
