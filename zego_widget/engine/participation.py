"""Where an engine captures and plays: in its pages, in Python, or in both; all that the other parts need of media."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from .. import protocol
from ..errors import ErrorCode, ZegoError
from ..media.peer_events import MediaPeerEvents
from ..model import PeerState, PublishChannel
from ..retry import RetryPolicy
from .capture import CaptureSettings
from .core import Core, as_zego_error
from .media_news import MediaNews
from .mending import Mending
from .pages import Pages
from .player import Player
from .python_peer import NewPeer, PythonPeer, Replaced
from .quality import PeerCounts
from .rooms import Rooms

if TYPE_CHECKING:
    from ..media.peer import MediaPeer

logger = logging.getLogger(__name__)


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
        self._mending = Mending(core, rooms, policy, self._mend, self._give_up)
        events = _PythonEvents(self, MediaNews(core))
        self.python = PythonPeer(
            core, rooms, new_peer, events, self._prepare, lambda: self._mending.under_way, self._watch
        )
        self._page_captured = False
        # Python's connection belongs to a session that is lost.
        self._broken = False
        # Somebody asked Python for frames in this room.
        self._consumed = False
        self._arranging: asyncio.Task[None] | None = None
        self._rearrange = False
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
        pages.reports.on_played.append(self._pages_played)
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
        return None if self.python.now is None else self.python.now.peer_id

    @property
    def players(self) -> tuple[Player, ...]:
        """Who plays, so far."""
        pages = self.pages.wishes.played
        return (pages,) if self.python.now is None else (pages, self.python.now.played)

    async def all_players(self) -> tuple[Player, ...]:
        """Who plays; without pages that is Python's peer, made if need be."""
        if not self.pages.in_use:
            await self.python.made()
        return self.players

    def set_publishing(self, publishing: bool, channel: PublishChannel) -> None:
        """Whether a channel is sent, by whoever captures."""
        self.pages.wishes.set_publishing(publishing, channel)
        if self.python.now is not None:
            self.python.now.channels.set_publishing(publishing, channel)

    def settings_changed(self, channel: PublishChannel) -> None:
        """The settings of a channel are others now."""
        if self.python.now is not None:
            self._capture.apply(self.python.now.channels, channel)
        self.pages.refresh()

    def sources_changed(self, channel: PublishChannel) -> None:
        """A channel captures from other sources now."""
        if self.python.now is not None:
            self._capture.change_sources(self.python.now.channels, channel)
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
                await self.python.joined("take")
            except Replaced:
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
                return (await self.python.joined("take")).played.stream_ids
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
            return await self.python.made()
        await self._rooms.entered()
        self._consumed = True
        while True:
            try:
                return await self.python.joined("take" if self.python_captures else "never")
            except Replaced:
                continue
            except ZegoError:
                if not self._mending.under_way:
                    raise
                await self._mending.done()

    async def capture_snapshot(self, channel: PublishChannel) -> Any:
        """The present picture of a channel."""
        if self.python_captures:
            return await (await self.python.made()).channels.capture_snapshot(channel)
        return await self.pages.snapshots.ask(self.pages.reports.capturing_page_id, channel)

    async def stats(self) -> PeerCounts:
        """Counts of what is sent and played, wherever that is."""
        peer = self.python.now if self.python.connected else None
        python = None if peer is None else await peer.stats()
        if not self.pages.in_use:
            return PeerCounts() if python is None else PeerCounts(python.rtt, python.published, python.played)
        told = self.pages.reports.stats()
        if python is None:
            return told
        rtt = python.rtt if told.rtt is None else told.rtt
        return PeerCounts(rtt, python.published if self.python_captures else told.published, told.played)

    # -- who captures and plays ------------------------------------------------------------------------------

    def _prepare(self, peer: MediaPeer) -> None:
        for channel in PublishChannel:
            self._capture.apply(peer.channels, channel)
            self._capture.apply_sources(peer.channels, channel)
        for channel in self.pages.wishes.publishing:
            peer.channels.set_publishing(True, channel)
        self.pages.wishes.played.bring_to(peer.played)

    async def disconnect(self) -> None:
        """Leave the room with all media; sources and settings stay."""
        await self._mending.stop()
        self._broken = False
        arranging, self._arranging = self._arranging, None
        self._consumed = False
        if arranging is not None:
            arranging.cancel()
            await asyncio.wait([arranging])
            if self.python.now is not None:
                await self.python.now.disconnect()
        await self.python.drop()

    async def aclose(self) -> None:
        """End Python's peer, and what the pages show."""
        await self.disconnect()
        await self.pages.aclose()
        if self.python.now is not None:
            await self.python.now.aclose()

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
            except Replaced:
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
        if self.python.begun and (self.python.wish != wish or not needed):
            await self.python.drop()
        if needed:
            await self._rooms.entered()
            await self.python.joined(wish)

    def _watch(self) -> None:
        """What runs while anything of the engine is connected."""
        connected = self.python.connected or bool(self.pages.relay.connected)
        if connected and self._watching is None and self.while_connected is not None:
            self._watching = self._core.spawn(self.while_connected())
        elif not connected and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    # -- what Python's peer tells ---------------------------------------------------------------------------

    def state_changed(self, state: PeerState, reason: str) -> None:
        """The peer came up or ended; `disconnect` and a failure to connect are told elsewhere."""
        if state is not PeerState.CLOSED or not self.python.lost():
            return
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
        if self.python.session_lost():
            self._broken = True
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
            await self.python.drop()
        if self.pages.in_use:
            await self._settle()
        else:
            await self.python.joined("take")

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

    def _pages_played(self, stream_ids: frozenset[str]) -> None:
        """These streams arrive in the pages now."""
        if self._rooms.login_now is not None:
            for each in self.on_played:
                each(stream_ids)


_NO_PAGE = ZegoError("No page captures; publishing goes on when one does.", ErrorCode.MEDIA_CONNECT_FAILED)


class _PythonEvents(MediaPeerEvents):
    """What Python's peer tells; with pages it is theirs to tell what arrives."""

    def __init__(self, part: Participation, news: MediaNews) -> None:
        self._part = part
        self._news = news

    def peer_state_changed(self, state: PeerState, reason: str) -> None:
        self._part.state_changed(state, reason)

    def played_streams_changed(self, stream_ids: frozenset[str]) -> None:
        self._part.python_played(stream_ids)

    def first_frame_received(self, stream_id: str, kind: str) -> None:
        if not self._part.pages.in_use:
            self._news.first_frame_received(stream_id, kind)

    def video_size_changed(self, stream_id: str, width: int, height: int) -> None:
        if not self._part.pages.in_use:
            self._news.video_size_changed(stream_id, width, height)

    def first_frame_sent(self, channel: PublishChannel, kind: str) -> None:
        self._news.first_frame_sent(channel, kind)

    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None:
        self._news.capture_size_changed(channel, width, height)

    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None:
        self._news.capture_ended(channel, kind, error)
