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
    """Where messages to the page are sent from: the context of the page's last message, as far as there is one."""

    def __init__(self) -> None:
        self._context: contextvars.Context | None = None
        # True in whatever runs because of a message of the page. The answer to it must keep it as its parent: a
        # front end finds its own trait change again by the parent of the echo.
        self._answering = contextvars.ContextVar("zego_widget_answering", default=False)

    def receive(self, handle: Callable[[], None]) -> None:
        """Handle a message of the page, remembering its context."""
        self._context = contextvars.copy_context()
        answering = self._answering.set(True)
        try:
            handle()
        finally:
            self._answering.reset(answering)

    def send(self, send: Callable[[], None], comm: Any) -> None:
        """Send on `comm` such that the page's next message goes where the page addresses it; from any thread."""
        context = self._context
        if context is None or self._answering.get():
            send()
        else:
            # A copy: one context runs in one thread at a time.
            context.copy().run(send)
        self.forget(comm)

    @staticmethod
    def forget(comm: Any) -> None:
        """Let the page's own address count: also before its first message, and after its subshell has gone."""
        getattr(comm, "__dict__", {}).pop("_reply_subshell_id", None)
