"""The messages between clients, pages and the hub: typed, validated, versioned.

Four directions, one union each:

    link      kernel or Python client -> hub          `ClientMessage`   (WebSocket, JSON text)
              hub -> kernel or Python client          `HubMessage`
    control   browser page -> hub                     `PageMessage`     (WebRTC data channel "control", JSON text)
              hub -> browser page                     `ControlMessage`
    comm      view -> kernel                          `ViewMessage`     (widget custom message, JSON)
              kernel -> view                          `KernelMessage`

A request carries `request_id`; exactly one message with the same `request_id` answers it: `Done`, `LoggedIn`,
`Answer` or `Refused`. Everything else is an event. The TypeScript types in `js/src/protocol.gen.ts` are made
from this module.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from .model import (
    PeerState,
    PublishChannel,
    RemoteDeviceState,
    RoomConfig,
    RoomStateChangedReason,
    Stream,
    StreamDeleteReason,
    UpdateType,
    User,
)

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 1 << 20
MAX_SDP_BYTES = 256 * 1024
CONTROL_LABEL = "control"
"""Label of the one data channel of a peer."""

PLAY_LIMIT = 12
"""Streams one peer plays at once, and so its receive slots of each kind (ZEGO: 1004010 beyond)."""


def _snake_case(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).removeprefix("_")


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=_snake_case):
    """Base of all messages; on the wire `type` is the class name in snake_case."""


RequestId = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""Chosen by who asks, echoed by who answers; small enough for JavaScript to hold."""


# -- link: client -> hub ------------------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """First message of every link; the hub answers `Welcome` or `Refused` and closes."""

    protocol: int
    client: str
    """Name and version of the client program, for the hub's log."""


class LoginRoom(Message, frozen=True):
    """Enter a room (ZEGO loginRoom). Answered by `LoggedIn`."""

    request_id: RequestId
    room_id: str
    user: User
    config: RoomConfig = RoomConfig()
    auto_play: bool = False
    """Play every stream of the room on every peer of this session, up to `PLAY_LIMIT`."""


class LogoutRoom(Message, frozen=True):
    """Leave the room (ZEGO logoutRoom): publishing and playing end, peers are closed. Answered by `Done`."""

    request_id: RequestId
    room_id: str


class StartPublishing(Message, frozen=True):
    """Publish a channel of this session as `stream_id` (ZEGO startPublishingStream). Answered by `Done`.

    Others hear of the stream once a capturing peer of the session is connected.
    """

    request_id: RequestId
    stream_id: str
    channel: PublishChannel = PublishChannel.MAIN


class StopPublishing(Message, frozen=True):
    """End what a channel publishes (ZEGO stopPublishingStream). Answered by `Done`."""

    request_id: RequestId
    channel: PublishChannel = PublishChannel.MAIN


class StartPlaying(Message, frozen=True):
    """Play a stream on every peer of this session (ZEGO startPlayingStream). Answered by `Done`.

    A stream that does not exist yet is played as soon as it does.
    """

    request_id: RequestId
    stream_id: str


class StopPlaying(Message, frozen=True):
    """Stop playing a stream (ZEGO stopPlayingStream). Answered by `Done`."""

    request_id: RequestId
    stream_id: str


class SendSlots(msgspec.Struct, frozen=True):
    """The media identifiers (RFC 8843 `a=mid`) of what a peer sends; None where it has no such slot."""

    microphone: str | None = None
    camera: str | None = None
    screen: str | None = None
    screen_audio: str | None = None


CaptureWish = Literal["take", "offer", "never"]
"""`take`: this peer captures now, whoever did before. `offer`: it will when asked. `never`: it can not."""


class Offer(Message, frozen=True):
    """A WebRTC offer of a new peer of this session. Answered by `Answer`."""

    request_id: RequestId
    peer_id: str
    """Chosen by the page, unique within the session, at most 64 characters."""
    sdp: str
    send_slots: SendSlots = SendSlots()
    capture: CaptureWish = "offer"
    microphone: RemoteDeviceState = RemoteDeviceState.OPEN
    camera: RemoteDeviceState = RemoteDeviceState.OPEN


class ClosePeer(Message, frozen=True):
    """Close a peer of this session. Answered by `Done`."""

    request_id: RequestId
    peer_id: str


class Heartbeat(Message, frozen=True):
    """Sign of life; the hub answers `HeartbeatAck` with the same `sent_at`."""

    sent_at: float = 0.0
    """The sender's own clock; only the sender reads it."""


# -- link: hub -> client ------------------------------------------------------------------------------------


class Welcome(Message, frozen=True):
    """Answers `Hello`."""

    protocol: int
    version: str
    session_id: str
    heartbeat_interval: float
    """Seconds between two signs of life a client owes the hub."""
    heartbeat_timeout: float
    """Seconds of silence after which the hub ends the session."""


class Done(Message, frozen=True):
    """Answers a request that has nothing to return."""

    request_id: RequestId


