"""What a session is told of the networks of those whose streams it plays."""

from __future__ import annotations

import pytest

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget.forwarder import Packets
from zego_widget.hub.network_quality import (
    DEAD_AFTER,
    KNOWN_FOR,
    PERIOD,
    Look,
    Way,
    downstream_loss,
    loss,
    worst,
)
from zego_widget.model import StreamQualityLevel

EXCELLENT, GOOD, MEDIUM, BAD, DIE, UNKNOWN = StreamQualityLevel


@pytest.mark.parametrize(
    ("rtt", "lost", "level"),
    [
        (None, 0.0, EXCELLENT),
        (None, 0.2, GOOD),
        (0.124, 0.083, EXCELLENT),
        (0.125, 0.0, GOOD),
        (0.0, 0.084, GOOD),
        (0.344, 0.217, GOOD),
        (0.345, 0.0, MEDIUM),
        (0.0, 0.218, MEDIUM),
        (0.590, 0.355, MEDIUM),
        (0.591, 0.0, BAD),
        (0.0, 0.356, BAD),
    ],
)
def test_the_worse_of_loss_and_round_trip_decides(rtt: float | None, lost: float, level: StreamQualityLevel) -> None:
    assert Way().level(lost, rtt, 0.0, 0.0) is level


@pytest.mark.parametrize(
    ("looks", "levels"),
    [
        ([(2, None, 2), (4, None, 2), (10, None, 2)], [UNKNOWN, UNKNOWN, UNKNOWN]),
        ([(2, 0.3, 2), (4, None, 4), (6, 0.0, 6)], [MEDIUM, MEDIUM, EXCELLENT]),
        ([(2, 0.0, 2), (4, None, 2), (6, None, 2), (8, None, 2)], [EXCELLENT, EXCELLENT, EXCELLENT, DIE]),
        ([(2, 0.0, 2), (8, None, 2), (10, 0.1, 10)], [EXCELLENT, DIE, GOOD]),
        ([(2, 0.3, 2), (12, None, 12), (14, None, 14)], [MEDIUM, MEDIUM, UNKNOWN]),
    ],
    ids=["never a packet", "a period without", "silence", "back again", "everything muted"],
)
def test_levels_over_time(looks: list[tuple[float, float | None, float]], levels: list[StreamQualityLevel]) -> None:
    assert (PERIOD, DEAD_AFTER, KNOWN_FOR) == (2, 6, 10)
    way = Way()
    assert [way.level(lost, 0.01, heard_at, now) for now, lost, heard_at in looks] == levels


def test_a_loss_is_of_all_tracks_together() -> None:
    assert loss([]) is None
    assert loss([Packets(0, 0)]) is None
    assert loss([Packets(300, 270), Packets(100, 110)]) == 30 / 400


@pytest.mark.parametrize(
    ("delivered", "published", "lost"),
    [
        (Packets(100, 100), Packets(100, 100), 0.0),
        (Packets(100, 80), Packets(100, 100), 0.2),
        (Packets(100, 80), Packets(100, 80), 0.0),
        (Packets(100, 70), Packets(100, 80), 0.1),
        (Packets(100, 90), Packets(100, 80), 0.0),
        (Packets(100, 80), Packets(0, 0), 0.2),
        (Packets(0, 0), Packets(100, 80), None),
    ],
)
def test_what_the_hub_never_had_is_not_the_viewers_loss(
    delivered: Packets, published: Packets, lost: float | None
) -> None:
    assert downstream_loss([(delivered, published)]) == (None if lost is None else pytest.approx(lost))


def test_the_worst_of_several_peers_counts_as_far_as_it_is_known() -> None:
    assert worst([]) is UNKNOWN
    assert worst([UNKNOWN, GOOD, UNKNOWN, EXCELLENT]) is GOOD


def test_a_track_is_looked_at_once_and_from_look_to_look() -> None:
    first = Look(0.0)
    assert first.passed("track", Packets(10, 9)) == Packets(10, 9)
    assert first.passed("track", Packets(50, 50)) == Packets(10, 9)
    second = Look(2.0, first)
    assert second.passed("track", Packets(30, 28)) == Packets(20, 19)


# -- in a room --------------------------------------------------------------------------------------------------------


class Room:
    """Alice and bob publish and see each other, carol looks on; the test lets packets and time pass."""

    def __init__(self, hub):
        self.hub = hub
        self.now = hub.now()
        self.alice, self.bob, self.carol = (self.enter(user_id) for user_id in ("alice", "bob", "carol"))
        self.alices, self.bobs, self.carols = hub.forwarder.peers

    def enter(self, user_id):
        link = FakeLink(self.hub).login(user_id)
        if user_id != "carol":
            link.ask(p.StartPublishing, f"{user_id}-1")
        link.offer()
        peer = self.hub.forwarder.peers[-1]
        peer.last_heard = self.now
        peer.connect()
        return link

    def pass_time(self, seconds=PERIOD, *, silent=()):
        self.now += seconds
        for peer in self.hub.forwarder.peers:
            if peer not in silent:
                peer.last_heard = self.now
        for link in (self.alice, self.bob, self.carol):
            link.session.last_heard = self.now
            self.hub.rooms.heartbeat(link.session.session_id, self.now)
        self.hub.tick(self.now)


def levels(link):
    """User ID -> levels, as the last message had them."""
    return {user.user_id: (user.upstream, user.downstream) for user in link.all(p.NetworkQualityUpdate)[-1].users}


