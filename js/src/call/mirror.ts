/** The camera mirrored for the others: drawn on a canvas, which only a page does that is asked to. */
export class PublishedMirror {
  #stage: Stage | null = null;

  /** The track to send for a camera. */
  track(source: MediaStreamTrack | null, mirrored: boolean, fps: number): MediaStreamTrack | null {
    if (!source || !mirrored) {
      this.close();
      return source;
    }
    if (this.#stage?.source !== source || this.#stage.fps !== fps) {
      this.close();
      this.#stage = stage(source, fps);
    }
    return this.#stage?.out ?? source;
  }

  close(): void {
    const stage = this.#stage;
    if (!stage) return;
    this.#stage = null;
    clearInterval(stage.timer);
    stage.video.srcObject = null;
    stage.out.stop();
  }
}

interface Stage {
  readonly source: MediaStreamTrack;
  readonly fps: number;
  readonly video: HTMLVideoElement;
  readonly out: MediaStreamTrack;
  readonly timer: ReturnType<typeof setInterval>;
}

function stage(source: MediaStreamTrack, fps: number): Stage | null {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const [out] = context ? canvas.captureStream(fps).getVideoTracks() : [];
  if (!context || !out) return null;
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = new MediaStream([source]);
  video.play().catch(() => {});
  // Not requestAnimationFrame: it stops in a tab in the background, where a call goes on.
  const timer = setInterval(() => {
    const { videoWidth: width, videoHeight: height } = video;
    if (width === 0) return;
    if (canvas.width !== width || canvas.height !== height)
      Object.assign(canvas, { width, height });
    context.setTransform(-1, 0, 0, 1, width, 0);
    context.drawImage(video, 0, 0);
  }, 1000 / fps);
  return { source, fps, video, out, timer };
}
