import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Still {
  readonly canvas: RefObject<HTMLCanvasElement | null>;
  /** There is a last picture to show. */
  readonly held: boolean;
  /** The next picture is there. */
  release(): void;
}

/**
 * Keeps the last picture of a video whose media go, or are replaced, while the call is mended.
 *
 * `visible`: there may be something to see; what somebody does not show any more is not kept.
 */
export function useStill(
  video: RefObject<HTMLVideoElement | null>,
  media: MediaStream | null,
  mending: boolean,
  visible: boolean,
): Still {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [held, setHeld] = useState(false);
  const before = useRef(media);
  // Before the paint: the pictures of a closed connection are black from the next task on.
  useLayoutEffect(() => {
    const changed = media !== before.current;
    before.current = media;
    if (!visible || (!mending && media === null)) setHeld(false);
    else if (mending && changed && !held && video.current && canvas.current)
      setHeld(draw(video.current, canvas.current));
  }, [media, mending, visible]);
  return { canvas, held, release: () => setHeld(false) };
}

function draw(video: HTMLVideoElement, canvas: HTMLCanvasElement): boolean {
  const { videoWidth: width, videoHeight: height } = video;
  if (width === 0 || height === 0 || video.srcObject === null) return false;
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context?.drawImage(video, 0, 0);
  return context !== null;
}
