"""Makes one continuous RTP stream out of the sources that a receive slot shows one after another."""

from __future__ import annotations

from .rtp import FIXED_HEADER, VERSION_BITS, RtpHeader

_SEQUENCE_MODULO = 1 << 16
_TIMESTAMP_MODULO = 1 << 32
_REORDER_WINDOW = 1 << 10


class RtpRewriter:
    """Rewrites SSRC, sequence number and timestamp; the payload stays as it is.

    The viewer sees one SSRC whose sequence numbers run on without a gap over a change of source, and whose
    timestamps advance by the time that passed meanwhile, so that nothing needs to be renegotiated.
    """

    def __init__(self, ssrc: int, clock_rate: int, *, sequence_number: int, timestamp: int) -> None:
        self.ssrc = ssrc
        self._clock_rate = clock_rate
        self._source: int | None = None
        # what the source sent before its first forwarded packet stays behind, even when it arrives late
        self._source_start = 0
        self._near_start = False
        self._highest = sequence_number
        self._timestamp = timestamp
        self._timestamp_at = 0.0
        self._sequence_offset = 0
        self._timestamp_offset = 0

    @property
    def source(self) -> int | None:
        """SSRC of the source that is being forwarded, None before the first packet."""
        return self._source

    def start(self, header: RtpHeader, now: float) -> None:
        """Begin a new source with this packet; the next output follows the last one without a gap."""
        first = self._source is None
        self._source = header.ssrc
        self._source_start = header.sequence_number
        self._near_start = True
        self._sequence_offset = self._highest + 1 - header.sequence_number
        elapsed = 0 if first else max(1, round((now - self._timestamp_at) * self._clock_rate))
        self._timestamp_offset = self._timestamp + elapsed - header.timestamp

    def rewrite(self, header: RtpHeader, payload_type: int, now: float) -> bytes | None:
        """The 12 header bytes for the viewer, or None for a packet from before the source's start."""
        sequence_number = header.sequence_number
        if self._near_start:
            ahead = (sequence_number - self._source_start) % _SEQUENCE_MODULO
            if ahead >= _SEQUENCE_MODULO - _REORDER_WINDOW:
                return None
            self._near_start = ahead < _REORDER_WINDOW
        out = (sequence_number + self._sequence_offset) % _SEQUENCE_MODULO
        timestamp = (header.timestamp + self._timestamp_offset) % _TIMESTAMP_MODULO
        if (out - self._highest) % _SEQUENCE_MODULO < 1 << 15:
            self._highest = out
            self._timestamp = timestamp
            self._timestamp_at = now
        return FIXED_HEADER.pack(VERSION_BITS | header.padding, header.marker | payload_type, out, timestamp, self.ssrc)

    def source_sequence_number(self, sequence_number: int) -> int:
        """The source's own number of a packet that the viewer knows as `sequence_number`."""
        return (sequence_number - self._sequence_offset) % _SEQUENCE_MODULO

    def rewrite_timestamp(self, timestamp: int) -> int:
        """A timestamp of the source in the viewer's timeline, as sender reports need it."""
        return (timestamp + self._timestamp_offset) % _TIMESTAMP_MODULO
