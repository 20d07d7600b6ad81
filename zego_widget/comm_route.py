"""Keep what a page sends away from the shell that runs the user's cell.

A front end addresses widget messages to a subshell, so that they are handled while a cell runs. ipykernel 7.4
overrides that address: it delivers to the shell whose message was the parent of what Python last sent on the comm.
One trait set from a cell, or from a thread (whose parent is the last cell's), and every later message of the page
waits for the running cell; and where that subshell is gone (the notebook was closed and opened again) they are lost.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any


class CommRoute:
    """Sends in the context of the page's last message, which has the page's own subshell as its parent."""

    def __init__(self) -> None:
        self._context: contextvars.Context | None = None
        # True in whatever runs because of a message of the page. What answers it must keep it as parent: a front
        # end knows the echo of its own trait change by that.
        self._answering = contextvars.ContextVar("zego_widget_answering", default=False)

    def receive(self, handle: Callable[[], None]) -> None:
        """Handle a message of the page, remembering its context."""
        self._context = contextvars.copy_context()
        answering = self._answering.set(True)
        try:
            handle()
        finally:
            self._answering.reset(answering)

    def send(self, send: Callable[[], None]) -> None:
        """Send from any thread such that the page's next message is delivered where the last one was addressed."""
        context = self._context
        if context is None or self._answering.get():
            send()
        else:
            # A copy: one context runs in one thread at a time.
            context.copy().run(send)


def keep_address(comm: Any) -> None:
    """Let each message of the page go where the page addresses it.

    Covers what `CommRoute` cannot: the time before the page's first message, and a subshell that has gone. ipykernel
    has no public way to ask for it; where it lacks this private name, nothing happens and `CommRoute` is what counts.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = _as_addressed


def _as_addressed(data: object, subshell_id: str | None) -> str | None:
    return subshell_id
