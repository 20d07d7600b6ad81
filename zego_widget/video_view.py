"""A widget that shows one stream, or what the engine captures, wherever its user lays it out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import traitlets as t

from . import io_thread, protocol
from .engine.page_wishes import Shown
from .engine.pages import Pages, PagesView
from .engine.profile import ViewMode
from .errors import ErrorCode
from .io_thread import Lease
from .model import CallState, PublishChannel
from .view_widget import ViewWidget, media_trait

SIZE = {"width": "320px", "height": "180px"}

_UNBOUND: Mapping[str, object] = {
    "_call_id": "",
    "stream_id": None,
    "_channel": None,
    "_media": media_trait(protocol.PageMedia()),
    "room_id": "",
    "user_id": "",
    "user_name": "",
    "error": None,
    "error_code": None,
    "state": CallState.IDLE,
}
_CLOSED = {**_UNBOUND, "state": CallState.CLOSED}


def _number(value: Any, widget: object) -> int:
    return int(value)


class VideoView(ViewWidget):
    """Shows what a canvas says: `engine.start_preview(Canvas(view))`, `engine.start_playing_stream("s", Canvas(view))`.

    On no canvas it shows a placeholder. Put on another canvas it leaves the one before, also that of another engine.
    All views of one engine on a page share one connection, and one camera. Traits can be observed; changes that come
    from the engine are told on the thread "zego-widget-observers", where a callback may block.

    Args:
        view_mode: how a picture fills the view (None: ASPECT_FIT), until a canvas says it.
        layout: CSS as for any ipywidget; 320 by 180 pixels where it does not say.

    Raises:
        TraitError: there is no such view mode.
        FileNotFoundError: the front end of this package was not built.
    """

    stream_id = t.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    """The stream on the view; None for none, or for what the engine itself captures."""
    view_mode = t.Enum(list(ViewMode), ViewMode.ASPECT_FIT).tag(sync=True, to_json=_number)
    """A `ViewMode`; whoever sets it last, here or with a canvas, wins."""

    _channel = t.Int(None, allow_none=True, read_only=True).tag(sync=True)

    def __init__(self, *, view_mode: ViewMode | None = None, layout: Any = None) -> None:
        self._lock = threading.Lock()
        # The engine whose canvas this is on, and the thread that shows what it tells.
        self._pages: Pages | None = None
        self._observers: Lease | None = None
        self.set_trait("_kind", "video")
        self.set_trait("_media", media_trait(protocol.PageMedia()))
        if view_mode is not None:
            self.view_mode = view_mode
        super().__init__(layout=SIZE | dict(layout or {}) if isinstance(layout, dict | None) else layout)

    @t.validate("view_mode")
    def _as_view_mode(self, proposal: Any) -> ViewMode:
        return ViewMode(proposal["value"])

    def close(self) -> None:
        """Leave the canvas and remove the widget from the notebook; idempotent, returns at once, from any thread."""
        super().close()

    # -- what the engine says (PageView); all on the I/O loop -----------------------------------------------

    def bind(self, pages: Pages, shown: Shown, view_mode: ViewMode) -> None:
        """The view is on a canvas."""
        with self._lock:
            closed, before = self._closed.is_set(), self._pages
            if not closed:
                self._pages = pages
                self._observers = self._observers or io_thread.observers.acquire()
                self._observers.post(self._show_bound, pages, shown, view_mode)
        if closed:
            pages.detach(self)
        elif before is not None and before is not pages:
            before.forget(self)  # at once: its next canvas may have this view again

    def unbind(self, pages: Pages) -> None:
        """It is on no canvas of this engine any more."""
        with self._lock:
            if self._pages is pages and self._observers is not None:
                self._pages = None
                self._observers.post(self._show_unbound)

    def changed(self, view: PagesView) -> None:
        """What there is to know of the engine is this now."""
        with self._lock:
            if self._pages is not None and self._observers is not None:
                self._observers.post(self._show_view, self._pages, view)

    def tell(self, message: protocol.KernelMessage) -> None:
        """Say something to the pages."""
        self._reply(message)

    # -- what is shown; on the observers thread -------------------------------------------------------------

    def _show_unless_closed(self, changes: Mapping[str, object]) -> None:
        self._show(changes)
        if self._closed.is_set():  # meanwhile, by another thread
            self._show(_CLOSED)

    def _show_bound(self, pages: Pages, shown: Shown, view_mode: ViewMode) -> None:
        if pages is not self._pages:
            return
        if self._call_id != pages.engine_id:
            self._pressed.clear()
            # Before anything of another engine is said, pages must not take it for the former's.
            self._show_unless_closed({"_call_id": ""})
        local = isinstance(shown, PublishChannel)
        self._show_unless_closed(
            {
                "view_mode": view_mode,
                "_channel": int(shown) if local else None,
                "stream_id": None if local else shown,
            }
        )

    def _show_view(self, pages: Pages, view: PagesView) -> None:
        if pages is not self._pages:
            return
        self._show_switches(view)
        self._show_unless_closed(
            {
                "room_id": view.room_id,
                "user_id": view.user_id,
                "user_name": view.user_name,
                "_media": media_trait(view.media),
                "error": view.error,
                "error_code": None if view.error_code is None else int(view.error_code),
                "state": view.state,
                "_call_id": pages.engine_id,
            }
        )

    def _show_unbound(self) -> None:
        if self._pages is not None or self._closed.is_set():
            return
        self._show_unless_closed(_UNBOUND)
        with self._lock:
            if self._pages is None and self._observers is not None:
                self._observers.release()
                self._observers = None

    # -- what pages say -------------------------------------------------------------------------------------

    def _take(self, message: protocol.ViewMessage, buffers: Any) -> None:
        pages = self._pages
        if pages is not None:
            pages.take(message, self._reply, *(buffers or ())[:1])
        elif isinstance(message, protocol.Offer):
            sentence = "This view is on no canvas."
            self._reply(protocol.Refused(message.request_id, int(ErrorCode.COMMON_NOT_LOGIN_ROOM), sentence))
        elif isinstance(message, protocol.ClosePeer):
            self._reply(protocol.Done(message.request_id))

    def _engine_pages(self) -> Pages | None:
        return self._pages

    def _on_observers(self, callback: Callable[..., None], *arguments: object) -> None:
        with self._lock:
            if self._observers is not None:
                self._observers.post(callback, *arguments)

    def _end(self) -> None:
        with self._lock:
            pages, self._pages = self._pages, None
            observers, self._observers = self._observers, None
        if pages is not None:
            pages.detach(self)
        if observers is not None:
            observers.release()
        self._show(_CLOSED)
