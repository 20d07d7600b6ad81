// Runs in every page of the browser tests before the page's own scripts: keeps what a test wants to know and
// the page has no reason to show.
(() => {
  const probe = { peers: [], cameraRequests: 0, openTracks: [], refuseDevices: false };
  Object.defineProperty(window, "__probe", { value: probe });

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      probe.peers.push(this);
    }
  };

  if (navigator.mediaDevices) {
    const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      if (constraints.video) probe.cameraRequests += 1;
      if (probe.refuseDevices) throw new DOMException("Permission denied", "NotAllowedError");
      const stream = await getUserMedia(constraints);
      probe.openTracks.push(...stream.getTracks());
      return stream;
    };
  }

  // Decoded frames and audio energy of the tracks a <video> (or the <audio> of the same stream) shows.
  probe.received = async (streamId) => {
    const selector = `[data-stream-id="${CSS.escape(streamId)}"]`;
    const video = document.querySelector(`video${selector}`);
    const tracks = [...document.querySelectorAll(`video${selector}, audio${selector}`)].flatMap((element) =>
      element.srcObject instanceof MediaStream ? element.srcObject.getTracks() : [],
    );
    const ids = new Set(tracks.map((track) => track.id));
    const found = { framesDecoded: 0, audioEnergy: 0, audioSamples: 0, shown: 0, width: 0, at: performance.now() };
    for (const peer of probe.peers) {
      if (peer.connectionState === "closed") continue;
      for (const report of (await peer.getStats()).values()) {
        if (report.type !== "inbound-rtp" || !ids.has(report.trackIdentifier)) continue;
        if (report.kind === "video") found.framesDecoded += report.framesDecoded ?? 0;
        if (report.kind === "audio") {
          found.audioEnergy += report.totalAudioEnergy ?? 0;
          found.audioSamples += report.totalSamplesReceived ?? 0;
        }
      }
    }
    if (video) {
      found.shown = video.getVideoPlaybackQuality().totalVideoFrames;
      found.width = video.videoWidth;
    }
    found.at = performance.now();
    return found;
  };

  // Waits until an async condition holds; wait_for_function does not wait for promises.
  probe.until = async (condition, timeout) => {
    const end = performance.now() + timeout;
    for (;;) {
      const found = await condition();
      if (found) return found;
      if (performance.now() > end) return null;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  // The moment of every frame a <video> shows, to find the longest gap afterwards.
  probe.watch = (streamId) => {
    const video = document.querySelector(`video[data-stream-id="${CSS.escape(streamId)}"]`);
    const moments = [performance.now()];
    const each = () => {
      moments.push(performance.now());
      if (video.isConnected) video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
    probe.watched ??= {};
    probe.watched[streamId] = moments;
  };
  probe.longestGap = (streamId) => {
    const moments = [...probe.watched[streamId], performance.now()];
    return Math.max(...moments.slice(1).map((moment, index) => moment - moments[index]));
  };
})();
