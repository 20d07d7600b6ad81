"""What one publish channel captures and sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import av
from aiortc import RTCRtpSender

from zego_widget.model import PublishChannel, RemoteDeviceState

from .capture import AudioCapture, Outlet, VideoCapture
from .codec_seam import set_target_bitrate
from .config import CaptureConfig
from .stats import Rates, StreamStats, TrackStats

SEND_SLOTS = {
    PublishChannel.MAIN: {"audio": "microphone", "video": "camera"},
    PublishChannel.AUX: {"audio": "screen_audio", "video": "screen"},
}


class ChannelEvents(Protocol):
    """What the owner of a `Channel` is told."""

    def first_frame_sent(self, channel: PublishChannel, kind: str) -> None: ...
    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None: ...
    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None: ...


class Channel:
    """Camera and microphone (or screen and its sound), and the two tracks on which they are sent."""

    def __init__(self, name: PublishChannel, events: ChannelEvents, now: Callable[[], float]) -> None:
        self.name = name
        self.publishing = False
        self.video = VideoCapture(self._ended, lambda *size: events.capture_size_changed(name, *size), now)
        self.audio = AudioCapture(self._ended, now)
        self._events = events
        self._now = now
        self._senders: Mapping[str, RTCRtpSender] = {}
        self._tracks: dict[str, Outlet[Any]] = {}
        self._bitrate_set: int | None = None
        self._rates: dict[str, Rates] = {}

    @property
    def config(self) -> CaptureConfig:
        return self.video.config

    @config.setter
    def config(self, config: CaptureConfig) -> None:
        self.video.config = config

    @property
    def devices(self) -> tuple[RemoteDeviceState, RemoteDeviceState]:
        """What the others are told of microphone and camera."""
        microphone, camera = (
            RemoteDeviceState.DISABLE
            if capture.source is None or not capture.enabled
            else RemoteDeviceState.MUTE
            if capture.muted
            else RemoteDeviceState.OPEN
            for capture in (self.audio, self.video)
        )
        return microphone, camera

    def new_tracks(self) -> dict[str, Outlet[Any]]:
        """The tracks of another connection, by send slot; nothing is sent on them before `attach`."""
        audio: Outlet[av.AudioFrame] = Outlet("audio", self.audio.depth, lambda _: self._sent("audio"))
        video: Outlet[av.VideoFrame] = Outlet("video", self.video.depth, lambda _: self._sent("video"))
        self._tracks = {"audio": audio, "video": video}
        return {SEND_SLOTS[self.name][kind]: track for kind, track in self._tracks.items()}

    def attach(self, senders: Mapping[str, RTCRtpSender]) -> None:
        """The connection of the newest tracks is up."""
        self._senders = {kind: senders[slot] for kind, slot in SEND_SLOTS[self.name].items()}
        self._bitrate_set = None
        self._rates = {kind: Rates() for kind in self._senders}
        self.audio.outlet, self.video.outlet = self._tracks["audio"], self._tracks["video"]

    def detach(self) -> None:
        """The connection is gone."""
        self._senders, self._tracks = {}, {}
        self.audio.outlet = self.video.outlet = None

    def update(self, *, captures: bool) -> None:
        """Begin or end what follows from publishing and the connection."""
        for capture in (self.audio, self.video):
            capture.sending = self.publishing and captures
            capture.update()

    async def stats(self) -> StreamStats:
        """Counts since the connection began."""
        audio, video = [await self._track_stats(kind) for kind in ("audio", "video")]
        return StreamStats(audio, video)

    async def aclose(self) -> None:
        """End capture."""
        self.detach()
        await asyncio.gather(self.audio.aclose(), self.video.aclose())
        self.video.viewers.end()

    async def _track_stats(self, kind: str) -> TrackStats:
        if kind not in self._senders:
            return TrackStats()
        sent: Any = None
        report: Any = None
        frames = self._tracks[kind].frames_sent
        for entry in (await self._senders[kind].getStats()).values():
            if entry.type == "outbound-rtp":
                sent = entry
            elif entry.type == "remote-inbound-rtp":
                report = entry
        if sent is None or kind not in self._rates:
            return TrackStats()
        fps, bytes_per_second = self._rates[kind].look(self._now(), frames, sent.bytesSent)
        return TrackStats(
            bytes=sent.bytesSent,
            packets=sent.packetsSent,
            frames=frames,
            packets_lost=max(0, report.packetsLost) if report else 0,
            fps=fps,
            kbps=bytes_per_second * 8 / 1000,
            loss=report.fractionLost / 256 if report else 0.0,
        )

    def _sent(self, kind: str) -> None:
        if kind not in self._senders:  # detached, while aiortc still takes what it asked for before
            return
        if self._tracks[kind].frames_sent == 1:
            self._events.first_frame_sent(self.name, kind)
        if kind == "video" and self._bitrate_set != (bitrate := self.config.bitrate):
            # The encoder comes into being after the first frame, so that this one has aiortc's default.
            taken = set_target_bitrate(self._senders["video"], bitrate * 1000)
            self._bitrate_set = bitrate if taken else None

    def _ended(self, kind: str, error: Exception | None) -> None:
        self._events.capture_ended(self.name, kind, error)
