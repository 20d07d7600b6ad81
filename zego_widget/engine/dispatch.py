"""The thread on which an engine calls its user's code."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

_Call = tuple[Callable[..., object], tuple[Any, ...]]


class Dispatcher:
    """Calls what is posted, in order, on one thread of its own until `finish`."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._finished = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def post(self, callback: Callable[..., object], *arguments: Any) -> None:
        """Call soon; once the thread is to end, call at once and here."""
        with self._lock:
            if not self._finished:
                self._calls.put((callback, arguments))
                return
        _call(callback, arguments)

    def finish(self, last: Callable[[], object]) -> None:
        """End the thread after what was posted before, and `last`."""
        with self._lock:
            self._finished = True
            self._calls.put((last, ()))
            self._calls.put(None)

    def runs_here(self) -> bool:
        """Whether the caller is on this thread."""
        return self._thread is threading.current_thread()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            _call(*call)


def _call(callback: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    try:
        callback(*arguments)
    except BaseException:
        # Even a SystemExit of a callback must not end the thread that the next callback needs.
        logger.exception("A callback failed: %r", callback)
