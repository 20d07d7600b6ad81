"""The wire between a widget and its page, without a kernel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from comm.base_comm import BaseComm


class RecordedComm(BaseComm):
    """Keeps what Python sends to the page: message type, data, and the thread that sent it."""

    def __init__(self, **keys: Any) -> None:
        self.sent: list[tuple[str, dict[str, Any], threading.Thread]] = []
        self.on_sent: Callable[[], None] = lambda: None
        super().__init__(**keys)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        self.sent.append((msg_type, data or {}, threading.current_thread()))
        self.on_sent()

    @property
    def messages(self) -> list[Any]:
        """Contents of the custom messages that the page got."""
        return [data["content"] for _, data, _ in self.sent if data.get("method") == "custom"]

    def receive(self, data: dict[str, Any]) -> None:
        """A message as the front end sends it."""
        self.handle_msg({"content": {"data": data}, "buffers": []})
