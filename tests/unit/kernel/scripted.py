"""A hub that is a script: what a call needs of discovery and link, without processes and sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from zego_widget import protocol
from zego_widget.call import CallView
from zego_widget.credentials import App, new_app
from zego_widget.errors import HubUnreachable, ZegoError
from zego_widget.model import PeerState, RoomStateChangedReason, Stream, UpdateType, User

ROOM = "demo"
ALICE = User("alice", "Alice")
BOB = User("bob", "Bob")
BOBS = Stream("demo-bob-1", BOB)
APP = new_app()


@dataclass(frozen=True)
class Address:
    url: str = "http://127.0.0.1:1"
    secret: str = "s3cret"
    app: App | None = APP


@dataclass
class ScriptedHub:
    """Answers what the test scripted; `links` are those that were opened, the last one is `link`."""

    links: list[ScriptedLink] = field(default_factory=list)
    answers: dict[type, Any] = field(default_factory=dict)
    """By request type: a message, an exception to raise, or a future of either to hold the answer back."""
    unreachable: Exception | None = None
    searches: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def link(self) -> ScriptedLink:
        return self.links[-1]

    async def find(self) -> Address:
        self.searches += 1
        await asyncio.sleep(0)
        if self.unreachable is not None:
            raise self.unreachable
        return Address()

    async def connect(
        self,
        find_address: Callable[[], Any],
        *,
        on_event: Callable[..., None],
        on_closed: Callable[..., None],
        on_interrupted: Callable[..., None],
        on_resumed: Callable[[], None],
        policy: Any,
    ) -> Any:
        await find_address()
        link = ScriptedLink(self, on_event, on_closed, on_interrupted, on_resumed, f"session-{len(self.links) + 1}")
        self.links.append(link)
        self.opened.set()
        return link


@dataclass
class ScriptedLink:
    hub: ScriptedHub
    on_event: Callable[[Any], None]
    on_closed: Callable[[ZegoError], None]
    on_interrupted: Callable[[ZegoError], None]
    on_resumed: Callable[[], None]
    session_id: str = "session-1"
    requests: list[Any] = field(default_factory=list)
    closed: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def request(self, message: Any, answer: type) -> Any:
        if self.closed:
            raise HubUnreachable("The link was closed.")
        request_id = 1000 + len(self.requests)
        self.requests.append(message)
        await asyncio.sleep(0)
        scripted = self.hub.answers.get(type(message))
        if isinstance(scripted, asyncio.Future):
            waiting = {asyncio.ensure_future(asyncio.shield(scripted)), asyncio.ensure_future(self.gone.wait())}
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()
            if not scripted.done():
                raise HubUnreachable("The link was closed.")
            scripted = scripted.result()
        if isinstance(scripted, Exception):
            raise scripted
        if scripted is not None:
            return msgspec.structs.replace(scripted, request_id=request_id)
        match message:
            case protocol.LoginRoom():
                return protocol.LoggedIn(request_id, message.room_id, "session-1", [], [])
            case protocol.Offer():
                return protocol.Answer(request_id, message.peer_id, "answer sdp", captures=True)
            case _:
                return protocol.Done(request_id)

    async def aclose(self) -> None:
        self.closed = True

    def asked(self, kind: type) -> list[Any]:
        return [request for request in self.requests if type(request) is kind]

    def lose(self, error: ZegoError) -> None:
        """The connection goes."""
        self.closed = True
        self.gone.set()
        self.on_closed(error)

    def interrupt(self) -> None:
        """The connection breaks, and may be resumed."""
        self.on_interrupted(HubUnreachable("The connection to the hub was lost."))

    def peer(self, peer_id: str, state: PeerState, reason: str = "") -> None:
        self.on_event(protocol.PeerStateChanged(peer_id, state, captures=True, reason=reason))

    def users(self, kind: UpdateType, *users: User) -> None:
        self.on_event(protocol.RoomUserUpdate(ROOM, kind, list(users)))

    def streams(self, kind: UpdateType, *streams: Stream) -> None:
        self.on_event(protocol.RoomStreamUpdate(ROOM, kind, list(streams)))

    def room_state(self, reason: RoomStateChangedReason, code: int = 0, message: str = "") -> None:
        self.on_event(protocol.RoomStateChanged(ROOM, reason, code, message))


class Screen:
    """Collects the views of a call."""

    def __init__(self) -> None:
        self.views: list[CallView] = [CallView()]
        self._changed = asyncio.Event()

    def show(self, view: CallView) -> None:
        self.views.append(view)
        self._changed.set()

    @property
    def last(self) -> CallView:
        return self.views[-1]

    async def until(self, condition: Callable[[CallView], bool]) -> CallView:
        async with asyncio.timeout(10):
            while not condition(self.last):
                self._changed.clear()
                await self._changed.wait()
        return self.last


def offer(request_id: int = 7, peer_id: str = "page-1") -> protocol.Offer:
    return protocol.Offer(request_id, peer_id, "offer sdp")
