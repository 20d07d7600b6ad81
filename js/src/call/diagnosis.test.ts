import { expect, test } from "vitest";
import { RemoteDeviceState as DeviceState, ErrorCode } from "../protocol.gen";
import { conclusion, type Facts, type Finding, judge, pathIn, reportText } from "./diagnosis";

const GRANTED = { permission: "granted", found: 1, failure: null } as const;
const HUB: Finding = {
  check: "hub",
  verdict: "broken",
  sentence: "No hub answers at http://127.0.0.1:9.",
  advice: "Run `zego-widget stop`.",
};

function facts(change: Partial<Facts> = {}): Facts {
  return {
    secure: true,
    canCapture: true,
    canConnect: true,
    devices: { microphone: GRANTED, camera: GRANTED },
    kernel: { milliseconds: 12.4, version: "1.2", findings: [] },
    phase: { kind: "in_call" },
    path: { transport: "UDP", address: "192.0.2.1:40404", roundTrip: 0.0123 },
    view: "call",
    wayBack: "start",
    ...change,
  };
}

const camera = (change: object): Partial<Facts> => ({
  devices: { microphone: GRANTED, camera: { ...GRANTED, ...change } },
});
const refused = {
  kind: "refused",
  code: ErrorCode.MEDIA_CONNECT_FAILED,
  reason: "Tried UDP.",
} as const;

test.each<[Partial<Facts>, string, Finding["verdict"], string]>([
  [{}, "page", "ok", "is secure"],
  [{ secure: false, canCapture: false }, "page", "limited", "not secure"],
  [{}, "browser", "ok", "can make calls"],
  [{ canConnect: false }, "browser", "broken", "no WebRTC"],
  [{ canCapture: false }, "browser", "limited", "VS Code"],
  [camera({}), "camera", "ok", "allows the camera"],
  [camera({ found: 3 }), "camera", "ok", "3 to choose from"],
  [camera({ permission: "prompt" }), "camera", "ok", "will ask"],
  [camera({ permission: "unknown" }), "camera", "ok", "does not say"],
  [camera({ permission: "denied" }), "camera", "limited", "no permission"],
  [camera({ failure: DeviceState.NO_AUTHORIZATION }), "camera", "limited", "no permission"],
  [camera({ found: 0 }), "camera", "limited", "No camera is connected"],
  [camera({ failure: DeviceState.UNPLUGGED }), "camera", "limited", "No camera is connected"],
  [camera({ failure: DeviceState.IN_USE_BY_OTHER }), "camera", "limited", "another program"],
  [camera({ failure: DeviceState.DISABLE }), "camera", "limited", "could not be opened"],
  [camera({ permission: "denied" }), "microphone", "ok", "allows the microphone"],
  [{}, "kernel", "ok", "within 12 ms; it has zego_widget 1.2"],
  [
    { kernel: { milliseconds: 1, version: null, findings: [] } },
    "kernel",
    "limited",
    "another version",
  ],
  [{ kernel: null }, "kernel", "limited", "goes on without it"],
  [{ kernel: null, phase: { kind: "connecting" } }, "kernel", "broken", "does not answer"],
  [{ kernel: { milliseconds: 1, version: "1", findings: [HUB] } }, "hub", "broken", "No hub"],
  [{}, "media", "ok", "over UDP to 192.0.2.1:40404, 12 ms there and back"],
  [
    { path: { transport: "TCP", address: "192.0.2.1:40404", roundTrip: null } },
    "media",
    "limited",
    "over TCP to 192.0.2.1:40404.",
  ],
  [{ path: null, phase: { kind: "connecting" } }, "media", "unknown", "being made"],
  [
    { path: null, phase: { kind: "reconnecting", attempt: 1, reason: "It failed." } },
    "media",
    "limited",
    "It failed.",
  ],
  [{ path: null, phase: refused }, "media", "broken", "Tried UDP."],
  [{ path: null, phase: { ...refused, code: 1 } }, "media", "unknown", "No media connection"],
  [{ path: null, phase: { ...refused, code: 7 } }, "call", "limited", "Tried UDP. (error 7)"],
  [
    { path: null, phase: { kind: "disconnected", code: 0, reason: "The kernel is gone." } },
    "call",
    "limited",
    "The kernel is gone.",
  ],
  [{ path: null, phase: { kind: "idle" } }, "media", "unknown", "no media connection now"],
])("%o: %s is %s: %s", (change, check, verdict, words) => {
  const found = judge(facts(change));
  const finding = found.find((each) => each.check === check);
  expect(finding).toMatchObject({ verdict });
  expect(finding?.sentence).toContain(words);
  expect(new Set(found.map((each) => each.check)).size).toBe(found.length);
  for (const each of found)
    if (each.verdict === "limited" || each.verdict === "broken")
      expect(each.advice, each.sentence).toMatch(/\.$/);
});

