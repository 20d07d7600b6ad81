"""Which of two logins of one user stays, where they come back to a hub that knows neither."""

from __future__ import annotations

import time

import pytest
from msgspec import structs

from tests.unit.hub.fakes import FakeLink, make_hub
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode
from zego_widget.hub.hub import Hub
from zego_widget.model import RoomStateChangedReason, User
from zego_widget.room.limits import MAX_CLOCK_SKEW

ALICE = User("alice")
NOW = round(time.time() * 1000)  # tokens last an hour
MINUTE = 60_000


class Clock:
    """The hub's time of day, in ms."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now / 1000


@pytest.fixture
def clock(hub: Hub) -> Clock:
    hub.time_of_day = clock = Clock()
    return clock


def enter(hub: Hub, since: int = 0, room_id: str = "demo") -> tuple[FakeLink, int]:
    """Log in as alice: the link, and since when, or the code of the refusal."""
    link = FakeLink(hub).hello()
    key = structs.replace(link.key("alice", room_id), since=since)
    answer = link.ask(p.LoginRoom, room_id, ALICE, credential=key)
    return link, answer.code if isinstance(answer, p.Refused) else answer.since


def sign_in(hub: Hub, since: int = 0) -> tuple[FakeLink, int]:
    link = FakeLink(hub).hello()
    answer = link.ask(p.SignIn, ALICE, structs.replace(link.key("alice", ""), since=since))
    return link, answer.code if isinstance(answer, p.Refused) else answer.at


def is_out(link: FakeLink) -> bool:
    """Whether it was kicked out of its room, or signed out."""
    kicked = [each for each in link.all(p.RoomStateChanged) if each.reason is RoomStateChangedReason.KICK_OUT]
    return bool(kicked or link.all(p.SignedOut))


@pytest.mark.parametrize("first", [enter, sign_in])
@pytest.mark.parametrize("second", [enter, sign_in])
async def test_the_later_login_stays_whoever_comes_back_first(hub: Hub, clock: Clock, first, second) -> None:
    other_hub = make_hub()
    other_hub.time_of_day = clock
    _, earlier = first(other_hub)
    _, later = second(other_hub)
    await other_hub.aclose("It is killed.")
    assert NOW <= earlier < later

    loser, since = first(hub, earlier)
    assert since == earlier
    winner, since = second(hub, later)
    assert since == later
    assert (is_out(loser), is_out(winner)) == (True, False)
    _, code = first(hub, earlier)
    assert code == ErrorCode.ROOM_KICKED_OUT
    assert not is_out(winner)


async def test_a_login_that_comes_back_twice_takes_its_own_place(hub: Hub, clock: Clock) -> None:
    before, since = enter(hub)
    clock.now += MINUTE
    assert enter(hub, since)[1] == since
    assert is_out(before)


async def test_one_session_signs_in_and_logs_in_with_what_it_was_told_last(hub: Hub, clock: Clock) -> None:
    link, signed_in = sign_in(hub)
    clock.now += MINUTE
    answer = link.ask(p.LoginRoom, "demo", ALICE, credential=link.key("alice"))
    assert answer.since == clock.now > signed_in
    again = link.ask(p.SignIn, ALICE, structs.replace(link.key("alice", ""), since=signed_in))
    assert again.at == answer.since
    assert not is_out(link)


@pytest.mark.parametrize(
    ("claimed", "believed"),
    [
        (NOW - MINUTE, NOW - MINUTE),
        (1, 1),
        (NOW + MINUTE, NOW + MINUTE),  # the clock of the other hub was ahead
        (2**53 - 1, NOW + MAX_CLOCK_SKEW),
    ],
    ids=["earlier", "in 1970", "ahead", "far ahead"],  # the times differ among the processes that share the tests
)
async def test_whatever_is_claimed_a_new_login_comes_after_it(
    hub: Hub, clock: Clock, claimed: int, believed: int
) -> None:
    claimant, since = enter(hub, claimed)
    assert since == believed
    newcomer, since = enter(hub)
    assert since == max(NOW, believed + 1)
    assert (is_out(claimant), is_out(newcomer)) == (True, False)
    assert enter(hub, believed)[1] == ErrorCode.ROOM_KICKED_OUT


@pytest.mark.parametrize("claimed", [-1, 2**53, "yesterday", 1.5])
async def test_what_is_no_time_is_refused(hub: Hub, claimed: object) -> None:
    link = FakeLink(hub).hello()
    key = structs.replace(link.key("alice"), since=claimed)
    assert link.ask(p.LoginRoom, "demo", ALICE, credential=key).code == ErrorCode.PROTOCOL_MALFORMED_MESSAGE


async def test_nobody_who_left_is_remembered(hub: Hub, clock: Clock) -> None:
    link, since = enter(hub)
    link.session.link_closed()
    assert enter(hub, since - MINUTE)[1] == since - MINUTE


async def test_two_apps_and_two_users_have_nothing_to_do_with_each_other(hub: Hub, clock: Clock) -> None:
    alice, _ = enter(hub)
    bob = FakeLink(hub).hello()
    key = structs.replace(bob.key("bob"), since=1)
    assert bob.ask(p.LoginRoom, "demo", User("bob"), credential=key).since == 1
    assert not is_out(alice)
