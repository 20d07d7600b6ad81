"""How many bits of pictures one viewer can receive, by what it tells and what it was sent.

Nothing is known of a viewer until it shows that what it is sent is too much: its own estimate (REMB) falls below
that, or packets get lost, or round trips grow. How far up it goes again is found out by trying (`probing.py`): the
estimate of a receiver grows with what it receives, and in Chromium may take a minute for that.
"""

from __future__ import annotations

from collections.abc import Iterable

from .bitrate import Bitrate
from .delivery import NO_PACKETS, Packets

LEAST = 30_000.0
"""Bits per second below which no estimate goes."""
ROOM = 0.85
"""Part of what gets through that may be used (draft-ietf-rmcat-gcc-02, section 4.4: beta)."""

SPARE = 1.15
"""Room that a picture needs to come or to grow, over its bitrate: what barely fits would soon go again."""

MUCH_LOSS = 0.10
"""Share of packets lost from which it may be too much for larger pictures (draft-ietf-rmcat-gcc-02, section 6)."""
BAD_LOSS = 0.25
"""The same for the smallest ones, with which a viewer is better off than without."""

_BESIDE_SOUND = 0.2
"""Part of the sound's bitrate up to which pictures are nothing beside it: without them there is as little room."""
_MOST_NOISE = 0.35
_LOSS_PACKETS, _NOISE_PACKETS, _SURE_PACKETS = 20, 60, 100
_SETTLING = 1.5  # seconds until what was sent before is out of the way
_FRESH = 3.0
_GROWTH = 1.5  # a receiver that estimates more than this times what it gets remembers other times
_NOT_NOTHING = 0.3
_SURE_AFTER, _UNRECOVERED = 0.6, 2.5
_QUEUED, _QUEUES = 0.5, 0.1  # seconds that round trips grow by