const over = { kind: "disconnected", code: 7, reason: "It is over." } as const;
const view = (change: Partial<Facts>): Partial<Facts> => ({ view: "video", ...change });

test.each<[Partial<Facts>, string, string]>([
  [camera({ permission: "denied" }), "camera", "then press the button of the camera."],
  [view(camera({ permission: "denied" })), "camera", "settings); it then opens by itself."],
  [view(camera({ found: 0 })), "camera", "Connect one; it then opens by itself."],
  [view(camera({ failure: DeviceState.IN_USE_BY_OTHER })), "camera", "it then opens by itself."],
  [view(camera({ failure: DeviceState.GENERIC_ERROR })), "camera", "`use_video_device` in Python."],
  [{ path: null, phase: over }, "call", "Press Start call."],
  [{ path: null, phase: { ...over, kind: "refused" } }, "call", "names, then press Start call."],
  [{ path: null, phase: over, wayBack: "again" }, "call", "Press Try again."],
  [{ path: null, phase: over, wayBack: "log in" }, "call", "Log in to the room again in Python."],
  [{ path: null, phase: over, wayBack: "run" }, "call", "Run this cell again."],
])("%o: what to do about the %s: %s", (change, check, words) => {
  const advice = judge(facts(change)).find((each) => each.check === check)?.advice;
  expect(advice).toContain(words);
});

test("a view that has no such buttons names none", () => {
  const failures = [
    { permission: "denied", found: 1, failure: null },
    ...[DeviceState.UNPLUGGED, DeviceState.IN_USE_BY_OTHER, DeviceState.GENERIC_ERROR].map(
      (failure) => ({ ...GRANTED, failure }),
    ),
  ] as const;
  for (const device of failures)
    for (const wayBack of ["again", "log in", "run"] as const) {
      const devices = { microphone: device, camera: device };
      const found = judge(facts(view({ devices, path: null, phase: over, wayBack })));
      for (const { advice } of found) expect(advice).not.toMatch(/Start call|press the button/);
    }
});

test("what the browser gives to no page is not asked of its devices", () => {
  const checks = judge(facts({ secure: false, canCapture: false })).map(({ check }) => check);
  expect(checks).toEqual(["page", "kernel", "media"]);
});

test("the conclusion names what stands in the way, else what limits", () => {
  expect(conclusion(judge(facts()))).toBe("Nothing is wrong that can be seen from here.");
  expect(conclusion(judge(facts(camera({ found: 0 }))))).toBe(
    "A call can work, with limits: camera.",
  );
  const ended = judge(facts({ path: null, phase: over }));
  expect(conclusion(ended)).toBe(
    "There is no call now, and nothing else is wrong that can be seen from here.",
  );
  expect(conclusion([HUB])).toBe("A call can not work before this is mended: hub.");
});

test("the report is plain text with every sentence and advice", () => {
  const text = reportText(judge(facts({ path: null, phase: refused })), "Browser/1.0");
  expect(text).toContain("Browser/1.0");
  expect(text).toContain("broken   media: Tried UDP.\n         -> Run `zego-widget doctor`");
});

test("the media path is that of the nominated pair", () => {
  const pair = { type: "candidate-pair", state: "succeeded", remoteCandidateId: "r2" };
  const reports = [
    { ...pair, id: "p1", nominated: false, remoteCandidateId: "r1" },
    { ...pair, id: "p2", nominated: true, currentRoundTripTime: 0.02 },
    { id: "r1", type: "remote-candidate", protocol: "udp", address: "192.0.2.1", port: 1 },
    { id: "r2", type: "remote-candidate", protocol: "tcp", address: "192.0.2.2", port: 2 },
  ];
  expect(pathIn(reports)).toEqual({ transport: "TCP", address: "192.0.2.2:2", roundTrip: 0.02 });
  expect(pathIn(reports.slice(0, 1))).toBeNull();
});
