"""The hub: every session, every room and the forwarder between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .session import LinkSender, Session

if TYPE_CHECKING:
    from ..forwarder import Forwarder
    from .settings import HubSettings


class Hub:
    """All sessions of one process. Construct and use it on one running event loop."""

    def __init__(self, forwarder: Forwarder, settings: HubSettings, *, version: str) -> None:
        self._forwarder = forwarder
        self._settings = settings
        self._version = version
        self._sessions: dict[str, Session] = {}

    @property
    def session_count(self) -> int:
        """Links that are open now."""
        return len(self._sessions)

    def open_session(self, link: LinkSender) -> Session:
        """A session for a link that was just accepted; it waits for `Hello`."""
        raise NotImplementedError

    def status(self) -> dict[str, Any]:
        """Counts for `/v1/status`: rooms, sessions, streams, peers, packets_forwarded, counters."""
        raise NotImplementedError

    async def aclose(self, reason: str) -> None:
        """Say goodbye to everyone and end the hub's own task. The forwarder stays its owner's."""
