"""What crosses on its way: verbs that follow each other at once, and a link or media that go just then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.engine.fakes import FakePeer, Subject, code_of
from tests.unit.kernel.scripted import ALICE, BOB, ROOM
from zego_widget import protocol
from zego_widget.engine import publishing, python_peer
from zego_widget.errors import ErrorCode, HubUnreachable
from zego_widget.media.sources import TestPattern
from zego_widget.model import PublishChannel, RoomStateChangedReason, UpdateType


class Loading:
    """Media libraries that take their time to be imported."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] | None = None

    async def to_thread(self, function: Any, *arguments: Any) -> Any:
        self.done = asyncio.get_running_loop().create_future()
        await self.done
        return function(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def begins(self, subject: Subject) -> None:
        while self.done is None:
            await subject.settle()

    async def finish(self, subject: Subject) -> None:
        assert self.done is not None
        await subject.on_io(self.done.set_result, None)


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> Loading:
    loading = Loading()
    monkeypatch.setattr(python_peer, "asyncio", loading)
    return loading


# -- the media -----------------------------------------------------------------------------------------------------


async def test_what_was_stopped_while_the_libraries_load_is_not_captured(
    subject: Subject, peer: FakePeer, loading: Loading
) -> None:
    await subject.login()
    start = subject.engine.start_publishing_stream("s1")
    await loading.begins(subject)
    await subject.engine.stop_publishing_stream()
    await loading.finish(subject)
    assert await code_of(start) == ErrorCode.PUBLISHER_PUBLISH_STREAM_FAILED
    assert ("set_publishing", True, PublishChannel.MAIN) not in peer.channels.told


async def test_what_was_stopped_while_the_libraries_load_keeps_no_settings(
    subject: Subject, peer: FakePeer, loading: Loading
) -> None:
    await subject.login()
    start = subject.engine.start_playing_stream("bobs")
    await loading.begins(subject)
    mute = subject.engine.mute_play_stream_audio("bobs", True)
    await subject.engine.stop_playing_stream("bobs")
    await loading.finish(subject)
    assert await code_of(mute) == ErrorCode.PLAYER_STREAM_WAS_NOT_PLAYED
    assert await code_of(start) == ErrorCode.PLAYER_PLAY_STREAM_FAILED
    assert ("mute_audio", "bobs", True) not in peer.played.told


async def test_media_that_are_lost_as_soon_as_they_are_there_are_mended(subject: Subject, peer: FakePeer) -> None:
    await subject.login()
    await subject.engine.start_preview()
    connect = peer.connect

    async def come_and_go(*arguments: Any, **named: Any) -> None:
        await connect(*arguments, **named)
        if peer.connections < 4:
            asyncio.get_running_loop().call_soon(peer.lose)

    peer.connect = come_and_go  # type: ignore[method-assign]
    await subject.engine.start_publishing_stream("s1")
    assert peer.connections == 4
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "s1")


