"""How well packets get through between the hub and each user (ZEGO onNetworkQuality)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from zego_widget.forwarder import NO_PACKETS, Packets
from zego_widget.model import StreamQualityLevel, User, quality_level
from zego_widget.protocol import ConnectionQuality, UserNetworkQuality

from .one_by_one import Named, one_by_one

PERIOD = 2.0
"""Seconds between two reports about the network."""
DEAD_AFTER = 3 * PERIOD
"""Seconds of silence that are the end of a way."""
KNOWN_FOR = 5 * PERIOD
"""Seconds for which a loss is worth telling. Browsers report on sound alone up to 7.5 s apart, and who has muted
everything sends no packets at all: that is no bad network."""


class Way:
    """One direction between a peer and the hub."""

    def __init__(self) -> None:
        self._loss: float | None = None
        self._known_at = 0.0

    def quality(self, loss: float | None, rtt: float | None, heard_at: float, now: float) -> ConnectionQuality:
        """Its level now, and what it comes from; arguments as of `level`."""
        level = self.level(loss, rtt, heard_at, now)
        known = level is not StreamQualityLevel.UNKNOWN
        return ConnectionQuality(
            level,
            None if rtt is None else round(rtt * 1000),
            round(self._loss, 2) if known and self._loss is not None else None,
        )

    def level(self, loss: float | None, rtt: float | None, heard_at: float, now: float) -> StreamQualityLevel:
        """Its level now; times are in seconds.

        `loss` is the share of lost packets since the last look, None where nothing is known of any; without an `rtt`
        the loss decides; `heard_at` is when anything at all came from the peer.
        """
        if loss is not None:
            self._loss, self._known_at = loss, now
        if self._loss is None:
            return StreamQualityLevel.UNKNOWN
        if now - heard_at >= DEAD_AFTER:
            return StreamQualityLevel.DIE
        if now - self._known_at > KNOWN_FOR:
            return StreamQualityLevel.UNKNOWN
        return quality_level((rtt or 0.0) * 1000, self._loss)


def loss(tracks: Iterable[Packets]) -> float | None:
    """Share of lost packets (0 to 1) of all tracks together, None if none was expected."""
    expected = lost = 0
    for track in tracks:
        expected += track.expected
        lost += track.lost
    return lost / expected if expected else None


def downstream_loss(tracks: Iterable[tuple[Packets, Packets]]) -> float | None:
    """The same for pairs of what a viewer got of a track and what the hub did: what the hub never had is left out."""
    expected, lost = 0, 0.0
    for delivered, published in tracks:
        expected += delivered.expected
        lost += max(0.0, delivered.lost - delivered.expected * (loss([published]) or 0.0))
    return lost / expected if expected else None


def worst(levels: Iterable[StreamQualityLevel]) -> StreamQualityLevel:
    """The worst of the levels that are known."""
    known = [level for level in levels if level is not StreamQualityLevel.UNKNOWN]
    return max(known, default=StreamQualityLevel.UNKNOWN)


UNKNOWN = ConnectionQuality(StreamQualityLevel.UNKNOWN, None, None)


@dataclass(frozen=True, slots=True)
class UserQuality:
    """How a user fares: what is sent by the peer that captures, and what each connected peer receives."""

    upstream: ConnectionQuality
    downstreams: Mapping[Hashable, ConnectionQuality]

    @property
    def downstream_level(self) -> StreamQualityLevel:
        """That of the peer that fares worst."""
        return worst(quality.level for quality in self.downstreams.values())

    def told(self, user_id: str) -> UserNetworkQuality:
        """As clients are told of it."""
        return UserNetworkQuality(user_id, self.upstream.level, self.downstream_level)


class Participant(Protocol):
    """A user of whom others are told how he fares."""

    user: User

    def network_quality(self, look: Look) -> UserQuality:
        """How this user fares."""


class Listener(Named, Protocol):
    """A session that is told."""

    def tell_network_quality(self, look: Look) -> None:
        """Say how the users fare whose streams this session plays."""


class Look:
    """One look at everything that somebody plays: each track and each user once, however many ask."""

    def __init__(self, now: float, before: Look | None = None) -> None:
        self.now = now
        self._totals_before = before._totals if before else {}
        self._totals: dict[Hashable, Packets] = {}
        self._passed: dict[Hashable, Packets] = {}
        self._users: dict[Participant, UserQuality] = {}

    def passed(self, track: Hashable, totals: Packets) -> Packets:
        """What passed on a track since the last look; all, if the last look did not see it."""
        passed = self._passed.get(track)
        if passed is None:
            passed = self._passed[track] = totals.since(self._totals_before.get(track, NO_PACKETS))
            self._totals[track] = totals
        return passed

    def user(self, participant: Participant) -> UserQuality:
        """How a user fares."""
        quality = self._users.get(participant)
        if quality is None:
            quality = self._users[participant] = participant.network_quality(self)
        return quality

    def counts(self) -> dict[str, dict[str, int]]:
        """How many users have which level, by direction and name of the level."""
        ways = {
            "upstream": [user.upstream.level for user in self._users.values()],
            "downstream": [user.downstream_level for user in self._users.values()],
        }
        return {way: dict(Counter(level.name.lower() for level in sorted(levels))) for way, levels in ways.items()}

    def forget_earlier(self) -> None:
        """Keep only what the next look needs."""
        self._totals_before = {}
        self._passed = {}
        self._users = {}


class NetworkQuality:
    """Tells each session, every `PERIOD` seconds, of the users whose streams it plays; nothing if it plays none."""

    def __init__(self, now: float) -> None:
        self._due = now + PERIOD
        self._last: Look | None = None
        self.counts = Look(now).counts()
        """Users whose streams somebody plays or who look at a page, at the last look, by direction and level."""

    def tick(self, now: float, sessions: Iterable[Listener]) -> None:
        """Tell everyone, if it is time."""
        if now < self._due:
            return
        # In step; after a pause not once for each that was missed.
        self._due += ((now - self._due) // PERIOD + 1) * PERIOD
        look = Look(now, self._last)
        one_by_one(sessions, lambda session: session.tell_network_quality(look))
        self.counts = look.counts()
        look.forget_earlier()
        self._last = look
