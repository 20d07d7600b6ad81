"""What pages and hub say to each other before they talk directly: offers, answers, and what becomes of the peers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from .. import protocol
from ..errors import ErrorCode, HubUnreachable, ZegoError
from ..model import PeerState
from .core import Core
from .login import Login
from .rooms import Rooms

logger = logging.getLogger(__name__)

Reply = Callable[[protocol.KernelMessage], None]


def _closed() -> ZegoError:
    return ZegoError("The page closed this connection before the hub had answered.", ErrorCode.MEDIA_CONNECT_FAILED)


def _refused(request_id: int, error: ZegoError) -> protocol.Refused:
    return protocol.Refused(request_id, int(error.code), error.message)


class PageRelay:
    """The peers of an engine's pages in the present room; belongs to the I/O loop."""

    def __init__(self, core: Core, rooms: Rooms) -> None:
        self._core = core
        self._rooms = rooms
        # In the order of their offers.
        self.peers: dict[str, PeerState] = {}
        self.capturing: str | None = None
        """The page's peer that the hub lets capture."""
        # Those that were not answered yet, by what waits for the answer; without those whose peer was closed again.
        self._offers: dict[asyncio.Task[protocol.KernelMessage], str] = {}
        self.last_peer_reason = ""
        """Why the last peer went."""
        self.on_changed: list[Callable[[], None]] = []
        self.may_capture: Callable[[], bool] = lambda: True
        """False: whatever a page wishes, it does not capture."""
        rooms.on_left.append(self._room_left)
        rooms.on_session_lost.append(self._session_lost)
        core.route(protocol.PeerStateChanged, self._peer_changed)

    @property
    def connected(self) -> tuple[str, ...]:
        """Peers that are connected, the oldest first."""
        return tuple(peer_id for peer_id, state in self.peers.items() if state is PeerState.CONNECTED)

    @property
    def captures(self) -> bool:
        """Whether a connected page captures for the session."""
        return self.capturing is not None and self.peers.get(self.capturing) is PeerState.CONNECTED

    @property
    def offers(self) -> int:
        """Offers that were not answered yet."""
        return len(self._offers)

    def offer(self, offer: protocol.Offer, reply: Reply) -> None:
        """Hand an offer on once the hub can be reached; `reply` gets `Answer` or `Refused`."""
        answering = self._core.spawn(self._offer(offer))
        self._offers[answering] = offer.peer_id

        def answered(_: object) -> None:
            closed = self._offers.pop(answering, None) is None
            if not answering.cancelled():
                reply(answering.result())
            elif closed:  # else the engine ends
                reply(_refused(offer.request_id, _closed()))
            self._changed()

        answering.add_done_callback(answered)
        self._changed()

    def close(self, message: protocol.ClosePeer, reply: Reply) -> None:
        """Hand on the wish to close a peer; `reply` gets `Done` or `Refused`.

        An offer that still waits for the hub to be reached is refused instead.
        """
        offers = [answering for answering, peer_id in self._offers.items() if peer_id == message.peer_id]
        for answering in offers:
            del self._offers[answering]
        login = self._rooms.login_now
        if login is None or login.link is None or message.peer_id not in self.peers:
            for answering in offers:
                answering.cancel()
            reply(protocol.Done(message.request_id))  # with the session its peers have gone
            return
        self._core.spawn(self._close(message, reply))

    async def _offer(self, offer: protocol.Offer) -> protocol.KernelMessage:
        new = False
        login: Login | None = None
        try:
            while True:
                login = await self._rooms.entered()
                assert login.link is not None
                link = login.link
                new = offer.peer_id not in self.peers
                self.peers.setdefault(offer.peer_id, PeerState.NEW)
                asked = offer if self.may_capture() else msgspec.structs.replace(offer, capture="never")
                try:
                    answer = await link.request(asked, protocol.Answer)
                    break
                except HubUnreachable:
                    if login is not self._rooms.login_now or login.link is link:
                        raise
                    # The session was lost meanwhile: the offer is for the next one.
                    if asyncio.current_task() not in self._offers:
                        raise _closed() from None
        except ZegoError as error:
            if new and login is self._rooms.login_now:
                self.peers.pop(offer.peer_id, None)
            self.last_peer_reason = error.message
            return _refused(offer.request_id, error)
        return msgspec.structs.replace(answer, request_id=offer.request_id)

    async def _close(self, message: protocol.ClosePeer, reply: Reply) -> None:
        try:
            await self._rooms.request(message, protocol.Done)
        except ZegoError as error:
            reply(_refused(message.request_id, error))
        else:
            reply(protocol.Done(message.request_id))

    def _peer_changed(self, event: protocol.PeerStateChanged) -> None:
        if event.peer_id not in self.peers:  # Python's own
            return
        if event.state is PeerState.CLOSED:
            del self.peers[event.peer_id]
            self.last_peer_reason = event.reason
        else:
            self.peers[event.peer_id] = event.state
        if event.captures and event.peer_id in self.peers:
            self.capturing = event.peer_id
        elif self.capturing == event.peer_id:
            self.capturing = None
        logger.info("page's peer %a: %s", event.peer_id, event.state)
        self._changed()

    def _room_left(self, error: ZegoError | None, keeps_preview: bool) -> None:
        self._forget()

    def _session_lost(self, error: ZegoError) -> None:
        self.last_peer_reason = error.message
        self._forget()

    def _forget(self) -> None:
        """With a session its peers have gone."""
        self.peers.clear()
        self.capturing = None
        self._changed()

    def _changed(self) -> None:
        for changed in self.on_changed:
            changed()
