"""Counts per stream, and the rates between two looks at them."""

from __future__ import annotations

from dataclasses import dataclass, field

from zego_widget.model import PublishChannel

from .codec_seam import PacketCounts


@dataclass(frozen=True, slots=True)
class TrackStats:
    """One kind of one stream; counts are since the stream came (played) or the connection began (published)."""

    bytes: int = 0
    """Of encoded media, without headers."""
    packets: int = 0
    frames: int = 0
    """Complete frames given to the encoder, or received; audio frames have 20 ms."""
    frames_decoded: int = 0
    """Played streams only: the part that somebody consumed."""
    packets_lost: int = 0
    fps: float = 0.0
    """Frames/s since the last call."""
    decode_fps: float = 0.0
    kbps: float = 0.0
    """kbit/s since the last call."""
    loss: float = 0.0
    """Share of packets lost on the way, 0 to 1: since the last call (played), of the latest report (published)."""


@dataclass(frozen=True, slots=True)
class StreamStats:
    """One stream."""

    audio: TrackStats = TrackStats()
    video: TrackStats = TrackStats()

    @property
    def loss(self) -> float:
        """The worse of both kinds."""
        return max(self.audio.loss, self.video.loss)


@dataclass(frozen=True, slots=True)
class PeerStats:
    """All streams of a peer."""

    rtt: float | None = None
    """Round-trip time to the hub in seconds, by heartbeats on `control`; None before the first answer."""
    published: dict[PublishChannel, StreamStats] = field(default_factory=dict)
    played: dict[str, StreamStats] = field(default_factory=dict)


class Rates:
    """Rates of growing counts between two looks; a count that starts again at 0 has no rate at that look."""

    def __init__(self) -> None:
        self._last: tuple[float, tuple[int, ...]] | None = None

    def look(self, now: float, *counts: int) -> tuple[float, ...]:
        """Growth per second of each count since the last look; all 0 at the first."""
        last, self._last = self._last, (now, counts)
        if last is None or now <= last[0]:
            return (0.0,) * len(counts)
        seconds = now - last[0]
        return tuple(max(0, count - before) / seconds for count, before in zip(counts, last[1], strict=True))


class TrackCounter:
    """What is counted of one kind of a played stream since a slot shows it."""

    def __init__(self) -> None:
        self.bytes = 0
        self.frames = 0
        self.decoded = 0
        self.packets_before = PacketCounts()
        self.packets_now = PacketCounts()
        self._rates = Rates()
        self._reported = PacketCounts()

    def arrived(self, size: int) -> None:
        """A complete frame of `size` bytes came."""
        self.bytes += size
        self.frames += 1

    def stats(self, now: float) -> TrackStats:
        """The counts, with rates since the last call."""
        received = max(0, self.packets_now.received - self.packets_before.received)
        expected = max(received, self.packets_now.expected - self.packets_before.expected)
        expected_lately = expected - self._reported.expected
        received_lately = received - self._reported.received
        self._reported = PacketCounts(received, expected)
        loss = 1 - received_lately / expected_lately if expected_lately > 0 else 0.0
        fps, decode_fps, bytes_per_second = self._rates.look(now, self.frames, self.decoded, self.bytes)
        return TrackStats(
            bytes=self.bytes,
            packets=received,
            frames=self.frames,
            frames_decoded=self.decoded,
            packets_lost=expected - received,
            fps=fps,
            decode_fps=decode_fps,
            kbps=bytes_per_second * 8 / 1000,
            loss=min(1.0, max(0.0, loss)),
        )
