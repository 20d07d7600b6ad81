import type { PageChannel } from "../protocol.gen";

// Devices give what is nearest; a device that has nothing near is still better than none.

export function cameraConstraints({ width, height, fps }: PageChannel): MediaTrackConstraints {
  return { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
}

export function microphoneConstraints({ stereo }: PageChannel): MediaTrackConstraints {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(stereo ? { channelCount: { ideal: 2 } } : {}),
  };
}