@pytest.fixture
def room(hub):
    return Room(hub)


async def test_everyone_is_told_of_those_whom_he_plays_every_two_seconds(room):
    room.pass_time()
    assert levels(room.alice) == {"bob": (UNKNOWN, UNKNOWN)}
    assert levels(room.carol) == {"alice": (UNKNOWN, UNKNOWN), "bob": (UNKNOWN, UNKNOWN)}
    for _ in range(6):
        room.pass_time(0.5)
    assert len(room.carol.all(p.NetworkQualityUpdate)) == 2
    room.pass_time(60.0)
    room.pass_time(0.5)  # what was missed is not made up for
    assert len(room.carol.all(p.NetworkQualityUpdate)) == 3


async def test_the_two_ways_of_a_user_are_told_apart(room):
    room.alices.publication("camera").packets = Packets(100, 70)
    room.bobs.publication("camera").packets = Packets(100, 100)
    room.alices.reported = {"v0": Packets(100, 95)}
    room.bobs.reported = {"v0": Packets(100, 70)}
    room.bobs.round_trip = 0.2
    room.pass_time()
    assert levels(room.carol) == {"alice": (MEDIUM, EXCELLENT), "bob": (GOOD, GOOD)}
    assert levels(room.bob) == {"alice": (MEDIUM, EXCELLENT)}
    room.alices.publication("camera").packets = Packets(200, 170)
    room.pass_time()
    assert levels(room.bob) == {"alice": (EXCELLENT, EXCELLENT)}


async def test_the_status_says_how_many_fare_how_well(hub, room):
    assert hub.status()["network"] == {"upstream": {}, "downstream": {}}
    room.alices.publication("camera").packets = Packets(100, 70)
    room.bobs.publication("camera").packets = Packets(100, 100)
    room.bobs.reported = {"v0": Packets(100, 70)}
    room.pass_time()
    assert hub.status()["network"] == {
        "upstream": {"excellent": 1, "medium": 1},
        "downstream": {"excellent": 1, "unknown": 1},
    }
    for link in (room.alice, room.bob):
        link.ask(p.LogoutRoom, "demo")
    room.pass_time()
    assert hub.status()["network"] == {"upstream": {}, "downstream": {}}


async def test_whoever_falls_silent_dies_after_three_periods(room):
    room.alices.publication("camera").packets = Packets(100, 100)
    room.pass_time()
    room.pass_time(silent=[room.alices])
    room.pass_time(silent=[room.alices])
    assert levels(room.bob)["alice"][0] is EXCELLENT
    room.pass_time(silent=[room.alices])
    assert levels(room.bob)["alice"][0] is DIE
    room.pass_time()
    assert levels(room.bob)["alice"][0] is EXCELLENT


async def test_who_plays_nothing_is_told_nothing(room):
    for stream_id in ("alice-1", "bob-1"):
        room.carol.ask(p.StopPlaying, stream_id)
    room.pass_time()
    assert room.carol.all(p.NetworkQualityUpdate) == []
    room.bobs.lose()
    room.pass_time()
    assert room.alice.all(p.NetworkQualityUpdate)[1:] == []


async def test_a_users_track_is_looked_at_once_however_many_play_it(room, monkeypatch):
    looked = []
    original = Way.level
    monkeypatch.setattr(Way, "level", lambda self, *arguments: looked.append(self) or original(self, *arguments))
    room.pass_time()
    assert len(looked) == len(set(looked)) == 4  # two users whom somebody plays, two ways each


# -- on pages ---------------------------------------------------------------------------------------------------------


def page(peer):
    """What a page was told, message by message."""
    return [message for message in peer.control if isinstance(message, p.NetworkQuality)]


async def test_a_page_is_told_of_its_own_network_and_of_those_it_shows(room):
    room.bobs.open_control()
    room.alices.publication("camera").packets = Packets(100, 70)
    room.bobs.publication("camera").packets = Packets(100, 100)
    room.bobs.reported = {"v0": Packets(100, 60)}
    room.bobs.round_trip = 0.2004
    room.pass_time()
    assert page(room.bobs) == [
        p.NetworkQuality(
            p.ConnectionQuality(GOOD, 200, 0.0),
            p.ConnectionQuality(GOOD, 200, 0.1),
            [p.UserConnection("alice", p.ConnectionQuality(MEDIUM, None, 0.3))],
        )
    ]
    assert page(room.alices) == [], "its control channel is not open"


async def test_a_page_is_told_only_what_changed(room):
    room.bobs.open_control()
    for received in (100, 200, 300):
        room.bobs.publication("camera").packets = Packets(received, received)
        room.pass_time()
    assert len(page(room.bobs)) == 1
    room.bobs.publication("camera").packets = Packets(400, 350)
    room.pass_time()
    assert [quality.upstream.loss for quality in page(room.bobs)] == [0.0, 0.5]


async def test_what_is_unknown_has_no_numbers(room):
    room.carols.open_control()
    room.alices.publication("camera").packets = Packets(100, 100)
    for _ in range(7):
        room.pass_time()
    unknown = p.ConnectionQuality(UNKNOWN, None, None)
    alice, bob = page(room.carols)[-1].users
    assert (page(room.carols)[-1].upstream, alice.upstream, bob.upstream) == (unknown, unknown, unknown)
    assert page(room.carols)[0].users[0].upstream == p.ConnectionQuality(EXCELLENT, None, 0.0)
