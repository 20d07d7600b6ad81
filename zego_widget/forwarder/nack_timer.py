"""When a publisher is asked for what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .receive_log import REORDER_ALLOWANCE

_SHORTEST_WAIT = 0.005


class NackTimer:
    """One timer for all publications of a peer; it only runs while something is missing."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ask: Callable[[float], float | None]) -> None:
        """`ask` asks for what is due and tells when to ask next, None for when something new is missing."""
        self._loop = loop
        self._ask = ask
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def gap_noticed(self) -> None:
        """Packets are missing."""
        if self._closed:
            return
        due = self._loop.time() + REORDER_ALLOWANCE
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()  # it waits for an answer to earlier requests, which may take a round trip and more
        self._timer = self._loop.call_at(due, self._fire)

    def close(self) -> None:
        """Stop for good."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        now = self._loop.time()
        due = self._ask(now)
        if due is not None and not self._closed:
            self._timer = self._loop.call_at(max(due, now + _SHORTEST_WAIT), self._fire)
