"""The messages between clients, pages and the hub: typed, validated, versioned.

Four directions, one union each:

    link      kernel or Python client -> hub          `ClientMessage`   (WebSocket, JSON text)
              hub -> kernel or Python client          `HubMessage`
    control   browser page -> hub                     `PageMessage`     (WebRTC data channel "control", JSON text)
              hub -> browser page                     `ControlMessage`
    comm      view -> kernel                          `ViewMessage`     (widget custom message, JSON)
              kernel -> view                          `KernelMessage`

A request carries `request_id`; exactly one message with the same `request_id` answers it: the one its docstring
names, or `Refused`. Everything else is an event. The TypeScript types in `js/src/protocol.gen.ts` are made from this
module.
"""

from __future__ import annotations

from typing import Any

from .auth import Credential, RenewToken, RoomTokenWillExpire
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
    Diagnose,
    Diagnosis,
    DiagnosisFinding,
    PageChannel,
    PageDevice,
    PageDevices,
    PageFirstFrame,
    PageMedia,
    PagePictureSize,
    PagePlayed,
    PageSnapshot,
    PageSoundLevels,
    PageStats,
    PageStatus,
    PageStreamStats,
    PageTrackStats,
    PageTraffic,
    PressStart,
    PressStop,
    PressSwitches,
    Ready,
    TakeSnapshot,
    ViewHello,
)
from .invitation import (
    CallAccept,
    CallAcceptanceSent,
    CallCancel,
    CallCancelSent,
    CallEnd,
    CallEndSent,
    CallingInvitationSent,
    CallingInvite,
    CallInvitationCancelled,
    CallInvitationCreated,
    CallInvitationEnded,
    CallInvitationList,
    CallInvitationReceived,
    CallInvitationSent,
    CallInvitationTimeout,
    CallInvite,
    CallJoin,
    CallJoinSent,
    CallQuit,
    CallQuitSent,
    CallReject,
    CallRejectionSent,
    CallUserStateChanged,
    QueryCallInvitationList,
    SignedOut,
    SignIn,
    SignOut,
)
from .layers import CameraLayers, PeerVideosPaused, TileSize, TileSizes, VideosPaused
from .media import (
    PAGE_LEFT,
    ActiveSpeaker,
    Answer,
    CaptureChanged,
    CaptureWish,
    ClosePeer,
    ConnectionQuality,
    LeaveCall,
    LeavePage,
    NetworkQuality,
    NetworkQualityUpdate,
    Offer,
    PeerStateChanged,
    PeerVideosRefused,
    RefusedVideo,
    RoomSnapshot,
    SendSlots,
    SetDeviceState,
    SlotAssignment,
    SlotsChanged,
    SoundLevels,
    StartPlaying,
    StartPublishing,
    StopPlaying,
    StopPublishing,
    UserConnection,
    UserNetworkQuality,
    VideosRefused,
)
from .messages import (
    MESSAGE_BATCH,
    BarrageMessagesReceived,
    BroadcastMessagesReceived,
    CustomCommandReceived,
    MessageSent,
    RestoreRoomExtraInfo,
    RoomExtraInfoUpdate,
    RoomOnlineUserCountUpdate,
    RoomStreamExtraInfoUpdate,
    SendBarrageMessage,
    SendBroadcastMessage,
    SendCustomCommand,
    SetRoomExtraInfo,
    SetStreamExtraInfo,
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
    ACKNOWLEDGE_EVERY,
    SESSION_ENDED,
    SOCKET_GIVEN_UP,
    SOCKET_REPLACED,
    Hello,
    Received,
    Resume,
    Welcome,
)

ClientMessage = (
    Hello
    | LoginRoom
    | LogoutRoom
    | RenewToken
    | StartPublishing
    | StopPublishing
    | StartPlaying
    | StopPlaying
    | Offer
    | ClosePeer
    | SendBroadcastMessage
    | SendBarrageMessage
    | SendCustomCommand
    | SetRoomExtraInfo
    | RestoreRoomExtraInfo
    | SetStreamExtraInfo
    | SignIn
    | SignOut
    | CallInvite
    | CallCancel
    | CallAccept
    | CallReject
    | CallingInvite
    | CallJoin
    | CallQuit
    | CallEnd
    | QueryCallInvitationList
    | Heartbeat
    | Received
)
HubMessage = (
    Welcome
    | Done
    | Refused
    | LoggedIn
    | Answer
    | RoomStateChanged
    | RoomTokenWillExpire
    | RoomUserUpdate
    | RoomStreamUpdate
    | StreamStateChanged
    | PeerStateChanged
    | PeerVideosPaused
    | PeerVideosRefused
    | NetworkQualityUpdate
    | MessageSent
    | BroadcastMessagesReceived
    | BarrageMessagesReceived
    | CustomCommandReceived
    | RoomExtraInfoUpdate
    | RoomStreamExtraInfoUpdate
    | RoomOnlineUserCountUpdate
    | SignedOut
    | CallInvitationSent
    | CallCancelSent
    | CallAcceptanceSent
    | CallRejectionSent
    | CallingInvitationSent
    | CallJoinSent
    | CallQuitSent
    | CallEndSent
    | CallInvitationList
    | CallInvitationCreated
    | CallInvitationReceived
    | CallInvitationCancelled
    | CallInvitationEnded
    | CallInvitationTimeout
    | CallUserStateChanged
    | HeartbeatAck
    | Received
    | Goodbye
)
PageMessage = SetDeviceState | TileSizes | LeaveCall | LeavePage | Heartbeat
ControlMessage = (
    RoomSnapshot
    | RoomUserUpdate
    | RoomStreamUpdate
    | StreamStateChanged
    | SlotsChanged
    | VideosRefused
    | VideosPaused
    | CaptureChanged
    | CameraLayers
    | SoundLevels
    | ActiveSpeaker
    | NetworkQuality
    | RoomStateChanged
    | HeartbeatAck
    | Refused
    | Goodbye
)
ViewMessage = (
    ViewHello
    | PressStart
    | PressStop
    | PressSwitches
    | Offer
    | ClosePeer
    | PageDevices
    | PageStatus
    | PageFirstFrame
    | PagePictureSize
    | PageStats
    | PageSoundLevels
    | PageSnapshot
    | Diagnose
)
KernelMessage = Ready | Answer | Refused | Done | TakeSnapshot | Diagnosis

