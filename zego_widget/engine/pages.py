"""The browser pages of an engine: the views that show it, and what goes between them and the engine's parts."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .. import protocol
from ..errors import ErrorCode, ZegoError
from ..model import CallState, PeerState, PublishChannel
from .capture import CaptureSettings
from .core import Core
from .diagnosis import Diagnosis
from .media_news import MediaNews
from .page_relay import PageRelay, Reply
from .page_reports import PageReports
from .page_snapshots import PageSnapshots
from .page_wishes import PageWishes, Shown
from .profile import Canvas, ViewMode
from .rooms import Rooms

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PagesView:
    """All that a page has to know of its engine."""

    engine_id: str
    state: CallState
    """`idle`: no peer is wanted."""
    error: str | None
    error_code: ErrorCode | None
    room_id: str
    user_id: str
    user_name: str
    media: protocol.PageMedia
    microphone_muted: bool
    camera_enabled: bool


class PageView(Protocol):
    """A widget. All methods are called on the I/O loop and return at once."""

    def bind(self, pages: Pages, shown: Shown, view_mode: ViewMode) -> None:
        """The view is on a canvas; another engine's that it was on has to be told by `forget`."""

    def unbind(self, pages: Pages) -> None:
        """It is on no canvas of this engine any more."""

    def changed(self, view: PagesView) -> None:
        """What there is to know is this now."""

    def tell(self, message: protocol.KernelMessage) -> None:
        """Say something to the pages."""


