"""The call widget: traits and messages, no logic."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
import traitlets as t

from . import io_thread, protocol
from .call import Call, CallView
from .engine.engine import ExpressEngine
from .engine.page_wishes import Shown
from .engine.pages import Pages, PagesView
from .engine.profile import ViewMode
from .errors import InvalidArgument, Refused
from .model import CallState, Stream, User
from .room.ids import check_room_id, check_user
from .view_widget import ViewWidget, media_trait

logger = logging.getLogger(__name__)


class CallWidget(ViewWidget):
    """A video call in a notebook cell.

    Nothing joins and no camera opens until someone presses Start call or `start()` is called. All traits can be
    observed; except `microphone_muted` and `camera_enabled` they are read-only.

    Callbacks of `observe` run where the change comes from. For `microphone_muted` and `camera_enabled` that is the
    thread that assigns, or the kernel thread that handles the page's message (the main one or a subshell). For
    everything else it is the thread "zego-widget-observers", also while a cell runs; a callback may block there, which
    delays later changes but not the call. In all of them, `start()` and `stop()` may be called.

    Args:
        room_id: 1 to 128 bytes of A-Z, a-z, digits and ``~!@#$%^&*()_+=-`;',.<>/``.
        user_id: 1 to 64 bytes of the same; chosen at random when None.
        user_name: what others see, at most 256 bytes; the user ID when None.

    Raises:
        InvalidArgument: an ID or the name breaks these rules, or is no text.
        FileNotFoundError: the front end of this package was not built.
    """

    users: t.List[User] = t.List(t.Instance(User), read_only=True)
    """The others in the room, in the order of their coming."""
    streams: t.List[Stream] = t.List(t.Instance(Stream), read_only=True)
    """What the others publish."""

    def __init__(self, *, room_id: str = "demo", user_id: str | None = None, user_name: str | None = None) -> None:
        user = _checked(room_id, user_id, user_name)
        self.set_trait("room_id", room_id)
        self.set_trait("user_id", user.user_id)
        self.set_trait("user_name", user.user_name)
        # Set once, so that the first observed change is a change.
        self.set_trait("users", [])
        self.set_trait("streams", [])
        self.set_trait("_kind", "call")
        self.set_trait("_media", _media(protocol.PageMedia()))
        self._user = user
        super().__init__()
        self._io.post(self._call.prepare)

    def _begin(self) -> None:
        self._engine = self._new_engine()
        self._call = self._new_call(self._engine, self.room_id, self._user)
        self._io = io_thread.io.acquire()
        self._observers = io_thread.observers.acquire()
        pages = self._engine._parts.pages
        self.set_trait("_call_id", pages.engine_id)
        # A page talks to any one view of an engine, which may be a `VideoView` beside this.
        pages.on_pressed.append(self._pressed_in_page)
        pages.attach(self)

    def _new_engine(self) -> ExpressEngine:
        return ExpressEngine()

    def _new_call(self, engine: ExpressEngine, room_id: str, user: User) -> Call:
        return Call(engine, room_id, user, self._call_changed)

    @property
    def engine(self) -> ExpressEngine:
        """The engine behind the call: messages, frames, devices, sound levels, quality and canvases of your own.

        Verbs that leave the room or destroy the engine end the call.
        """
        return self._engine

    # -- wishes ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Join the call, as Start call does; returns at once, from any thread. Nothing happens in a live call.

        Raises `InvalidArgument` when the widget is closed.
        """
        if self._closed.is_set():
            raise InvalidArgument("This widget is closed; create a new CallWidget.")
        self._io.post(self._call.start)

    def stop(self) -> None:
        """Leave the call, as Stop call does; returns at once, from any thread. Nothing happens outside a call."""
        self._io.post(self._call.stop)

    def close(self) -> None:
        """Leave the call and remove the widget from the notebook; idempotent, returns at once, from any thread."""
        super().close()

    def _end(self) -> None:
        self._end_call()
        self._show_call(CallView(CallState.CLOSED))

    def _end_call(self) -> None:
        io, observers = self._io, self._observers

        def release(_: object) -> None:
            io.release()
            observers.release()

        try:
            io.submit(self._call.aclose()).add_done_callback(release)
        except RuntimeError:  # the interpreter is ending, or this is a forked child
            release(None)

    # -- what the call tells --------------------------------------------------------------------------------

    def _call_changed(self, view: CallView) -> None:
        self._observers.post(self._show_unless_closed, view)

    def _show_unless_closed(self, view: CallView) -> None:
        if not self._closed.is_set():
            self._show_call(view)
            if self._closed.is_set():  # meanwhile, by another thread
                self._show_call(CallView(CallState.CLOSED))

    def _show_call(self, view: CallView) -> None:
        self._show(
            {
                "error": view.error,
                "error_code": None if view.error_code is None else int(view.error_code),
                "users": list(view.users),
                "streams": list(view.streams),
                "state": view.state,
            }
        )

    # -- what the engine says (PageView); all on the I/O loop -----------------------------------------------

    def bind(self, pages: Pages, shown: Shown, view_mode: ViewMode) -> None:
        """It shows everything of its own engine as it is, also what is on a canvas of it, and nothing of others."""
        if pages is not self._engine_pages():
            logger.warning("A CallWidget shows its own engine; another one needs a VideoView on its canvas.")
            pages.detach(self)

    def unbind(self, pages: Pages) -> None:
        """And goes on to do so."""

    def changed(self, view: PagesView) -> None:
        """What there is to know of the engine is this now."""
        if view.engine_id == self._call_id:
            self._observers.post(self._show_view, view)

    def tell(self, message: protocol.KernelMessage) -> None:
        """Say something to the pages."""
        self._reply(message)

    def _show_view(self, view: PagesView) -> None:
        if not self._closed.is_set():
            self._show({"_media": _media(view.media)})
            self._show_switches(view)

    def _engine_pages(self) -> Pages:
        return self._engine._parts.pages

    def _on_observers(self, callback: Callable[..., None], *arguments: object) -> None:
        self._observers.post(callback, *arguments)

    # -- messages of the page -------------------------------------------------------------------------------

    def _take(self, message: protocol.ViewMessage, buffers: Any) -> None:
        call = self._call
        match message:
            case protocol.PressStart() | protocol.PressStop():
                self._io.post(self._pressed_in_page, message)
            case protocol.Offer():
                self._io.post(call.offer, message, self._reply)
            case protocol.ClosePeer():
                self._io.post(call.close_peer, message, self._reply)
            case _:
                self._engine._parts.pages.take(message, self._reply, *(buffers or ())[:1])

    def _pressed_in_page(self, message: protocol.PressStart | protocol.PressStop) -> None:
        if isinstance(message, protocol.PressStart):
            self._call.press_start()
        else:
            self._call.stop()


def _media(media: protocol.PageMedia) -> dict[str, Any]:
    # Published from the beginning: a page opens the camera when Start call is pressed, however busy the kernel is.
    return media_trait(msgspec.structs.replace(media, main=msgspec.structs.replace(media.main, publish=True)))


def _checked(room_id: str, user_id: str | None, user_name: str | None) -> User:
    given: dict[str, Any] = {"room_id": room_id, "user_id": user_id, "user_name": user_name}
    for name, value in given.items():
        if not isinstance(value, str | None):
            raise InvalidArgument(f"{name} is a text, not {type(value).__name__}.")
    user = User(f"guest-{secrets.token_hex(3)}" if user_id is None else user_id, user_name or "")
    try:
        check_room_id(room_id)
        check_user(user)
    except Refused as error:
        raise InvalidArgument(error.message, error.code) from None
    return user