async def test_the_source_that_was_named_last_is_captured(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    loading = Loading()
    monkeypatch.setattr(publishing, "asyncio", loading)
    first, second = TestPattern(20), TestPattern(200)
    operations = [subject.engine.set_capture_source(video=first)]
    await loading.begins(subject)
    held = loading.done
    assert held is not None
    monkeypatch.setattr(loading, "to_thread", asyncio.to_thread)
    operations.append(subject.engine.set_capture_source(video=second))
    await subject.settle()
    await subject.on_io(held.set_result, None)
    for operation in operations:
        await operation
    sources = subject.engine._parts.capture.channels[PublishChannel.MAIN].sources
    assert sources is not None
    assert sources[0] is second


# -- rooms ---------------------------------------------------------------------------------------------------------


async def test_a_link_that_goes_with_the_answer_to_the_login_is_a_failed_login(subject: Subject) -> None:
    answer = await subject.held_back()
    subject.hub.answers[protocol.LoginRoom] = answer
    operation = subject.engine.login_room(ROOM, ALICE)
    while not subject.hub.links or not subject.link.requests:
        await subject.settle()

    def answer_and_go() -> None:  # both in one packet
        answer.set_result(protocol.LoggedIn(0, ROOM, "session-1", [], []))
        subject.link.lose(HubUnreachable("gone"))

    await subject.on_io(answer_and_go)
    assert await code_of(operation) == ErrorCode.ROOM_ERROR_CONNECT_FAILED
    assert subject.room_states()[-1] == ("LOGIN_FAILED", 1002030, ROOM)
    assert subject.engine.room_id is None
    del subject.hub.answers[protocol.LoginRoom]
    await subject.login()


async def test_what_the_room_tells_after_it_threw_us_out_is_not_told(subject: Subject) -> None:
    answer = await subject.held_back()
    subject.hub.answers[protocol.LoginRoom] = answer
    operation = subject.engine.login_room(ROOM, ALICE)
    while not subject.hub.links or not subject.link.requests:
        await subject.settle()

    def all_at_once() -> None:
        answer.set_result(protocol.LoggedIn(0, ROOM, "session-1", [], []))
        subject.link.room_state(RoomStateChangedReason.KICK_OUT, 1002050, "elsewhere")
        subject.link.users(UpdateType.ADD, BOB)

    await subject.on_io(all_at_once)
    await operation
    assert subject.room_states()[-1] == ("KICK_OUT", 1002050, ROOM)
    assert not subject.all("room_user_update")


# -- calls ---------------------------------------------------------------------------------------------------------


async def test_the_end_of_an_engine_that_signs_out_closes_its_link(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    subject.hub.answers[protocol.SignOut] = await subject.held_back()
    operation = subject.engine.sign_out()
    await subject.settle()
    await subject.engine.aclose()
    assert await code_of(operation) == ErrorCode.COMMON_ENGINE_NOT_CREATE
    assert subject.link.closed


async def test_a_sign_out_that_fails_closes_the_link(subject: Subject) -> None:
    await subject.engine.sign_in(ALICE)
    subject.hub.answers[protocol.SignOut] = HubUnreachable("no answer")
    assert await code_of(subject.engine.sign_out()) == ErrorCode.HUB_UNREACHABLE
    assert subject.link.closed


async def test_signing_out_right_after_signing_in_signs_out(subject: Subject) -> None:
    sign_in, sign_out = subject.engine.sign_in(ALICE), subject.engine.sign_out()
    await sign_in
    await sign_out
    assert subject.link.asked(protocol.SignOut)
    assert subject.link.closed


async def test_a_link_that_goes_with_the_answer_to_a_sign_in_signs_nobody_in(subject: Subject) -> None:
    answer = await subject.held_back()
    subject.hub.answers[protocol.SignIn] = answer
    operation = subject.engine.sign_in(ALICE)
    while not subject.hub.links or not subject.link.requests:
        await subject.settle()

    def answer_and_go() -> None:
        answer.set_result(protocol.Done(0))
        subject.link.lose(HubUnreachable("gone"))

    await subject.on_io(answer_and_go)
    assert await code_of(operation) == ErrorCode.HUB_UNREACHABLE
    assert await code_of(subject.engine.call_invite(["bob"])) == ErrorCode.COMMON_NOT_LOGIN_ROOM


# -- sound levels --------------------------------------------------------------------------------------------------


async def test_stopping_right_after_another_period_was_chosen_stops(subject: Subject) -> None:
    await subject.engine.start_sound_level_monitor(100)
    for operation in await subject.on_io(
        lambda: [subject.engine.start_sound_level_monitor(200), subject.engine.stop_sound_level_monitor()]
    ):
        await operation
    assert not await subject.on_io(lambda: [task for task in asyncio.all_tasks() if "_listen" in repr(task)])


async def test_choosing_periods_quickly_leaves_one_monitor(subject: Subject) -> None:
    await subject.engine.start_sound_level_monitor(100)
    periods = (200, 300, 400)
    for operation in await subject.on_io(lambda: [subject.engine.start_sound_level_monitor(each) for each in periods]):
        await operation
    await subject.settle()
    assert len(await subject.on_io(lambda: [task for task in asyncio.all_tasks() if "_listen" in repr(task)])) == 1