class Pages:
    """Belongs to the I/O loop, except for what is said to be for any thread."""

    def __init__(self, core: Core, rooms: Rooms, capture: CaptureSettings) -> None:
        self.engine_id = secrets.token_hex(8)
        self._core = core
        self._rooms = rooms
        self._capture = capture
        self.relay = PageRelay(core, rooms)
        self.wishes = PageWishes(capture, self.refresh)
        self.reports = PageReports(self.wishes, self.relay, MediaNews(core))
        self.snapshots = PageSnapshots(self._tell)
        self.on_peers_changed: list[Callable[[], None]] = []
        self.on_pressed: list[Callable[[protocol.PressStart | protocol.PressStop], None]] = []
        """Called when a person pressed a button of a call that another view of the engine is."""
        self.on_used: list[Callable[[], None]] = []
        """Called when pages begin to be what captures and plays."""
        self.on_settings_changed: list[Callable[[PublishChannel], None]] = []
        """Called when a person changed the settings of a channel in a page."""
        self.diagnosis: Diagnosis | None = None
        self.in_use = False
        """Whether pages capture and play: from the first view on; until the room is left with no view there."""
        self._attached: list[PageView] = []
        self._canvases: dict[Shown, PageView] = {}
        self._waiting: set[asyncio.Future[None]] = set()
        self._pushing = False
        self._shown: PagesView | None = None
        # Why the last login ended, and whether it had begun.
        self._error: ZegoError | None = None
        self._refused = False
        self._was_connected = False
        self.relay.on_changed.append(self._peers_changed)
        rooms.on_interrupted.append(self._peers_changed)
        rooms.on_left.append(self._room_left)
        core.on_told.append(self.refresh)

    # -- for the widgets, from any thread -------------------------------------------------------------------

    def take(self, message: protocol.ViewMessage, reply: Reply, buffer: bytes | memoryview = b"") -> None:
        """A page said something; offers and closes are relayed to the hub once the login has succeeded."""
        self._core.post(self._take, message, reply, buffer)

    def attach(self, view: PageView) -> None:
        """A view that shows everything."""
        self._core.post(self._attach, view)

    def detach(self, view: PageView) -> None:
        """`forget`, from any thread."""
        self._core.post(self.forget, view)

    def mute_microphone(self, muted: bool) -> None:
        """A person muted the microphone in a page."""
        self._core.post(self._set_microphone, muted)

    def enable_camera(self, enabled: bool) -> None:
        """A person opened or closed the camera in a page."""
        self._core.post(self._set_camera, enabled)

    def when_told(self, callback: Callable[[], None]) -> None:
        """Call on the I/O loop once the views have been told what came of all that was asked for before."""
        self._core.post(lambda: asyncio.get_running_loop().call_soon(callback))

    # -- for the widgets ------------------------------------------------------------------------------------

    def forget(self, view: PageView) -> None:
        """Know a view no more, attached or on canvases, without telling it."""
        self._attached = [other for other in self._attached if other is not view]
        self._canvases = {shown: other for shown, other in self._canvases.items() if other is not view}
        self._views_changed()

    @property
    def peers(self) -> Mapping[str, PeerState]:
        """The peers of pages at the hub."""
        return self.relay.peers

    @property
    def offers(self) -> int:
        """Offers that were not answered yet."""
        return self.relay.offers

    @property
    def last_peer_reason(self) -> str:
        """Why the last peer of a page went."""
        return self.relay.last_peer_reason

    @property
    def view(self) -> PagesView:
        """What there is to know now."""
        login = self._rooms.login_now
        error = self._error if login is None else None
        return PagesView(
            engine_id=self.engine_id,
            state=self._state(),
            error=None if error is None else error.message,
            error_code=None if error is None else error.code,
            room_id="" if login is None else login.room_id,
            user_id="" if login is None else login.user.user_id,
            user_name="" if login is None else login.user.user_name,
            media=self.wishes.media,
            microphone_muted=self._capture.microphone_muted,
            camera_enabled=self._capture.channels[PublishChannel.MAIN].camera,
        )

    # -- for the engine's parts -----------------------------------------------------------------------------

    def show(self, shown: Shown, canvas: Canvas) -> None:
        """Put a preview or a stream on a canvas; the view that showed it before is unbound."""
        view: PageView | None = canvas.view
        before = self._canvases.pop(shown, None)
        if view is not None:
            # The last one wins: a view shows one thing.
            self._canvases = {each: other for each, other in self._canvases.items() if other is not view}
            self._canvases[shown] = view
            self._call(view.bind, self, shown, canvas.view_mode)
            self._call(view.changed, self.view)
        if before is not None and before is not view:
            self._unbind(before)
        self._views_changed()

    def hide(self, shown: Shown) -> None:
        """Neither a preview nor a stream any more."""
        before = self._canvases.pop(shown, None)
        if before is not None:
            self._unbind(before)
            self._views_changed()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that `refresh` is called after: an event, a change of peers or of what is wanted."""
        while not condition():
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(woken)
            try:
                await woken
            finally:
                self._waiting.discard(woken)

    def refresh(self) -> None:
        """What is shown may have changed: the views are told soon, once for all that changes now."""
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)
        if not self._pushing and self._views:
            self._pushing = True
            asyncio.get_running_loop().call_soon(self._push)

    async def aclose(self) -> None:
        """No canvas has a view any more."""
        for shown in list(self._canvases):
            self.hide(shown)
        self._push()

    # -- inside ---------------------------------------------------------------------------------------------

    @property
    def _views(self) -> list[PageView]:
        views = list(self._attached)
        for view in self._canvases.values():
            if not any(view is other for other in views):
                views.append(view)
        return views

    def _state(self) -> CallState:
        if self._rooms.login_now is None:
            if self._error is None:
                return CallState.IDLE
            return CallState.REFUSED if self._refused else CallState.DISCONNECTED
        if not self.wants_peer:
            return CallState.IDLE
        if self.relay.connected and not self._rooms.reconnecting:
            return CallState.IN_CALL
        return CallState.RECONNECTING if self._was_connected else CallState.CONNECTING

    @property
    def wants_peer(self) -> bool:
        """Whether something is sent or played that pages have a part in."""
        login = self._rooms.login_now
        auto_play = login is not None and login.auto_play
        wishes = self.wishes
        return bool((wishes.publishing and wishes.captures) or wishes.played.wanted or auto_play)

    def _push(self) -> None:
        self._pushing = False
        view = self.view
        if view != self._shown:
            self._shown = view
            for each in self._views:
                self._call(each.changed, view)

    def _tell(self, message: protocol.KernelMessage) -> None:
        for view in self._views:
            self._call(view.tell, message)

    def _call(self, method: Callable[..., None], *arguments: object) -> None:
        try:
            method(*arguments)
        except Exception:
            logger.exception("A view of the engine failed")

    def _unbind(self, view: PageView) -> None:
        if not any(view is other for other in self._canvases.values()):
            self._call(view.unbind, self)

    def _attach(self, view: PageView) -> None:
        if not any(view is other for other in self._attached):
            self._attached.append(view)
        self._call(view.changed, self.view)
        self._views_changed()

    def _views_changed(self) -> None:
        if self._views and not self.in_use:
            self.in_use = True
            for used in self.on_used:
                used()
        elif self._rooms.login_now is None:
            self._end_use()
        self.refresh()

    def _end_use(self) -> None:
        """Without views the engine is headless again; what its pages said stays, in case they are soon back."""
        if self.in_use and not self._views:
            self.in_use = False
            self._shown = None

    def _take(self, message: protocol.ViewMessage, reply: Reply, buffer: bytes | memoryview) -> None:
        def answer(answer: protocol.KernelMessage) -> None:
            self._call(reply, answer)

        match message:
            case protocol.Offer():
                self.relay.offer(message, answer)
            case protocol.ClosePeer():
                self.relay.close(message, answer)
            case protocol.PressStart() | protocol.PressStop():
                for pressed in self.on_pressed:
                    pressed(message)
            case protocol.PageSnapshot():
                self.snapshots.take(message, buffer)
            case protocol.Diagnose():
                if self.diagnosis is not None:
                    self.diagnosis.answer(message, answer)
            case (
                protocol.PageDevices()
                | protocol.PageStatus()
                | protocol.PageFirstFrame()
                | protocol.PagePictureSize()
                | protocol.PageStats()
                | protocol.PageSoundLevels()
            ):
                self.reports.take(message)
                self.refresh()
            case _:
                pass  # the widget's own

    def _set_microphone(self, muted: bool) -> None:
        self._capture.microphone_muted = muted
        self._settings_changed()

    def _set_camera(self, enabled: bool) -> None:
        self._capture.channels[PublishChannel.MAIN].camera = enabled
        self._settings_changed()

    def _settings_changed(self) -> None:
        for changed in self.on_settings_changed:
            for channel in PublishChannel:
                changed(channel)

    def _peers_changed(self) -> None:
        self._was_connected = self._was_connected or bool(self.relay.connected)
        self.reports.peers_changed()
        for changed in self.on_peers_changed:
            changed()
        self.refresh()

    def _room_left(self, error: ZegoError | None, keeps_preview: bool) -> None:
        self._error = error
        self._refused = error is not None and keeps_preview
        self._was_connected = False
        # Later: canvases are taken from their views by the parts that are told after us. By then the next login may
        # have begun, which is not for the pages of this one.
        asyncio.get_running_loop().call_soon(self._room_was_left)

    def _room_was_left(self) -> None:
        self._end_use()
        self.refresh()
