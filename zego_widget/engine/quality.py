"""Quality of streams: the records of the quality events, and the levels (ZEGO.md, section 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..media.stats import StreamStats, TrackStats


class StreamQualityLevel(IntEnum):
    """How good a stream is (ZegoStreamQualityLevel)."""

    EXCELLENT = 0
    GOOD = 1
    MEDIUM = 2
    BAD = 3
    DIE = 4
    UNKNOWN = 5


# level -> highest round-trip time in ms, highest share of packets lost
_LIMITS = (
    (StreamQualityLevel.EXCELLENT, 124.0, 0.083),
    (StreamQualityLevel.GOOD, 344.0, 0.217),
    (StreamQualityLevel.MEDIUM, 590.0, 0.355),
)


def quality_level(rtt: float, loss: float) -> StreamQualityLevel:
    """The level of a stream with this round-trip time (ms) and share of lost packets (0 to 1): the worse decides."""
    for level, highest_rtt, highest_loss in _LIMITS:
        if rtt <= highest_rtt and loss <= highest_loss:
            return level
    return StreamQualityLevel.BAD


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


def publish_quality(
    before: StreamStats | None, after: StreamStats, seconds: float, rtt: float | None
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
        packet_lost_rate=after.loss,
        level=_level(rtt, after.loss),
        total_send_bytes=audio.bytes + video.bytes,
        audio_send_bytes=audio.bytes,
        video_send_bytes=video.bytes,
    )


def play_quality(
    before: StreamStats | None, after: StreamStats, seconds: float, rtt: float | None
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


def _grown(before: TrackStats | None, after: TrackStats, name: str) -> int:
    now: int = getattr(after, name)
    # A stream that came back counts from 0 again.
    return now - getattr(before, name) if before is not None and getattr(before, name) <= now else now


def _rate(before: TrackStats | None, after: TrackStats, name: str, seconds: float) -> float:
    return _grown(before, after, name) / seconds


def _loss(before: TrackStats | None, after: TrackStats) -> float:
    lost, came = _grown(before, after, "packets_lost"), _grown(before, after, "packets")
    return lost / (lost + came) if lost + came else 0.0
