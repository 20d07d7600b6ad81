const FRAME_MS = 2_000;

/** The present picture of a track as RGBA; null where it has none in time. */
export async function pictureOf(track: MediaStreamTrack | null): Promise<ImageData | null> {
  if (track?.readyState !== "live") return null;
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  const owner = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no picture in time")), FRAME_MS);
      owner.signal.addEventListener("abort", () => clearTimeout(timer));
      video.addEventListener("loadeddata", () => resolve(), { signal: owner.signal });
      video.play().catch(reject);
    });
    const { videoWidth: width, videoHeight: height } = video;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context || width === 0 || height === 0) return null;
    context.drawImage(video, 0, 0);
    return context.getImageData(0, 0, width, height);
  } catch {
    return null;
  } finally {
    owner.abort();
    video.srcObject = null;
  }
}
