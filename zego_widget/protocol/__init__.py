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

from typing import Any

from .base import (
    CONTROL_LABEL,
    MAX_MESSAGE_BYTES,
    MAX_SDP_BYTES,
    PLAY_LIMIT,
    PROTOCOL_VERSION,
    Done,
    Goodbye,
    Heartbeat,
    HeartbeatAck,
    Message,
    Refused,
    RequestId,
)
from .comm import (
    PressStart,
    PressStop,
    Ready,
    ViewHello,
)
from .media import (
    Answer,
    CaptureChanged,
    CaptureWish,
    ClosePeer,
    LeaveCall,
    LeavePage,
    Offer,
    PeerStateChanged,
    RoomSnapshot,
    SendSlots,
    SetDeviceState,
    SlotAssignment,
    SlotsChanged,
    StartPlaying,
    StartPublishing,
    StopPlaying,
    StopPublishing,
)
from .room import (
    LoggedIn,
    LoginRoom,
    LogoutRoom,
    RoomStateChanged,
    RoomStreamUpdate,
    RoomUserUpdate,
    StreamDeletion,
    StreamStateChanged,
)
from .session import (
    Hello,
    Welcome,
)

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

__all__ = [
    "CONTROL_LABEL",
    "MAX_MESSAGE_BYTES",
    "MAX_SDP_BYTES",
    "PLAY_LIMIT",
    "PROTOCOL_VERSION",
    "UNIONS",
    "Answer",
    "CaptureChanged",
    "CaptureWish",
    "ClientMessage",
    "ClosePeer",
    "ControlMessage",
    "Done",
    "Goodbye",
    "Heartbeat",
    "HeartbeatAck",
    "Hello",
    "HubMessage",
    "KernelMessage",
    "LeaveCall",
    "LeavePage",
    "LoggedIn",
    "LoginRoom",
    "LogoutRoom",
    "Message",
    "Offer",
    "PageMessage",
    "PeerStateChanged",
    "PressStart",
    "PressStop",
    "Ready",
    "Refused",
    "RequestId",
    "RoomSnapshot",
    "RoomStateChanged",
    "RoomStreamUpdate",
    "RoomUserUpdate",
    "SendSlots",
    "SetDeviceState",
    "SlotAssignment",
    "SlotsChanged",
    "StartPlaying",
    "StartPublishing",
    "StopPlaying",
    "StopPublishing",
    "StreamDeletion",
    "StreamStateChanged",
    "ViewHello",
    "ViewMessage",
    "Welcome",
]
