"""How much a publisher may send, by what arrives of it (the loss-based part of draft-ietf-rmcat-gcc-02, section 6)."""

from __future__ import annotations

from .delivery import Packets

START = 1_500_000.0
"""Bits per second before anything is known: browsers begin with a fifth of it and need long for the rest."""
LEAST, MOST = 100_000.0, 20_000_000.0

_NO_LOSS, _MUCH_LOSS = 0.02, 0.10
_GROWTH = 1.08  # per second
_ROOM = 1.5  # times what arrives: more has not been tried


class UplinkEstimate:
    """Looked at about once a second with totals since the peer came; times are in seconds."""

    def __init__(self) -> None:
        self.bitrate = START
        """Bits per second."""
        self._packets: Packets | None = None
        self._octets = 0
        self._at = 0.0

    def look(self, packets: Packets, octets: int, now: float) -> float:
        """The bitrate after all `packets` and `octets` that came so far."""
        before, seconds = self._packets, now - self._at
        if before is None or packets.expected < before.expected:
            self._packets, self._octets, self._at = packets, octets, now
            return self.bitrate
        passed = packets.since(before)
        if not passed.expected or seconds <= 0:
            return self.bitrate
        arrived = 8 * (octets - self._octets) / seconds
        self._packets, self._octets, self._at = packets, octets, now
        loss = passed.lost / passed.expected
        if loss > _MUCH_LOSS:
            sent = arrived / max(1 - loss, 0.01)
            self.bitrate = min(self.bitrate, sent) * (1 - loss / 2)
        elif loss < _NO_LOSS:
            self.bitrate = max(self.bitrate, min(self.bitrate * _GROWTH**seconds, max(START, arrived * _ROOM)))
        self.bitrate = min(MOST, max(LEAST, self.bitrate))
        return self.bitrate
