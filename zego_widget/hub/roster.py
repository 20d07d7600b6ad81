"""Who is in a room and what is live, in messages of a length that fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zego_widget.model import Stream, UpdateType, User
from zego_widget.protocol import Message, RoomStreamUpdate, RoomUserUpdate
from zego_widget.room import limits
from zego_widget.room.room import portions


class Roster(NamedTuple):
    """What goes into the first message to a newcomer, and updates with what is too much for it."""

    users: list[User]
    streams: list[Stream]
    updates: list[Message]


def roster(room_id: str, users: Sequence[User], streams: Sequence[Stream]) -> Roster:
    """Everybody and everything, in order."""
    first_users, *more_users = portions(users, limits.USERS_TOLD_AT_ONCE) if users else [()]
    first_streams, *more_streams = portions(streams, limits.STREAMS_TOLD_AT_ONCE) if streams else [()]
    updates: list[Message] = [RoomUserUpdate(room_id, UpdateType.ADD, list(some)) for some in more_users]
    updates += [RoomStreamUpdate(room_id, UpdateType.ADD, list(some)) for some in more_streams]
    return Roster(list(first_users), list(first_streams), updates)
