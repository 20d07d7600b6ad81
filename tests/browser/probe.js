// Runs in every page of the browser tests before the page's own scripts: keeps what a test wants to know and
// the page has no reason to show.
(() => {
  const probe = { peers: [], cameraRequests: 0, refuseDevices: false };
  const tracks = [];
  const watched = new Map();
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
      if (constraints?.video) probe.cameraRequests += 1;
      if (probe.refuseDevices) throw new DOMException("Permission denied", "NotAllowedError");
      if (constraints?.video && probe.cameraFails) throw new DOMException("no camera", probe.cameraFails);
      const stream = await getUserMedia(constraints);
      tracks.push(...stream.getTracks());
      return stream;
    };
  }

  // What no test can do to Chromium's fake camera: the cable is pulled, or another program takes it.
  probe.cameraFails = null;
  probe.loseCamera = (error) => {
    probe.cameraFails = error;
    for (const track of tracks.filter((each) => each.kind === "video" && each.readyState === "live")) {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
  };
  probe.plugCamera = () => {
    probe.cameraFails = null;
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  };

  // Sound may come from elements that are nowhere in the document.
  const sounding = new Set();
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    if (this instanceof HTMLAudioElement) sounding.add(this);
    return play.call(this);
  };

  probe.sounding = () => [...sounding].filter((audio) => audio.srcObject);

  probe.openCameras = () => tracks.filter((track) => track.kind === "video" && track.readyState === "live").length;
  probe.openPeers = () => probe.peers.filter((peer) => peer.connectionState !== "closed");

  // Waits until an async condition holds: wait_for_function does not wait for promises.
  probe.until = async (condition, patience) => {
    const end = performance.now() + patience;
    for (;;) {
      const found = await condition();
      if (found) return found;
      if (performance.now() > end) return null;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };

  // -- cells ------------------------------------------------------------------------------------------------

  const promptOf = (cell) => cell?.querySelector(".jp-InputPrompt")?.textContent.trim() ?? "";
  const cellAt = (index) => document.querySelectorAll(".jp-Notebook .jp-CodeCell")[index];
  const started = new WeakSet();

  probe.watchCell = (index) => {
    const cell = cellAt(index);
    started.delete(cell);
    const observer = new MutationObserver(() => {
      if (promptOf(cell) !== "[*]:") return;
      started.add(cell);
      observer.disconnect();
    });
    observer.observe(cell, { childList: true, characterData: true, subtree: true });
  };
  probe.cellEnded = (index) => started.has(cellAt(index)) && /^\[\d+\]:$/.test(promptOf(cellAt(index)));

  // -- tiles ------------------------------------------------------------------------------------------------

  const remoteVideos = () => [...document.querySelectorAll("video[data-stream-id]")];

  probe.streams = () => [...new Set(remoteVideos().map((video) => video.dataset.streamId))];

  // The tile is the largest element around a video that has no other video in it.
  const tileOf = (video) => {
    let tile = video;
    while (tile.parentElement && !tile.dataset.state && tile.parentElement.querySelectorAll("video").length === 1) {
      tile = tile.parentElement;
    }
    return tile;
  };
  const videoOf = (user) => remoteVideos().find((video) => tileOf(video).textContent.includes(user));
  probe.streamOf = (user) => videoOf(user)?.dataset.streamId ?? null;

  // -- what arrives -----------------------------------------------------------------------------------------

  const received = async (user) => {
    const found = { frames: 0, energy: 0, samples: 0, width: 0, shown: 0, at: performance.now() };
    const video = videoOf(user);
    if (!video) return found;
    const heard = [...sounding].filter((audio) => audio.dataset.streamId === video.dataset.streamId);
    const elements = [video, ...heard];
    const ids = new Set(
      elements.flatMap((element) => element.srcObject?.getTracks?.() ?? []).map((track) => track.id),
    );
    for (const peer of probe.openPeers()) {
      for (const report of (await peer.getStats()).values()) {
        if (report.type !== "inbound-rtp" || !ids.has(report.trackIdentifier)) continue;
        if (report.kind === "video") found.frames += report.framesDecoded ?? 0;
        if (report.kind === "audio") {
          found.energy += report.totalAudioEnergy ?? 0;
          found.samples += report.totalSamplesReceived ?? 0;
        }
      }
    }
    found.width = video.videoWidth;
    found.shown = video.getVideoPlaybackQuality().totalVideoFrames;
    found.paused = video.paused;
    found.at = performance.now();
    return found;
  };

  // The width and height of the largest picture of the camera that this page sends.
  probe.sent = async () => {
    const found = { size: [0, 0] };
    for (const peer of probe.openPeers()) {
      for (const { type, active, frameWidth, frameHeight } of (await peer.getStats()).values()) {
        if (type === "outbound-rtp" && active && frameWidth > found.size[0]) found.size = [frameWidth, frameHeight];
      }
    }
    return found;
  };

  const nextFrame = (video, patience) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), patience);
      video.requestVideoFrameCallback(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });

  probe.isMoving = async (selector) => {
    const video = document.querySelector(selector);
    video?.parentElement.scrollIntoView({ block: "nearest" });
    return Boolean(video) && video.videoWidth > 0 && (await nextFrame(video, 500));
  };
  probe.shows = async (user) => {
    const video = videoOf(user);
    // Nothing is sent to a tile out of sight: who wants to see goes there.
    if (video) tileOf(video).scrollIntoView({ block: "nearest" });
    return Boolean(video) && video.videoWidth > 0 && (await nextFrame(video, 500));
  };
  probe.sounds = async (user) => {
    const before = await received(user);
    await new Promise((resolve) => setTimeout(resolve, 100));
    return (await received(user)).energy > before.energy;
  };
  probe.isSilent = async (user) => {
    const before = await received(user);
    await new Promise((resolve) => setTimeout(resolve, 1200)); // the fake microphone beeps once a second
    const after = await received(user);
    return after.samples > before.samples && after.energy - before.energy < 1e-6;
  };
  probe.frameRate = async (user, frames, patience) => {
    const first = await received(user);
    const enough = async () => {
      const now = await received(user);
      return now.frames >= first.frames + frames && now;
    };
    const last = await probe.until(enough, patience);
    return last && ((last.frames - first.frames) * 1000) / (last.at - first.at);
  };

  // -- what is mended ---------------------------------------------------------------------------------------

  const brightness = (picture, width, height) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 9 });
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, width, height, 0, 0, 16, 9);
    return context.getImageData(0, 0, 16, 9).data.reduce((sum, value, i) => sum + (i % 4 === 3 ? 0 : value), 0);
  };
  // Whether a user's tile says that it is mended, and still shows a picture that is not black.
  probe.isMending = (user) => {
    const tile = videoOf(user)?.closest(".zw-tile");
    if (!tile?.querySelector(".zw-mending")) return false;
    const shown = [...tile.querySelectorAll("video, canvas")].filter((each) => !each.hidden);
    return shown.some((each) => brightness(each, each.videoWidth ?? each.width, each.videoHeight ?? each.height) > 0);
  };
  probe.marks = () => document.querySelectorAll(".zw-mending").length;
  probe.tileBoxes = () =>
    [...document.querySelectorAll(".zw-tile")].map((tile) => {
      const { width, height } = tile.getBoundingClientRect();
      return [Math.round(width), Math.round(height)];
    });

  // The moment of every frame shown, to find the longest gap afterwards.
  probe.watch = (user) => {
    const video = videoOf(user);
    if (!video) throw new Error(`no tile of ${user} to watch`);
    const moments = [performance.now()];
    const each = () => {
      moments.push(performance.now());
      video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
    watched.set(user, moments);
  };
  probe.longestGap = (user) => {
    const moments = [...watched.get(user), performance.now()];
    return Math.max(...moments.slice(1).map((moment, index) => moment - moments[index]));
  };

  probe.describe = async (user) => ({
    states: [...document.querySelectorAll(".jp-OutputArea [data-state]")].map((root) => [
      root.dataset.state,
      root.innerText.slice(0, 300),
    ]),
    streams: probe.streams(),
    received: user ? await received(user) : null,
    cameraRequests: probe.cameraRequests,
    openCameras: probe.openCameras(),
    peers: probe.peers.map((peer) => [peer.connectionState, peer.iceConnectionState, peer.signalingState]),
  });
})();
