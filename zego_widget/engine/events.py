"""Events as records, and the streams of them that `ExpressEngine.events` gives."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidArgument
from .handler import EventHandler

BACKLOG = 10_000
"""Events a stream keeps for a slow consumer; beyond that the oldest are lost."""

EVENTS: Mapping[str, tuple[str, ...]] = {
    name.removeprefix("on_"): tuple(inspect.signature(method).parameters)[1:]
    for name, method in vars(EventHandler).items()
    if name.startswith("on_")
}
"""Event name -> names of its arguments, in the order of the callback; all callbacks of `EventHandler` without `on_`."""


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """Something happened: `event.name` is `room_stream_update`, its arguments are attributes (`event.streams`)."""

    name: str
    arguments: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        # Reached for what is no field, and when an empty object is being filled.
        if name not in {"name", "arguments"} and name in self.arguments:
            return self.arguments[name]
        raise AttributeError(f"The event has no {name!r}.")


def check_name(name: str) -> None:
    """Raise `InvalidArgument` if there is no such event."""
    if name not in EVENTS:
        raise InvalidArgument(f"There is no event {name!r}; there are {', '.join(sorted(EVENTS))}.")


class EventStream:
    """`async for event in engine.events()`: every event from the call of `events` on, until the engine ends.

    One consumer, on any loop. `aclose` ends it early, as does leaving an `async with` block.
    """

    def __init__(self, on_closed: Callable[[EventStream], None]) -> None:
        self.lost = 0
        """Events that were dropped because the consumer was too slow."""
        self._events: deque[EngineEvent] = deque()
        self._on_closed = on_closed
        self._lock = threading.Lock()
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self._ended = False

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> EngineEvent:
        while True:
            loop = asyncio.get_running_loop()
            with self._lock:
                if self._events:
                    return self._events.popleft()
                if self._ended:
                    raise StopAsyncIteration
                woken = loop.create_future()
                self._waiting = (loop, woken)
            await woken

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def take(self) -> list[EngineEvent]:
        """The events that wait, without waiting for more."""
        with self._lock:
            events = list(self._events)
            self._events.clear()
        return events

    async def aclose(self) -> None:
        """Get no more events; idempotent."""
        self._on_closed(self)
        self._end()

    def _put(self, event: EngineEvent) -> None:
        with self._lock:
            if len(self._events) >= BACKLOG:
                self._events.popleft()
                self.lost += 1
            self._events.append(event)
            self._wake()

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            loop, woken = waiting
            with contextlib.suppress(RuntimeError):  # the consumer's loop is closed
                loop.call_soon_threadsafe(_resolve, woken)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
