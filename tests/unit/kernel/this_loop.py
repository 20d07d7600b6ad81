"""An I/O thread that is none: what belongs on its loop runs on the loop of the test."""

from __future__ import annotations

import asyncio
from typing import Any

from zego_widget.io_thread import Lease


class ThisLoop:
    """Stands in for `io_thread.io`."""

    def acquire(self, at_exit: Any = None) -> Lease:
        return Lease(self, asyncio.get_running_loop(), at_exit)  # type: ignore[arg-type]

    def _release(self, lease: Lease) -> None:
        pass
