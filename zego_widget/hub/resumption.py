"""Which session a link goes on with, and how often that went well or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from .. import protocol as p
from ..errors import ErrorCode
from ..model import StreamDeleteReason
from .one_by_one import Named, one_by_one
from .session_link import LinkSender

MAX_DETACHED = 4096
"""Sessions whose link is broken; of more the one that waits longest is over."""
_REFUSALS = ("unknown", "key", "late", "gap")
_POLICY, _UNEXPECTED_CONDITION = 1008, 1011  # RFC 6455 section 7.4.1


class Resumable(Named, Protocol):
    """A session as far as its link is concerned."""

    @property
    def is_past_resuming(self) -> bool:
        """Whether more was to be said while there was no link than can be kept."""

    def opens_with(self, key: str) -> bool:
        """Whether that is the key to resume this session with."""

    def is_ahead_of(self, wanted: p.Resume) -> bool:
        """Whether the client goes on with a later attempt."""

    def resume(self, socket: LinkSender, wanted: p.Resume) -> bool:
        """Go on over another socket; False if that cannot be."""

    def say_goodbye(self, reason: StreamDeleteReason, code: ErrorCode, sentence: str, close_code: int) -> None:
        """End the session."""


S = TypeVar("S", bound=Resumable)


class Resumption(Generic[S]):
    """Finds the session that a hello wants to go on with.

    Who names a session that is over, or shows a wrong key, gets a new one and learns no more than that, and so does an
    attempt that its client has given up for a later one. A session whose client needs what is no longer kept is over.
    """

    def __init__(self, sessions: Mapping[str, S]) -> None:
        self._sessions = sessions
        # Whose link is broken, by session ID; the one that waits longest is the first.
        self._waiting: dict[str, S] = {}
        self._detached = 0
        self._resumed = 0
        self._refused: Counter[str] = Counter()

    @property
    def counters(self) -> dict[str, int]:
        """For the status of the hub."""
        refused = {f"resume_refused_{reason}": self._refused[reason] for reason in _REFUSALS}
        return {"sessions_detached": self._detached, "sessions_resumed": self._resumed, **refused}

    def wait_for(self, session: S) -> None:
        """The link of this session broke; it may be resumed."""
        self._detached += 1
        self._waiting[session.session_id] = session

    def forget(self, session: S) -> None:
        """This session is waited for no more."""
        self._waiting.pop(session.session_id, None)

    def tick(self) -> None:
        """End the sessions for which more waits than is kept, and those that are too many."""
        too_many = list(self._waiting.values())[: max(0, len(self._waiting) - MAX_DETACHED)]
        over = [*too_many, *(each for each in self._waiting.values() if each.is_past_resuming)]
        sentence = "There was more to say than the hub keeps for clients whose link broke."
        reason, code = StreamDeleteReason.OFFLINE, ErrorCode.ROOM_DISCONNECT
        one_by_one(over, lambda session: session.say_goodbye(reason, code, sentence, _POLICY))

    def resume(self, wanted: p.Resume, socket: LinkSender) -> S | None:
        """The session that goes on over this socket; None where there is none to go on with."""
        session = self._sessions.get(wanted.session_id)
        if session is None:
            self._refused["unknown"] += 1
        elif not session.opens_with(wanted.key):
            self._refused["key"] += 1
        elif session.is_ahead_of(wanted):
            self._refused["late"] += 1
        elif session.resume(socket, wanted):
            self._resumed += 1
            self.forget(session)
            return session
        else:
            self._refused["gap"] += 1
            sentence = "The client came back and had missed more than the hub keeps."
            session.say_goodbye(StreamDeleteReason.OFFLINE, ErrorCode.ROOM_DISCONNECT, sentence, _UNEXPECTED_CONDITION)
        return None
