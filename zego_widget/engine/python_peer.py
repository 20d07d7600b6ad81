"""The media peer of an engine in this process, and its one connection."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from .. import protocol
from ..errors import ErrorCode, ZegoError
from ..media.peer_events import MediaPeerEvents
from .core import Core
from .login import left_error
from .rooms import Rooms

if TYPE_CHECKING:
    from ..media.peer import MediaPeer

MEND_TIMEOUT = 6.0
"""Seconds for a connection that replaces another: the sooner it is given up, the sooner the next may succeed."""

SendOffer = Callable[[protocol.Offer], Awaitable[protocol.Answer]]


class Replaced(ZegoError):
    """Python's connection gave way to one with another capture wish: whoever waits for it looks again."""


class NewPeer(Protocol):
    """Makes a media peer, as `media.peer.MediaPeer` does."""

    def __call__(self, send_offer: SendOffer, events: MediaPeerEvents) -> MediaPeer: ...


class PythonPeer:
    """Lives as long as the engine, once it was needed; connected once per room, with one capture wish at a time."""

    def __init__(
        self,
        core: Core,
        rooms: Rooms,
        new_peer: NewPeer | None,
        events: MediaPeerEvents,
        prepare: Callable[[MediaPeer], None],
        mends: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        """`prepare` gets the peer when it was made; `mends`: a connection replaces one that broke.

        `changed` is called when a connection is there or is ended.
        """
        self._core = core
        self._rooms = rooms
        self._new_peer = new_peer
        self._events = events
        self._prepare = prepare
        self._mends = mends
        self._changed = changed
        self._making = asyncio.Lock()
        # A connection begins once the former has ended.
        self._switching = asyncio.Lock()
        self._connecting: asyncio.Task[None] | None = None
        self.wish: protocol.CaptureWish = "take"
        """That of the connection."""
        self.connected = False
        self.now: MediaPeer | None = None
        """The peer, once it was needed."""

    @property
    def begun(self) -> bool:
        """Whether there is a connection, or one is being made."""
        return self._connecting is not None

    async def made(self) -> MediaPeer:
        """The peer, made if need be; the media libraries are loaded here."""
        async with self._making:
            if self.now is None:
                peer_module = await asyncio.to_thread(importlib.import_module, "zego_widget.media.peer")
                if self._core.closed:
                    raise ZegoError("The engine was destroyed.", ErrorCode.COMMON_ENGINE_NOT_CREATE)
                new_peer: NewPeer = self._new_peer or peer_module.MediaPeer
                self.now = new_peer(self._send_offer, self._events)
                self._prepare(self.now)
        return self.now

    async def joined(self, wish: protocol.CaptureWish) -> MediaPeer:
        """The peer, connected to the present room; raises `ZegoError` where that fails or the room is left."""
        peer = await self.made()
        async with self._switching:
            if self._connecting is not None and self.wish != wish:
                await self._end_connection()
            login = self._rooms.login_now
            if login is None:
                raise left_error()
            if self._connecting is None:
                self.wish = wish
                self._connecting = self._core.spawn(self._connect(peer, wish))
                # Whoever waits for it may be called off before it fails.
                self._connecting.add_done_callback(lambda task: task.cancelled() or task.exception())
            connecting = self._connecting
        await asyncio.wait([connecting])
        if connecting.cancelled():
            raise Replaced("Python connects anew.") if login is self._rooms.login_now else left_error()
        connecting.result()
        if self._connecting is not connecting:
            raise ZegoError("The media connection to the hub was lost at once.", ErrorCode.MEDIA_CONNECT_FAILED)
        return peer

    async def drop(self) -> None:
        """End the connection, if there is one."""
        async with self._switching:
            await self._end_connection()

    def lost(self) -> bool:
        """The peer tells that its connection ended; False where it was not up, or was ended here."""
        if not self.connected:
            return False
        self.connected, self._connecting = False, None
        self._changed()
        return True

    def session_lost(self) -> bool:
        """The hub has forgotten the connection, which is to be dropped; False where there is none."""
        if self._connecting is None:
            return False
        self.connected = False
        self._changed()
        return True

    async def _end_connection(self) -> None:
        connecting, self._connecting, self.connected = self._connecting, None, False
        self._changed()
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait([connecting])
            if self.now is not None:
                await self.now.disconnect()

    async def _connect(self, peer: MediaPeer, wish: protocol.CaptureWish) -> None:
        try:
            if self._mends():
                await peer.connect(wish, timeout=MEND_TIMEOUT)
            else:
                await peer.connect(wish)
        except Exception:
            self._connecting = None  # the next who needs it tries again
            raise
        self.connected = True
        self._changed()

    async def _send_offer(self, offer: protocol.Offer) -> protocol.Answer:
        return await self._rooms.request(offer, protocol.Answer)
