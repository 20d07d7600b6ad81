"""Which packets of one source came, which came before, and which to ask for again (RFC 3550, A.1; RFC 4585, 6.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from itertools import takewhile

from .delivery import RoundTrip

MAX_DROPOUT = 3000  # RFC 3550, A.1
WINDOW = 511
"""Numbers behind the highest one for which a late packet is still taken."""
REORDER_ALLOWANCE = 0.01
"""Seconds that a packet may come after its successor before it is asked for."""
LARGEST_GAP = 128
"""Packets in a row that are asked for; where more are missing a key frame comes sooner, and hostile jumps cost less."""
MAX_REQUESTS = 8
"""How often one packet is asked for."""
MAX_AGE = 3.0
"""Seconds after which a packet is of no use to anybody."""

_BEFORE_THE_FIRST = 16
_UNKNOWN_ROUND_TRIP = 0.1
_SHORTEST_INTERVAL = 0.02
_GROWTH = 1.5


class Arrival(Enum):
    """What a packet is to those that came before it."""

    IN_ORDER = auto()
    AFTER_GAP = auto()
    """Numbers before it are missing."""
    AFTER_OUTAGE = auto()
    """So many numbers before it are missing that they are not asked for."""
    LATE = auto()
    """It fills a gap."""
    RECOVERED = auto()
    """It fills a gap and was asked for."""
    DUPLICATE = auto()
    """It came before, or is so late that nobody can tell."""
    RESTART = auto()
    """Its number is so far from the others that the source must have begun anew; the log is as it was."""


@dataclass(slots=True)
class _Request:
    """A packet that is missing and will be asked for."""

    missed_at: float
    due_at: float
    first_sent_at: float = 0.0
    times: int = 0


class ReceiveLog:
    """Sequence numbers of one source, extended over their wraps.

    A number of the window is either missing or has come, so what is missing is all that is stored: a stream without
    loss stores nothing.
    """

    def __init__(self, *, asks: bool) -> None:
        """`asks` tells whether missing packets can be asked for."""
        self._asks = asks
        self._highest: int | None = None
        self._missing: dict[int, _Request | None] = {}  # in rising order; None is not asked for any more
        self._round_trip = RoundTrip()

    @property
    def highest(self) -> int:
        """The highest number so far, extended over its wraps; 0 before the first."""
        return self._highest or 0

    def arrived(self, sequence_number: int, now: float) -> Arrival:
        """Note a packet that arrived at `now` (seconds)."""
        highest = self._highest
        if highest is None:
            # what was sent right before is not asked for, but may only be late
            self._missing = dict.fromkeys(range(sequence_number - _BEFORE_THE_FIRST, sequence_number))
            self._highest = sequence_number
            return Arrival.IN_ORDER
        ahead = (sequence_number - highest) & 0xFFFF
        if ahead == 1:
            self._highest = highest + 1
            return Arrival.IN_ORDER
        if 1 < ahead < MAX_DROPOUT:
            self._highest = highest + ahead
            self._miss(max(highest + 1, highest + ahead - WINDOW), highest + ahead, now)
            return Arrival.AFTER_GAP if ahead <= LARGEST_GAP + 1 else Arrival.AFTER_OUTAGE
        behind = -ahead & 0xFFFF
        if behind >= MAX_DROPOUT:
            return Arrival.RESTART
        number = highest - behind
        if behind > WINDOW or number not in self._missing:
            return Arrival.DUPLICATE
        request = self._missing.pop(number)
        if request is None or request.times == 0:
            return Arrival.LATE
        if request.times == 1 or self._round_trip.seconds is None:  # else it is unknown which request was answered
            self._round_trip.measured(now - request.first_sent_at)
        return Arrival.RECOVERED

    def repaired(self, sequence_number: int, now: float) -> Arrival:
        """As `arrived`, for a packet that was sent again: it repairs nothing that is far ahead of all that came."""
        if LARGEST_GAP < (sequence_number - self.highest) & 0xFFFF < MAX_DROPOUT:
            return Arrival.RESTART
        return self.arrived(sequence_number, now)

    def due(self, now: float) -> list[int]:
        """The numbers (16 bits) to ask for now, which counts as done."""
        numbers = []
        oldest = self.highest - WINDOW
        for number, request in self._missing.items():
            if request is None or request.due_at > now:
                continue
            if request.times == MAX_REQUESTS or now - request.missed_at > MAX_AGE or number < oldest:
                self._missing[number] = None
                continue
            if request.times == 0:
                request.first_sent_at = now
            request.due_at = now + self._interval() * _GROWTH**request.times
            request.times += 1
            numbers.append(number & 0xFFFF)
        return numbers

    def next_due(self) -> float | None:
        """When to ask next, None when nothing is missing that can be asked for."""
        return min((r.due_at for r in self._missing.values() if r is not None), default=None)

    def _interval(self) -> float:
        round_trip = self._round_trip.seconds
        return _UNKNOWN_ROUND_TRIP if round_trip is None else max(_SHORTEST_INTERVAL, _GROWTH * round_trip)

    def _miss(self, start: int, end: int, now: float) -> None:
        missing = self._missing
        if self._asks and end - start <= LARGEST_GAP:
            for number in range(start, end):
                missing[number] = _Request(now, now + REORDER_ALLOWANCE)
        else:
            missing.update(dict.fromkeys(range(start, end)))
        if next(iter(missing), end) < end - WINDOW:
            for number in list(takewhile(lambda number: number < end - WINDOW, missing)):
                del missing[number]
