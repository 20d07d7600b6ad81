import type { JSX, RefObject } from "preact";
import type { PictureListeners } from "./playback";

/** The element of a picture: hidden until there is something to see, and muted, since sound has elements of its own. */
export function Video(props: {
  element: RefObject<HTMLVideoElement | null>;
  shown: boolean;
  watchPicture: PictureListeners;
  /** Besides `zw-video`. */
  variant?: string | false;
  /** The stream, or null for what this page captures. */
  streamId: string | null;
}): JSX.Element {
  const { streamId, variant } = props;
  return (
    <video
      ref={props.element}
      class={`zw-video ${variant || ""}`}
      {...(streamId === null ? { "data-local": "" } : { "data-stream-id": streamId })}
      hidden={!props.shown}
      autoplay
      playsInline
      muted
      {...props.watchPicture}
    />
  );
}
