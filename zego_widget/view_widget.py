"""What every widget that shows an engine has in common: its traits, its front end, and the wire to its pages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import msgspec
import traitlets as t
from ipywidgets.widgets import widget as ipywidgets_widget  # type: ignore[import-untyped]

from . import protocol, wire
from ._version import version
from .comm_route import CommRoute, keep_address
from .engine.pages import Pages, PagesView
from .errors import ErrorCode
from .model import CallState

logger = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
PAGE_TRAITS = ("microphone_muted", "camera_enabled")
"""What a page may set; everything else it can only read."""


def _text(value: Any, widget: object) -> Any:
    return None if value is None else str(value)


class ViewWidget(anywidget.AnyWidget):
    """Base of `CallWidget` and `VideoView`.

    All views of one engine have its `_call_id`: a page makes one connection for all of them.
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

    _kind = t.Unicode(read_only=True).tag(sync=True)
    _call_id = t.Unicode(read_only=True).tag(sync=True)
    _media = t.Dict(read_only=True).tag(sync=True)
    _esm = t.Unicode(read_only=True).tag(sync=True)
    _css = t.Unicode(read_only=True).tag(sync=True)

    def __init__(self, **keys: Any) -> None:
        self.set_trait("_esm", _front_end("widget.js"))
        self.set_trait("_css", _front_end("widget.css"))
        self._route = CommRoute()
        self._closing = threading.Lock()
        self._closed = threading.Event()
        # What the engine says of a switch right now, and the thread that shows it.
        self._shown_switch: tuple[int, str, object] | None = None
        # Switches that were pressed here, until the engine has answered with what they are now; and what it said last.
        self._pressed: dict[str, object] = {}
        self._engine_switches: dict[str, bool] = {}
        self._begin()
        super().__init__(**keys)

    def _begin(self) -> None:
        """Acquire what the view owns: after all that may fail, before a page can say anything."""

    def _end(self) -> None:
        """Release it, once."""
        raise NotImplementedError

    def _take(self, message: protocol.ViewMessage, buffers: Any) -> None:
        """A message of a page, other than `ViewHello` and `PressSwitches`."""
        raise NotImplementedError

    def _engine_pages(self) -> Pages | None:
        """The pages of the engine that is shown now."""
        raise NotImplementedError

    def _on_observers(self, callback: Callable[..., None], *arguments: object) -> None:
        """Call it on the thread that shows changes."""
        raise NotImplementedError

    def close(self) -> None:
        """Remove the widget from the notebook; idempotent, returns at once, from any thread."""
        if not hasattr(self, "_closing"):
            return  # the constructor refused
        with self._closing:
            first = not self._closed.is_set()
            self._closed.set()
        if first:
            self._end()
        super().close()

    # -- what is shown --------------------------------------------------------------------------------------

    def _show(self, changes: Mapping[str, object]) -> None:
        """Set traits in this order: who waits for the last one finds the others in place."""
        for name, value in changes.items():
            if name in PAGE_TRAITS:
                self._shown_switch = (threading.get_ident(), name, value)
            try:
                self.set_trait(name, value)
            except Exception:
                # The value is set; it is a callback of `observe` that failed, and nobody else can be told.
                logger.exception("A callback that observes %r failed", name)
            finally:
                self._shown_switch = None

    @t.observe(*PAGE_TRAITS)
    def _switch_changed(self, change: Any) -> None:
        name, value = change["name"], change["new"]
        if self._shown_switch == (threading.get_ident(), name, value):
            return
        pages = self._engine_pages()
        if pages is not None:
            press = self._pressed[name] = object()
            (pages.mute_microphone if name == "microphone_muted" else pages.enable_camera)(value)
            pages.when_told(partial(self._on_observers, self._settle, name, press))

    def _show_switches(self, view: PagesView) -> None:
        """What the engine says of them; what was said before it heard of a press is not shown."""
        self._engine_switches = {"microphone_muted": view.microphone_muted, "camera_enabled": view.camera_enabled}
        self._show({name: value for name, value in self._engine_switches.items() if name not in self._pressed})

    def _settle(self, name: str, press: object) -> None:
        if self._pressed.get(name) is press:  # else it was pressed again
            del self._pressed[name]
            if not self._closed.is_set():
                self._show({name: self._engine_switches[name]})

    # -- the wire to the pages ------------------------------------------------------------------------------

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
            return
        if self._closed.is_set():
            return
        match message:
            case protocol.ViewHello(protocol=protocol.PROTOCOL_VERSION):
                self._reply(protocol.Ready(message.page_id, protocol.PROTOCOL_VERSION, version()))
            case protocol.ViewHello():
                sentence = "This page shows another version of the widget: reload it, and run the cell again."
                self._reply(protocol.Refused(None, int(ErrorCode.PROTOCOL_VERSION_MISMATCH), sentence))
            case protocol.PressSwitches():
                for name in PAGE_TRAITS:
                    if (value := getattr(message, name)) is not None:
                        self.set_trait(name, value)
            case _:
                self._take(message, buffers)

    def _reply(self, message: protocol.KernelMessage) -> None:
        try:
            self.send(wire.to_comm(message))
        except Exception:
            # The front end is gone, or the kernel is ending: the call goes on without telling it.
            logger.debug("A message to the page was lost", exc_info=True)


def media_trait(media: protocol.PageMedia) -> dict[str, Any]:
    """The value of `_media`."""
    value: dict[str, Any] = msgspec.to_builtins(media)
    return value


def _front_end(name: str) -> str:
    path = STATIC / name
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"The front end of zego_widget was not built: {path.name} is missing in {path.parent}."
            " In a checkout `make demo` builds it; else install the package again."
        ) from None
