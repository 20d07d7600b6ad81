"""Engines in rooms of a real hub: logins, kicks, lists, tokens, messages."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.engine.fakes import code_of
from zego_widget import tokens
from zego_widget.engine.events import EngineEvent
from zego_widget.engine.profile import RoomConfig
from zego_widget.engine.states import PublisherState
from zego_widget.model import RoomStateChangedReason, UpdateType, User
from zego_widget.testing import LocalHub
from zego_widget.testing.participant import Recorder

ALICE, BOB = User("alice"), User("bob", "Bob")


async def test_users_hear_of_one_another_if_they_asked(lab: LocalHub) -> None:
    alice = await lab.participant("alice")
    deaf = await lab.participant("deaf", config=RoomConfig())
    bob = await lab.participant("bob")
    came = await alice.hears("room_user_update", lambda event: User("bob") in event.users)
    assert came.update_type is UpdateType.ADD
    listed = await bob.hears("room_user_update")
    assert listed.users == [User("alice"), User("deaf")]
    await bob.leave()
    await alice.hears(
        "room_user_update", lambda event: event.update_type is UpdateType.DELETE and event.users == [User("bob")]
    )
    assert not deaf.all("room_user_update")
    assert (await alice.hears("room_online_user_count_update")).room_id == "demo"


async def test_the_first_login_says_how_many_a_room_takes(lab: LocalHub) -> None:
    await lab.participant("alice", config=RoomConfig(max_member_count=2))
    await lab.participant("bob", config=RoomConfig(max_member_count=9))
    assert await code_of(lab.engine().login_room("demo", User("carol"))) == 1002034


async def test_a_second_login_of_a_user_kicks_the_first_out(lab: LocalHub) -> None:
    first = await lab.participant("alice")
    bob = await lab.participant("bob")
    second = await lab.participant("alice", "another")
    kicked = await first.hears("room_state_changed", lambda event: event.reason is RoomStateChangedReason.KICK_OUT)
    assert (kicked.error_code, kicked.room_id) == (1002050, "demo")
    await bob.hears("room_user_update", lambda event: event.update_type is UpdateType.DELETE)
    assert first.engine.room_id is None
    assert second.engine.room_id == "another"


async def test_switching_rooms_is_seen_in_both(lab: LocalHub) -> None:
    alice, bob = await lab.participant("alice"), await lab.participant("bob")
    carol = await lab.participant("carol", "other")
    await bob.engine.switch_room("demo", "other", RoomConfig(is_user_status_notify=True))
    await alice.hears("room_user_update", lambda event: event.update_type is UpdateType.DELETE)
    await carol.hears("room_user_update", lambda event: event.update_type is UpdateType.ADD)


async def test_a_link_that_breaks_is_resumed_and_only_its_user_is_told(lab: LocalHub) -> None:
    alice = await lab.participant("alice", publishes=True)
    bob = await lab.participant("bob")
    await alice.hears("room_user_update")
    alice.forget()
    lab.break_links()
    await alice.hears("room_state_changed", lambda event: event.reason is RoomStateChangedReason.RECONNECTED)
    await alice.engine.send_broadcast_message("still here", "demo")
    await bob.hears("im_recv_broadcast_message")
    assert [event.reason.name for event in alice.seen] == ["RECONNECTING", "RECONNECTED"]
    assert [event.update_type for event in bob.all("room_stream_update")] == [UpdateType.ADD]
    assert [event.update_type for event in bob.all("room_user_update")] == [UpdateType.ADD]


# -- what is shown to log in -------------------------------------------------------------------------------------


async def test_a_token_lets_in_and_warns_before_its_end(lab: LocalHub) -> None:
    token = tokens.sign(lab.app.app_id, "alice", lab.app.server_secret, 20)
    engine = lab.engine(app_sign="")
    alice = Recorder(engine)
    await engine.login_room("demo", ALICE, RoomConfig(token=token))
    warning = await alice.hears("room_token_will_expire")
    assert 0 < warning.remain_time_in_second <= 20
    await engine.renew_token(tokens.sign(lab.app.app_id, "alice", lab.app.server_secret, 3600), "demo")
    await engine.logout_room()


@pytest.mark.parametrize(
    ("fields", "token", "code"),
    [
        ({"app_sign": ""}, "", 1002067),
        ({"app_sign": "0" * 64}, "", 1001005),
        ({"app_id": 4242424242}, "", 1001004),
        ({"app_sign": ""}, "no token", 1002079),
    ],
    ids=["nothing", "wrong sign", "unknown app", "no token at all"],
)
async def test_what_does_not_let_in_has_its_code(
    lab: LocalHub, fields: dict[str, object], token: str, code: int
) -> None:
    engine = lab.engine(**fields)
    alice = Recorder(engine)
    assert await code_of(engine.login_room("demo", ALICE, RoomConfig(token=token))) == code
    failed = await alice.hears("room_state_changed", lambda event: event.reason is RoomStateChangedReason.LOGIN_FAILED)
    assert failed.error_code == code


async def test_a_token_without_the_right_to_publish_lets_in_only(lab: LocalHub) -> None:
    payload = tokens.privilege_payload("demo", publish=False)
    token = tokens.sign(lab.app.app_id, "alice", lab.app.server_secret, 3600, payload)
    engine = lab.engine(app_sign="")
    await engine.login_room("demo", ALICE, RoomConfig(token=token))
    assert await code_of(engine.start_publishing_stream("s1")) == 1003072


# -- messages ----------------------------------------------------------------------------------------------------


async def test_messages_go_both_ways(lab: LocalHub) -> None:
    alice, bob = await lab.participant("alice"), await lab.participant("bob")
    for sender, receiver in ((alice, bob), (bob, alice)):
        text = f"from {sender.user.user_id} \N{WAVING HAND SIGN}"
        message_id = await sender.engine.send_broadcast_message(text, "demo")
        (message,) = (await receiver.hears("im_recv_broadcast_message")).messages
        assert (message.message, message.message_id, message.from_user) == (text, message_id, sender.user)
        barrage_id = await sender.engine.send_barrage_message(text, "demo")
        (barrage,) = (await receiver.hears("im_recv_barrage_message")).messages
        assert (barrage.message, barrage.message_id) == (text, barrage_id)
        await sender.engine.send_custom_command(text, [receiver.user], "demo")
        command = await receiver.hears("im_recv_custom_command")
        assert (command.command, command.from_user, command.room_id) == (text, sender.user, "demo")
    assert len(alice.all("im_recv_broadcast_message")) == 1  # not one's own


async def test_messages_that_cannot_be_have_their_codes(lab: LocalHub) -> None:
    engine = (await lab.participant("alice")).engine
    assert await code_of(engine.send_broadcast_message("", "demo")) == 1009001
    assert await code_of(engine.send_barrage_message("x" * 1025, "demo")) == 1009002
    assert await code_of(engine.send_custom_command("x", ["u" * 65], "demo")) == 1009012
    assert await code_of(engine.set_room_extra_info("demo", "", "v")) == 1002014
    codes = await asyncio.gather(*(code_of(engine.send_broadcast_message("x", "demo")) for _ in range(4)))
    assert 1009015 in codes


async def test_extra_information_of_room_and_stream_is_told(lab: LocalHub) -> None:
    alice, bob = await lab.participant("alice"), await lab.participant("bob")
    await alice.engine.set_room_extra_info("demo", "topic", "tests")
    (info,) = (await bob.hears("room_extra_info_update")).room_extra_infos
    assert (info.key, info.value, info.update_user) == ("topic", "tests", User("alice"))
    carol = await lab.participant("carol")
    assert (await carol.hears("room_extra_info_update")).room_extra_infos[0].value == "tests"
    await alice.engine.start_publishing_stream("s1")
    await bob.hears("room_stream_update")
    await alice.engine.set_stream_extra_info("on air")
    (stream,) = (await bob.hears("room_stream_extra_info_update")).streams
    assert (stream.stream_id, stream.extra_info) == ("s1", "on air")
    assert bob.engine.get_room_stream_list("demo").play_stream_list[0].extra_info == "on air"


def is_live(event: EngineEvent) -> bool:
    return bool(event.state is PublisherState.PUBLISHING)


async def test_what_is_attached_to_a_stream_outlives_the_session(lab: LocalHub) -> None:
    alice = await lab.participant("alice", publishes=True)
    await alice.engine.set_stream_extra_info("on air")
    first = await alice.hears("publisher_state_update", is_live)
    lab.forget_sessions()
    await alice.hears("publisher_state_update", lambda event: is_live(event) and event is not first)
    bob = await lab.participant("bob")
    (stream,) = (await bob.hears("room_stream_update")).streams
    assert (stream.stream_id, stream.extra_info) == (alice.stream_id, "on air")
