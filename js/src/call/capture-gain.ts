/** The microphone louder or softer than it is: a stage between its track and the peer, there only while needed. */
export class CaptureGain {
  #stage: {
    source: MediaStreamTrack;
    context: AudioContext;
    gain: GainNode;
    out: MediaStreamTrack;
  } | null = null;

  /** The track to send for a microphone at a volume of 0 to 200. */
  track(source: MediaStreamTrack | null, volume: number): MediaStreamTrack | null {
    if (!source || volume === 100) {
      this.close();
      return source;
    }
    if (this.#stage?.source !== source) {
      this.close();
      const context = new AudioContext();
      const gain = context.createGain();
      const destination = context.createMediaStreamDestination();
      context
        .createMediaStreamSource(new MediaStream([source]))
        .connect(gain)
        .connect(destination);
      void context.resume().catch(() => {});
      const [out] = destination.stream.getAudioTracks();
      if (!out) return source;
      this.#stage = { source, context, gain, out };
    }
    this.#stage.gain.gain.value = volume / 100;
    return this.#stage.out;
  }

  close(): void {
    this.#stage?.out.stop();
    void this.#stage?.context.close().catch(() => {});
    this.#stage = null;
  }
}
