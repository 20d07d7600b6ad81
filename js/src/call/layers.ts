/** RIDs of the camera's simulcast layers (RFC 8853), from the smallest to the largest. */
export const RIDS = ["q", "h", "f"] as const;

/** How much of the bitrate a layer gets, by how many are larger. */
const SHARES = [1, 1 / 3, 1 / 12];
/** Browsers encode nothing useful below this. */
const LEAST_KBPS = 40;
/** Chromium sends no more layers than these of a picture, whatever it is asked for, and leaves out the largest. */
const LAYERS_FROM_PIXELS = [
  [960 * 540, 3],
  [480 * 270, 2],
] as const;

export interface CameraLimits {
  /** Of the largest layer. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly kbps: number;
  /** How much smaller than the camera's picture the largest layer is. */
  readonly downscale: number;
}

/** What `addTransceiver` is told of the layers. */
export function layerEncodings(): RTCRtpEncodingParameters[] {
  return RIDS.map((rid, index) => ({ rid, scaleResolutionDownBy: 2 ** (RIDS.length - 1 - index) }));
}

/**
 * Limits of one encoding of the camera, by its RID; a camera without layers has only the whole one.
 *
 * `wanted` are the RIDs that somebody watches. The smallest layer is always sent, so that whoever comes has a picture
 * at once; of a small picture it is the only one.
 */
export function layerLimits(
  rid: string | undefined,
  camera: CameraLimits,
  wanted: readonly string[],
): RTCRtpEncodingParameters {
  const { downscale, kbps, fps } = camera;
  const whole = { maxBitrate: 1000 * kbps, maxFramerate: fps, scaleResolutionDownBy: downscale };
  const index = rid === undefined ? -1 : (RIDS as readonly string[]).indexOf(rid);
  if (rid === undefined || index < 0) return whole;
  const larger = layerCount(camera) - 1 - index;
  const share = SHARES[larger];
  if (share === undefined) return { ...whole, active: false };
  return {
    maxBitrate: 1000 * Math.min(kbps, Math.max(LEAST_KBPS, Math.round(kbps * share))),
    maxFramerate: fps,
    scaleResolutionDownBy: downscale * 2 ** larger,
    active: index === 0 || wanted.includes(rid),
  };
}

function layerCount({ width, height }: CameraLimits): number {
  return LAYERS_FROM_PIXELS.find(([pixels]) => width * height >= pixels)?.[1] ?? 1;
}
