"""Which session a link goes on with, and how often that went well or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import protocol as p
from ..errors import ErrorCode
from ..model import StreamDeleteReason

if TYPE_CHECKING:
    from .session import Session
    from .session_link import LinkSender

_REFUSALS = ("unknown", "key", "gap")
_UNEXPECTED_CONDITION = 1011  # RFC 6455 section 7.4.1


class Resumption:
    """Finds the session that a hello wants to go on with.

    Who names a session that is over, or shows a wrong key, gets a new one and learns no more than that. A session whose
    client needs what is no longer kept is over.
    """

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        self.detached = 0
        """Links that broke and left their session behind, to be resumed."""
        self._sessions = sessions
        self._resumed = 0
        self._refused: Counter[str] = Counter()

    @property
    def counters(self) -> dict[str, int]:
        """For the status of the hub."""
        refused = {f"resume_refused_{reason}": self._refused[reason] for reason in _REFUSALS}
        return {"sessions_detached": self.detached, "sessions_resumed": self._resumed, **refused}

    def resume(self, wanted: p.Resume, socket: LinkSender) -> Session | None:
        """The session that goes on over this socket; None where there is none to go on with."""
        session = self._sessions.get(wanted.session_id)
        if session is None:
            self._refused["unknown"] += 1
        elif not session.opens_with(wanted.key):
            self._refused["key"] += 1
        elif session.resume(socket, wanted.received):
            self._resumed += 1
            return session
        else:
            self._refused["gap"] += 1
            sentence = "The client came back and had missed more than the hub keeps."
            session.say_goodbye(StreamDeleteReason.OFFLINE, ErrorCode.ROOM_DISCONNECT, sentence, _UNEXPECTED_CONDITION)
        return None
