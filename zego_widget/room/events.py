"""What rooms tell sessions. `session_id` is the recipient; nobody is told about himself."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import RoomStateChangedReason, Stream, StreamDeleteReason, UpdateType, User


@dataclass(frozen=True, slots=True)
class UsersUpdated:
    """Others came or went (ZEGO onRoomUserUpdate); only for sessions that asked for it."""

    session_id: str
    room_id: str
    update_type: UpdateType
    users: tuple[User, ...]


@dataclass(frozen=True, slots=True)
class StreamsUpdated:
    """Streams of others came or went (ZEGO onRoomStreamUpdate)."""

    session_id: str
    room_id: str
    update_type: UpdateType
    streams: tuple[Stream, ...]
    delete_reason: StreamDeleteReason | None = None


@dataclass(frozen=True, slots=True)
class StreamStateChanged:
    """A device behind another's stream changed (ZEGO onRemoteCameraStateUpdate, onRemoteMicStateUpdate)."""

    session_id: str
    room_id: str
    stream: Stream


@dataclass(frozen=True, slots=True)
class RoomStateChanged:
    """The session is no longer in the room, not by its own wish (ZEGO onRoomStateChanged)."""

    session_id: str
    room_id: str
    reason: RoomStateChangedReason
    error_code: int
    message: str


Event = UsersUpdated | StreamsUpdated | StreamStateChanged | RoomStateChanged
