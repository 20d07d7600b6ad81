"""Trying out whether a viewer can receive more: when, how much, and what came of it."""

from __future__ import annotations

from .retransmission import MOST_PADDING
from .rtcp import ReportBlock

FIRST_WAIT, LONGEST_WAIT = 3.0, 6.0
"""Seconds before a try; each that fails doubles them, up to as many as still bring a viewer back in good time."""
LONGEST_WAIT_FOR_PICTURES = 60.0
"""The same where a try went well and the better picture did not."""
HELD = 10.0
"""Seconds after which a better picture has proven to get through."""
STEP = 2.5
"""Times what gets through already: more is not tried at once."""

_DURATION = 0.5
_ANSWERED_WITHIN = 2.0
_LAST = 5
_QUEUED = 0.15  # seconds by which packets come later than the first ones did


class ProbeSchedule:
    """When the next try is due."""

    def __init__(self) -> None:
        self._wait = FIRST_WAIT
        self._due = float("-inf")
        self._grown_at = float("-inf")

    def is_due(self, now: float) -> bool:
        """Whether it is time."""
        return now >= self._due

    def overloaded(self, now: float) -> None:
        """More was sent than gets through: perhaps by the picture that came after the latest try."""
        self._look_whether_it_held(now)
        if now - self._grown_at < HELD:
            self._wait = min(2 * self._wait, LONGEST_WAIT_FOR_PICTURES)
            self._grown_at = float("-inf")
        self._due = now + self._wait

    def failed(self, now: float) -> None:
        """A try has failed."""
        self._look_whether_it_held(now)
        self._wait = max(self._wait, min(2 * self._wait, LONGEST_WAIT))
        self._due = now + self._wait

    def succeeded(self, now: float) -> None:
        """A try went well: the next one follows as soon as there is something to try."""
        self._grown_at = self._due = now

    def all_is_well(self, now: float) -> None:
        """Nothing is held back: after a while the former failures count no more."""
        if now - max(self._due, self._grown_at) > HELD:
            self._wait = FIRST_WAIT

    def _look_whether_it_held(self, now: float) -> None:
        if HELD <= now - self._grown_at < float("inf"):  # the network is another one than that of former failures
            self._wait, self._grown_at = FIRST_WAIT, float("-inf")


class Probe:
    """One try: packets of padding beside what is sent anyway, paced, and judged by the viewer's reports of them."""

    def __init__(self, bitrate: float, beside: float, lost_before: int, now: float) -> None:
        """`bitrate` is tried in all, `beside` what is sent anyway (bits per second).

        `lost_before` is what the viewer had reported as lost of the stream that the packets are of.
        """
        self.bitrate = bitrate
        self.began_at = now
        self.reported = False
        """Whether the viewer tells of these packets at all."""
        self._extra = max(0.0, bitrate - beside)
        self._octets = 0
        self._numbers: dict[int, float] = {}
        self._lost_before = lost_before
        self._shortest_way = float("inf")
        self._lost = 0
        self._answered = False
        self._failed = False

    def due(self, now: float) -> int:
        """Packets to send now; none after a while, or once it has failed."""
        if self._failed or now - self.began_at > _DURATION:
            return 0
        owed = self._extra * (now - self.began_at) / 8 - self._octets
        return max(0, int(owed // MOST_PADDING))

    def is_sending(self, now: float) -> bool:
        """Whether more packets are to follow."""
        return not self._failed and now - self.began_at <= _DURATION

    def sent(self, number: int, now: float) -> None:
        """A packet was sent under this number (16 bits)."""
        self._numbers[number] = now
        self._octets += MOST_PADDING

    def report(self, block: ReportBlock, now: float) -> None:
        """What the viewer tells of these packets."""
        self.reported = True
        self._lost = block.packets_lost - self._lost_before
        number = block.highest_sequence & 0xFFFF
        if not self.is_sending(now):  # how late the last ones were cannot be told: no more come after them
            # but what is sent again has numbers of the same stream
            last = next(iter(list(self._numbers)[-_LAST:]), number)
            self._answered = self._answered or (number - last) & 0xFFFF < 1 << 15
            return
        if (sent_at := self._numbers.get(number)) is None:
            return
        way = now - sent_at
        self._shortest_way = min(way, self._shortest_way)
        if way > self._shortest_way + _QUEUED:
            self._failed = True

    @property
    def has_failed(self) -> bool:
        """Whether something tells that it was too much, rather than nothing at all."""
        return self._failed

    def fail(self) -> None:
        """Something else tells that it is too much."""
        self._failed = True

    def outcome(self, bearable: float, now: float) -> bool | None:
        """Whether it went well, None while that is not known; `bearable` is the share of packets that may be lost."""
        sent = len(self._numbers)
        if self._failed or (sent >= 20 and self._lost > sent * bearable):
            self._failed = True
            return False
        if self.is_sending(now):
            return None
        if self._answered:
            return True
        return False if now - self.began_at > _DURATION + _ANSWERED_WITHIN else None
