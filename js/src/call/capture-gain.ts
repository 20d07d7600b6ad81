/** The microphone louder or softer than it is: a stage between its track and the peer, there only while needed. */
export class CaptureGain {
  #stage: Stage | null = null;

  /** The track to send for a microphone at a volume of 0 to 200. */
  track(source: MediaStreamTrack | null, volume: number): MediaStreamTrack | null {
    if (!source || volume === 100) {
      this.close();
      return source;
    }
    if (this.#stage?.source !== source) {
      this.close();
      this.#stage = stage(source);
    }
    if (!this.#stage) return source;
    this.#stage.gain.gain.value = volume / 100;
    return this.#stage.out;
  }

  close(): void {
    this.#stage?.out.stop();
    void this.#stage?.context.close().catch(() => {});
    this.#stage = null;
  }
}

interface Stage {
  readonly source: MediaStreamTrack;
  readonly context: AudioContext;
  readonly gain: GainNode;
  readonly out: MediaStreamTrack;
}

/** Null where the browser can not: not every one takes a microphone of any sample rate. */
function stage(source: MediaStreamTrack): Stage | null {
  let context: AudioContext | null = null;
  try {
    context = new AudioContext();
    const gain = context.createGain();
    const destination = context.createMediaStreamDestination();
    const microphone = context.createMediaStreamSource(new MediaStream([source]));
    microphone.connect(gain).connect(destination);
    const [out] = destination.stream.getAudioTracks();
    if (!out) throw new Error("nothing comes out");
    void context.resume().catch(() => {});
    return { source, context, gain, out };
  } catch {
    void context?.close().catch(() => {});
    return null;
  }
}
