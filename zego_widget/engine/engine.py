"""The engine: ZEGO's verbs and events for one user."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from .._version import version
from ..errors import ErrorCode, InvalidArgument, ZegoError
from .call_verbs import CallVerbs
from .device_verbs import DeviceVerbs
from .events import EventStream, check_name
from .handler import EventHandler
from .log import set_log_config
from .operation import Operation
from .parts import Parts
from .play_verbs import PlayVerbs
from .profile import EngineConfig, EngineProfile, LogConfig, set_engine_config
from .room_verbs import RoomVerbs
from .stream_verbs import PublishVerbs
from .traffic_verbs import TrafficVerbs

F = TypeVar("F", bound=Callable[..., object])

_shared_lock = threading.Lock()


class ExpressEngine(RoomVerbs, PublishVerbs, TrafficVerbs, PlayVerbs, DeviceVerbs, CallVerbs):
    """One user's engine (ZegoExpressEngine); `create` makes the one of the process, the constructor any number more.

    Verbs can be called from any thread and return at once. What they return can be awaited, waited for with
    `.result(timeout=5)`, or left alone; failure raises `ZegoError` with ZEGO's code. Verbs begin in the order of their
    calls, so `login_room` may be followed by `start_publishing_stream` without waiting. Arguments that make no sense
    by themselves raise `InvalidArgument` at once.

    What happens is told to the `handler`, to functions named by `on`, and to `events`.
    """

    _shared: ClassVar[ExpressEngine | None] = None

    def __init__(self, profile: EngineProfile | None = None, handler: EventHandler | None = None) -> None:
        if handler is not None and not isinstance(handler, EventHandler):
            raise InvalidArgument(f"A handler is an EventHandler, not {handler!r}.")
        self._parts = self._new_parts(profile or EngineProfile(), handler)

    def _new_parts(self, profile: EngineProfile, handler: EventHandler | None) -> Parts:
        return Parts(profile, handler)

    def __repr__(self) -> str:
        login = self._parts.rooms.login_now
        where = "destroyed" if self._parts.core.closed else f"in {login.room_id!r}" if login else "in no room"
        return f"<ExpressEngine {where}>"

    # -- the engine of the process --------------------------------------------------------------------------

    @classmethod
    def create(cls, profile: EngineProfile | None = None, handler: EventHandler | None = None) -> Self:
        """The engine of this process, made by the first call (ZEGO createEngineWithProfile); later ones return it."""
        with _shared_lock:
            engine = ExpressEngine._shared
            if engine is None or engine._parts.core.closed:
                engine = ExpressEngine._shared = cls(profile, handler)
        assert isinstance(engine, cls)
        return engine

    @staticmethod
    def shared() -> ExpressEngine:
        """The engine that `create` made (ZEGO sharedEngine); raises `ZegoError` (1000001) if there is none."""
        engine = ExpressEngine._shared
        if engine is None:
            raise ZegoError("There is no engine; call ExpressEngine.create first.", ErrorCode.COMMON_ENGINE_NOT_CREATE)
        return engine

    @staticmethod
    def destroy(callback: Callable[[], object] | None = None) -> Operation[None]:
        """End the engine that `create` made, as `close` (ZEGO destroyEngine); raises `ZegoError` (1000001)."""
        with _shared_lock:
            engine = ExpressEngine.shared()
            ExpressEngine._shared = None
        return engine.close(callback)

    @staticmethod
    def get_version() -> str:
        """Version of this package (ZEGO getVersion)."""
        return version()

    @staticmethod
    def set_engine_config(config: EngineConfig) -> None:
        """How engines behave that are made from now on (ZEGO setEngineConfig); raises `InvalidArgument` (1000017)."""
        set_engine_config(config)

    @staticmethod
    def set_log_config(config: LogConfig) -> None:
        """Where the log of all engines goes (ZEGO setLogConfig); raises `InvalidArgument` (1001014)."""
        set_log_config(config)

    # -- the end --------------------------------------------------------------------------------------------

    def close(self, callback: Callable[[], object] | None = None) -> Operation[None]:
        """Log out, release capture, threads and sockets, then call `callback`; later verbs fail with 1000001."""
        with _shared_lock:
            if ExpressEngine._shared is self:
                ExpressEngine._shared = None
        return self._parts.core.close(callback)

    async def aclose(self) -> None:
        """`close`, and wait for it."""
        await self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close().result()

    # -- events ---------------------------------------------------------------------------------------------

    def set_event_handler(self, handler: EventHandler | None) -> None:
        """Who is told (ZEGO setEventHandler): None takes the handler away; raises 1000008 while there is another."""
        core = self._parts.core
        if handler is not None and core.handler is not None:
            sentence = "There is a handler already; take it away with set_event_handler(None)."
            raise ZegoError(sentence, ErrorCode.COMMON_EVENT_HANDLER_EXISTS)
        core.handler = handler

    def on(self, event: str) -> Callable[[F], F]:
        """Decorator: call this function with the arguments of the event's callback, after the handler.

        `@engine.on("room_stream_update")`: all names are those of `EventHandler` without `on_`.
        """
        check_name(event)

        def register(function: F) -> F:
            self._parts.core.listen(event, function)
            return function

        return register

    def events(self) -> EventStream:
        """Every event from now on: `async for event in engine.events()`, with `event.name` and its arguments."""
        return self._parts.core.stream()
