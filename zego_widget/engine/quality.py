"""Quality of streams: the records of the quality events. The levels are in `model`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass, field
from typing import Protocol

from ..model import PublishChannel, StreamQualityLevel, quality_level

__all__ = [
    "DEAD_PLAYED",
    "DEAD_PUBLISHED",
    "Looks",
    "PeerCounts",
    "PlayStreamQuality",
    "PublishStreamQuality",
    "Silence",
    "StreamQualityLevel",
    "loss_of",
    "play_quality",
    "publish_quality",
    "quality_level",
]


class TrackCounts(Protocol):
    """One kind of one stream, as Python or a page counts it."""

    @property
    def bytes(self) -> int: ...
    @property
    def packets(self) -> int: ...
    @property
    def frames(self) -> int: ...
    @property
    def frames_decoded(self) -> int: ...
    @property
    def packets_lost(self) -> int: ...
    @property
    def loss(self) -> float: ...


class StreamCounts(Protocol):
    """One stream."""

    @property
    def audio(self) -> TrackCounts: ...
    @property
    def video(self) -> TrackCounts: ...


@dataclass(frozen=True, slots=True)
class PeerCounts:
    """All streams of an engine; `rtt` to the hub in seconds, None if unknown."""

    rtt: float | None = None
    published: Mapping[PublishChannel, StreamCounts] = field(default_factory=dict)
    played: Mapping[str, StreamCounts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishStreamQuality:
    """A published stream over the last 3 s (ZegoPublishStreamQuality): frames/s, kbit/s, `rtt` in ms, bytes in all."""

    video_send_fps: float
    video_kbps: float
    audio_send_fps: float
    audio_kbps: float
    rtt: float
    packet_lost_rate: float
    """0 to 1."""
    level: StreamQualityLevel
    total_send_bytes: int
    audio_send_bytes: int
    video_send_bytes: int


@dataclass(frozen=True, slots=True)
class PlayStreamQuality:
    """A played stream over the last 3 s (ZegoPlayStreamQuality): frames/s, kbit/s, `rtt` in ms, bytes in all."""

    video_recv_fps: float
    video_decode_fps: float
    video_kbps: float
    audio_recv_fps: float
    audio_decode_fps: float
    audio_kbps: float
    rtt: float
    packet_lost_rate: float
    """0 to 1."""
    level: StreamQualityLevel
    total_recv_bytes: int
    audio_recv_bytes: int
    video_recv_bytes: int


def loss_of(counts: StreamCounts) -> float:
    """Share of packets lost lately, 0 to 1: the worse of both kinds."""
    return max(counts.audio.loss, counts.video.loss)


class Looks:
    """The last look at each stream, so that rates are over the time that really passed since; seconds of any clock."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, StreamCounts | None]] = {}
        self._looked = 0.0

    def seen(self, now: float, streams: Set[str], there: Set[str]) -> None:
        """Of these streams, those were counted; one that is new came after the last time."""
        self._last = {stream_id: last for stream_id, last in self._last.items() if stream_id in streams}
        for stream_id in there:
            self._last.setdefault(stream_id, (self._looked, None))
        self._looked = now

    def look(self, stream_id: str, now: float, counts: StreamCounts) -> tuple[StreamCounts | None, float]:
        """The counts of the last look, None for none, and the seconds since."""
        then, before = self._last.get(stream_id, (self._looked, None))
        self._last[stream_id] = (now, counts)
        return before, max(1.0, now - then)


DIES_AFTER = 3
"""Periods without a report."""


