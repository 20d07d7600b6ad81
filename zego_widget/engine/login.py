"""One stay in a room."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from .. import protocol
from ..errors import ErrorCode, HubUnreachable, ZegoError
from ..model import Stream, User
from .line import Link
from .profile import RoomConfig
from .roster import Roster

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Login:
    """One stay in a room, from the wish to log in to its end."""

    room_id: str
    user: User
    config: RoomConfig
    # Done when logged in; fails when that fails, or the login ends before. Another one while the session is lost.
    entered: asyncio.Future[None]
    # The hub plays whatever there is, without being asked for each stream.
    auto_play: bool = False
    task: asyncio.Task[Any] | None = None
    link: Link | None = None
    # Why it ended, once it has.
    error: ZegoError | None = None
    # Events that arrived before the answer to the login was taken; None once it was.
    early: list[protocol.HubMessage] | None = field(default_factory=list)
    roster: Roster = field(default_factory=Roster)
    settling: asyncio.TimerHandle | None = None

    @property
    def users(self) -> dict[str, User]:
        """The others in the room."""
        return self.roster.users

    @property
    def streams(self) -> dict[str, Stream]:
        """What the others publish."""
        return self.roster.streams


def left_error() -> ZegoError:
    """What becomes of requests when their user logs out."""
    return ZegoError("The engine was logged out before that was done.", ErrorCode.COMMON_NOT_LOGIN_ROOM)


def login_error(error: Exception) -> ZegoError:
    """As what a login that failed is told."""
    if isinstance(error, HubUnreachable):
        return HubUnreachable(error.message, ErrorCode.ROOM_ERROR_CONNECT_FAILED)
    if isinstance(error, ZegoError):
        return error
    logger.error("The login failed", exc_info=error)
    return ZegoError(f"The login failed: {type(error).__name__}: {error}", ErrorCode.ROOM_ERROR_CONNECT_FAILED)
