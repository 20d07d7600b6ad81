"""What a receiver counts of one SSRC, and its report block (RFC 3550, sections 6.4.1 and A.3, A.8)."""

from __future__ import annotations

from .delivery import NO_PACKETS, Packets
from .rtcp import ReportBlock

_RESTART_GAP = 3000  # MAX_DROPOUT of RFC 3550, A.1


class Reception:
    """Statistics of the packets received from one source."""

    def __init__(self, ssrc: int, clock_rate: int, before: Packets = NO_PACKETS) -> None:
        """`before` are the totals to go on from: those of the source that this one follows."""
        self.ssrc = ssrc
        self._before = before
        self._clock_rate = clock_rate
        self._base: int | None = None
        self._highest = 0
        self._received = 0
        self._expected_before = 0
        self._received_before = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._report_middle = 0
        self._report_at: float | None = None

    @property
    def received(self) -> int:
        """Packets received, duplicates included."""
        return self._received

    @property
    def packets(self) -> Packets:
        """Totals, over restarts of the source."""
        if self._base is None:
            return self._before
        expected = self._highest - self._base + 1
        return Packets(self._before.expected + expected, self._before.received + self._received)

    def packet(self, sequence_number: int, timestamp: int, now: float) -> None:
        """Count a packet that arrived at `now` (seconds)."""
        self._received += 1
        if self._base is None:
            self._base = self._highest = sequence_number
        else:
            forward = (sequence_number - self._highest) & 0xFFFF
            if forward < _RESTART_GAP:
                self._highest += forward
            elif forward < 0x10000 - _RESTART_GAP:
                self._received -= 1
                self._before = self.packets
                self._restart(sequence_number)
        arrival = now * self._clock_rate
        transit = arrival - timestamp
        if self._transit is not None:
            # a timestamp wrap shows as a jump of 2^32 here
            delta = abs(transit - self._transit) % (1 << 32)
            if delta < 1 << 31:
                self._jitter += (delta - self._jitter) / 16
        self._transit = transit

    def recovered(self) -> None:
        """Count a packet that came because it was asked for: how late it is says nothing about the network."""
        self._received += 1

    def _restart(self, sequence_number: int) -> None:
        self._base = self._highest = sequence_number
        self._received = 1
        self._expected_before = self._received_before = 0

    def sender_report(self, ntp_time: int, now: float) -> None:
        """Remember the sender report that the next block refers to; `ntp_time` is 64 bits."""
        self._report_middle = (ntp_time >> 16) & 0xFFFFFFFF
        self._report_at = now

    def report(self, now: float) -> ReportBlock | None:
        """The block for the next receiver report, None while nothing has arrived."""
        if self._base is None:
            return None
        expected = self._highest - self._base + 1
        lost = expected - self._received
        expected_now = expected - self._expected_before
        lost_now = expected_now - (self._received - self._received_before)
        self._expected_before = expected
        self._received_before = self._received
        fraction = 0 if expected_now <= 0 or lost_now <= 0 else min(255, (lost_now << 8) // expected_now)
        delay = 0 if self._report_at is None else round((now - self._report_at) * 65536)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            packets_lost=max(-(1 << 23), min((1 << 23) - 1, lost)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter) & 0xFFFFFFFF,
            last_report=self._report_middle,
            delay_since_last_report=delay & 0xFFFFFFFF,
        )