class Silence:
    """How long nothing was reported of something, and so its level (ZEGO.md, "Ours")."""

    def __init__(self) -> None:
        self._missed: dict[Hashable, int] = {}

    def heard(self, what: Hashable) -> None:
        """A report came."""
        self._missed[what] = 0

    def level(self, what: Hashable) -> StreamQualityLevel:
        """No report came this period: DIE after three of them, UNKNOWN before, and where none came ever."""
        if what not in self._missed:
            return StreamQualityLevel.UNKNOWN
        self._missed[what] += 1
        return StreamQualityLevel.DIE if self._missed[what] >= DIES_AFTER else StreamQualityLevel.UNKNOWN

    def keep(self, those: Set[Hashable]) -> None:
        """Forget all others."""
        self._missed = {what: missed for what, missed in self._missed.items() if what in those}


DEAD_PUBLISHED = PublishStreamQuality(0, 0, 0, 0, 0, 0, StreamQualityLevel.DIE, 0, 0, 0)
"""Of a published stream of which nothing is reported any more."""
DEAD_PLAYED = PlayStreamQuality(0, 0, 0, 0, 0, 0, 0, 0, StreamQualityLevel.DIE, 0, 0, 0)
"""Of a played stream of which nothing is reported any more."""


def publish_quality(
    before: StreamCounts | None, after: StreamCounts, seconds: float, rtt: float | None
) -> PublishStreamQuality:
    """What two looks at a published stream, so many seconds apart, say; `rtt` is in seconds, None if unknown."""
    audio, video = after.audio, after.video
    audio_before, video_before = (before.audio, before.video) if before else (None, None)
    return PublishStreamQuality(
        video_send_fps=_rate(video_before, video, "frames", seconds),
        video_kbps=_rate(video_before, video, "bytes", seconds) * 8 / 1000,
        audio_send_fps=_rate(audio_before, audio, "frames", seconds),
        audio_kbps=_rate(audio_before, audio, "bytes", seconds) * 8 / 1000,
        rtt=(rtt or 0.0) * 1000,
        packet_lost_rate=loss_of(after),
        level=_level(rtt, loss_of(after)),
        total_send_bytes=audio.bytes + video.bytes,
        audio_send_bytes=audio.bytes,
        video_send_bytes=video.bytes,
    )


def play_quality(
    before: StreamCounts | None, after: StreamCounts, seconds: float, rtt: float | None
) -> PlayStreamQuality:
    """What two looks at a played stream, so many seconds apart, say; `rtt` is in seconds, None if unknown."""
    audio, video = after.audio, after.video
    audio_before, video_before = (before.audio, before.video) if before else (None, None)
    loss = max(_loss(audio_before, audio), _loss(video_before, video))
    return PlayStreamQuality(
        video_recv_fps=_rate(video_before, video, "frames", seconds),
        video_decode_fps=_rate(video_before, video, "frames_decoded", seconds),
        video_kbps=_rate(video_before, video, "bytes", seconds) * 8 / 1000,
        audio_recv_fps=_rate(audio_before, audio, "frames", seconds),
        audio_decode_fps=_rate(audio_before, audio, "frames_decoded", seconds),
        audio_kbps=_rate(audio_before, audio, "bytes", seconds) * 8 / 1000,
        rtt=(rtt or 0.0) * 1000,
        packet_lost_rate=loss,
        level=_level(rtt, loss),
        total_recv_bytes=audio.bytes + video.bytes,
        audio_recv_bytes=audio.bytes,
        video_recv_bytes=video.bytes,
    )


def _level(rtt: float | None, loss: float) -> StreamQualityLevel:
    return StreamQualityLevel.UNKNOWN if rtt is None else quality_level(rtt * 1000, loss)


def _grown(before: TrackCounts | None, after: TrackCounts, name: str) -> int:
    now: int = getattr(after, name)
    # A stream that came back counts from 0 again.
    return now - getattr(before, name) if before is not None and getattr(before, name) <= now else now


def _rate(before: TrackCounts | None, after: TrackCounts, name: str, seconds: float) -> float:
    return _grown(before, after, name) / seconds


def _loss(before: TrackCounts | None, after: TrackCounts) -> float:
    lost, came = _grown(before, after, "packets_lost"), _grown(before, after, "packets")
    return lost / (lost + came) if lost + came else 0.0
