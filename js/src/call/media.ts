import {
  type PageChannel,
  type PageMedia,
  type PagePlayed,
  VideoMirrorMode,
} from "../protocol.gen";

const CHANNEL: PageChannel = {
  preview: false,
  publish: false,
  audio: true,
  audio_muted: false,
  video_muted: false,
  width: 640,
  height: 360,
  fps: 15,
  video_kbps: 600,
  audio_kbps: 48,
  stereo: false,
  traffic: {
    fps: true,
    resolution: false,
    min_kbps: 0,
    ultra_low_fps: false,
    min_fps: 0,
    min_width: 0,
    min_height: 0,
  },
};

/** What a kernel wants that says nothing: a call that publishes its camera. */
export const DEFAULT_MEDIA: PageMedia = {
  captures: true,
  main: { ...CHANNEL, publish: true },
  aux: CHANNEL,
  played: [],
  camera_id: "",
  microphone_id: "",
  speaker_id: "",
  speaker_muted: false,
  capture_volume: 100,
  mirror: VideoMirrorMode.ONLY_PREVIEW_MIRROR,
  zoom: 1,
  sound_period: 0,
};

/** The trait `_media`, whole. */
export function pageMedia(value: unknown): PageMedia {
  if (!isRecord(value)) return DEFAULT_MEDIA;
  const channel = (part: unknown): PageChannel => {
    const given = isRecord(part) ? part : {};
    const traffic = isRecord(given.traffic) ? given.traffic : {};
    return { ...CHANNEL, ...given, traffic: { ...CHANNEL.traffic, ...traffic } };
  };
  const { main, aux } = value;
  return { ...DEFAULT_MEDIA, ...value, main: channel(main), aux: channel(aux) };
}

/** How a stream is played. */
export function playedAs({ played }: PageMedia, streamId: string): PagePlayed {
  const as = { stream_id: streamId, audio_muted: false, video_muted: false, volume: 100 };
  return { ...as, ...played.find(({ stream_id }) => stream_id === streamId) };
}

/** Whether one sees oneself as in a mirror. */
export function mirrorsPreview({ mirror }: PageMedia): boolean {
  return mirror === VideoMirrorMode.ONLY_PREVIEW_MIRROR || mirror === VideoMirrorMode.BOTH_MIRROR;
}

/** Whether the others see the camera mirrored. */
export function mirrorsPublished({ mirror }: PageMedia): boolean {
  return mirror === VideoMirrorMode.ONLY_PUBLISH_MIRROR || mirror === VideoMirrorMode.BOTH_MIRROR;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
