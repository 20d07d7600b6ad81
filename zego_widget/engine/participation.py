"""Where an engine captures and plays: in its pages, in Python, or in both; all that the other parts need of media."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from .. import protocol
from ..errors import ErrorCode, ZegoError
from ..model import PeerState, PublishChannel, UpdateType
from ..retry import RetryPolicy
from .capture import CaptureSettings
from .core import Core, as_zego_error
from .devices import AUDIO_KINDS, DeviceInfo, Kind
from .login import left_error
from .mending import Mending
from .pages import Pages
from .player import Player
from .quality import PeerCounts
from .rooms import Rooms

if TYPE_CHECKING:
    from ..media.peer import MediaPeer
    from ..media.peer_events import MediaPeerEvents

logger = logging.getLogger(__name__)


MEND_TIMEOUT = 6.0
"""Seconds for a connection that replaces another: the sooner it is given up, the sooner the next may succeed."""

SendOffer = Callable[[protocol.Offer], Awaitable[protocol.Answer]]


class _Replaced(ZegoError):
    """Python's connection gave way to one with another capture wish: whoever waits for it looks again."""


class NewPeer(Protocol):
    """Makes a media peer, as `media.peer.MediaPeer` does."""

    def __call__(self, send_offer: SendOffer, events: MediaPeerEvents) -> MediaPeer: ...


