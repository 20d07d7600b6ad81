/** What a camera says of its zoom; its widest picture is our 1. */
interface ZoomRange {
  min: number;
  max: number;
}

/** How far a camera can zoom; 1 where it can not. */
export function maxZoom(track: MediaStreamTrack | null): number {
  const range = track && zoomRange(track);
  return range ? range.max / range.min : 1;
}

/** Zooms the camera that is open now; the next one begins with 1, until another factor is wanted. */
export class Zoom {
  #track: MediaStreamTrack | null = null;
  #wanted = 1;
  #applied = 1;

  follow(track: MediaStreamTrack | null, wanted: number, constraints: MediaTrackConstraints): void {
    if (track !== this.#track) {
      this.#track = track;
      this.#applied = 1;
      this.#wanted = wanted;
      return;
    }
    const changed = wanted !== this.#wanted;
    this.#wanted = wanted;
    const range = track && zoomRange(track);
    if (!range || !changed || wanted === this.#applied) return;
    this.#applied = wanted;
    const zoom = Math.min(range.max, range.min * Math.max(1, wanted));
    // Constraints replace all that were applied before.
    const zoomed = { ...constraints, advanced: [{ zoom } as MediaTrackConstraintSet] };
    track.applyConstraints(zoomed).catch(() => {});
  }
}

function zoomRange(track: MediaStreamTrack): ZoomRange | null {
  const { zoom } = (track.getCapabilities?.() ?? {}) as { zoom?: ZoomRange };
  return zoom && zoom.min > 0 ? zoom : null;
}
