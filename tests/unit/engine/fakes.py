"""Stand-ins: an engine on a scripted hub, and a media peer that records what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from tests.unit.kernel.scripted import ALICE, BOBS, ROOM, ScriptedHub, ScriptedLink
from zego_widget import protocol
from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.handler import EventHandler
from zego_widget.engine.pages import PagesView
from zego_widget.engine.parts import Parts
from zego_widget.engine.profile import Canvas, EngineProfile
from zego_widget.errors import ZegoError
from zego_widget.model import PeerState, PublishChannel, RemoteDeviceState
from zego_widget.retry import RetryPolicy
from zego_widget.testing.participant import Recorder

T = TypeVar("T")


class Recording:
    """Takes what an engine does to it."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def last(self, method: str, *arguments: Any) -> tuple[Any, ...]:
        """The latest call of a method whose arguments end in these."""
        calls = [told[1:] for told in self.told if told[0] == method]
        return [call for call in calls if call[len(call) - len(arguments) :] == arguments][-1]

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith(("set_", "mute_", "enable_", "monitor_", "reset")):
            return lambda *arguments: self.told.append((name, *arguments))
        raise AttributeError(name)


class FakeChannels(Recording):
    """Stands in for `media.channels.Channels`."""

    async def capture_snapshot(self, channel: PublishChannel) -> str:
        return f"picture of {channel.name}"


class FakePlayedStreams(Recording):
    """Stands in for `media.played_streams.PlayedStreams`."""

    stream_ids: frozenset[str] = frozenset()

    async def snapshot(self, stream_id: str) -> str:
        return f"picture of {stream_id}"


class FakePeer:
    """Stands in for a `MediaPeer`; `connects` may hold a connection back or let it fail."""

    def __init__(self) -> None:
        self.events: Any = None
        self.send_offer: Any = None
        self.channels = FakeChannels()
        self.played = FakePlayedStreams()
        self.connects: asyncio.Future[None] | Exception | None = None
        self.connections = 0
        self.connected = False
        self.closed = False

    def make(self, send_offer: Any, events: Any) -> Any:
        self.send_offer, self.events = send_offer, events
        return self

    @property
    def peer_id(self) -> str:
        return f"python-{self.connections}"

    async def connect(self, capture: protocol.CaptureWish = "take", timeout: float = 15.0) -> None:
        self.connections += 1
        await self.send_offer(protocol.Offer(0, self.peer_id, "offer sdp", capture=capture))
        if isinstance(self.connects, Exception):
            raise self.connects
        if self.connects is not None:
            await self.connects
        self.connected = True
        self.events.peer_state_changed(PeerState.CONNECTED, "")

    async def disconnect(self) -> None:
        if self.connected:
            self.connected = False
            self.events.peer_state_changed(PeerState.CLOSED, "closed here")
            self.arrive()

    async def aclose(self) -> None:
        self.closed = True

    def arrive(self, *stream_ids: str) -> None:
        """These streams have a receive slot now."""
        self.played.stream_ids = frozenset(stream_ids)
        self.events.played_streams_changed(self.played.stream_ids)

    def lose(self) -> None:
        """The media connection breaks."""
        self.connected = False
        self.events.peer_state_changed(PeerState.CLOSED, "nothing was heard")
        self.arrive()


class FakeView:
    """A widget on a canvas, that records what it is told."""

    def __init__(self) -> None:
        self.bound: list[tuple[Any, int]] = []
        """What it shows and how, None where it was unbound."""
        self.views: list[PagesView] = []
        self.told: list[Any] = []

    def bind(self, pages: Any, shown: Any, view_mode: Any) -> None:
        self.bound.append((shown, view_mode))

    def unbind(self, pages: Any) -> None:
        self.bound.append((None, 0))

    def changed(self, view: PagesView) -> None:
        self.views.append(view)

    def tell(self, message: Any) -> None:
        self.told.append(message)

    @property
    def media(self) -> protocol.PageMedia:
        """What the pages are asked for now."""
        return self.views[-1].media


