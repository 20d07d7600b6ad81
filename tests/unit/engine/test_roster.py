"""Who is in the room, and what is news after a session was lost."""

from __future__ import annotations

import pytest

from zego_widget.engine.roster import News, Roster
from zego_widget.model import Stream, UpdateType, User

ANN, BOB, EVE = User("ann"), User("bob"), User("eve")
ANNS, BOBS, EVES = (Stream(f"{user.user_id}s", user) for user in (ANN, BOB, EVE))


@pytest.fixture
def roster() -> Roster:
    """Ann and Bob were there when the session was lost."""
    roster = Roster()
    roster.enter([ANN, BOB], [ANNS, BOBS])
    return roster


def test_whoever_is_there_as_before_is_no_news(roster: Roster) -> None:
    assert roster.rejoin([ANN, BOB], [ANNS, BOBS]) == News()
    assert roster.settle() == News()


def test_whoever_came_meanwhile_is_told_at_once(roster: Roster) -> None:
    assert roster.rejoin([ANN, BOB, EVE], [ANNS, BOBS, EVES]) == News([EVE], [EVES])
    assert list(roster.users.values()) == [ANN, BOB, EVE]


def test_whoever_went_meanwhile_is_told_once_all_had_time_to_return(roster: Roster) -> None:
    assert roster.rejoin([ANN], [ANNS]) == News()
    assert BOB in roster.users.values()
    assert roster.settle() == News([BOB], [BOBS])
    assert (roster.users, roster.streams) == ({"ann": ANN}, {"anns": ANNS})
    assert roster.settle() == News()


def test_whoever_returns_a_moment_later_was_never_gone(roster: Roster) -> None:
    roster.rejoin([], [])
    assert roster.users_updated(UpdateType.ADD, [BOB]) == []
    assert roster.streams_updated(UpdateType.ADD, [BOBS]) == []
    assert roster.settle() == News([ANN], [ANNS])
    assert roster.users_updated(UpdateType.DELETE, [BOB]) == [BOB]


def test_whoever_goes_before_all_had_time_to_return_is_told_once(roster: Roster) -> None:
    roster.rejoin([ANN, BOB], [ANNS, BOBS])
    assert roster.streams_updated(UpdateType.DELETE, [BOBS]) == [BOBS]
    assert roster.settle() == News()


def test_what_a_stream_is_now_and_was_before_is_told(roster: Roster) -> None:
    renamed = Stream("bobs", BOB, "hello")
    assert roster.rejoin([ANN, BOB], [ANNS, renamed]) == News(changed=[(BOBS, renamed)])
    assert roster.streams["bobs"] is renamed


def test_a_session_that_is_lost_twice_forgets_nobody(roster: Roster) -> None:
    roster.rejoin([], [])
    roster.rejoin([ANN], [])
    assert roster.settle() == News([BOB], [ANNS, BOBS])


def test_in_a_room_that_was_never_lost_every_update_is_news(roster: Roster) -> None:
    assert roster.users_updated(UpdateType.ADD, [EVE]) == [EVE]
    assert roster.streams_updated(UpdateType.DELETE, [BOBS]) == [BOBS]
