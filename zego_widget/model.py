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


class StreamQualityLevel(IntEnum):
    """How good a stream, or the network of a user, is (ZegoStreamQualityLevel)."""

    EXCELLENT = 0
    GOOD = 1
    MEDIUM = 2
    BAD = 3
    DIE = 4
    UNKNOWN = 5


# level -> highest round-trip time in ms, highest share of packets lost (ZEGO.md, section 5.1)
_QUALITY_LIMITS = (
    (StreamQualityLevel.EXCELLENT, 124.0, 0.083),
    (StreamQualityLevel.GOOD, 344.0, 0.217),
    (StreamQualityLevel.MEDIUM, 590.0, 0.355),
)


def quality_level(rtt: float, loss: float) -> StreamQualityLevel:
    """The level for this round-trip time (ms) and share of lost packets (0 to 1): the worse decides."""
    for level, highest_rtt, highest_loss in _QUALITY_LIMITS:
        if rtt <= highest_rtt and loss <= highest_loss:
            return level
    return StreamQualityLevel.BAD


class VideoMirrorMode(IntEnum):
    """Who sees the camera mirrored: oneself, the others (ZegoVideoMirrorMode)."""

    ONLY_PREVIEW_MIRROR = 0
    BOTH_MIRROR = 1
    NO_MIRROR = 2
    ONLY_PUBLISH_MIRROR = 3


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


@dataclass(frozen=True, slots=True)
class BroadcastMessageInfo:
    """A broadcast message (ZegoBroadcastMessageInfo); `send_time` is the hub's clock in ms since 1970."""

    message: str
    message_id: int
    send_time: int
    from_user: User


@dataclass(frozen=True, slots=True)
class BarrageMessageInfo:
    """A barrage message (ZegoBarrageMessageInfo); `send_time` is the hub's clock in ms since 1970."""

    message: str
    message_id: str
    send_time: int
    from_user: User


@dataclass(frozen=True, slots=True)
class RoomExtraInfo:
    """What is attached to a room (ZegoRoomExtraInfo); `update_time` is the hub's clock in ms since 1970."""

    key: str
    value: str
    update_user: User
    update_time: int


class CallInvitationMode(IntEnum):
    """GENERAL ends when every invitee has answered; ADVANCED lives until it is ended (ZIMCallInvitationMode)."""

    GENERAL = 0
    ADVANCED = 1


class CallInvitationState(IntEnum):
    """State of a call (ZIMCallState)."""

    UNKNOWN = -1
    STARTED = 1
    ENDED = 2


class CallUserState(IntEnum):
    """State of one user in a call (ZIMCallUserState). This hub gives neither UNKNOWN, OFFLINE nor BE_CANCELLED."""

    UNKNOWN = -1
    INVITING = 0
    """Invited, and not online so far."""
    ACCEPTED = 1
    REJECTED = 2
    CANCELLED = 3
    OFFLINE = 4
    RECEIVED = 5
    """The invitation was delivered."""
    TIMEOUT = 6
    QUIT = 7
    ENDED = 8
    NOT_YET_RECEIVED = 9
    """Invited, and not online for 5 s, where the caller asked to be told."""
    BE_CANCELLED = 10


@dataclass(frozen=True, slots=True)
class CallUserInfo:
    """A user in a call (ZIMCallUserInfo); `extended_data` is what the user said last, answering or leaving."""

    user_id: str
    state: CallUserState
    extended_data: str = ""


@dataclass(frozen=True, slots=True)
class CallInfo:
    """A call as one of its users sees it (ZIMCallInfo); times are ms since 1970, `end_time` 0 while it goes on."""

    call_id: str
    caller: str
    inviter: str
    """Who invited the user that asks; the caller's is the caller."""
    create_time: int
    end_time: int
    state: CallInvitationState
    mode: CallInvitationMode
    extended_data: str
    call_user_list: tuple[CallUserInfo, ...]


@dataclass(frozen=True, slots=True)
class ErrorUserInfo:
    """A user for whom a request failed, and why (ZIMErrorUserInfo); `reason` is an `ErrorCode`."""

    user_id: str
    reason: int
