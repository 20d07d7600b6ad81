"""A login that plays whatever there is: no StartPlaying, the same events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.engine.fakes import FakePage, FakePeer, FakeView, Subject, code_of
from tests.unit.kernel.scripted import ALICE, BOB, BOBS, ROOM
from zego_widget import protocol
from zego_widget.engine.profile import Canvas, RoomConfig
from zego_widget.errors import ErrorCode, HubUnreachable
from zego_widget.model import RemoteDeviceState, Stream, UpdateType


async def login(subject: Subject) -> None:
    """As a call widget does."""
    parts = subject.engine._parts
    await parts.core.verb("login", parts.rooms.login(ROOM, ALICE, RoomConfig(), auto_play=True))
    await subject.settle()


@pytest.fixture
async def page(subject: Subject) -> FakePage:
    """A page of a view that shows everything, in a room with Bob's stream."""
    view = FakeView()
    subject.engine._parts.pages.attach(view)
    camera_off = replace(BOBS, camera=RemoteDeviceState.DISABLE)
    subject.hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "s", [BOB], [camera_off])
    await login(subject)
    page = FakePage(subject)
    await page.connect("p1")
    return page


async def test_streams_that_are_there_and_that_come_play_of_themselves(subject: Subject, page: FakePage) -> None:
    await subject.on_io(subject.link.streams, UpdateType.ADD, Stream("more", BOB))
    await page.plays(BOBS.stream_id, "more")
    assert subject.player_states() == [
        ("PLAY_REQUESTING", 0, BOBS.stream_id),
        ("PLAY_REQUESTING", 0, "more"),
        ("PLAYING", 0, BOBS.stream_id),
        ("PLAYING", 0, "more"),
    ]
    assert not subject.link.asked(protocol.StartPlaying)
    assert subject.all("remote_camera_state_update")[0].state is RemoteDeviceState.DISABLE
    order = [event.name for event in subject.seen if event.name in {"room_stream_update", "player_state_update"}]
    assert order[:2] == ["room_stream_update", "player_state_update"]


async def test_a_stream_that_goes_is_played_no_more(subject: Subject, page: FakePage) -> None:
    await page.plays(BOBS.stream_id)
    await subject.on_io(subject.link.streams, UpdateType.DELETE, BOBS)
    assert subject.player_states()[-1] == ("NO_PLAY", 0, BOBS.stream_id)
    await page.plays()
    await subject.on_io(subject.link.streams, UpdateType.ADD, BOBS)
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 0, BOBS.stream_id)


async def test_a_stream_that_was_stopped_is_played_when_it_is_started_or_comes_anew(
    subject: Subject, page: FakePage
) -> None:
    await subject.engine.stop_playing_stream(BOBS.stream_id)
    assert len(subject.link.asked(protocol.StopPlaying)) == 1
    await subject.on_io(subject.link.streams, UpdateType.ADD, Stream("more", BOB))
    assert [state[0] for state in subject.player_states()] == ["PLAY_REQUESTING", "NO_PLAY", "PLAY_REQUESTING"]
    view = FakeView()
    await subject.engine.start_playing_stream(BOBS.stream_id, Canvas(view))
    assert len(subject.link.asked(protocol.StartPlaying)) == 1
    assert view.bound[-1][0] == BOBS.stream_id
    await subject.engine.stop_playing_stream("more")
    await subject.on_io(subject.link.streams, UpdateType.DELETE, Stream("more", BOB))
    await subject.on_io(subject.link.streams, UpdateType.ADD, Stream("more", BOB))
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 0, "more")


async def test_twelve_play_and_the_next_when_one_goes(subject: Subject, page: FakePage) -> None:
    more = [Stream(f"s{number}", BOB) for number in range(15)]
    await subject.on_io(subject.link.streams, UpdateType.ADD, *more)
    assert len(subject.engine._parts.playing.played) == 12
    assert await code_of(subject.engine.start_playing_stream("s14")) == ErrorCode.PLAYER_COUNT_EXCEED
    await subject.on_io(subject.link.streams, UpdateType.DELETE, BOBS)
    assert len(subject.engine._parts.playing.played) == 12
    assert subject.player_states()[-1] == ("PLAY_REQUESTING", 0, "s11")


async def test_leaving_ends_them_all(subject: Subject, page: FakePage) -> None:
    await page.plays(BOBS.stream_id)
    await subject.engine.logout_room()
    assert subject.player_states()[-1] == ("NO_PLAY", 0, BOBS.stream_id)
    subject.hub.answers.clear()
    await subject.login()
    await subject.on_io(subject.link.streams, UpdateType.ADD, BOBS)
    assert len(subject.player_states()) == 3, "this login plays what it is asked to"


async def test_without_pages_python_joins_for_them(subject: Subject, peer: FakePeer) -> None:
    await login(subject)
    await subject.on_io(subject.link.streams, UpdateType.ADD, BOBS)
    while not peer.connected:
        await subject.settle()
    await subject.on_io(peer.arrive, BOBS.stream_id)
    assert subject.player_states()[-1] == ("PLAYING", 0, BOBS.stream_id)


async def test_media_that_do_not_connect_end_them(subject: Subject, peer: FakePeer) -> None:
    peer.connects = HubUnreachable("No media connection came about.", ErrorCode.MEDIA_CONNECT_FAILED)
    await login(subject)
    await subject.on_io(subject.link.streams, UpdateType.ADD, BOBS)
    failed = await subject.hears("player_state_update", lambda event: event.error_code)
    assert (failed.state.name, failed.error_code) == ("NO_PLAY", 1900021)
    await subject.settle()
    assert len(subject.player_states()) == 2
