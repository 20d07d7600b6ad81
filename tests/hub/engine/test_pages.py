"""An engine in pages, on a real hub: the pages are media peers that reach the kernel as a browser's do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.unit.engine.fakes import FakeView
from zego_widget import protocol
from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.profile import Canvas
from zego_widget.engine.states import PlayerState, PublisherState
from zego_widget.errors import ZegoError
from zego_widget.media.peer import MediaPeer
from zego_widget.media.peer_events import MediaPeerEvents
from zego_widget.media.sources import TestPattern, video_source
from zego_widget.model import CallState, PeerState, RemoteDeviceState, UpdateType
from zego_widget.testing import LocalHub, Participant

WHITE = np.full((360, 640, 3), 255, np.uint8)


class BrowserPage(MediaPeerEvents):
    """What a page's call object does, without a browser: it captures white, and reports what it plays."""

    def __init__(self, engine: ExpressEngine, page_id: str) -> None:
        self.page_id = page_id
        self.pages = engine._parts.pages
        self.peer = MediaPeer(self._send_offer, self, peer_id=page_id)
        self.peer.channels.set_capture(_white(), None)
        self.peer.channels.set_publishing(True)
        self.captures = False
        self._left = False

    async def leave(self) -> None:
        """The tab is closed: nothing more is said."""
        self._left = True
        await self.peer.aclose()

    async def connect(self) -> None:
        await self.peer.connect("take")
        self._report()

    async def _send_offer(self, offer: protocol.Offer) -> protocol.Answer:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Any] = loop.create_future()
        numbered = msgspec.structs.replace(offer, request_id=5)
        self.pages.take(numbered, lambda answer: loop.call_soon_threadsafe(answered.set_result, answer))
        answer = await answered
        if isinstance(answer, protocol.Refused):
            raise ZegoError(answer.message)
        assert answer.request_id == 5
        return msgspec.structs.replace(answer, request_id=offer.request_id)

    def capture_changed(self, captures: bool) -> None:
        self.captures = captures
        self._report()

    def played_streams_changed(self, stream_ids: frozenset[str]) -> None:
        self._report()

    def _report(self) -> None:
        peer = self.peer
        if not self._left:
            state = RemoteDeviceState.OPEN
            peer_id = peer.peer_id if peer.state is PeerState.CONNECTED else None
            status = protocol.PageStatus(
                self.page_id, peer_id, self.captures, state, state, state, 1.0, sorted(peer.played.stream_ids)
            )
            self.pages.take(status, lambda _: None)


def _white() -> Any:
    return video_source(lambda time: WHITE)


OpenPage = Callable[[ExpressEngine, str], Awaitable[BrowserPage]]


@pytest.fixture
async def open_page() -> AsyncIterator[OpenPage]:
    pages: list[BrowserPage] = []

    async def open_page(engine: ExpressEngine, page_id: str) -> BrowserPage:
        page = BrowserPage(engine, page_id)
        pages.append(page)
        await page.connect()
        return page

    yield open_page
    for page in pages:
        await page.leave()


async def brightness(participant: Participant, stream_id: str, *, white: bool) -> None:
    """Wait until a stream shows what a page captures, or the test pattern."""
    async with asyncio.timeout(20):
        async for frame in await participant.frames(stream_id):
            if bool(frame.to_ndarray(format="rgb24").mean() > 240) is white:
                return


async def test_a_page_captures_and_plays_and_comes_back(lab: LocalHub, open_page: OpenPage) -> None:
    bob = await lab.participant("bob", publishes=True, plays=True)
    alice = await lab.participant("alice")
    view, remote = FakeView(), FakeView()
    await alice.engine.start_preview(Canvas(view))
    start = alice.engine.start_publishing_stream("alices")
    await alice.engine.start_playing_stream("bob-stream", Canvas(remote))
    page = await open_page(alice.engine, "page-1")
    await start
    await alice.hears("player_state_update", lambda event: event.state is PlayerState.PLAYING)
    await brightness(bob, "alices", white=True)

    bob.forget()
    await page.leave()
    await bob.hears("room_stream_update", lambda event: event.update_type is UpdateType.DELETE)
    await alice.hears("player_state_update", lambda event: event.error_code == 1004020)
    assert alice.all("publisher_state_update")[-1].error_code == 1003020
    await open_page(alice.engine, "page-2")
    await bob.hears("room_stream_update", lambda event: event.update_type is UpdateType.ADD)
    await brightness(bob, "alices", white=True)
    states = [each.state for each in view.views]
    assert CallState.RECONNECTING in states
    assert states[-1] is CallState.IN_CALL
    assert alice.all("publisher_state_update")[-1].state is PublisherState.PUBLISHING

    await alice.engine.logout_room()
    assert view.bound[-1] == remote.bound[-1] == (None, 0)


async def test_the_capture_goes_from_python_to_the_page_and_back(lab: LocalHub, open_page: OpenPage) -> None:
    bob = await lab.participant("bob", publishes=True, plays=True)
    alice = await lab.participant("alice", publishes=True)
    await brightness(bob, "alice-stream", white=False)
    view = FakeView()
    await alice.engine.start_preview(Canvas(view))
    page = await open_page(alice.engine, "page-1")
    await brightness(bob, "alice-stream", white=True)
    assert page.captures

    await alice.engine.set_capture_source(video=TestPattern())
    await brightness(bob, "alice-stream", white=False)
    assert not page.captures
    assert not view.media.captures

    await alice.engine.reset_capture_source()
    await brightness(bob, "alice-stream", white=True)
    assert page.captures
    assert view.media.captures
    assert {event.state for event in alice.all("publisher_state_update")[1:]} == {PublisherState.PUBLISHING}


async def test_python_gets_frames_beside_the_page(lab: LocalHub, open_page: OpenPage) -> None:
    await lab.participant("bob", publishes=True)
    alice = await lab.participant("alice")
    await alice.engine.start_preview(Canvas(FakeView()))
    start = alice.engine.start_publishing_stream("alices")
    await alice.engine.start_playing_stream("bob-stream", Canvas(FakeView()))
    page = await open_page(alice.engine, "page-1")
    await start
    frames = await alice.sees("bob-stream", 5)
    assert TestPattern.read_number(frames[0].to_ndarray(format="rgb24")) >= 0
    picture = await alice.engine.take_play_stream_snapshot("bob-stream")
    assert picture.shape == (360, 640, 3)
    assert page.captures
    assert "bob-stream" in page.peer.played.stream_ids
