"""A session, as far as others say something to its client."""

from __future__ import annotations

from typing import Protocol

from zego_widget.protocol import Message


class Client(Protocol):
    """What has an ID, and hears what it is told."""

    session_id: str

    def send(self, message: Message) -> None:
        """Send to the client, unless the session is closed."""