UNIONS: dict[str, Any] = {
    "ClientMessage": ClientMessage,
    "HubMessage": HubMessage,
    "PageMessage": PageMessage,
    "ControlMessage": ControlMessage,
    "ViewMessage": ViewMessage,
    "KernelMessage": KernelMessage,
}

__all__ = [
    "ACKNOWLEDGE_EVERY",
    "CONTROL_LABEL",
    "MAX_MESSAGE_BYTES",
    "MAX_SDP_BYTES",
    "MESSAGE_BATCH",
    "PAGE_LEFT",
    "PLAY_LIMIT",
    "PROTOCOL_VERSION",
    "SESSION_ENDED",
    "SOCKET_GIVEN_UP",
    "SOCKET_REPLACED",
    "UNIONS",
    "ActiveSpeaker",
    "Answer",
    "BarrageMessagesReceived",
    "BroadcastMessagesReceived",
    "CallAccept",
    "CallAcceptanceSent",
    "CallCancel",
    "CallCancelSent",
    "CallEnd",
    "CallEndSent",
    "CallInvitationCancelled",
    "CallInvitationCreated",
    "CallInvitationEnded",
    "CallInvitationList",
    "CallInvitationReceived",
    "CallInvitationSent",
    "CallInvitationTimeout",
    "CallInvite",
    "CallJoin",
    "CallJoinSent",
    "CallQuit",
    "CallQuitSent",
    "CallReject",
    "CallRejectionSent",
    "CallUserStateChanged",
    "CallingInvitationSent",
    "CallingInvite",
    "CameraLayers",
    "CaptureChanged",
    "CaptureWish",
    "ClientMessage",
    "ClosePeer",
    "ConnectionQuality",
    "ControlMessage",
    "Credential",
    "CustomCommandReceived",
    "Diagnose",
    "Diagnosis",
    "DiagnosisFinding",
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
    "MessageSent",
    "NetworkQuality",
    "NetworkQualityUpdate",
    "Offer",
    "PageChannel",
    "PageDevice",
    "PageDevices",
    "PageFirstFrame",
    "PageMedia",
    "PageMessage",
    "PagePictureSize",
    "PagePlayed",
    "PageSnapshot",
    "PageSoundLevels",
    "PageStats",
    "PageStatus",
    "PageStreamStats",
    "PageTrackStats",
    "PageTraffic",
    "PeerStateChanged",
    "PeerVideosPaused",
    "PeerVideosRefused",
    "PressStart",
    "PressStop",
    "PressSwitches",
    "QueryCallInvitationList",
    "Ready",
    "Received",
    "Refused",
    "RefusedVideo",
    "RenewToken",
    "RequestId",
    "RestoreRoomExtraInfo",
    "Resume",
    "RoomExtraInfoUpdate",
    "RoomOnlineUserCountUpdate",
    "RoomSnapshot",
    "RoomStateChanged",
    "RoomStreamExtraInfoUpdate",
    "RoomStreamUpdate",
    "RoomTokenWillExpire",
    "RoomUserUpdate",
    "SendBarrageMessage",
    "SendBroadcastMessage",
    "SendCustomCommand",
    "SendSlots",
    "SetDeviceState",
    "SetRoomExtraInfo",
    "SetStreamExtraInfo",
    "SignIn",
    "SignOut",
    "SignedOut",
    "SlotAssignment",
    "SlotsChanged",
    "SoundLevels",
    "StartPlaying",
    "StartPublishing",
    "StopPlaying",
    "StopPublishing",
    "StreamDeletion",
    "StreamStateChanged",
    "TakeSnapshot",
    "TileSize",
    "TileSizes",
    "UserConnection",
    "UserNetworkQuality",
    "VideosPaused",
    "VideosRefused",
    "ViewHello",
    "ViewMessage",
    "Welcome",
]
