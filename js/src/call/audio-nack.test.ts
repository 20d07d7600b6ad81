import { expect, test } from "vitest";
import { withAudioNack } from "./audio-nack";

const lines = (...all: string[]) => all.map((line) => `${line}\r\n`).join("");

test("sound is offered with NACK in every section that has Opus, and nothing else changes", () => {
  const audio = ["m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "a=rtpmap:111 opus/48000/2"];
  const rest = ["a=rtcp-fb:111 transport-cc", "a=rtpmap:63 red/48000/2"];
  const video = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack"];
  const nack = "a=rtcp-fb:111 nack";
  expect(withAudioNack(lines(...audio, ...rest, ...video, ...audio, ...rest))).toBe(
    lines(...audio, nack, ...rest, ...video, ...audio, nack, ...rest),
  );
});

test("an offer without Opus stays as it is", () => {
  expect(withAudioNack("v=0\r\n")).toBe("v=0\r\n");
});
