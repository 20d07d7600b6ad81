"""What is done for many sessions, and fails for one of them alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import Session

logger = logging.getLogger(__name__)


def one_by_one(sessions: Iterable[Session], action: Callable[[Session], object]) -> None:
    """Do something for each session that there is now; one for which it fails keeps no other from it."""
    for session in list(sessions):
        try:
            action(session)
        except Exception:
            logger.exception("session %s: what is due could not be done", session.session_id)
