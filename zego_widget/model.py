"""Enums and records that every layer shares.

Values and names are ZEGO Express's, in Python spelling. The records are frozen: a change is a new record.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class UpdateType(IntEnum):
    """What an update says of its list (ZegoUpdateType)."""

    ADD = 0
    DELETE = 1


class RoomStateChangedReason(IntEnum):
    """Why the state of a room changed for this user (ZegoRoomStateChangedReason)."""

    LOGINING = 0
    LOGINED = 1
    LOGIN_FAILED = 2
    RECONNECTING = 3
    RECONNECTED = 4
    RECONNECT_FAILED = 5
    KICK_OUT = 6
    LOGOUT = 7
    LOGOUT_FAILED = 8


class StreamDeleteReason(IntEnum):
    """Why a stream was deleted (`stream_delete_reason` in ZEGO's extended data)."""

    STOPPED = 1
    HEARTBEAT_TIMEOUT = 2
    REPEAT_LOGIN = 3
    KICKED_OUT = 4
    OFFLINE = 5
    REMOVED_BY_SERVER = 6


class RemoteDeviceState(IntEnum):
    """State of the camera or microphone behind a stream (ZegoRemoteDeviceState)."""

    OPEN = 0
    GENERIC_ERROR = 1
    NO_AUTHORIZATION = 3
    IN_USE_BY_OTHER = 5
    UNPLUGGED = 6
    DISABLE = 9
    MUTE = 10
    NOT_SUPPORT = 15


class PublishChannel(IntEnum):
    """Which of a user's streams is meant (ZegoPublishChannel): main is the camera, aux the screen."""

    MAIN = 0
    AUX = 1


class CallState(StrEnum):
    """What a call widget is doing; the value of `CallWidget.state`."""

    IDLE = "idle"
    CONNECTING = "connecting"
    IN_CALL = "in_call"
    RECONNECTING = "reconnecting"
    REFUSED = "refused"
    """The call could not be joined; `CallWidget.error` says why."""
    DISCONNECTED = "disconnected"
    """The call ended without the user's wish; `CallWidget.error` says why."""
    CLOSED = "closed"


class PeerState(StrEnum):
    """State of one WebRTC connection between a page (or a Python participant) and the hub."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class User:
    """A participant (ZegoUser). `user_name` falls back to `user_id`."""

    user_id: str
    user_name: str = ""

    def __post_init__(self) -> None:
        if not self.user_name:
            object.__setattr__(self, "user_name", self.user_id)


@dataclass(frozen=True, slots=True)
class Stream:
    """A published stream (ZegoStream) with the state of the devices behind it."""

    stream_id: str
    user: User
    extra_info: str = ""
    microphone: RemoteDeviceState = RemoteDeviceState.OPEN
    camera: RemoteDeviceState = RemoteDeviceState.OPEN


@dataclass(frozen=True, slots=True)
class RoomConfig:
    """How a user wants to be in a room (ZegoRoomConfig).

    `max_member_count` counts only in the login that creates the room; 0 is no limit.
    """

    is_user_status_notify: bool = False
    max_member_count: int = 0
