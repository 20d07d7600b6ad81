import { expect, test } from "vitest";
import { offeredCodecs } from "./slots";

const codec = (mimeType: string, sdpFmtpLine?: string) =>
  sdpFmtpLine === undefined ? { mimeType } : { mimeType, sdpFmtpLine };

test("audio is Opus alone", () => {
  const codecs = [codec("audio/red"), codec("audio/opus", "minptime=10"), codec("audio/PCMU")];
  expect(offeredCodecs("audio", codecs)).toEqual([codec("audio/opus", "minptime=10")]);
});

test("video is VP8, then H.264 in packetization mode 1, and retransmission", () => {
  const offered = offeredCodecs("video", [
    codec("video/VP9"),
    codec("video/H264", "packetization-mode=0;profile-level-id=42e01f"),
    codec("video/H264", "packetization-mode=1;profile-level-id=42e01f"),
    codec("video/rtx"),
    codec("video/VP8"),
    codec("video/ulpfec"),
  ]);
  expect(offered.map((c) => c.mimeType)).toEqual(["video/VP8", "video/H264", "video/rtx"]);
  expect(offered[1]?.sdpFmtpLine).toContain("packetization-mode=1");
});
