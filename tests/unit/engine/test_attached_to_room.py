"""What is attached to a room goes along to another hub in the engines that come back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.engine.fakes import Subject
from tests.unit.kernel.scripted import ALICE, BOB, ROOM
from zego_widget import protocol
from zego_widget.errors import ErrorCode, HubUnreachable, Refused, SessionLost
from zego_widget.model import RoomExtraInfo

LOST = SessionLost("The hub knows us no more.")
TEA = RoomExtraInfo("topic", "tea", BOB, 1000)
TAKEN, NOT_TAKEN = protocol.Done(0, 1000), protocol.Done(0)


async def is_told(subject: Subject, *infos: RoomExtraInfo) -> None:
    await subject.on_io(subject.link.on_event, protocol.RoomExtraInfoUpdate(ROOM, list(infos)))


def told(subject: Subject) -> list[RoomExtraInfo]:
    return [info for event in subject.all("room_extra_info_update") for info in event.room_extra_infos]


async def moves(subject: Subject, answer: Any) -> None:
    """The session is lost and another follows, which has asked for what it has to."""
    subject.hub.answers[protocol.RestoreRoomExtraInfo] = answer
    before = len(subject.hub.links)
    await subject.on_io(subject.link.lose, LOST)
    async with asyncio.timeout(20):
        while len(subject.hub.links) == before or not offers(subject):
            await subject.settle()
    await subject.settle()


def offers(subject: Subject) -> list[tuple[str, str, int, bool]]:
    """What was offered to the present session."""
    asked = subject.link.asked(protocol.RestoreRoomExtraInfo)
    return [(each.key, each.value, each.update_time, each.own) for each in asked]


async def test_what_others_have_set_is_offered_to_the_next_session(subject: Subject) -> None:
    await subject.login()
    await is_told(subject, TEA)
    await moves(subject, TAKEN)
    assert offers(subject) == [("topic", "tea", 1000, False)]
    await moves(subject, NOT_TAKEN)
    assert offers(subject) == [("topic", "tea", 1000, False)], "and to the one after that"
    assert told(subject) == [TEA]


async def test_what_we_have_set_is_offered_as_our_own(subject: Subject) -> None:
    subject.hub.answers[protocol.SetRoomExtraInfo] = protocol.Done(0, 2000)
    await subject.login()
    await is_told(subject, TEA)
    await subject.engine.set_room_extra_info(ROOM, "topic", "coffee")
    await moves(subject, TAKEN)
    assert offers(subject) == [("topic", "coffee", 2000, True)]
    assert told(subject) == [TEA]


async def test_who_was_slower_than_another_offers_what_the_other_has_set(subject: Subject) -> None:
    answer = subject.hub.answers[protocol.SetRoomExtraInfo] = await subject.held_back()
    await subject.login()
    operation = subject.engine.set_room_extra_info(ROOM, "topic", "coffee")
    await subject.settle()
    await is_told(subject, TEA)
    await subject.on_io(answer.set_result, protocol.Done(0, 999))
    await operation
    await moves(subject, TAKEN)
    assert offers(subject) == [("topic", "tea", 1000, False)]


async def test_nothing_is_offered_where_nothing_is_known(subject: Subject) -> None:
    await subject.login()
    await subject.engine.set_room_extra_info(ROOM, "topic", "of a hub that does not say when")
    await subject.on_io(subject.link.lose, LOST)
    await subject.hears("room_state_changed", lambda event: event.reason.name == "RECONNECTED")
    await subject.settle()
    assert offers(subject) == []
    await subject.engine.logout_room()
    await subject.login()
    await is_told(subject, TEA)
    assert told(subject) == [TEA]


async def test_of_another_stay_in_the_room_nothing_is_kept(subject: Subject) -> None:
    await subject.login()
    await is_told(subject, TEA)
    await subject.engine.logout_room()
    await subject.login()
    await subject.on_io(subject.link.lose, LOST)
    await subject.hears("room_state_changed", lambda event: event.reason.name == "RECONNECTED")
    await subject.settle()
    assert offers(subject) == []


async def test_what_others_have_brought_back_is_no_news(subject: Subject) -> None:
    await subject.login()
    await is_told(subject, TEA)
    answer = await subject.held_back()
    await moves(subject, answer)
    await is_told(subject, RoomExtraInfo("topic", "tea", ALICE, 1000))
    await subject.on_io(answer.set_result, NOT_TAKEN)
    await is_told(subject, RoomExtraInfo("topic", "tea", BOB, 1000))
    assert told(subject) == [TEA]


OLDER = RoomExtraInfo("topic", "older", ALICE, 900)
NEWER = RoomExtraInfo("topic", "newer", ALICE, 1100)


@pytest.mark.parametrize(
    ("answer", "heard", "news"),
    [
        (TAKEN, [OLDER], []),
        (TAKEN, [OLDER, NEWER], [NEWER]),
        (NOT_TAKEN, [NEWER], [NEWER]),
        (NOT_TAKEN, [OLDER], [OLDER]),  # set by the clock of another hub
        (Refused("Unknown message.", ErrorCode.PROTOCOL_UNKNOWN_MESSAGE), [NEWER], [NEWER]),
    ],
)
async def test_what_the_hub_says_meanwhile_is_told_unless_ours_takes_its_place(
    subject: Subject, answer: Any, heard: list[RoomExtraInfo], news: list[RoomExtraInfo]
) -> None:
    await subject.login()
    await is_told(subject, TEA)
    answered = await subject.held_back()
    await moves(subject, answered)
    for info in heard:
        await is_told(subject, info)
    assert told(subject) == [TEA], "nothing is told and taken back"
    await subject.on_io(answered.set_result, answer)
    await subject.settle()
    assert told(subject) == [TEA, *news]
    latest = RoomExtraInfo("topic", "latest", BOB, 5000)
    await is_told(subject, latest)
    assert told(subject)[-1] == latest


async def test_an_offer_that_is_lost_with_its_session_is_made_again(subject: Subject) -> None:
    await subject.login()
    await is_told(subject, TEA)
    await moves(subject, await subject.held_back())
    await moves(subject, TAKEN)
    assert offers(subject) == [("topic", "tea", 1000, False)]
    await is_told(subject, NEWER)
    assert told(subject) == [TEA, NEWER]


async def test_a_hub_that_cannot_be_reached_costs_no_news(subject: Subject) -> None:
    await subject.login()
    await is_told(subject, TEA)
    await moves(subject, HubUnreachable("The hub did not answer within 10 s."))
    await is_told(subject, NEWER)
    assert told(subject) == [TEA, NEWER]


async def test_leaving_ends_an_offer_and_what_waits_for_it(subject: Subject) -> None:
    await subject.login()
    await is_told(subject, TEA)
    await moves(subject, await subject.held_back())
    await is_told(subject, NEWER)
    await subject.engine.logout_room()
    await subject.login()
    await is_told(subject, NEWER)
    assert told(subject) == [TEA, NEWER]
