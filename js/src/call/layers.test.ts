import { expect, test } from "vitest";
import { type CameraLimits, layerEncodings, layerLimits, RIDS } from "./layers";

const CAMERA: CameraLimits = { width: 1280, height: 720, fps: 15, kbps: 1200, downscale: 1 };
const MIDDLE: CameraLimits = { width: 640, height: 360, fps: 15, kbps: 600, downscale: 2 };
const SMALL: CameraLimits = { width: 320, height: 180, fps: 15, kbps: 300, downscale: 1 };

const limits = (wanted: readonly string[], camera = CAMERA) =>
  RIDS.map((rid) => layerLimits(rid, camera, wanted));

test("a camera is offered in three sizes, the smallest first", () => {
  expect(layerEncodings()).toEqual([
    { rid: "q", scaleResolutionDownBy: 4 },
    { rid: "h", scaleResolutionDownBy: 2 },
    { rid: "f", scaleResolutionDownBy: 1 },
  ]);
});

test("each layer has its share of the bitrate and its size", () => {
  expect(limits(RIDS)).toEqual([
    { maxBitrate: 100_000, maxFramerate: 15, scaleResolutionDownBy: 4, active: true },
    { maxBitrate: 400_000, maxFramerate: 15, scaleResolutionDownBy: 2, active: true },
    { maxBitrate: 1_200_000, maxFramerate: 15, scaleResolutionDownBy: 1, active: true },
  ]);
});

test("a picture of middle size has two layers", () => {
  expect(limits(RIDS, MIDDLE)).toMatchObject([
    { maxBitrate: 200_000, scaleResolutionDownBy: 4, active: true },
    { maxBitrate: 600_000, scaleResolutionDownBy: 2, active: true },
    { active: false },
  ]);
});

test("a small picture has one layer, whoever watches", () => {
  const [first, ...others] = limits(["f"], SMALL);
  expect(first).toMatchObject({ maxBitrate: 300_000, scaleResolutionDownBy: 1, active: true });
  expect(others.map((layer) => layer.active)).toEqual([false, false]);
});

test.each([
  [["q"], [true, false, false]],
  [
    ["q", "f"],
    [true, false, true],
  ],
  [[], [true, false, false]],
  [["x"], [true, false, false]],
])("where %j is watched, the smallest layer is sent and what is watched", (wanted, active) => {
  expect(limits(wanted).map((layer) => layer.active)).toEqual(active);
});

test("no layer gets less than what a browser can use, nor more than the whole", () => {
  const bitrates = limits(RIDS, { ...CAMERA, kbps: 90 }).map((layer) => layer.maxBitrate);
  expect(bitrates).toEqual([40_000, 40_000, 90_000]);
  expect(limits(RIDS, { ...CAMERA, kbps: 30 })[0]?.maxBitrate).toBe(30_000);
});

test("a camera without layers has the limits of the whole", () => {
  expect(layerLimits(undefined, MIDDLE, ["q"])).toEqual({
    maxBitrate: 600_000,
    maxFramerate: 15,
    scaleResolutionDownBy: 2,
  });
});
