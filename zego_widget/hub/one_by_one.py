"""What is done for many sessions, and fails for one of them alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

logger = logging.getLogger(__name__)


class Named(Protocol):
    """A session, by its ID."""

    session_id: str


S = TypeVar("S", bound=Named)


def one_by_one(sessions: Iterable[S], action: Callable[[S], object]) -> None:
    """Do something for each session that there is now; one for which it fails keeps no other from it."""
    for session in list(sessions):
        try:
            action(session)
        except Exception:
            logger.exception("session %s: what is due could not be done", session.session_id)
