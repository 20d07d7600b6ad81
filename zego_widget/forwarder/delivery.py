"""Packets on their way: how many had to come and did, told by those who receive (RFC 3550, section 6.4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .rtcp import ReportBlock

_SMOOTHING = 4


class Packets(NamedTuple):
    """How many packets a source sent by its numbers, and how many of them came."""

    expected: int
    received: int

    @property
    def lost(self) -> int:
        """Never negative: a packet that came twice does not make up for another."""
        return max(0, self.expected - self.received)

    def since(self, earlier: Packets) -> Packets:
        """What came to these totals after `earlier`."""
        return Packets(self.expected - earlier.expected, self.received - earlier.received)

    @classmethod
    def total(cls, parts: Iterable[Packets]) -> Packets:
        """What came of several sources."""
        expected = received = 0
        for part in parts:
            expected += part.expected
            received += part.received
        return cls(expected, received)


NO_PACKETS = Packets(0, 0)


class RoundTrip:
    """Round-trip time to one peer in seconds, smoothed; None before the first measurement."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def measured(self, seconds: float) -> None:
        """Take a measurement in."""
        before = seconds if self.seconds is None else self.seconds
        self.seconds = before + (seconds - before) / _SMOOTHING


class Delivery:
    """What a viewer reports of the packets sent into one receive slot."""

    def __init__(self) -> None:
        self._totals = NO_PACKETS
        self._last: ReportBlock | None = None
        self._sender_report: tuple[int, float] | None = None

    @property
    def packets(self) -> Packets:
        """Totals of what the viewer has reported, from its first report on."""
        return self._totals

    def sender_report_sent(self, ntp_time: int, now: float) -> None:
        """A sender report with this NTP time (64 bits) went to the viewer."""
        self._sender_report = (_middle(ntp_time), now)

    def reported(self, block: ReportBlock, now: float) -> float | None:
        """Count the viewer's report; returns the round-trip time (s), if the report answers the last sender report."""
        before, self._last = self._last, block
        if before is not None:
            expected = (block.highest_sequence - before.highest_sequence) & 0xFFFFFFFF
            if expected < 1 << 31:  # else the viewer began to count anew
                received = expected - (block.packets_lost - before.packets_lost)
                # The numbers are the viewer's word; late packets may make more of them than were expected.
                received = min(expected, max(0, received))
                self._totals = Packets(self._totals.expected + expected, self._totals.received + received)
        if self._sender_report is None or block.last_report == 0:
            return None
        middle, sent_at = self._sender_report
        if block.last_report != middle:
            return None
        return max(0.0, now - sent_at - block.delay_since_last_report / 65536)


def _middle(ntp_time: int) -> int:
    return (ntp_time >> 16) & 0xFFFFFFFF
