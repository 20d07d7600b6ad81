"""Rooms: login and logout, and what a room tells."""

from __future__ import annotations

import msgspec

from ..model import RoomConfig, RoomStateChangedReason, Stream, StreamDeleteReason, UpdateType, User
from .auth import Credential
from .base import Message, RequestId, TimeOfDay

# -- client -> hub -----------------------------------------------------------------------------------------------


class LoginRoom(Message, frozen=True):
    """Enter a room (ZEGO loginRoom). Answered by `LoggedIn`."""

    request_id: RequestId
    room_id: str
    user: User
    config: RoomConfig = RoomConfig()
    auto_play: bool = False
    """Play every stream of the room on every peer of this session, up to `PLAY_LIMIT`."""
    credential: Credential = Credential()


class LogoutRoom(Message, frozen=True):
    """Leave the room (ZEGO logoutRoom): publishing and playing end, peers are closed. Answered by `Done`."""

    request_id: RequestId
    room_id: str


# -- hub -> client -----------------------------------------------------------------------------------------------


class LoggedIn(Message, frozen=True):
    """Answers `LoginRoom`; `users` and `streams` are those of the others."""

    request_id: RequestId
    room_id: str
    room_session_id: str
    users: list[User]
    streams: list[Stream]
    since: TimeOfDay = 0
    """When the login began, for `Credential.since`."""


class RoomStateChanged(Message, frozen=True):
    """The state of the room changed for this session (ZEGO onRoomStateChanged)."""

    room_id: str
    reason: RoomStateChangedReason
    error_code: int
    message: str


class RoomUserUpdate(Message, frozen=True):
    """Others came or went (ZEGO onRoomUserUpdate)."""

    room_id: str
    update_type: UpdateType
    users: list[User]


class StreamDeletion(msgspec.Struct, frozen=True):
    """Why one stream went (ZEGO extendedData.stream_delete_reason)."""

    stream_id: str
    code: StreamDeleteReason


class RoomStreamUpdate(Message, frozen=True):
    """Streams of others came or went (ZEGO onRoomStreamUpdate)."""

    room_id: str
    update_type: UpdateType
    streams: list[Stream]
    stream_delete_reason: list[StreamDeletion] = []  # noqa: RUF012 - msgspec copies it


class StreamStateChanged(Message, frozen=True):
    """A device behind another's stream changed (ZEGO onRemoteCameraStateUpdate, onRemoteMicStateUpdate)."""

    room_id: str
    stream: Stream