class Refused(Message, frozen=True):
    """Answers a request that fails; `request_id` is None where the hub could not read which one."""

    request_id: RequestId | None
    code: int
    """An `ErrorCode`."""
    message: str


class LoggedIn(Message, frozen=True):
    """Answers `LoginRoom`; `users` and `streams` are those of the others."""

    request_id: RequestId
    room_id: str
    room_session_id: str
    users: list[User]
    streams: list[Stream]


class Answer(Message, frozen=True):
    """Answers `Offer`."""

    request_id: RequestId
    peer_id: str
    sdp: str
    captures: bool
    """Whether this peer is the one of its session that captures."""


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
    stream_delete_reason: list[StreamDeletion] = []


class StreamStateChanged(Message, frozen=True):
    """A device behind another's stream changed (ZEGO onRemoteCameraStateUpdate, onRemoteMicStateUpdate)."""

    room_id: str
    stream: Stream


class PeerStateChanged(Message, frozen=True):
    """A peer of this session changed its state."""

    peer_id: str
    state: PeerState
    captures: bool
    reason: str = ""


class HeartbeatAck(Message, frozen=True):
    """Answers `Heartbeat`."""

    sent_at: float = 0.0


class Goodbye(Message, frozen=True):
    """Last message before the hub closes a link or a control channel on its own account."""

    code: int
    message: str


# -- control: page -> hub -----------------------------------------------------------------------------------


class SetDeviceState(Message, frozen=True):
    """State of the devices this peer captures from."""

    microphone: RemoteDeviceState
    camera: RemoteDeviceState


class LeaveCall(Message, frozen=True):
    """The person pressed Stop call: the whole session leaves its room, even while its kernel is busy."""


class LeavePage(Message, frozen=True):
    """The page goes away (reload, close): only this peer ends."""


# -- control: hub -> page -----------------------------------------------------------------------------------


class SlotAssignment(msgspec.Struct, frozen=True):
    """Which receive slots of this peer show a stream; a mid is None where the stream has no such track."""

    stream_id: str
    audio_mid: str | None
    video_mid: str | None


class RoomSnapshot(Message, frozen=True):
    """All a page needs to draw the call; first message on `control`."""

    room_id: str
    user: User
    users: list[User]
    """The others."""
    streams: list[Stream]
    """Of the others."""
    slots: list[SlotAssignment]
    captures: bool
    stream_id: str | None
    """What this session publishes on its main channel."""


class SlotsChanged(Message, frozen=True):
    """The complete assignment of this peer's receive slots; what is not listed is free."""

    slots: list[SlotAssignment]


class CaptureChanged(Message, frozen=True):
    """Whether this peer captures from now on."""

    captures: bool


# -- comm: view -> kernel -----------------------------------------------------------------------------------


class ViewHello(Message, frozen=True):
    """A page's call object exists and listens; the kernel answers `Ready`."""

    protocol: int
    page_id: str


class PressStart(Message, frozen=True):
    """The person pressed Start call on this page."""

    page_id: str


class PressStop(Message, frozen=True):
    """The person pressed Stop call and the page has no open control channel."""

    page_id: str


# `Offer` and `ClosePeer` travel from view to kernel as they are, with the page's own request IDs.


# -- comm: kernel -> view -----------------------------------------------------------------------------------


class Ready(Message, frozen=True):
    """Answers `ViewHello`: a live kernel owns this widget. Without it a view never opens a camera."""

    page_id: str
    protocol: int
    version: str


# `Answer` and `Refused` travel from kernel to view with the request ID of the page's `Offer`; `page_id`-less
# messages are for every page, and a page ignores request IDs that are not its own.


ClientMessage = (
    Hello
    | LoginRoom
    | LogoutRoom
    | StartPublishing
    | StopPublishing
    | StartPlaying
    | StopPlaying
    | Offer
    | ClosePeer
    | Heartbeat
)
HubMessage = (
    Welcome
    | Done
    | Refused
    | LoggedIn
    | Answer
    | RoomStateChanged
    | RoomUserUpdate
    | RoomStreamUpdate
    | StreamStateChanged
    | PeerStateChanged
    | HeartbeatAck
    | Goodbye
)
PageMessage = SetDeviceState | LeaveCall | LeavePage | Heartbeat
ControlMessage = (
    RoomSnapshot
    | RoomUserUpdate
    | RoomStreamUpdate
    | StreamStateChanged
    | SlotsChanged
    | CaptureChanged
    | RoomStateChanged
    | HeartbeatAck
    | Refused
    | Goodbye
)
ViewMessage = ViewHello | PressStart | PressStop | Offer | ClosePeer
KernelMessage = Ready | Answer | Refused | Done

UNIONS: dict[str, Any] = {
    "ClientMessage": ClientMessage,
    "HubMessage": HubMessage,
    "PageMessage": PageMessage,
    "ControlMessage": ControlMessage,
    "ViewMessage": ViewMessage,
    "KernelMessage": KernelMessage,
}
