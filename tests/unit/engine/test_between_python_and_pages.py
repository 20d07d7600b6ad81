"""An engine between Python and its pages: what happens at once, or in an order that nobody planned."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.engine.fakes import FakePeer, FakeView, Subject, live_page
from tests.unit.kernel.scripted import ALICE, BOBS, ROOM
from zego_widget.engine.profile import Canvas
from zego_widget.media.sources import TestPattern, Tone
from zego_widget.model import PublishChannel


@pytest.mark.parametrize("leave", ["logout and login", "switch room"])
async def test_a_login_right_after_does_not_wait_for_pages_of_the_former(
    subject: Subject, peer: FakePeer, view: FakeView, leave: str
) -> None:
    await subject.login()
    await subject.engine.start_playing_stream("bobs", Canvas(view))
    await subject.engine.stop_playing_stream("bobs")
    if leave == "switch room":
        subject.engine.switch_room(ROOM, "another")
    else:
        await subject.on_io(lambda: (subject.engine.logout_room(), subject.engine.login_room(ROOM, ALICE)))
    async with asyncio.timeout(5):
        await subject.engine.start_publishing_stream("mine")
    assert peer.connected, "nobody shows the engine, so Python captures"


async def test_a_page_never_hears_that_it_captures_where_sources_were_named(subject: Subject, view: FakeView) -> None:
    await subject.engine.set_capture_source(video=TestPattern())
    await subject.engine.start_preview(Canvas(view))
    await subject.settle()
    assert {each.media.captures for each in view.views} == {False}, "else it opens the camera for a moment"


async def test_python_that_takes_the_capture_waits_until_it_has_given_it_up(
    subject: Subject, peer: FakePeer, view: FakeView
) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.start_playing_stream("bobs")
    given_up, disconnect = await subject.held_back(), peer.disconnect

    async def slowly() -> None:
        await given_up
        await disconnect()

    peer.disconnect = slowly  # type: ignore[method-assign]
    await subject.engine.start_preview(Canvas(view))
    await subject.engine.set_capture_source(video=TestPattern())
    snapshot = subject.engine.take_play_stream_snapshot("bobs")
    await subject.settle()
    await subject.on_io(given_up.set_result, None)
    assert str(await snapshot) == "picture of bobs"
    await subject.settle()
    assert peer.connected
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")


async def test_whatever_keeps_python_from_taking_the_capture_ends_publishing_once(
    subject: Subject, peer: FakePeer, view: FakeView
) -> None:
    await live_page(subject, view)
    peer.connects = RuntimeError("not one of ours")
    await subject.engine.set_capture_source(video=TestPattern())
    async with asyncio.timeout(5):
        while subject.publisher_states()[-1] != ("NO_PUBLISH", 1003021, "mine"):
            await subject.settle()
    peer.connects = None
    await subject.engine.start_publishing_stream("again")
    assert peer.connected


async def test_frames_are_waited_for_across_a_change_of_the_capture(
    subject: Subject, peer: FakePeer, view: FakeView
) -> None:
    await live_page(subject, view)
    peer.connects = await subject.held_back()
    snapshot = subject.engine.take_play_stream_snapshot(BOBS.stream_id)
    async with asyncio.timeout(5):
        while not peer.connections:
            await subject.settle()
    peer.connects = None
    await subject.engine.set_capture_source(video=TestPattern())
    async with asyncio.timeout(5):
        assert str(await snapshot) == f"picture of {BOBS.stream_id}"
    assert peer.connections == 2 and peer.connected


async def test_sources_that_are_named_no_more_leave_the_capture_to_the_page(
    subject: Subject, peer: FakePeer, view: FakeView
) -> None:
    await live_page(subject, view)
    await subject.engine.set_capture_source(video=TestPattern())
    async with asyncio.timeout(5):
        while not peer.connected:
            await subject.settle()
    await subject.engine.reset_capture_source()
    async with asyncio.timeout(5):
        while peer.connected or not view.media.captures:
            await subject.settle()
    assert subject.publisher_states()[-1] == ("PUBLISHING", 0, "mine")


async def test_without_pages_sources_that_are_named_no_more_give_way_to_the_test_pattern(
    subject: Subject, peer: FakePeer
) -> None:
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    named = TestPattern()
    await subject.engine.set_capture_source(video=named)
    await subject.engine.reset_capture_source()
    video, audio, _ = peer.channels.last("set_capture", PublishChannel.MAIN)
    assert isinstance(video, TestPattern) and video is not named
    assert isinstance(audio, Tone)
    await subject.engine.set_capture_source(video=named, channel=PublishChannel.AUX)
    await subject.engine.reset_capture_source(PublishChannel.AUX)
    assert peer.channels.last("set_capture", PublishChannel.AUX) == (None, None, PublishChannel.AUX)
