"""The call widget: traits and messages, no logic."""

from __future__ import annotations

import logging
import secrets
import threading
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t
from ipywidgets.widgets import widget as ipywidgets_widget  # type: ignore[import-untyped]

from . import io_thread, protocol, wire
from ._version import version
from .call import Call, CallView
from .comm_route import CommRoute, keep_address
from .errors import ErrorCode, InvalidArgument, Refused
from .hub.discovery import find_or_start
from .link import HubLink
from .model import CallState, Stream, User
from .room.ids import check_room_id, check_user

logger = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
PAGE_TRAITS = ("microphone_muted", "camera_enabled")
"""What a page may set; everything else it can only read."""


def _text(value: Any, widget: object) -> Any:
    return None if value is None else str(value)


class CallWidget(anywidget.AnyWidget):
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

    state = t.Enum(list(CallState), CallState.IDLE, read_only=True).tag(sync=True, to_json=_text)
    error = t.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    """Why the call was refused or ended, as a sentence; None while all is well."""
    error_code = t.Int(None, allow_none=True, read_only=True).tag(sync=True)
    """The `ErrorCode` of `error`."""
    room_id = t.Unicode(read_only=True).tag(sync=True)
    user_id = t.Unicode(read_only=True).tag(sync=True)
    user_name = t.Unicode(read_only=True).tag(sync=True)
    microphone_muted = t.Bool(False).tag(sync=True)
    camera_enabled = t.Bool(True).tag(sync=True)
    users: t.List[User] = t.List(t.Instance(User), read_only=True)
    """The others in the room, in the order of their coming."""
    streams: t.List[Stream] = t.List(t.Instance(Stream), read_only=True)
    """What the others publish."""

    _call_id = t.Unicode(read_only=True).tag(sync=True)
    _esm = t.Unicode(read_only=True).tag(sync=True)
    _css = t.Unicode(read_only=True).tag(sync=True)

    def __init__(self, *, room_id: str = "demo", user_id: str | None = None, user_name: str | None = None) -> None:
        user = _checked(room_id, user_id, user_name)
        self.set_trait("room_id", room_id)
        self.set_trait("user_id", user.user_id)
        self.set_trait("user_name", user.user_name)
        # Set once, so that the first observed change is a change.
        self.set_trait("users", [])
        self.set_trait("streams", [])
        self.set_trait("_call_id", str(uuid.uuid4()))
        self.set_trait("_esm", _front_end("widget.js"))
        self.set_trait("_css", _front_end("widget.css"))
        self._route = CommRoute()
        self._closing = threading.Lock()
        self._closed = threading.Event()
        self._call = self._new_call(room_id, user)
        self._io = io_thread.io.acquire(self._call.aclose)
        self._observers = io_thread.observers.acquire()
        super().__init__()
        self._io.post(self._call.prepare)

    def _new_call(self, room_id: str, user: User) -> Call:
        connect = partial(HubLink.connect, client=f"zego-widget/{version()}")
        return Call(room_id, user, self._call_changed, find_hub=find_or_start, connect=connect)

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
        if not hasattr(self, "_observers"):
            return  # the constructor refused
        with self._closing:
            first = not self._closed.is_set()
            self._closed.set()
        if first:
            self._end_call()
            self._show(CallView(CallState.CLOSED))
        super().close()

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
            self._show(view)
            if self._closed.is_set():  # meanwhile, by another thread
                self._show(CallView(CallState.CLOSED))

    def _show(self, view: CallView) -> None:
        changes: dict[str, object] = {
            "error": view.error,
            "error_code": None if view.error_code is None else int(view.error_code),
            "users": list(view.users),
            "streams": list(view.streams),
            "state": view.state,  # last: who waits for it finds the rest in place
        }
        for name, value in changes.items():
            try:
                self.set_trait(name, value)
            except Exception:
                # The value is set; it is a callback of `observe` that failed, and nobody else can be told.
                logger.exception("A callback that observes %r failed", name)

    # -- messages of the page -------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the comm; the base class calls this."""
        super().open()
        keep_address(self.comm)

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        self._route.receive(partial(super()._handle_msg, msg))

    def _send(self, msg: dict[str, Any], buffers: Any = None) -> None:
        self._route.send(partial(super()._send, msg, buffers))

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take the traits that a page may set; anything else it sends is ignored."""
        # One by one: the base class holds notifications back meanwhile, of whatever thread, and would lose some.
        taken = {name: sync_data[name] for name in PAGE_TRAITS if isinstance(sync_data.get(name), bool)}
        if taken and ipywidgets_widget.JUPYTER_WIDGETS_ECHO:
            self._send({"method": "echo_update", "state": taken, "buffer_paths": []})
        for name, value in taken.items():
            with self._lock_property(**{name: value}):
                self.set_trait(name, value)

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        try:
            message = wire.view_message(content)
        except wire.MalformedMessage as error:
            request_id = content.get("request_id") if isinstance(content, dict) else None
            request_id = request_id if type(request_id) is int else None
            self._reply(protocol.Refused(request_id, int(error.code), error.message))
        else:
            self._take(message)

    def _take(self, message: protocol.ViewMessage) -> None:
        if self._closed.is_set():
            return
        call = self._call
        match message:
            case protocol.ViewHello(protocol=protocol.PROTOCOL_VERSION):
                self._reply(protocol.Ready(message.page_id, protocol.PROTOCOL_VERSION, version()))
            case protocol.ViewHello():
                sentence = "This page shows another version of the widget: reload it, and run the cell again."
                self._reply(protocol.Refused(None, int(ErrorCode.PROTOCOL_VERSION_MISMATCH), sentence))
            case protocol.PressStart():
                self._io.post(call.press_start)
            case protocol.PressStop():
                self._io.post(call.stop)
            case protocol.Offer():
                self._io.post(call.offer, message, self._reply)
            case protocol.ClosePeer():
                self._io.post(call.close_peer, message, self._reply)

    def _reply(self, message: protocol.KernelMessage) -> None:
        try:
            self.send(wire.to_comm(message))
        except Exception:
            # The front end is gone, or the kernel is ending: the call goes on without telling it.
            logger.debug("A message to the page was lost", exc_info=True)


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


def _front_end(name: str) -> str:
    path = STATIC / name
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"The front end of zego_widget was not built: {path.name} is missing in {path.parent}."
            " In a checkout `make demo` builds it; else install the package again."
        ) from None
