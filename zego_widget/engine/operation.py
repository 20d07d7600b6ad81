"""What a verb returns: something to wait for, in a coroutine or without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from .dispatch import Dispatcher

T = TypeVar("T")


class Operation(Generic[T]):
    """A verb under way. `await` it from any asyncio loop, or wait with `result`; or leave it alone.

    An operation that nobody waits for goes on all the same, and its failure is told by `on_debug_error`.
    """

    def __init__(self, verb: str, dispatcher: Dispatcher) -> None:
        self.verb = verb
        """Name of the verb, such as `login_room`."""
        self._dispatcher = dispatcher
        self._future: Future[T] = Future()
        # Running from the start: who stops waiting does not cancel what is being done.
        self._future.set_running_or_notify_cancel()

    def __repr__(self) -> str:
        return f"<Operation {self.verb}: {'done' if self.done() else 'under way'}>"

    def done(self) -> bool:
        """Whether the verb has ended, well or not."""
        return self._future.done()

    def result(self, timeout: float | None = None) -> T:
        """Wait for the verb's result; raises `ZegoError` where it failed, `TimeoutError` after `timeout` seconds."""
        self._check_wait()
        return self._future.result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the verb's end; its error, or None."""
        self._check_wait()
        return self._future.exception(timeout)

    def add_done_callback(self, callback: Callable[[Operation[T]], object]) -> None:
        """Call `callback(operation)` on the engine's callback thread once the verb has ended."""
        self._future.add_done_callback(lambda _: self._dispatcher.post(callback, self))

    def __await__(self) -> Generator[Any, None, T]:
        self._check_wait()
        return asyncio.wrap_future(self._future).__await__()

    def _check_wait(self) -> None:
        if self.verb == "destroy" and not self.done() and self._dispatcher.runs_here():
            raise RuntimeError("A callback cannot wait for the end of the engine that calls it; do not wait there.")

    def _succeed(self, result: T) -> None:
        self._future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        self._future.set_exception(error)
