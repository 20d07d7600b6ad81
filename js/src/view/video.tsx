import type { JSX, RefObject } from "preact";
import type { PictureListeners } from "./playback";
import type { Still } from "./still";

/** The element of a picture: hidden until there is something to see, and muted, since sound has elements of its own. */
export function Video(props: {
  element: RefObject<HTMLVideoElement | null>;
  shown: boolean;
  watchPicture: PictureListeners;
  /** Besides `zw-video`. */
  variant?: string | false;
  /** The stream, or null for what this page captures. */
  streamId: string | null;
  /** Its last picture, shown in its place. */
  still?: Still;
}): JSX.Element {
  const { streamId, variant, still } = props;
  return (
    <>
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
      {still && (
        <canvas ref={still.canvas} class={`zw-video ${variant || ""}`} hidden={!still.held} />
      )}
    </>
  );
}
