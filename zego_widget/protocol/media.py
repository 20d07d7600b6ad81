"""Publishing, playing, and the WebRTC peers of a session."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..model import PeerState, PublishChannel, RemoteDeviceState, Stream, StreamQualityLevel, User
from .base import Message, RequestId

# -- client -> hub -----------------------------------------------------------------------------------------------


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
    plays: list[str] | None = None
    """Streams that this peer shows, and no others; None is what its session plays."""


class ClosePeer(Message, frozen=True):
    """Close a peer of this session. Answered by `Done`."""

    request_id: RequestId
    peer_id: str


# -- hub -> client -----------------------------------------------------------------------------------------------


class Answer(Message, frozen=True):
    """Answers `Offer`."""

    request_id: RequestId
    peer_id: str
    sdp: str
    captures: bool
    """Whether this peer is the one of its session that captures."""


PAGE_LEFT = "its page was left"
"""The reason of a peer whose page said that it goes: it will not be back."""


class PeerStateChanged(Message, frozen=True):
    """A peer of this session changed its state."""

    peer_id: str
    state: PeerState
    captures: bool
    reason: str = ""


class RefusedVideo(msgspec.Struct, frozen=True):
    """A stream whose pictures come in a codec that a peer did not offer; its sound is played."""

    stream_id: str
    codec: str
    """As people call it: `H.264`."""


class PeerVideosRefused(Message, frozen=True):
    """What a peer of this session plays without pictures for their codec: all of it, when it changes."""

    peer_id: str
    videos: list[RefusedVideo]


class UserNetworkQuality(msgspec.Struct, frozen=True):
    """How well packets get through between one user and the hub."""

    user_id: str
    upstream: StreamQualityLevel
    """What the hub receives of the user."""
    downstream: StreamQualityLevel
    """What the user receives of the hub."""


class NetworkQualityUpdate(Message, frozen=True):
    """Of the users whose streams this session plays, every 2 s (ZEGO onNetworkQuality)."""

    room_id: str
    users: list[UserNetworkQuality]


# -- control: page -> hub ----------------------------------------------------------------------------------------


class SetDeviceState(Message, frozen=True):
    """State of the devices this peer captures from."""

    microphone: RemoteDeviceState
    camera: RemoteDeviceState


class LeaveCall(Message, frozen=True):
    """The person pressed Stop call: the whole session leaves its room, even while its kernel is busy."""


class LeavePage(Message, frozen=True):
    """The page goes away (reload, close): only this peer ends."""


# -- control: hub -> page ----------------------------------------------------------------------------------------


class SlotAssignment(msgspec.Struct, frozen=True):
    """Which receive slots of this peer show a stream; a mid is None where the stream has no such track."""

    stream_id: str
    audio_mid: str | None
    video_mid: str | None


class RoomSnapshot(Message, frozen=True):
    """All a page needs to draw the call; first message on `control`.

    In a large room `users` and `streams` are only the first ones; updates with the others follow at once.
    """

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


class VideosRefused(Message, frozen=True):
    """What this peer is not sent for its codec: all of it, when it changes. Until then, nothing."""

    videos: list[RefusedVideo]


class CaptureChanged(Message, frozen=True):
    """Whether this peer captures from now on."""

    captures: bool


SoundLevel = Annotated[int, msgspec.Meta(ge=0, le=100)]
"""Linear in decibels: 0 at -60 dBov and less, 100 at 0 dBov (ZEGO's sound level)."""


class SoundLevels(Message, frozen=True):
    """How loud the streams are that this peer plays, when it changes and every 200 ms at most."""

    levels: dict[str, SoundLevel]
    """By stream ID, in steps of 20; what is not listed is silent."""


class ActiveSpeaker(Message, frozen=True):
    """Who speaks in the room from now on; both are None when nobody does, or nobody whom this peer plays."""

    stream_id: str | None
    user_id: str | None
    """It may be the page's own user."""


class ConnectionQuality(msgspec.Struct, frozen=True):
    """How well packets get through one way between a user and the hub."""

    level: StreamQualityLevel
    rtt: int | None
    """Round-trip time in ms, None if unknown."""
    loss: float | None
    """Share of packets lost lately, 0 to 1 in hundredths, None if unknown."""


class UserConnection(msgspec.Struct, frozen=True):
    """What the hub receives of a user."""

    user_id: str
    upstream: ConnectionQuality


class NetworkQuality(Message, frozen=True):
    """How well packets get through for what this page shows, when it changes and every 2 s at most."""

    upstream: ConnectionQuality
    """What the hub receives of this user."""
    downstream: ConnectionQuality
    """What this peer receives of the hub."""
    users: list[UserConnection]
    """Those whose streams this peer plays."""
