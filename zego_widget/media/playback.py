"""A receive slot on its way to those who consume what it shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import av
import numpy as np
from aiortc import MediaStreamError, RTCRtpReceiver

from .codec_seam import FrameGate, ReceiveBuffer
from .frame_queue import Consumers
from .frames import AudioFrame, VideoFrame
from .key_frames import picture_size
from .levels import LevelMeter, amplified
from .repair import Repair
from .stats import TrackCounter

VIDEO_CLOCK = 90_000


class PlayedEvents(Protocol):
    """What the owner of a `Played` is told."""

    def first_frame_received(self, stream_id: str, kind: str) -> None: ...
    def video_size_changed(self, stream_id: str, width: int, height: int) -> None: ...


class Played:
    """A stream by its ID: who consumes it, how loud, what came. Outlives slots and connections."""

    def __init__(self, stream_id: str, events: PlayedEvents, now: Callable[[], float]) -> None:
        self.stream_id = stream_id
        self.pictures: Consumers[VideoFrame] = Consumers()
        self.sounds: Consumers[AudioFrame] = Consumers()
        self.muted = {"audio": False, "video": False}
        self.volume: int | None = None
        self.default_volume = 100
        self.monitored = False
        """Decode the sound for its level, whether or not it is consumed."""
        self.counters = {"audio": TrackCounter(), "video": TrackCounter()}
        self._events = events
        self._now = now
        self._meter = LevelMeter()
        self._arrived: set[str] = set()
        self._size: tuple[int, int] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost if this were forgotten."""
        settings = self.volume is not None or any(self.muted.values())
        return not (settings or self.pictures or self.sounds)

    @property
    def level(self) -> float:
        """0 to 100, before volume; 0 while the sound is not decoded."""
        return self._meter.level(self._now())

    def restart(self, kind: str) -> None:
        """A slot shows this stream from now on."""
        self._arrived.discard(kind)
        self.counters[kind] = TrackCounter()
        if kind == "video":
            self._size = None

    def wants(self, kind: str) -> bool:
        """Whether the next frame shall be decoded."""
        if self.muted[kind]:
            return False
        return bool(self.pictures) if kind == "video" else self.monitored or bool(self.sounds)

    def arrived(self, kind: str, codec: str, data: bytes) -> None:
        """A complete encoded frame came."""
        self.counters[kind].arrived(len(data))
        if kind not in self._arrived:
            self._arrived.add(kind)
            self._events.first_frame_received(self.stream_id, kind)
        if kind == "video" and (size := picture_size(codec, data)) is not None:
            self._sized(*size)

    def take(self, frame: av.VideoFrame | av.AudioFrame) -> None:
        """A frame was decoded."""
        if isinstance(frame, av.VideoFrame):
            self.counters["video"].decoded += 1
            self._sized(frame.width, frame.height)
            if not self.muted["video"]:
                self.pictures.put(VideoFrame((frame.pts or 0) / VIDEO_CLOCK, frame))
            return
        self.counters["audio"].decoded += 1
        samples = frame.to_ndarray().astype(np.int16, copy=False).reshape(-1, len(frame.layout.channels))
        self._meter.add(samples, self._now())
        if not self.muted["audio"] and self.sounds:
            volume = self.default_volume if self.volume is None else self.volume
            time = (frame.pts or 0) / frame.sample_rate
            self.sounds.put(AudioFrame(time, amplified(samples, volume), frame.sample_rate))

    def end(self) -> None:
        """No more frames for anybody."""
        self.pictures.end()
        self.sounds.end()

    def _sized(self, width: int, height: int) -> None:
        if self._size != (width, height):
            self._size = width, height
            self._events.video_size_changed(self.stream_id, width, height)


class ReceiveSlot:
    """One receiver of a connection and the stream that it shows; nothing is decoded that nobody wants."""

    def __init__(self, kind: str, receiver: RTCRtpReceiver) -> None:
        self.kind = kind
        self.played: Played | None = None
        self._receiver = receiver
        self._gate = FrameGate(receiver, self._wanted, self._encoded)
        self._repair = Repair(ReceiveBuffer(receiver, self._gate)) if kind == "video" else None
        self._used = False

    def show(self, played: Played | None) -> None:
        """Show another stream, or none."""
        if played is self.played:
            return
        self.played = played
        if played is not None:
            self._gate.restart(settle=self._used)
            self._used = True
            played.restart(self.kind)
            played.counters[self.kind].packets_before = self._gate.packets

    def count_packets(self) -> None:
        """Bring the packet counts of the stream that is shown up to date."""
        if self.played is not None:
            self.played.counters[self.kind].packets_now = self._gate.packets

    async def mend(self, now: float, round_trip: float | None) -> None:
        """Look, several times a second, whether pictures wait for lost packets (`repair.py`)."""
        if self._repair is not None and self.played is not None:
            await self._repair.look(now, round_trip)

    async def run(self) -> None:
        """Hand on what is decoded, until the receiver ends."""
        with contextlib.suppress(MediaStreamError, asyncio.CancelledError):
            while True:
                frame = await self._receiver.track.recv()
                if self.played is None or not isinstance(frame, av.VideoFrame | av.AudioFrame):
                    continue
                if (frame.pts or 0) >= self._gate.first_timestamp:  # else its decoder was late
                    self.played.take(frame)

    def _wanted(self) -> bool:
        return self.played is not None and self.played.wants(self.kind)

    def _encoded(self, codec: str, data: bytes) -> None:
        if self.played is not None:
            self.played.arrived(self.kind, codec, data)
