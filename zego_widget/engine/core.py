"""What the parts of one engine share: its loop, its callbacks, and how a verb runs."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from types import MappingProxyType
from typing import Any, TypeVar

from .. import io_thread, protocol
from ..errors import ErrorCode, ZegoError
from .dispatch import Dispatcher
from .events import EVENTS, EngineEvent, EventStream
from .handler import EventHandler
from .operation import Operation
from .states import EngineState

logger = logging.getLogger(__name__)

T = TypeVar("T")
M = TypeVar("M", bound=protocol.Message)

Told = Callable[[ZegoError | None, Any], object]
"""Gets the error of a verb or its result; runs on the callback thread."""


class Core:
    """Belongs to one engine. What is not said to be for any thread belongs on the I/O loop."""

    def __init__(self, name: str, handler: EventHandler | None) -> None:
        self.dispatcher = Dispatcher(f"zego-widget-{name}")
        self.handler = handler
        self.closed = False
        self._lease = io_thread.io.acquire(at_exit=self._at_exit)
        self._lock = threading.Lock()
        self._listeners: dict[str, list[Callable[..., object]]] = {name: [] for name in EVENTS}
        self._streams: list[EventStream] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._routes: dict[type[protocol.Message], Callable[[Any], None]] = {}
        self._shutdown: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._closing: Operation[None] | None = None
        self.on_told: list[Callable[[], None]] = []
        """Called after every event: what is shown of the engine may have changed."""
        # What keeps the engine started: previews, publications, played streams.
        self._active: set[object] = set()

    # -- verbs, from any thread -----------------------------------------------------------------------------

    def verb(self, name: str, work: Coroutine[Any, Any, T], told: Told | None = None) -> Operation[T]:
        """Run a verb on the I/O loop: verbs begin in the order of their calls."""
        operation: Operation[T] = Operation(name, self.dispatcher)
        with self._lock:
            if not self.closed and not self._lease.orphaned:
                self._lease.post(self._begin, operation, work, told)
                return operation
        work.close()
        self._failed(operation, ZegoError("The engine was destroyed.", ErrorCode.COMMON_ENGINE_NOT_CREATE), told)
        return operation

    def post(self, callback: Callable[..., object], *arguments: Any) -> None:
        """Call on the I/O loop, from any thread; nothing once the engine was destroyed."""
        with self._lock:
            if not self.closed and not self._lease.orphaned:
                self._lease.post(callback, *arguments)

    def close(self, last: Callable[[], object] | None) -> Operation[None]:
        """End everything, then call `last` on the callback thread, and end that; a second call only waits."""
        with self._lock:
            first = self._closing is None
            closing = self._closing = self._closing or Operation("destroy", self.dispatcher)
            self.closed = True
            if first and not self._lease.orphaned:
                self._lease.post(lambda: self._lease.loop.create_task(self._close(closing, last)))
                return closing
        if first:  # in a forked child, where there is neither loop nor thread, and nothing of ours
            closing._succeed(None)
        if last is not None:
            closing.add_done_callback(lambda _: last())
        return closing

    def listen(self, name: str, listener: Callable[..., object]) -> None:
        """Call a listener with the arguments of an event's callback."""
        self._listeners[name].append(listener)

    def stream(self) -> EventStream:
        """A stream of all events from now on."""
        stream = EventStream(self._forget)
        with self._lock:
            if not self.closed:
                self._streams.append(stream)
                return stream
        stream._end()
        return stream

    def _forget(self, stream: EventStream) -> None:
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)

    # -- on the loop ----------------------------------------------------------------------------------------

    def on_shutdown(self, shutdown: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """What releases all that the engine's parts own."""
        self._shutdown = shutdown

    def emit(self, name: str, *arguments: Any) -> None:
        """Tell an event to the handler, the listeners and the streams."""
        names = EVENTS[name]
        assert len(arguments) == len(names), f"{name} takes {names}"
        event = EngineEvent(name, MappingProxyType(dict(zip(names, arguments, strict=True))))
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream._put(event)
        self.dispatcher.post(self._deliver, name, arguments)
        if not self._lease.orphaned:
            for told in self.on_told:
                told()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that ends with the engine."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def route(self, kind: type[M], take: Callable[[M], None]) -> None:
        """Give events of the hub of one kind to a part."""
        self._routes[kind] = take

    def heard(self, event: protocol.HubMessage) -> None:
        """An event of the hub."""
        if take := self._routes.get(type(event)):
            take(event)

    def set_active(self, what: object, active: bool) -> None:
        """Something begins or ends that keeps the engine started."""
        before = bool(self._active)
        if active:
            self._active.add(what)
        else:
            self._active.discard(what)
        if bool(self._active) is not before and not self.closed:
            self.emit("engine_state_update", EngineState.START if active else EngineState.STOP)

    # -- inside ---------------------------------------------------------------------------------------------

    def _deliver(self, name: str, arguments: tuple[Any, ...]) -> None:
        callbacks: list[Callable[..., object]] = list(self._listeners[name])
        handler = self.handler  # which any thread may take away
        if handler is not None:
            callbacks.insert(0, getattr(handler, f"on_{name}"))
        for callback in callbacks:
            try:
                callback(*arguments)
            except BaseException:
                # Even a SystemExit of a callback must not keep the next one from being called.
                logger.exception("A callback for %s failed", name)

    def _begin(self, operation: Operation[T], work: Coroutine[Any, Any, T], told: Told | None) -> None:
        self.spawn(self._run(operation, work, told))

    async def _run(self, operation: Operation[T], work: Coroutine[Any, Any, T], told: Told | None) -> None:
        try:
            result = await work
        except ZegoError as error:
            self._failed(operation, error, told)
        except asyncio.CancelledError:
            sentence = f"The engine was destroyed before {operation.verb} was done."
            self._failed(operation, ZegoError(sentence, ErrorCode.COMMON_ENGINE_NOT_CREATE), told)
        except Exception as error:
            logger.exception("%s failed", operation.verb)
            self._failed(operation, error, told)
        else:
            if told is not None:
                self.dispatcher.post(told, None, result)
            operation._succeed(result)

    def _failed(self, operation: Operation[Any], error: Exception, told: Told | None) -> None:
        known = as_zego_error(error)
        logger.info("%s failed: %s", operation.verb, known)
        if not self.closed:
            self.emit("debug_error", known.code, operation.verb, known.message)
        if told is not None:
            self.dispatcher.post(told, known, None)
        operation._fail(known)

    async def _close(self, operation: Operation[None], last: Callable[[], object] | None) -> None:
        await self._release()

        def end() -> None:
            # On the callback thread, as its last act: the I/O thread may stop with our lease.
            self._lease.release()
            try:
                if last is not None:
                    last()
            finally:
                operation._succeed(None)

        self.dispatcher.finish(end)

    async def _at_exit(self) -> None:
        """The interpreter ends with the engine still there, or on its way out."""
        lease = io_thread.io.acquire()  # the loop stays for as long as we wait here
        try:
            await self.close(None)
        finally:
            lease.release()

    async def _release(self) -> None:
        try:
            if self._shutdown is not None:
                await self._shutdown()
        except Exception:
            logger.exception("The engine could not be ended cleanly")
        own = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not own]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with self._lock:
            streams, self._streams = self._streams, []
        for stream in streams:
            stream._end()


def as_zego_error(error: Exception) -> ZegoError:
    """The error itself, or one of ours that it caused."""
    if isinstance(error, ZegoError):
        return error
    known = ZegoError(f"{type(error).__name__}: {error}")
    known.__cause__ = error
    return known