class DownlinkEstimate:
    """Looked at a few times a second; rates are in bits per second, times in seconds."""

    def __init__(self) -> None:
        self.bitrate: float | None = None
        """What the pictures may have; None as long as no limit is known."""
        self.overloaded_at = float("-inf")
        """When it was last seen that more was sent than gets through."""
        self.sent = 0.0
        """What was sent over the last second."""
        self.pictures = 0.0
        """Of that, without what was sent again or to try."""
        self._all, self._pictures, self._sound = Bitrate(1.0), Bitrate(1.0), Bitrate(1.0)
        self._harmless = 0.0  # what pictures may always have
        self._room = 0.0  # that the smallest pictures need
        self._keeps_smallest = False
        # What receivers estimate, by the SSRCs that they estimate for: aiortc has an estimate for each slot.
        self._told: dict[frozenset[int], tuple[float, float]] = {}
        self._fell_at: float | None = None
        self._fell_to = 0.0
        self._low_since: float | None = None
        self._settles_at = float("-inf")
        self._packets = NO_PACKETS
        self._lost_at: tuple[float, float] | None = None  # what was sent, and the share lost of it
        self._since_less: Packets | None = None
        self._noise = 0.0
        self._was_bad = False
        self._bad_since: Packets | None = None
        self._round_trips: list[float] = []
        self._least_round_trip = float("inf")

    def told(self, bitrate: float, ssrcs: Iterable[int], now: float) -> None:
        """The viewer's own estimate for some of its slots (draft-alvestrand-rmcat-remb-03)."""
        about = frozenset(ssrcs)
        former = [each for each in self._told if each & about]
        if former:
            before = sum(self._told.pop(each)[0] for each in former)
            if bitrate < 0.97 * before:
                self._fell_at, self._fell_to = now, bitrate
            elif bitrate > max(1.02 * self._fell_to, _NOT_NOTHING * self.sent):
                self._fell_at = None
        self._told[about] = (bitrate, now)

    def round_trip(self, seconds: float) -> None:
        """A measured round trip."""
        self._least_round_trip = min(seconds, self._least_round_trip)
        self._round_trips = [*self._round_trips[-1:], seconds]

    def fell_since(self, then: float) -> bool:
        """Whether the viewer's own estimate fell, and did not recover, since that time."""
        return self._fell_at is not None and self._fell_at >= then

    def look(
        self,
        octets: int,
        again: int,
        packets: Packets,
        least: float,
        now: float,
        *,
        kept: float = 0.0,
        sound: int = 0,
        trying: bool = False,
    ) -> bool:
        """Take in how many `octets` of pictures were sent so far, how many `again` or to try, and how many of `sound`.

        `packets` are all of which the viewer reported. Returns whether it was too much; `trying`: to find that out, so
        that the estimate stays as it is. `least` is the bitrate of the smallest pictures: to send fewer of them takes
        more than that too much was sent when there were larger ones. `kept` is that of those which have a share.
        """
        self.pictures = self._pictures.look(octets, now)
        self.sent = self._all.look(octets + again, now)
        self._harmless = _BESIDE_SOUND * self._sound.look(sound, now)
        self._room = SPARE * least
        if self.bitrate is not None and self._keeps_smallest:  # they may have grown
            self.bitrate = max(self.bitrate, SPARE * kept)
        known = self._known(now)
        told_more = now - self.overloaded_at < _SETTLING and self.fell_since(self.overloaded_at)
        if told_more and known is not None and self.bitrate is not None:
            self.bitrate = min(self.bitrate, max(known, self._room))
        if now < self._settles_at:
            self._packets, self._round_trips = packets, []
            return False
        loss = self._loss(packets)
        if loss is not None:
            self._noise += 0.1 * min(0.0, loss - self._noise)
            self._look_whether_bad_loss_stays(loss, packets)
        self._look_whether_loss_stays(packets)
        bitrate = self._excess(known, loss, least, now)
        if bitrate is None:
            if self.bitrate is not None and known is not None and self._fell_at is None:
                self.bitrate = max(self.bitrate, min(known, _GROWTH * self.sent))
            return False
        if not trying:
            if loss is not None and loss > MUCH_LOSS:
                self._lost_at, self._since_less = (self.pictures, loss), None
            self._limit(max(bitrate, LEAST, self._harmless))
            self.overloaded_at = now
            self.settle(now)
        return True

    def _excess(self, known: float | None, loss: float | None, least: float, now: float) -> float | None:
        """What the pictures may have, if what they have is too much; else None."""
        if self.sent <= self._harmless:
            return None
        room = self._room
        had_more = self.pictures > 1.3 * least
        if known is not None and self._is_told_of_overload(known, now):
            return max(known, room) if had_more else known
        if loss is not None and self._is_lost_by_overload(loss, known):
            # some loss alone never takes the smallest pictures away, nor does a burst of it
            if loss < BAD_LOSS or not (self._is_bad_for_long() or self._waits_in_queues(1, _QUEUES)):
                return max(ROOM * self.pictures * (1 - loss), room)
            return room if had_more else ROOM * self.pictures * (1 - loss)
        if self._waits_in_queues(2, _QUEUED):
            if self.sent <= LEAST:  # what hardly anything waits for is no queue: the way itself is longer than before
                self._least_round_trip = min(self._round_trips)
                return None
            return max(self.pictures / 2, room) if had_more else self.pictures / 2
        return None

    def settle(self, now: float) -> None:
        """What was sent to try out more is still on its way."""
        self._settles_at = now + _SETTLING
        self._fell_at = self._low_since = None

    def got_through(self, bitrate: float) -> None:
        """So much was sent and received."""
        if self.bitrate is not None:
            self._limit(max(self.bitrate, bitrate))
        self._fell_at = None

    def _limit(self, bitrate: float) -> None:
        # a limit with room for the smallest pictures has it however they grow: nothing says that they are too much
        self.bitrate = bitrate
        self._keeps_smallest = bitrate >= self._room

    def release(self) -> None:
        """Nothing is held back any more, and all is well: no limit is known."""
        self.bitrate = None

    def bearable_loss(self, *, of_smallest: bool) -> float:
        """Share of packets that may get lost when the smallest pictures, or larger ones, are tried out."""
        bearable = self._noise + MUCH_LOSS
        return max(bearable, BAD_LOSS) if of_smallest else bearable

    def _known(self, now: float) -> float | None:
        self._told = {about: each for about, each in self._told.items() if now - each[1] < _FRESH}
        return sum(bitrate for bitrate, _ in self._told.values()) if self._told else None

    def _is_told_of_overload(self, known: float, now: float) -> bool:
        """Whether the viewer's estimate fell below what is sent.

        That it is below is nothing: it lags behind by a minute where more is sent than before.
        """
        if self._fell_at is None or known > 0.8 * self.sent:
            self._low_since = None
            return False
        if self._low_since is None:
            self._low_since = now
        # a receiver that was held up for a moment estimates too little until it has taken in what waited
        return now - self._low_since >= (_SURE_AFTER if known < 0.7 * self.sent else _UNRECOVERED)

    def _loss(self, packets: Packets) -> float | None:
        """Share of what was lost since the last time, once there are enough packets to tell."""
        passed = packets.since(self._packets)
        if 0 <= passed.expected < _LOSS_PACKETS:
            return None
        self._packets = packets
        return passed.lost / passed.expected if passed.expected > 0 else None

    def _is_lost_by_overload(self, loss: float, known: float | None) -> bool:
        if self._lost_at is not None:
            return False  # not before it is known what became of it when less was sent
        bad_before, self._was_bad = self._was_bad, loss >= BAD_LOSS
        if known is not None and known >= 0.9 * self.pictures and not (bad_before and self._was_bad):
            return False  # what gets through does so in time
        return loss > self._noise + MUCH_LOSS

    def _look_whether_bad_loss_stays(self, loss: float, packets: Packets) -> None:
        if self._bad_since is None:
            self._bad_since = packets if loss >= BAD_LOSS else None
        elif (passed := packets.since(self._bad_since)).lost < BAD_LOSS * passed.expected:
            self._bad_since = None

    def _is_bad_for_long(self) -> bool:
        """Whether bad loss has gone on over many packets after it was seen."""
        return self._bad_since is not None and self._packets.since(self._bad_since).expected >= _SURE_PACKETS

    def _look_whether_loss_stays(self, packets: Packets) -> None:
        """Loss that is the same when much less is sent is not for want of room."""
        if self._lost_at is None:
            return
        sent, lost = self._lost_at
        if self._since_less is None:
            if self.pictures > 0.7 * sent:
                self._lost_at = None  # there was nothing to send less of
            self._since_less = packets
            return
        passed = packets.since(self._since_less)
        if 0 <= passed.expected < _NOISE_PACKETS:
            return
        self._lost_at = None
        stays = passed.lost / passed.expected if passed.expected > 0 else 0.0
        if 0.6 * lost < stays < _MOST_NOISE and not self._waits_in_queues(1, _QUEUED / 2):
            self._noise = stays
            self.bitrate = None

    def _waits_in_queues(self, times: int, seconds: float) -> bool:
        """Whether the latest round trips, so many, took so much longer than the shortest one."""
        latest = self._round_trips[-times:]
        return len(latest) == times and min(latest) > self._least_round_trip + seconds
