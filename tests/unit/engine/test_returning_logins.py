"""An engine that comes back says since when its user is logged in, and gives way to a later login."""

from __future__ import annotations

from msgspec import structs

from tests.unit.engine.fakes import Subject
from tests.unit.kernel.scripted import ALICE, ROOM
from zego_widget import protocol
from zego_widget.errors import ErrorCode, Refused, SessionLost
from zego_widget.model import RoomStateChangedReason

LOST = SessionLost("The hub knows us no more.")
ELSEWHERE = Refused("alice logged in somewhere else, so this login ended.", ErrorCode.ROOM_KICKED_OUT)
LOGGED_IN = protocol.LoggedIn(0, ROOM, "s", [], [])


async def returned(subject: Subject, times: int = 1) -> None:
    def is_back(_: object) -> bool:
        return [reason for reason, *_ in subject.room_states()].count("RECONNECTED") == times

    await subject.hears("room_state_changed", is_back)
    await subject.settle()


async def test_only_who_comes_back_says_since_when(subject: Subject) -> None:
    answers = subject.hub.answers
    answers[protocol.LoginRoom] = structs.replace(LOGGED_IN, since=1000)
    await subject.login()
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject, 2)
    claims = [link.asked(protocol.LoginRoom)[0].credential.since for link in subject.hub.links]
    assert claims == [0, 1000, 1000]
    await subject.engine.logout_room()
    await subject.login()
    assert subject.link.asked(protocol.LoginRoom)[-1].credential.since == 0


async def test_a_hub_that_tells_nothing_is_told_nothing(subject: Subject) -> None:
    await subject.login()
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    assert subject.link.asked(protocol.LoginRoom)[0].credential.since == 0


async def test_sign_in_and_login_say_the_same(subject: Subject) -> None:
    answers = subject.hub.answers
    answers[protocol.SignIn] = protocol.Done(0, 500)
    answers[protocol.LoginRoom] = structs.replace(LOGGED_IN, since=1000)
    await subject.engine.sign_in(ALICE)
    await subject.login()
    answers[protocol.SignIn] = protocol.Done(0, 1000)
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    while not subject.link.asked(protocol.SignIn):
        await subject.settle()
    assert subject.link.asked(protocol.SignIn)[0].credential.since == 1000
    assert subject.link.asked(protocol.LoginRoom)[0].credential.since == 1000


async def test_whose_user_has_logged_in_elsewhere_meanwhile_is_kicked_out(subject: Subject) -> None:
    await subject.login()
    subject.hub.answers[protocol.LoginRoom] = ELSEWHERE
    await subject.on_io(subject.link.lose, LOST)
    await subject.hears("room_state_changed", lambda event: event.reason is RoomStateChangedReason.KICK_OUT)
    assert subject.room_states()[-1] == ("KICK_OUT", 1002050, ROOM)
    assert len(subject.hub.links) == 2


async def test_whose_user_has_signed_in_elsewhere_meanwhile_is_signed_out(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    subject.hub.answers[protocol.SignIn] = ELSEWHERE
    await subject.on_io(subject.link.lose, LOST)
    event = await subject.hears("signed_out")
    assert event.error_code == ErrorCode.ROOM_KICKED_OUT
