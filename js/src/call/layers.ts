/** The camera's simulcast layers (RFC 8853), from the smallest to the largest; the hub knows them by these RIDs. */
export const LAYERS = [
  { rid: "q", downscale: 4, share: 1 / 12 },
  { rid: "h", downscale: 2, share: 1 / 3 },
  { rid: "f", downscale: 1, share: 1 },
] as const;

/** Browsers encode nothing useful below this. */
const LEAST_KBPS = 40;
const SMALL = { width: 320, height: 180 };

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
  return LAYERS.map(({ rid, downscale }) => ({ rid, scaleResolutionDownBy: downscale }));
}

/**
 * Limits of one encoding of the camera, by its RID; without layers there is only the whole one.
 *
 * `wanted` are the RIDs that somebody watches. A small picture has the largest layer alone; else the smallest is
 * always sent, so that whoever comes has a picture at once.
 */
export function layerLimits(
  rid: string | undefined,
  camera: CameraLimits,
  wanted: readonly string[],
): RTCRtpEncodingParameters {
  const { downscale, kbps, fps } = camera;
  const whole = { maxBitrate: 1000 * kbps, maxFramerate: fps, scaleResolutionDownBy: downscale };
  const layer = LAYERS.find((l) => l.rid === rid);
  if (!layer) return whole;
  const largest = layer.downscale === 1;
  if (camera.width <= SMALL.width && camera.height <= SMALL.height)
    return { ...whole, active: largest };
  return {
    maxBitrate: 1000 * Math.min(kbps, Math.max(LEAST_KBPS, Math.round(kbps * layer.share))),
    maxFramerate: fps,
    scaleResolutionDownBy: downscale * layer.downscale,
    active: layer === LAYERS[0] || wanted.includes(layer.rid),
  };
}
