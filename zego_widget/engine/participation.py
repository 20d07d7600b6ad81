"""The engine's media peer: made when first needed, connected while something is published or played."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from .. import protocol
from ..errors import ErrorCode, ZegoError
from ..model import PeerState, PublishChannel
from .capture import CaptureSettings
from .core import Core
from .rooms import Rooms, left_error

if TYPE_CHECKING:
    from ..media.peer import MediaPeer, MediaPeerEvents

logger = logging.getLogger(__name__)


SendOffer = Callable[[protocol.Offer], Awaitable[protocol.Answer]]


class NewPeer(Protocol):
    """Makes a media peer, as `media.peer.MediaPeer` does."""

    def __call__(self, send_offer: SendOffer, events: MediaPeerEvents) -> MediaPeer: ...


class Participation:
    """Owns the media peer of an engine, which lives as long as the engine and is connected once per room."""

    def __init__(self, core: Core, rooms: Rooms, capture: CaptureSettings, new_peer: NewPeer | None) -> None:
        self._core = core
        self._rooms = rooms
        self._capture = capture
        self._new_peer = new_peer
        self._making = asyncio.Lock()
        self._connecting: asyncio.Task[None] | None = None
        self._connected = False
        self.peer_now: MediaPeer | None = None
        """The peer, once it was needed."""
        self.on_lost: list[Callable[[ZegoError], None]] = []
        self.on_played: list[Callable[[frozenset[str]], None]] = []
        self.while_connected: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._watching: asyncio.Task[None] | None = None
        rooms.on_leaving.append(self.disconnect)

    async def peer(self) -> MediaPeer:
        """The peer, made if need be; the media libraries are loaded here."""
        async with self._making:
            if self.peer_now is None:
                peer_module = await asyncio.to_thread(importlib.import_module, "zego_widget.media.peer")
                if self._core.closed:
                    raise ZegoError("The engine was destroyed.", ErrorCode.COMMON_ENGINE_NOT_CREATE)
                new_peer: NewPeer = self._new_peer or peer_module.MediaPeer
                self.peer_now = new_peer(self._send_offer, _events(peer_module.MediaPeerEvents, self))
                for channel in PublishChannel:
                    self._capture.apply(self.peer_now, channel)
                    self._capture.apply_sources(self.peer_now, channel)
        return self.peer_now

    async def connected(self) -> MediaPeer:
        """The peer, connected to the present room; raises `ZegoError` where that fails or the room is left."""
        peer = await self.peer()
        if self._rooms.login_now is None:
            raise left_error()
        if self._connecting is None:
            self._connecting = self._core.spawn(self._connect(peer))
        connecting = self._connecting
        await asyncio.wait([connecting])
        if connecting.cancelled():
            raise left_error()
        connecting.result()
        if self._connecting is not connecting:
            raise ZegoError("The media connection to the hub was lost at once.", ErrorCode.MEDIA_CONNECT_FAILED)
        return peer

    async def disconnect(self) -> None:
        """Leave the room with all media; sources and settings stay."""
        connecting, self._connecting, self._connected = self._connecting, None, False
        self._stop_watching()
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait([connecting])
            if self.peer_now is not None:
                await self.peer_now.disconnect()

    async def aclose(self) -> None:
        """End the peer."""
        await self.disconnect()
        if self.peer_now is not None:
            await self.peer_now.aclose()

    async def _connect(self, peer: MediaPeer) -> None:
        try:
            await peer.connect()
        except Exception:
            self._connecting = None  # the next who needs it tries again
            raise
        self._connected = True
        if self.while_connected is not None:
            self._watching = self._core.spawn(self.while_connected())

    def _stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _send_offer(self, offer: protocol.Offer) -> protocol.Answer:
        return await self._rooms.request(offer, protocol.Answer)

    def state_changed(self, state: PeerState, reason: str) -> None:
        """The peer came up or ended; `disconnect` and a failure to connect are told elsewhere."""
        if state is PeerState.CLOSED and self._connected:
            self._connected, self._connecting = False, None
            self._stop_watching()
            sentence = f"The media connection to the hub was lost: {reason or 'no reason was given'}."
            error = ZegoError(sentence, ErrorCode.MEDIA_CONNECT_FAILED)
            for lost in self.on_lost:
                lost(error)

    def played(self, stream_ids: frozenset[str]) -> None:
        """These streams arrive now."""
        for each in self.on_played:
            each(stream_ids)

    def first_frame_received(self, stream_id: str, kind: str) -> None:
        self._core.emit(f"player_recv_{kind}_first_frame", stream_id)

    def first_frame_sent(self, channel: PublishChannel, kind: str) -> None:
        if kind == "video":
            self._core.emit("publisher_captured_video_first_frame", channel)
        elif channel is PublishChannel.MAIN:
            self._core.emit("publisher_captured_audio_first_frame")

    def video_size_changed(self, stream_id: str, width: int, height: int) -> None:
        self._core.emit("player_video_size_changed", width, height, stream_id)

    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None:
        self._core.emit("publisher_video_size_changed", width, height, channel)

    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None:
        if error is not None:
            code = error.code if isinstance(error, ZegoError) else ErrorCode.DEVICE_ERROR_TYPE_GENERIC
            info = f"The {kind} source of channel {channel.name} failed: {type(error).__name__}: {error}"
            self._core.emit("local_device_exception_occurred", code, channel, info)


def _events(base: type[MediaPeerEvents], part: Participation) -> MediaPeerEvents:
    """The peer's events, whose class is known only once the media libraries are loaded."""
    members = {
        "peer_state_changed": lambda _, state, reason: part.state_changed(state, reason),
        "played_streams_changed": lambda _, stream_ids: part.played(stream_ids),
        "first_frame_received": lambda _, *arguments: part.first_frame_received(*arguments),
        "first_frame_sent": lambda _, *arguments: part.first_frame_sent(*arguments),
        "video_size_changed": lambda _, *arguments: part.video_size_changed(*arguments),
        "capture_size_changed": lambda _, *arguments: part.capture_size_changed(*arguments),
        "capture_ended": lambda _, *arguments: part.capture_ended(*arguments),
    }
    events: MediaPeerEvents = type("_EngineMediaEvents", (base,), members)()
    return events
