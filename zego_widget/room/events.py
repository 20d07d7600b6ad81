"""What rooms tell sessions. `session_id` is the recipient; nobody is told about himself."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import (
    BarrageMessageInfo,
    BroadcastMessageInfo,
    RoomExtraInfo,
    RoomStateChangedReason,
    Stream,
    StreamDeleteReason,
    UpdateType,
    User,
)


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


@dataclass(frozen=True, slots=True)
class BroadcastReceived:
    """Broadcast messages of others (ZEGO onIMRecvBroadcastMessage)."""

    session_id: str
    room_id: str
    messages: tuple[BroadcastMessageInfo, ...]


@dataclass(frozen=True, slots=True)
class BarrageReceived:
    """Barrage messages of others (ZEGO onIMRecvBarrageMessage)."""

    session_id: str
    room_id: str
    messages: tuple[BarrageMessageInfo, ...]


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A custom command of another user (ZEGO onIMRecvCustomCommand)."""

    session_id: str
    room_id: str
    from_user: User
    command: str


@dataclass(frozen=True, slots=True)
class RoomExtraInfoChanged:
    """Another changed what is attached to the room (ZEGO onRoomExtraInfoUpdate)."""

    session_id: str
    room_id: str
    infos: tuple[RoomExtraInfo, ...]


@dataclass(frozen=True, slots=True)
class StreamExtraInfoChanged:
    """Another changed what is attached to its stream (ZEGO onRoomStreamExtraInfoUpdate)."""

    session_id: str
    room_id: str
    streams: tuple[Stream, ...]


@dataclass(frozen=True, slots=True)
class UsersCounted:
    """How many users the room has, the recipient included (ZEGO onRoomOnlineUserCountUpdate)."""

    session_id: str
    room_id: str
    count: int


Event = (
    UsersUpdated
    | StreamsUpdated
    | StreamStateChanged
    | RoomStateChanged
    | BroadcastReceived
    | BarrageReceived
    | CommandReceived
    | RoomExtraInfoChanged
    | StreamExtraInfoChanged
    | UsersCounted
)
