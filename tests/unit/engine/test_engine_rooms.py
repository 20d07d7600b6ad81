"""Logging in and out: states, codes, callbacks, lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.unit.engine.fakes import Subject, code_of
from tests.unit.kernel.scripted import ALICE, APP, BOB, BOBS, ROOM, ScriptedHub
from zego_widget import protocol
from zego_widget.credentials import signature
from zego_widget.engine.profile import EngineProfile, RoomConfig, RoomStreamListType
from zego_widget.errors import ErrorCode, HubStopped, HubUnreachable, InvalidArgument, Refused, SessionLost, ZegoError
from zego_widget.model import (
    RoomStateChangedReason,
    Stream,
    StreamDeleteReason,
    UpdateType,
    User,
)

SIGN = "ab" * 32


async def test_a_login_goes_over_logining_to_logined_and_tells_its_callback(subject: Subject) -> None:
    told: list[Any] = []
    extended = await subject.engine.login_room(ROOM, ALICE, callback=lambda *arguments: told.append(arguments))
    assert extended == {"room_session_id": "session-1"}
    assert subject.room_states() == [("LOGINING", 0, ROOM), ("LOGINED", 0, ROOM)]
    assert subject.all("room_state_changed")[-1].extended_data == extended
    await subject.engine.aclose()
    assert told == [(ErrorCode.SUCCESS, extended)]


async def test_the_lists_of_the_others_come_once_with_the_login(subject: Subject) -> None:
    subject.hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "s", [BOB], [BOBS])
    await subject.login()
    names = [event.name for event in subject.all("room_state_changed") and subject.seen]
    assert names == ["room_state_changed", "room_state_changed", "room_user_update", "room_stream_update"]
    assert (subject.seen[2].update_type, subject.seen[2].users) == (UpdateType.ADD, [BOB])
    assert (subject.seen[3].update_type, subject.seen[3].streams) == (UpdateType.ADD, [BOBS])
    assert subject.engine.room_users == (BOB,)


async def test_an_empty_room_tells_no_lists(subject: Subject) -> None:
    await subject.login()
    assert not subject.all("room_user_update")
    assert not subject.all("room_stream_update")


async def test_what_the_room_tells_before_the_answer_was_taken_comes_after_the_login(subject: Subject) -> None:
    answer = await subject.held_back()
    subject.hub.answers[protocol.LoginRoom] = answer
    operation = subject.engine.login_room(ROOM, ALICE)
    await subject.settle()
    await subject.on_io(subject.link.users, UpdateType.ADD, BOB)
    assert not subject.all("room_user_update")
    await subject.on_io(answer.set_result, protocol.LoggedIn(0, ROOM, "s", [], []))
    await operation
    assert [event.name for event in subject.all("room_user_update") and subject.seen][-2:] == [
        "room_state_changed",
        "room_user_update",
    ]


@pytest.mark.parametrize(
    ("room_id", "user", "code"),
    [
        ("", ALICE, 1002011),
        ("a room", ALICE, 1002012),
        ("r" * 129, ALICE, 1002013),
        (ROOM, User(""), 1002005),
        (ROOM, User("a b"), 1002006),
        (ROOM, User("u" * 65), 1002007),
        (ROOM, User("alice", "\n"), 1002009),
        (ROOM, User("alice", "n" * 257), 1002010),
    ],
)
async def test_a_login_that_cannot_be_fails_with_its_code_everywhere(
    subject: Subject, room_id: str, user: User, code: int
) -> None:
    told: list[int] = []
    operation = subject.engine.login_room(room_id, user, callback=lambda error_code, _: told.append(error_code))
    assert await code_of(operation) == code
    assert subject.room_states() == [("LOGINING", 0, room_id), ("LOGIN_FAILED", code, room_id)]
    debug = subject.all("debug_error")[0]
    assert (debug.error_code, debug.func_name) == (code, "login_room")
    assert debug.info
    await subject.engine.aclose()
    assert told == [code]
    assert not subject.hub.links


async def test_a_user_who_is_none_is_told_at_once(subject: Subject) -> None:
    with pytest.raises(InvalidArgument, match="User"):
        subject.engine.login_room(ROOM, "alice")  # type: ignore[arg-type]


@pytest.mark.parametrize("room_id", [ROOM, "other"])
async def test_a_second_login_without_logout_fails_and_changes_nothing(subject: Subject, room_id: str) -> None:
    await subject.login()
    assert await code_of(subject.engine.login_room(room_id, ALICE)) == 1002001
    assert subject.room_states()[-1] == ("LOGINED", 0, ROOM)
    assert subject.engine.room_id == ROOM


async def test_a_login_the_hub_refuses_fails_and_may_be_tried_again(subject: Subject) -> None:
    full = Refused("The room is full.", ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER)
    subject.hub.answers[protocol.LoginRoom] = full
    assert await code_of(subject.engine.login_room(ROOM, ALICE)) == 1002034
    state = subject.all("room_state_changed")[-1]
    assert (state.reason, state.error_code) == (RoomStateChangedReason.LOGIN_FAILED, 1002034)
    assert state.extended_data == {"message": "The room is full."}
    subject.hub.answers.clear()
    await subject.login()
    assert subject.hub.links[0].closed


async def test_no_hub_is_a_failed_login(subject: Subject) -> None:
    subject.hub.unreachable = HubUnreachable("No hub answers.")
    assert await code_of(subject.engine.login_room(ROOM, ALICE)) == ErrorCode.ROOM_ERROR_CONNECT_FAILED
    assert subject.room_states()[-1] == ("LOGIN_FAILED", 1002030, ROOM)


async def test_a_bug_in_a_login_is_a_failed_login_too(subject: Subject, caplog: pytest.LogCaptureFixture) -> None:
    subject.hub.unreachable = RuntimeError("oops")
    assert await code_of(subject.engine.login_room(ROOM, ALICE)) == 1002030
    assert "oops" in caplog.text


async def test_logout_tells_the_hub_and_ends_the_link(subject: Subject) -> None:
    await subject.login()
    told: list[Any] = []
    await subject.engine.logout_room(ROOM, callback=lambda *arguments: told.append(arguments))
    assert subject.room_states()[-1] == ("LOGOUT", 0, ROOM)
    assert [request.room_id for request in subject.link.asked(protocol.LogoutRoom)] == [ROOM]
    assert subject.link.closed
    assert subject.engine.room_id is None
    await subject.engine.aclose()
    assert told == [(ErrorCode.SUCCESS, {})]


@pytest.mark.parametrize("room_id", [None, ROOM])
async def test_logout_without_a_login_fails(subject: Subject, room_id: str | None) -> None:
    assert await code_of(subject.engine.logout_room(room_id)) == 1002002
    assert subject.room_states() == [("LOGOUT_FAILED", 1002002, room_id or "")]


async def test_logout_of_another_room_fails_and_the_engine_stays_in_its_own(subject: Subject) -> None:
    await subject.login()
    assert await code_of(subject.engine.logout_room("other")) == 1002002
    assert subject.room_states()[-1] == ("LOGOUT_FAILED", 1002002, "other")
    assert subject.engine.room_id == ROOM


async def test_logout_while_logging_in_ends_the_login(subject: Subject) -> None:
    subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    login = subject.engine.login_room(ROOM, ALICE)
    await subject.settle()
    await subject.engine.logout_room()
    assert await code_of(login) == ErrorCode.COMMON_NOT_LOGIN_ROOM
    assert subject.room_states() == [("LOGINING", 0, ROOM), ("LOGOUT", 0, ROOM)]
    assert subject.link.closed


async def test_a_login_right_after_a_logout_waits_for_it(subject: Subject) -> None:
    await subject.login()
    done = await subject.held_back()
    subject.hub.answers[protocol.LogoutRoom] = done
    logout = subject.engine.logout_room()
    login = subject.engine.login_room("other", ALICE)
    await subject.settle()
    assert len(subject.hub.links) == 1
    assert not login.done()
    await subject.on_io(done.set_result, protocol.Done(0))
    await logout
    await login
    assert subject.room_states()[2:] == [("LOGOUT", 0, ROOM), ("LOGINING", 0, "other"), ("LOGINED", 0, "other")]
    assert len(subject.hub.links) == 2


async def test_what_a_room_still_tells_of_the_last_stay_is_not_taken_for_the_next(subject: Subject) -> None:
    subject.hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "s", [BOB], [])
    await subject.login()
    done = await subject.held_back()
    subject.hub.answers[protocol.LogoutRoom] = done
    switch = subject.engine.switch_room(ROOM, ROOM)
    await subject.settle()
    await subject.on_io(subject.link.users, UpdateType.DELETE, BOB)
    await subject.on_io(done.set_result, protocol.Done(0))
    await switch
    assert list(subject.engine.room_users) == [BOB]


async def test_a_hub_that_fails_at_logout_does_not_keep_us_in(subject: Subject) -> None:
    await subject.login()
    subject.hub.answers[protocol.LogoutRoom] = HubUnreachable("gone")
    await subject.engine.logout_room()
    assert subject.room_states()[-1] == ("LOGOUT", 0, ROOM)
    assert subject.link.closed


async def test_being_kicked_out_ends_the_login(subject: Subject) -> None:
    await subject.login()
    kick = (RoomStateChangedReason.KICK_OUT, 1002050, "alice logged in somewhere else.")
    await subject.on_io(subject.link.room_state, *kick)
    state = subject.all("room_state_changed")[-1]
    assert (state.reason, state.error_code, state.room_id) == (RoomStateChangedReason.KICK_OUT, 1002050, ROOM)
    assert state.extended_data == {"message": "alice logged in somewhere else."}
    assert subject.engine.room_id is None
    assert not subject.link.asked(protocol.LogoutRoom)
    await subject.login()
    assert subject.room_states()[-1] == ("LOGINED", 0, ROOM)


async def test_a_page_that_stops_the_call_logs_out(subject: Subject) -> None:
    await subject.login()
    await subject.on_io(subject.link.room_state, RoomStateChangedReason.LOGOUT, 0, "stopped")
    assert subject.room_states()[-1] == ("LOGOUT", 0, ROOM)


@pytest.mark.usefixtures("gives_up_at_once")
async def test_a_hub_that_stays_away_ends_the_login(subject: Subject) -> None:
    await subject.login()
    await subject.on_io(subject.link.lose, SessionLost("The connection to the hub was lost."))
    state = await subject.hears("room_state_changed", lambda event: event.error_code == 1002053)
    assert state.reason is RoomStateChangedReason.RECONNECT_FAILED
    assert await code_of(subject.engine.send_broadcast_message("hello", ROOM)) == 1000002
    await subject.login()
    assert len(subject.hub.links) == 2


async def test_a_hub_that_is_stopped_ends_the_login(subject: Subject) -> None:
    await subject.login()
    await subject.on_io(subject.link.lose, HubStopped("The hub was stopped."))
    assert subject.room_states()[-1] == ("RECONNECT_FAILED", 1002052, ROOM)
    assert subject.all("room_state_changed")[-1].extended_data == {"message": "The hub was stopped."}


async def test_a_link_that_goes_during_the_login_is_a_failed_login(subject: Subject) -> None:
    answer = await subject.held_back()
    subject.hub.answers[protocol.LoginRoom] = answer
    login = subject.engine.login_room(ROOM, ALICE)
    await subject.settle()
    error = HubUnreachable("The connection to the hub was lost.")
    await subject.on_io(subject.link.lose, error)
    await subject.on_io(answer.set_exception, error)
    assert await code_of(login) == 1002030
    assert subject.room_states() == [("LOGINING", 0, ROOM), ("LOGIN_FAILED", 1002030, ROOM)]


async def test_switching_leaves_one_room_for_another(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_preview()
    await subject.engine.switch_room(ROOM, "other", RoomConfig(is_user_status_notify=True))
    assert subject.room_states()[2:] == [("LOGOUT", 0, ROOM), ("LOGINING", 0, "other"), ("LOGINED", 0, "other")]
    assert [state.state.name for state in subject.all("engine_state_update")] == ["START"]
    assert subject.engine.room_id == "other"
    assert subject.link.asked(protocol.LoginRoom)[0].user == ALICE


async def test_switching_from_another_room_fails(subject: Subject) -> None:
    await subject.login()
    assert await code_of(subject.engine.switch_room("elsewhere", "other")) == 1002002
    assert subject.engine.room_id == ROOM


async def test_users_and_streams_that_come_and_go_are_told_and_listed(subject: Subject) -> None:
    await subject.login(config=RoomConfig(is_user_status_notify=True))
    await subject.on_io(subject.link.users, UpdateType.ADD, BOB)
    await subject.on_io(subject.link.streams, UpdateType.ADD, BOBS)
    assert subject.engine.room_users == (BOB,)
    assert subject.engine.get_room_stream_list(ROOM).play_stream_list == (BOBS,)
    assert subject.engine.get_room_stream_list("other", RoomStreamListType.PLAY).play_stream_list == ()
    deletion = protocol.StreamDeletion(BOBS.stream_id, StreamDeleteReason.KICKED_OUT)
    gone = protocol.RoomStreamUpdate(ROOM, UpdateType.DELETE, [BOBS], [deletion])
    await subject.on_io(subject.link.on_event, gone)
    await subject.on_io(subject.link.users, UpdateType.DELETE, BOB)
    assert subject.engine.room_users == ()
    assert subject.engine.get_room_stream_list().play_stream_list == ()
    update = subject.all("room_stream_update")[-1]
    assert (update.update_type, update.streams, update.room_id) == (UpdateType.DELETE, [BOBS], ROOM)
    assert update.extended_data == {
        "stream_delete_reason": [{"stream_id": BOBS.stream_id, "code": 4, "description": "user_kicked_out"}]
    }
    assert [event.update_type.name for event in subject.all("room_user_update")] == ["ADD", "DELETE"]


async def test_what_another_room_tells_is_late_and_ignored(subject: Subject) -> None:
    await subject.login()
    late = protocol.RoomUserUpdate("other", UpdateType.ADD, [BOB])
    await subject.on_io(subject.link.on_event, late)
    await subject.engine.logout_room()
    await subject.on_io(subject.link.users, UpdateType.ADD, BOB)
    assert not subject.all("room_user_update")


async def test_own_streams_are_listed_on_demand(subject: Subject) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    assert subject.engine.get_room_stream_list().publish_stream_list == (Stream("mine", ALICE),)
    assert subject.engine.get_room_stream_list(None, RoomStreamListType.PLAY).publish_stream_list == ()


# -- what is shown to log in -------------------------------------------------------------------------------------


async def test_without_a_profile_the_engine_signs_a_token_for_the_hubs_own_app(subject: Subject) -> None:
    await subject.login()
    credential = subject.link.asked(protocol.LoginRoom)[0].credential
    assert credential.app_id == APP.app_id
    assert credential.token.startswith("04")


async def test_an_app_sign_signs_the_login_and_is_never_sent(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject(EngineProfile(7, SIGN))
    await subject.login()
    credential = subject.link.asked(protocol.LoginRoom)[0].credential
    assert credential.app_id == 7
    assert credential.signature == signature(SIGN, "session-1", ROOM, "alice")
    assert SIGN not in repr(subject.link.requests) + str(msgspec.json.encode(subject.link.requests))


async def test_a_token_is_shown_and_the_first_session_of_the_engine_named(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject(EngineProfile(7))
    await subject.login(config=RoomConfig(token="04abc"))
    first = subject.link.asked(protocol.LoginRoom)[0]
    assert (first.credential.app_id, first.credential.token) == (7, "04abc")
    assert first.credential.earlier_session_id == ""
    await subject.engine.logout_room()
    await subject.login(config=RoomConfig(token="04abc"))
    assert subject.link.asked(protocol.LoginRoom)[0].credential.earlier_session_id == "session-1"
    assert "04abc" not in repr(RoomConfig(token="04abc"))


async def test_a_token_of_the_user_is_renewed_by_the_user(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject(EngineProfile(7))
    await subject.login(config=RoomConfig(token="04abc"))
    await subject.on_io(subject.link.on_event, protocol.RoomTokenWillExpire(ROOM, 30))
    event = subject.all("room_token_will_expire")[0]
    assert (event.remain_time_in_second, event.room_id) == (30, ROOM)
    await subject.engine.renew_token("04def", ROOM)
    assert subject.link.asked(protocol.RenewToken)[0].token == "04def"
    assert await code_of(subject.engine.renew_token("04def", "other")) == 1002002


async def test_a_token_of_our_own_is_renewed_without_a_word(subject: Subject) -> None:
    await subject.login()
    await subject.on_io(subject.link.on_event, protocol.RoomTokenWillExpire(ROOM, 30))
    await subject.settle()
    assert len(subject.link.asked(protocol.RenewToken)) == 1
    assert not subject.all("room_token_will_expire")


# -- messages ----------------------------------------------------------------------------------------------------


async def test_messages_give_their_ids_to_result_and_callback(subject: Subject, hub: ScriptedHub) -> None:
    await subject.login()
    for kind in (protocol.SendBroadcastMessage, protocol.SendBarrageMessage):
        hub.answers[kind] = protocol.MessageSent(0, "42")
    told: list[Any] = []
    engine = subject.engine
    assert await engine.send_broadcast_message("hello", ROOM, callback=lambda *given: told.append(given)) == 42
    assert await engine.send_barrage_message("hello", ROOM, callback=lambda *given: told.append(given)) == "42"
    await engine.send_custom_command("raise hand", [BOB, "carol"], ROOM, callback=lambda code: told.append(code))
    await engine.send_custom_command("all", None, ROOM)
    await engine.set_room_extra_info(ROOM, "k", "v", callback=told.append)
    await engine.set_stream_extra_info("v", callback=told.append)
    asked = subject.link.asked(protocol.SendCustomCommand)
    assert [request.to_user_ids for request in asked] == [["bob", "carol"], []]
    await engine.aclose()
    assert told == [(0, 42), (0, "42"), 0, 0, 0]


@pytest.mark.parametrize(
    ("send", "elsewhere"),
    [
        (lambda engine, room: engine.send_broadcast_message("m", room), 1009005),
        (lambda engine, room: engine.send_barrage_message("m", room), 1009005),
        (lambda engine, room: engine.send_custom_command("m", None, room), 1009005),
        (lambda engine, room: engine.set_room_extra_info(room, "k", "v"), 1002002),
    ],
    ids=["broadcast", "barrage", "command", "room extra info"],
)
async def test_messages_need_the_present_room(subject: Subject, send: Any, elsewhere: int) -> None:
    assert await code_of(send(subject.engine, ROOM)) == 1000002
    await subject.login()
    assert await code_of(send(subject.engine, "other")) == elsewhere


async def test_a_failed_message_tells_its_callback(subject: Subject, hub: ScriptedHub) -> None:
    await subject.login()
    hub.answers[protocol.SendBroadcastMessage] = HubUnreachable("gone")
    told: list[Any] = []
    operation = subject.engine.send_broadcast_message("m", ROOM, callback=lambda *given: told.append(given))
    assert await code_of(operation) == ErrorCode.IM_SEND_FAILED
    hub.answers[protocol.SetStreamExtraInfo] = HubUnreachable("gone")
    assert await code_of(subject.engine.set_stream_extra_info("x")) == ErrorCode.PUBLISHER_UPDATE_EXTRA_INFO_FAILED
    await subject.engine.aclose()
    assert told == [(1009010, 0)]


async def test_nonsense_fails_with_an_error_of_ours_and_is_logged(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    await subject.login()
    operation = subject.engine.start_publishing_stream(7)  # type: ignore[arg-type]
    with pytest.raises(ZegoError) as caught:
        await operation
    assert caught.value.code == ErrorCode.COMMON_ILLEGAL_PARAM
    assert isinstance(caught.value.__cause__, AttributeError)
    assert "start_publishing_stream failed" in caplog.text


# -- operations --------------------------------------------------------------------------------------------------


async def test_a_verb_can_be_waited_for_without_a_loop(subject: Subject) -> None:
    operation = subject.engine.login_room(ROOM, ALICE)
    assert (await asyncio.to_thread(operation.result, 10))["room_session_id"] == "session-1"
    assert operation.done()
    assert operation.exception() is None
    failed = subject.engine.login_room(ROOM, ALICE)
    with pytest.raises(ZegoError, match=r"already.*1002001"):
        await asyncio.to_thread(failed.result, 10)
    assert "login_room" in repr(failed)


async def test_waiting_in_vain_does_not_end_the_verb(subject: Subject) -> None:
    answer = await subject.held_back()
    subject.hub.answers[protocol.LoginRoom] = answer
    operation = subject.engine.login_room(ROOM, ALICE)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(operation.result, 0.01)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await operation
    await subject.on_io(answer.set_result, protocol.LoggedIn(0, ROOM, "s", [], []))
    await operation