class FakePage:
    """A browser page of an engine, on the script of a test."""

    def __init__(self, subject: Subject, page_id: str = "page-1") -> None:
        self.subject = subject
        self.page_id = page_id
        self.peer_id: str | None = None
        self.heard: list[Any] = []
        self.status = protocol.PageStatus(page_id, None, False, _OPEN, _OPEN, _OPEN, 1.0, [])

    async def say(self, message: Any, buffer: bytes = b"") -> None:
        self.subject.engine._parts.pages.take(message, self.heard.append, buffer)
        await self.subject.settle()

    async def offer(self, peer_id: str) -> None:
        await self.say(protocol.Offer(7, peer_id, "offer sdp", capture="take"))

    async def connect(self, peer_id: str = "page-1-1", *, captures: bool = True) -> None:
        """Offer, be answered and be connected."""
        await self.offer(peer_id)
        await self.connected(peer_id, captures=captures)

    async def connected(self, peer_id: str, *, captures: bool = True) -> None:
        event = protocol.PeerStateChanged(peer_id, PeerState.CONNECTED, captures)
        await self.subject.on_io(self.subject.link.on_event, event)
        await self.says_status(peer_id=peer_id, captures=captures)

    async def leave(self) -> None:
        """Its peer is gone for the hub."""
        assert self.status.peer_id is not None
        await self.subject.on_io(self.subject.link.peer, self.status.peer_id, PeerState.CLOSED, "left")

    async def says_status(self, **fields: Any) -> None:
        self.status = msgspec.structs.replace(self.status, **fields)
        await self.say(self.status)

    async def plays(self, *stream_ids: str) -> None:
        await self.says_status(played=list(stream_ids))


_OPEN = RemoteDeviceState.OPEN


SOON = RetryPolicy(first_delays=(0.0, 0.001), later=0.002, jitter=0.001)


class ScriptedEngine(ExpressEngine):
    """An engine on a scripted hub."""

    def __init__(
        self, hub: ScriptedHub, profile: EngineProfile | None = None, handler: EventHandler | None = None
    ) -> None:
        self.hub = hub
        self.peer = FakePeer()
        super().__init__(profile or EngineProfile(), handler)

    def _new_parts(self, profile: EngineProfile, handler: EventHandler | None) -> Parts:
        hub = self.hub
        return Parts(profile, handler, find_hub=hub.find, connect=hub.connect, new_peer=self.peer.make, policy=SOON)


class Subject(Recorder):
    """The engine under test, with what it tells."""

    engine: ScriptedEngine

    def __init__(self, engine: ScriptedEngine) -> None:
        super().__init__(engine)
        self.hub = engine.hub
        self.peer = engine.peer

    @property
    def link(self) -> ScriptedLink:
        return self.hub.link

    async def on_io(self, callback: Callable[..., T], *arguments: Any) -> T:
        """Let the hub or the media do something, where they do it."""

        async def call() -> T:
            result = callback(*arguments)
            for _ in range(20):  # and what follows from it
                await asyncio.sleep(0)
            return result

        return await asyncio.wrap_future(self.engine._parts.core._lease.submit(call()))

    async def settle(self) -> None:
        """Let everything run that can run now."""
        await self.on_io(lambda: None)

    async def held_back(self) -> asyncio.Future[Any]:
        """A future of the I/O loop, for an answer that comes later."""

        async def make() -> asyncio.Future[Any]:
            return asyncio.get_running_loop().create_future()

        return await asyncio.wrap_future(self.engine._parts.core._lease.submit(make()))

    async def login(self, **fields: Any) -> None:
        await self.engine.login_room(ROOM, ALICE, **fields)

    def room_states(self) -> list[tuple[str, int, str]]:
        """Reason, error code and room of every change so far."""
        return [(event.reason.name, int(event.error_code), event.room_id) for event in self.all("room_state_changed")]

    def publisher_states(self) -> list[tuple[str, int, str]]:
        return self._states("publisher_state_update")

    def player_states(self) -> list[tuple[str, int, str]]:
        return self._states("player_state_update")

    def _states(self, name: str) -> list[tuple[str, int, str]]:
        return [(event.state.name, int(event.error_code), event.stream_id) for event in self.all(name)]


async def live_page(subject: Subject, view: FakeView) -> FakePage:
    """A page that captures, publishes "mine", and plays Bob."""
    page = FakePage(subject)
    await subject.engine.start_preview(Canvas(view))
    await subject.login()
    start = subject.engine.start_publishing_stream("mine")
    await subject.engine.start_playing_stream(BOBS.stream_id, Canvas(FakeView()))
    await page.connect("p1")
    await page.plays(BOBS.stream_id)
    await start
    return page


async def code_of(operation: Any) -> int:
    """The code with which a verb fails."""
    try:
        await operation
    except ZegoError as error:
        return int(error.code)
    return 0