class Participation:
    """Owns the Python peer of an engine, which lives as long as the engine and is connected once per room.

    Captures: Python, from the sources that were named; else the pages, once there are any; else Python's test pattern.
    Plays: the pages, if there are any, and Python where somebody asked for frames; else Python. With pages Python is
    connected only while it has one of these to do. A connection that breaks is mended by a fresh offer, by the retry
    policy, for as long as the room is not left; whoever waits for media waits for that.
    """

    def __init__(
        self,
        core: Core,
        rooms: Rooms,
        capture: CaptureSettings,
        pages: Pages,
        new_peer: NewPeer | None,
        policy: RetryPolicy,
    ) -> None:
        self._core = core
        self._rooms = rooms
        self._capture = capture
        self.pages = pages
        self._new_peer = new_peer
        self._mending = Mending(core, rooms, policy, self._mend, self._give_up)
        self._page_captured = False
        # Python's connection belongs to a session that is lost.
        self._broken = False
        self._making = asyncio.Lock()
        # A connection begins once the former has ended.
        self._switching = asyncio.Lock()
        self._connecting: asyncio.Task[None] | None = None
        self._wish: protocol.CaptureWish = "take"
        self._connected = False
        # Somebody asked Python for frames in this room.
        self._consumed = False
        self._arranging: asyncio.Task[None] | None = None
        self._rearrange = False
        self.peer_now: MediaPeer | None = None
        """Python's peer, once it was needed."""
        self.on_capture_broken: list[Callable[[ZegoError], None]] = []
        """Called when what is published reaches nobody; it comes back, or is lost."""
        self.on_play_broken: list[Callable[[ZegoError], None]] = []
        self.on_capture_lost: list[Callable[[ZegoError], None]] = []
        self.on_play_lost: list[Callable[[ZegoError], None]] = []
        self.on_played: list[Callable[[frozenset[str]], None]] = []
        self.while_connected: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._watching: asyncio.Task[None] | None = None
        rooms.on_leaving.append(self.disconnect)
        rooms.on_session_lost.append(self._session_lost)
        pages.reports.events = self
        pages.relay.may_capture = lambda: not self.python_captures
        pages.on_used.append(self.arrange)
        pages.on_peers_changed.append(self._pages_changed)
        pages.on_settings_changed.append(self.settings_changed)

    # -- for the other parts --------------------------------------------------------------------------------

    @property
    def python_captures(self) -> bool:
        """Whether Python captures, not the pages."""
        return not self.pages.in_use or self._sources_named

    @property
    def _sources_named(self) -> bool:
        return any(each.sources is not None for each in self._capture.channels.values())

    @property
    def interrupted(self) -> bool:
        """Whether nothing plays because no page is connected."""
        return self.pages.in_use and not self.pages.reports.plays

    @property
    def player_id(self) -> str | None:
        """ID of the peer that plays, as the hub knows it: of several pages, that of the one that counts."""
        if self.pages.in_use:
            return self.pages.reports.playing_peer_id
        return None if self.peer_now is None else self.peer_now.peer_id

    @property
    def players(self) -> tuple[Player, ...]:
        """Who plays, so far."""
        pages = self.pages.wishes.played
        return (pages,) if self.peer_now is None else (pages, self.peer_now.played)

    async def all_players(self) -> tuple[Player, ...]:
        """Who plays; without pages that is Python's peer, made if need be."""
        if not self.pages.in_use:
            await self.peer()
        return self.players

    def set_publishing(self, publishing: bool, channel: PublishChannel) -> None:
        """Whether a channel is sent, by whoever captures."""
        self.pages.wishes.set_publishing(publishing, channel)
        if self.peer_now is not None:
            self.peer_now.channels.set_publishing(publishing, channel)

    def settings_changed(self, channel: PublishChannel) -> None:
        """The settings of a channel are others now."""
        if self.peer_now is not None:
            self._capture.apply(self.peer_now.channels, channel)
        self.pages.refresh()

    def sources_changed(self, channel: PublishChannel) -> None:
        """A channel captures from other sources now."""
        if self.peer_now is not None:
            self._capture.change_sources(self.peer_now.channels, channel)
        self.arrange()

    async def captured(self, given_up: Callable[[], bool]) -> None:
        """Wait until who captures is connected, or it is given up; raises `ZegoError` where Python's peer fails."""
        relay = self.pages.relay
        while not given_up():
            if not self.python_captures:
                if relay.captures:
                    return
                await self.pages.until(lambda: given_up() or self.python_captures or relay.captures)
                continue
            try:
                await self._python("take")
            except _Replaced:
                continue
            except ZegoError:
                if self._mending.under_way:
                    await self._mending.done()
                elif self.python_captures:
                    raise
            else:
                if self.python_captures:
                    return

    async def playing(self) -> frozenset[str]:
        """The streams that arrive; without pages once Python's peer is connected. Nothing is told of pages to come."""
        while not self.pages.in_use:
            try:
                return (await self._python("take")).played.stream_ids
            except ZegoError:
                if self._mending.under_way:
                    await self._mending.done()
                # Pages may have come meanwhile, and have taken the peer away.
                elif self._alone() or self._rooms.login_now is None:
                    raise
        return self.pages.reports.played_streams

    def _alone(self) -> bool:
        return not self.pages.in_use

    async def consumed(self) -> MediaPeer:
        """Python's peer for who wants frames of a played stream; with pages it joins them."""
        if not self.pages.in_use:
            self._consumed = True
            return await self.peer()
        await self._rooms.entered()
        self._consumed = True
        while True:
            try:
                return await self._python("take" if self.python_captures else "never")
            except _Replaced:
                continue
            except ZegoError:
                if not self._mending.under_way:
                    raise
                await self._mending.done()

    async def capture_snapshot(self, channel: PublishChannel) -> Any:
        """The present picture of a channel."""
        if self.python_captures:
            return await (await self.peer()).channels.capture_snapshot(channel)
        return await self.pages.snapshots.ask(self.pages.reports.capturing_page_id, channel)

    async def stats(self) -> PeerCounts:
        """Counts of what is sent and played, wherever that is."""
        peer = self.peer_now if self._connected else None
        python = None if peer is None else await peer.stats()
        if not self.pages.in_use:
            return PeerCounts() if python is None else PeerCounts(python.rtt, python.published, python.played)
        told = self.pages.reports.stats()
        if python is None:
            return told
        rtt = python.rtt if told.rtt is None else told.rtt
        return PeerCounts(rtt, python.published if self.python_captures else told.published, told.played)

    # -- Python's peer --------------------------------------------------------------------------------------

    async def peer(self) -> MediaPeer:
        """Python's peer, made if need be; the media libraries are loaded here."""
        async with self._making:
            if self.peer_now is None:
                peer_module = await asyncio.to_thread(importlib.import_module, "zego_widget.media.peer")
                if self._core.closed:
                    raise ZegoError("The engine was destroyed.", ErrorCode.COMMON_ENGINE_NOT_CREATE)
                new_peer: NewPeer = self._new_peer or peer_module.MediaPeer
                self.peer_now = new_peer(self._send_offer, _events(peer_module.MediaPeerEvents, self))
                for channel in PublishChannel:
                    self._capture.apply(self.peer_now.channels, channel)
                    self._capture.apply_sources(self.peer_now.channels, channel)
                for channel in self.pages.wishes.publishing:
                    self.peer_now.channels.set_publishing(True, channel)
                self.pages.wishes.played.bring_to(self.peer_now.played)
        return self.peer_now

    async def _python(self, wish: protocol.CaptureWish) -> MediaPeer:
        """Python's peer, connected to the present room; raises `ZegoError` where that fails or the room is left."""
        peer = await self.peer()
        async with self._switching:
            if self._connecting is not None and self._wish != wish:
                await self._end_connection()
            login = self._rooms.login_now
            if login is None:
                raise left_error()
            if self._connecting is None:
                self._wish = wish
                self._connecting = self._core.spawn(self._connect(peer, wish))
                # Whoever waits for it may be called off before it fails.
                self._connecting.add_done_callback(lambda task: task.cancelled() or task.exception())
            connecting = self._connecting
        await asyncio.wait([connecting])
        if connecting.cancelled():
            raise _Replaced("Python connects anew.") if login is self._rooms.login_now else left_error()
        connecting.result()
        if self._connecting is not connecting:
            raise ZegoError("The media connection to the hub was lost at once.", ErrorCode.MEDIA_CONNECT_FAILED)
        return peer

    async def disconnect(self) -> None:
        """Leave the room with all media; sources and settings stay."""
        await self._mending.stop()
        self._broken = False
        arranging, self._arranging = self._arranging, None
        self._consumed = False
        if arranging is not None:
            arranging.cancel()
            await asyncio.wait([arranging])
            if self.peer_now is not None:
                await self.peer_now.disconnect()
        await self._drop()

    async def aclose(self) -> None:
        """End Python's peer, and what the pages show."""
        await self.disconnect()
        await self.pages.aclose()
        if self.peer_now is not None:
            await self.peer_now.aclose()

    def arrange(self) -> None:
        """Who captures may be another now: Python's peer gives the capture up, or takes it."""
        # Also while there are no pages: the first one must not hear that it captures where it does not.
        self.pages.wishes.captures = not self._sources_named
        if not self.pages.in_use:
            return
        self.pages.refresh()
        self._rearrange = True
        if self._arranging is None:
            self._arranging = self._core.spawn(self._arrange())

    async def _arrange(self) -> None:
        while self._rearrange:
            self._rearrange = False
            try:
                await self._settle()
            except _Replaced:
                self._rearrange = True
            except Exception as error:
                if self._mending.under_way:
                    continue  # which settles it as well
                unknown = not isinstance(error, ZegoError)
                logger.warning("Python could not join the pages: %s", error, exc_info=unknown)
                if self.python_captures and self._rooms.login_now is not None:
                    for lost in self.on_capture_lost:
                        lost(as_zego_error(error))
        self._arranging = None

    async def _settle(self) -> None:
        captures = self.python_captures
        wish: protocol.CaptureWish = "take" if captures else "never"
        needed = self._consumed or (captures and bool(self.pages.wishes.publishing))
        if self._rooms.login_now is None:
            needed = False
        if self._connecting is not None and (self._wish != wish or not needed):
            await self._drop()
        if needed:
            await self._rooms.entered()
            await self._python(wish)

    async def _drop(self) -> None:
        async with self._switching:
            await self._end_connection()

    async def _end_connection(self) -> None:
        connecting, self._connecting, self._connected = self._connecting, None, False
        self._watch()
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait([connecting])
            if self.peer_now is not None:
                await self.peer_now.disconnect()

    async def _connect(self, peer: MediaPeer, wish: protocol.CaptureWish) -> None:
        try:
            if self._mending.under_way:
                await peer.connect(wish, timeout=MEND_TIMEOUT)
            else:
                await peer.connect(wish)
        except Exception:
            self._connecting = None  # the next who needs it tries again
            raise
        self._connected = True
        self._watch()

    def _watch(self) -> None:
        """What runs while anything of the engine is connected."""
        connected = self._connected or bool(self.pages.relay.connected)
        if connected and self._watching is None and self.while_connected is not None:
            self._watching = self._core.spawn(self.while_connected())
        elif not connected and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _send_offer(self, offer: protocol.Offer) -> protocol.Answer:
        return await self._rooms.request(offer, protocol.Answer)

    # -- what Python's peer tells ---------------------------------------------------------------------------

    def state_changed(self, state: PeerState, reason: str) -> None:
        """The peer came up or ended; `disconnect` and a failure to connect are told elsewhere."""
        if state is not PeerState.CLOSED or not self._connected:
            return
        self._connected, self._connecting = False, None
        self._watch()
        if self._rooms.login_now is None:
            return  # the hub was told of the logout, and is the faster one to end it
        sentence = f"The media connection to the hub was lost: {reason or 'no reason was given'}."
        error = ZegoError(sentence, ErrorCode.MEDIA_CONNECT_FAILED)
        logger.warning("%s", sentence)
        self._break(error, captures=self.python_captures, plays=not self.pages.in_use)
        self._mending.begin(error)

    def _session_lost(self, error: ZegoError) -> None:
        """All peers of a session end with it, those of pages too."""
        self._break(error, captures=True, plays=True)
        if self._connecting is not None:
            self._connected, self._broken = False, True
            self._watch()
            self._mending.begin(error)

    def _pages_changed(self) -> None:
        self._watch()
        captured, self._page_captured = self._page_captured, self.pages.relay.captures
        gone = captured and not self._page_captured
        if gone and not self.python_captures and self._rooms.login_now is not None:
            self._break(_NO_PAGE, captures=True, plays=False)

    def _break(self, error: ZegoError, *, captures: bool, plays: bool) -> None:
        for broken in (*(self.on_capture_broken if captures else ()), *(self.on_play_broken if plays else ())):
            broken(error)

    async def _mend(self) -> None:
        if self._broken:
            self._broken = False
            await self._drop()
        if self.pages.in_use:
            await self._settle()
        else:
            await self._python("take")

    def _give_up(self, error: ZegoError) -> None:
        for lost in self.on_capture_lost if self.python_captures else ():
            lost(error)
        for lost in () if self.pages.in_use else self.on_play_lost:
            lost(error)

    def python_played(self, stream_ids: frozenset[str]) -> None:
        """These streams arrive in Python now."""
        if not self.pages.in_use:
            for each in self.on_played:
                each(stream_ids)

    # -- what the pages tell (PageEvents) -------------------------------------------------------------------

    def pages_played(self, stream_ids: frozenset[str]) -> None:
        """These streams arrive in the pages now."""
        if self._rooms.login_now is not None:
            for each in self.on_played:
                each(stream_ids)

    def device_failed(self, code: ErrorCode, channel: PublishChannel, info: str) -> None:
        """A camera, microphone or screen of the page that captures."""
        self._core.emit("local_device_exception_occurred", code, channel, info)

    def devices_changed(self, kind: Kind, update: UpdateType, device: DeviceInfo) -> None:
        """A device was plugged in or out."""
        if kind == "camera":
            self._core.emit("video_device_state_changed", update, device)
            return
        device_type = next(each for each, of_kind in AUDIO_KINDS.items() if of_kind == kind)
        self._core.emit("audio_device_state_changed", update, device_type, device)

    # -- what both tell -------------------------------------------------------------------------------------

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


_NO_PAGE = ZegoError("No page captures; publishing goes on when one does.", ErrorCode.MEDIA_CONNECT_FAILED)


def _events(base: type[MediaPeerEvents], part: Participation) -> MediaPeerEvents:
    """The peer's events, whose class is known only once the media libraries are loaded."""

    def plays(tell: Callable[..., None]) -> Callable[..., None]:
        # With pages it is theirs to tell what arrives.
        return lambda _, *arguments: None if part.pages.in_use else tell(*arguments)

    members = {
        "peer_state_changed": lambda _, state, reason: part.state_changed(state, reason),
        "played_streams_changed": lambda _, stream_ids: part.python_played(stream_ids),
        "first_frame_received": plays(part.first_frame_received),
        "video_size_changed": plays(part.video_size_changed),
        "first_frame_sent": lambda _, *arguments: part.first_frame_sent(*arguments),
        "capture_size_changed": lambda _, *arguments: part.capture_size_changed(*arguments),
        "capture_ended": lambda _, *arguments: part.capture_ended(*arguments),
    }
    events: MediaPeerEvents = type("_EngineMediaEvents", (base,), members)()
    return events
