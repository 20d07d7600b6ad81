"""Frames between a stream and one consumer: bounded, and a slow consumer loses the oldest."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from typing import Any, Generic, Self, TypeVar

from zego_widget.errors import ErrorCode, InvalidArgument

T = TypeVar("T")

MAX_SIZE = 1000

# Loops hold their tasks weakly: a task that nobody else holds would vanish with the queue it waits for.
_waited_for: set[FrameQueue[Any]] = set()


class FrameQueue(Generic[T]):
    """An async iterator of frames; ends when its stream's peer ends or it is closed. Works on any loop and thread.

    A queue that nobody holds any more counts as closed, so `async for ... break` needs no further care.
    Raises `InvalidArgument` for a `maxsize` that is not 1 to 1000.
    """

    def __init__(self, maxsize: int) -> None:
        if not 1 <= maxsize <= MAX_SIZE:
            raise InvalidArgument(f"maxsize is 1 to {MAX_SIZE}, not {maxsize}.", ErrorCode.COMMON_ILLEGAL_PARAM)
        self.maxsize = maxsize
        self._frames: deque[T] = deque()
        self._lost = 0
        self._ended = False
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    @property
    def lost(self) -> int:
        """Frames that were dropped because this consumer was slow."""
        return self._lost

    @property
    def closed(self) -> bool:
        """Whether no more frames will come in."""
        return self._ended

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frame: T) -> None:
        """Add the newest frame; never blocks. Nothing happens after the end."""
        with self._lock:
            if self._ended:
                return
            if len(self._frames) == self.maxsize:
                self._frames.popleft()
                self._lost += 1
            self._frames.append(frame)
            self._wake()

    def end(self) -> None:
        """No more frames will come; those that are queued can still be taken."""
        with self._lock:
            self._ended = True
            self._wake()

    def close(self) -> None:
        """The consumer has enough: what is queued is dropped and iteration ends. Idempotent."""
        with self._lock:
            self._ended = True
            self._frames.clear()
            self._wake()

    async def get(self) -> T | None:
        """The oldest frame that is left, once there is one; None after the end."""
        while True:
            with self._lock:
                if self._frames:
                    return self._frames.popleft()
                if self._ended:
                    return None
                loop = asyncio.get_running_loop()
                waiter = (loop, loop.create_future())
                self._waiting.append(waiter)
                _waited_for.add(self)
            try:
                await waiter[1]
            finally:
                with self._lock:
                    if waiter in self._waiting:
                        self._waiting.remove(waiter)
                    if not self._waiting:
                        _waited_for.discard(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        frame = await self.get()
        if frame is None:
            raise StopAsyncIteration
        return frame

    async def aclose(self) -> None:
        """`close`, for `contextlib.aclosing`."""
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _wake(self) -> None:
        for loop, future in self._waiting:
            with contextlib.suppress(RuntimeError):  # that loop is closed, and its consumer with it
                loop.call_soon_threadsafe(_resolve, future)
        self._waiting.clear()
        _waited_for.discard(self)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Consumers(Generic[T]):
    """The queues that look at one stream; they are kept alive by their consumers only. Thread-safe."""

    def __init__(self) -> None:
        self._queues: list[weakref.ref[FrameQueue[T]]] = []
        self._lock = threading.Lock()

    def add(self, maxsize: int) -> FrameQueue[T]:
        """A new queue."""
        queue: FrameQueue[T] = FrameQueue(maxsize)
        with self._lock:
            self._queues.append(weakref.ref(queue))
        return queue

    def __bool__(self) -> bool:
        """Whether anybody looks."""
        return bool(self._queues) and bool(self._open())

    def put(self, frame: T) -> None:
        """Give a frame to everybody."""
        for queue in self._open():
            queue.put(frame)

    def end(self) -> None:
        """No more frames for those who look now."""
        for queue in self._open():
            queue.end()

    def _open(self) -> list[FrameQueue[T]]:
        with self._lock:
            queues = [queue for reference in self._queues if (queue := reference()) is not None and not queue.closed]
            if len(queues) < len(self._queues):
                self._queues = [weakref.ref(queue) for queue in queues]
        return queues
