"""Faults that come while an engine is busy with another one."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest

from tests.unit.engine.fakes import FakePeer, FakeView, Subject, code_of, live_page
from tests.unit.kernel.scripted import ALICE, BOB, BOBS, ROOM, ScriptedLink
from zego_widget import protocol
from zego_widget.engine import room_news
from zego_widget.engine.profile import EngineProfile, RoomConfig
from zego_widget.errors import ErrorCode, HubUnreachable, SessionLost
from zego_widget.media.sources import TestPattern
from zego_widget.model import (
    CallInfo,
    CallInvitationMode,
    CallInvitationState,
    CallUserInfo,
    CallUserState,
    PeerState,
    RoomStateChangedReason,
    UpdateType,
)

LOST = SessionLost("The hub knows us no more.")
IN_ROOM = [("LOGINING", 0, ROOM), ("LOGINED", 0, ROOM)]
RECONNECTING = ("RECONNECTING", 1002051, ROOM)
RECONNECTED = ("RECONNECTED", 0, ROOM)


async def returned(subject: Subject) -> None:
    await subject.hears("room_state_changed", lambda event: event.reason is RoomStateChangedReason.RECONNECTED)
    await subject.settle()


async def asked_to_log_in_again(subject: Subject) -> None:
    while len(subject.hub.links) < 2 or not subject.link.asked(protocol.LoginRoom):
        await subject.settle()


# -- coming back -------------------------------------------------------------------------------------------------


async def test_a_link_that_is_resumed_during_a_login_does_not_stand_for_its_answer(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    login = subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    await subject.on_io(subject.link.lose, LOST)
    await asked_to_log_in_again(subject)
    await subject.on_io(subject.link.interrupt)
    await subject.on_io(subject.link.on_resumed)
    assert subject.room_states() == [*IN_ROOM, RECONNECTING]
    await subject.on_io(login.set_result, protocol.LoggedIn(0, ROOM, "s", [], []))
    await returned(subject)
    assert subject.room_states() == [*IN_ROOM, RECONNECTING, RECONNECTED]
    await subject.hears("publisher_state_update", lambda event: len(subject.publisher_states()) == 4)
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")


@pytest.mark.parametrize("again", ["lost", "interrupted"])
async def test_nobody_is_told_to_have_gone_while_the_hub_cannot_be_reached_again(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    monkeypatch.setattr(room_news, "ROSTER_GRACE", 0.05)
    subject.hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "s", [BOB], [BOBS])
    await subject.login()
    subject.hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "s", [], [])
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    room = subject.engine._parts.rooms
    if again == "lost":
        subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
        await subject.on_io(subject.link.lose, LOST)
    else:
        await subject.on_io(subject.link.interrupt)
    assert room.login_now is not None
    assert room.login_now.settling is None
    if again == "lost":
        back = protocol.LoggedIn(0, ROOM, "s", [BOB], [BOBS])
        await subject.on_io(subject.hub.answers[protocol.LoginRoom].set_result, back)
    else:
        await subject.on_io(subject.link.on_resumed)
        assert room.login_now.settling is not None
        await subject.on_io(
            lambda: (subject.link.users(UpdateType.ADD, BOB), subject.link.streams(UpdateType.ADD, BOBS))
        )
    while room.login_now.settling is not None:
        await subject.settle()
    assert [event.update_type for event in subject.all("room_user_update")] == [UpdateType.ADD]
    assert [event.update_type for event in subject.all("room_stream_update")] == [UpdateType.ADD]


async def test_a_token_that_was_being_renewed_is_the_one_that_is_shown(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject(EngineProfile(7))
    await subject.login(config=RoomConfig(token="04abc"))
    subject.hub.answers[protocol.RenewToken] = await subject.held_back()
    renewed = subject.engine.renew_token("04def", ROOM)
    while not subject.link.asked(protocol.RenewToken):
        await subject.settle()
    await subject.on_io(subject.link.lose, LOST)
    await renewed
    await returned(subject)
    assert subject.link.asked(protocol.LoginRoom)[0].credential.token == "04def"


async def test_what_is_attached_to_a_stream_is_so_in_the_next_session(subject: Subject) -> None:
    await subject.login()
    await subject.engine.set_stream_extra_info("on air")
    await subject.engine.start_publishing_stream("mine")
    await subject.on_io(subject.link.lose, LOST)
    await subject.hears("publisher_state_update", lambda event: len(subject.publisher_states()) == 4)
    assert [each.extra_info for each in subject.link.asked(protocol.SetStreamExtraInfo)] == ["on air"]
    await subject.engine.logout_room()
    await subject.login()
    await subject.on_io(subject.link.lose, LOST)
    while len(subject.hub.links) < 4 or not subject.link.asked(protocol.LoginRoom):
        await subject.settle()
    await subject.settle()
    assert not subject.link.asked(protocol.SetStreamExtraInfo)


# -- leaving -----------------------------------------------------------------------------------------------------


async def test_whoever_leaves_a_room_while_the_link_that_calls_need_is_interrupted_leaves_no_ghost(
    subject: Subject,
) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.login()
    await subject.on_io(subject.link.interrupt)
    left = subject.hub.answers[protocol.LogoutRoom] = await subject.held_back()
    await subject.engine.logout_room()
    assert subject.room_states()[-1] == ("LOGOUT", 0, ROOM)
    assert not subject.link.closed
    assert [each.room_id for each in subject.link.asked(protocol.LogoutRoom)] == [ROOM]
    await subject.on_io(subject.link.on_resumed)
    await subject.on_io(left.set_result, protocol.Done(0))


async def test_whoever_leaves_during_the_return_leaves_no_ghost(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.login()
    subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    await subject.on_io(subject.link.lose, LOST)
    await asked_to_log_in_again(subject)
    await subject.engine.logout_room()
    assert subject.link.asked(protocol.LogoutRoom)
    assert not subject.link.closed


async def test_a_login_without_an_answer_leaves_no_ghost(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    subject.hub.answers[protocol.LoginRoom] = HubUnreachable("The hub did not answer within 10 s.")
    assert await code_of(subject.engine.login_room(ROOM, ALICE)) == 1002030
    await subject.settle()
    assert subject.link.asked(protocol.LogoutRoom)


async def test_a_link_that_is_given_up_is_closed_whoever_leaves_meanwhile(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subject.login()
    gate, closed = await subject.held_back(), []

    async def close(link: ScriptedLink) -> None:
        if link is subject.hub.links[1]:
            await asyncio.shield(gate)
        link.closed = True
        closed.append(link)

    monkeypatch.setattr(ScriptedLink, "aclose", close)
    subject.hub.answers[protocol.LoginRoom] = HubUnreachable("The hub did not answer within 10 s.")
    await subject.on_io(subject.link.lose, LOST)
    await asked_to_log_in_again(subject)
    given_up = subject.hub.links[1]
    logout = subject.engine.logout_room()
    await subject.settle()
    await subject.on_io(gate.set_result, None)
    await logout
    assert given_up in closed


async def test_signing_out_while_the_link_is_interrupted_works_at_once(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.on_io(subject.link.interrupt)
    subject.hub.answers[protocol.SignOut] = await subject.held_back()
    await subject.engine.sign_out()
    assert subject.link.closed


async def test_signing_out_does_not_wait_for_a_return_that_hangs(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    subject.hub.answers[protocol.SignIn] = await subject.held_back()
    await subject.on_io(subject.link.lose, LOST)
    while len(subject.hub.links) < 2 or not subject.link.asked(protocol.SignIn):
        await subject.settle()
    await subject.on_io(subject.link.interrupt)
    await subject.engine.sign_out()
    assert subject.link.closed
    assert not subject.all("signed_out")


# -- media -------------------------------------------------------------------------------------------------------


async def test_a_connection_of_a_session_that_is_lost_is_not_waited_for(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    peer.connects = await subject.held_back()
    await subject.on_io(peer.lose)
    while peer.connections < 2:
        await subject.settle()
    never, peer.connects = peer.connects, None
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    await subject.hears("publisher_state_update", lambda event: len(subject.publisher_states()) == 4)
    assert never.cancelled()
    assert subject.link.asked(protocol.Offer)


async def test_a_connection_that_fails_when_nobody_waits_for_it_leaves_no_word_in_the_log(
    subject: Subject, peer: FakePeer, caplog: pytest.LogCaptureFixture
) -> None:
    await subject.login()
    await subject.engine.start_playing_stream(BOBS.stream_id)
    connects = peer.connects = await subject.held_back()
    await subject.on_io(peer.lose)
    while peer.connections < 2:
        await subject.settle()
    peer.connects = None
    login = subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    await subject.on_io(subject.link.lose, LOST)
    await asked_to_log_in_again(subject)
    await subject.on_io(connects.set_exception, HubUnreachable("No media connection.", ErrorCode.MEDIA_CONNECT_FAILED))
    await subject.on_io(login.set_result, protocol.LoggedIn(0, ROOM, "s", [], []))
    while not peer.connected:
        await subject.settle()
    gc.collect()
    await subject.settle()
    assert "never retrieved" not in caplog.text


async def test_a_source_that_is_named_while_the_session_is_lost_ends_no_stream(
    subject: Subject, peer: FakePeer
) -> None:
    page = await live_page(subject, FakeView())
    offered = subject.hub.answers[protocol.Offer] = await subject.held_back()
    await subject.engine.set_capture_source(TestPattern())
    while peer.connections < 1:
        await subject.settle()
    del subject.hub.answers[protocol.Offer]
    await subject.on_io(subject.link.lose, LOST)
    await returned(subject)
    while subject.publisher_states()[-1][0] == "PUBLISH_REQUESTING":
        await subject.settle()
    assert not offered.done()
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")
    assert page.peer_id is None


async def test_a_page_that_mends_itself_plays_though_its_former_peer_is_not_missed_yet(subject: Subject) -> None:
    page = await live_page(subject, FakeView())
    told = len(subject.player_states())
    await page.offer("p2")
    await page.connected("p2", captures=True)
    await page.plays(BOBS.stream_id)
    assert subject.player_states()[told:] == []
    assert subject.engine._parts.media.player_id == "p2"
    await subject.on_io(subject.link.peer, "p1", PeerState.CLOSED, "silent")
    assert subject.player_states()[told:] == []


# -- calls -------------------------------------------------------------------------------------------------------

RINGING = protocol.CallInvitationReceived(
    "c1",
    CallInvitationMode.GENERAL,
    90,
    "bob",
    "bob",
    1,
    [CallUserInfo("bob", CallUserState.ACCEPTED), CallUserInfo("alice", CallUserState.RECEIVED)],
    "",
)
NO_CALLS = protocol.CallInvitationList(0, [], 0)


@pytest.mark.parametrize("where", ["signed in", "in a room"])
async def test_a_call_rings_no_more_once_a_hub_answers_that_does_not_know_it(subject: Subject, where: str) -> None:
    await (subject.engine.sign_in(ALICE) if where == "signed in" else subject.login())
    await subject.on_io(subject.link.on_event, RINGING)
    subject.hub.answers[protocol.QueryCallInvitationList] = NO_CALLS
    await subject.on_io(subject.link.lose, LOST)
    (told,) = [await subject.hears("call_invitation_cancelled")]
    assert (told.info.call_id, told.info.inviter) == ("c1", "bob")
    await subject.on_io(subject.link.lose, LOST)
    while len(subject.hub.links) < 3 or len(subject.link.requests) < 1:
        await subject.settle()
    await subject.settle()
    assert len(subject.all("call_invitation_cancelled")) == 1


async def test_a_call_that_the_hub_still_knows_goes_on(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.on_io(subject.link.on_event, RINGING)
    known = CallInfo(
        "c1",
        "bob",
        "bob",
        1,
        0,
        CallInvitationState.STARTED,
        CallInvitationMode.GENERAL,
        "",
        tuple(RINGING.call_user_list),
    )
    subject.hub.answers[protocol.QueryCallInvitationList] = protocol.CallInvitationList(0, [known], 0)
    await subject.on_io(subject.link.lose, LOST)
    while len(subject.hub.links) < 2 or not subject.link.asked(protocol.QueryCallInvitationList):
        await subject.settle()
    await subject.settle()
    assert not subject.all("call_invitation_cancelled")
    await subject.on_io(subject.link.on_event, protocol.CallInvitationTimeout("c1", CallInvitationMode.GENERAL))
    assert len(subject.all("call_invitation_timeout")) == 1


@pytest.mark.usefixtures("gives_up_at_once")
@pytest.mark.parametrize("where", ["signed in", "in a room"])
async def test_a_call_rings_no_more_once_the_hub_is_given_up(subject: Subject, where: str) -> None:
    await (subject.engine.sign_in(ALICE) if where == "signed in" else subject.login())
    await subject.on_io(subject.link.on_event, RINGING)
    subject.hub.unreachable = HubUnreachable("No hub answers.")
    await subject.on_io(subject.link.lose, LOST)
    assert (await subject.hears("call_invitation_cancelled")).info.call_id == "c1"


async def test_whoever_signs_out_is_told_nothing_of_calls(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    await subject.on_io(subject.link.on_event, RINGING)
    await subject.engine.sign_out()
    await subject.engine.sign_in(ALICE)
    await subject.on_io(subject.link.lose, LOST)
    while len(subject.hub.links) < 3 or not subject.link.asked(protocol.SignIn):
        await subject.settle()
    await subject.settle()
    assert not subject.all("call_invitation_cancelled")
    assert not subject.link.asked(protocol.QueryCallInvitationList)
