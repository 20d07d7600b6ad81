"""One link and the peers of the user behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .hub import Hub


class LinkSender(Protocol):
    """The sending half of a link, as the hub's server implements it."""

    def send(self, text: str) -> None:
        """Queue one message; never blocks."""

    def close(self, code: int, reason: str) -> None:
        """Close the link after what is queued; `code` is a WebSocket close code."""


class Session:
    """A client of the hub: one link, at most one room, any number of peers up to a limit."""

    def __init__(self, hub: Hub, session_id: str, link: LinkSender) -> None:
        self.session_id = session_id
        self._hub = hub
        self._link = link

    def receive(self, text: str) -> None:
        """Take one message from the link. Never raises."""

    def link_closed(self) -> None:
        """The link is gone: the session ends. Idempotent."""
