import type { RefObject, TargetedEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { PageCall } from "../call/call";

interface Picture {
  /** The element has shown a frame. */
  seen: boolean;
  /** Wide enough to fill the tile; a portrait picture is shown whole. */
  wide: boolean;
}

export type PictureListeners = Record<"onLoadedData" | "onResize" | "onEmptied", VideoListener>;

/** `seen` is told of each first frame. */
export function usePicture(seen?: () => void): [Picture, PictureListeners] {
  const [picture, setPicture] = useState<Picture>({ seen: false, wide: true });
  const look: VideoListener = ({ currentTarget: { videoWidth: width, videoHeight: height } }) =>
    setPicture((old) => (width === 0 ? old : { seen: true, wide: width / height > 1.2 }));
  // Another stream: until its first frame there is nothing to see.
  const forget: VideoListener = () => setPicture((old) => ({ ...old, seen: false }));
  const first: VideoListener = (event) => {
    look(event);
    seen?.();
  };
  return [picture, { onLoadedData: first, onResize: look, onEmptied: forget }];
}

/** Let the call know how large the tile around a video element shows a stream. */
export function useTileSize(
  video: RefObject<HTMLVideoElement | null>,
  call: PageCall,
  streamId: string | null,
): void {
  useEffect(() => {
    // Not the element itself: it is hidden until there is a picture.
    const { current } = video;
    const tile = current?.closest(".zw-tile");
    if (!tile || streamId === null) return;
    const owner = new AbortController();
    const hasPicture = () => current !== null && current.readyState >= current.HAVE_CURRENT_DATA;
    call.watchTile(tile, streamId, hasPicture, owner.signal);
    return () => owner.abort();
  }, [call, streamId]);
}

type VideoListener = (event: TargetedEvent<HTMLVideoElement>) => void;

/** Attach a stream to a video element and keep it playing, always muted: sound has elements of its own. */
export function usePlayback(media: MediaStream | null) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    if (video.srcObject !== media) video.srcObject = media;
    if (!media) return;
    const owner = new AbortController();
    const play = () => void video.play().catch(() => {});
    // Jupyter takes cells that scroll away out of the document, and the browser pauses what leaves it.
    video.addEventListener("pause", play, { signal: owner.signal });
    play();
    return () => owner.abort();
  }, [media]);
  useEffect(() => {
    const video = ref.current;
    return () => {
      if (video) video.srcObject = null;
    };
  }, []);
  return ref;
}
