"""Messages between the users of a room, and what is attached to rooms and streams."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..model import BarrageMessageInfo, BroadcastMessageInfo, PublishChannel, RoomExtraInfo, Stream, User
from .base import Message, RequestId, TimeOfDay

MESSAGE_BATCH = 50
"""Most messages in one event (ZEGO.md section 5)."""

# -- client -> hub -----------------------------------------------------------------------------------------------


class SendBroadcastMessage(Message, frozen=True):
    """To everyone else in the room, reliably (ZEGO sendBroadcastMessage). Answered by `MessageSent`."""

    request_id: RequestId
    room_id: str
    message: str
    """1 to 1024 bytes of UTF-8; at most 2 per second of one user and 10 of all."""


class SendBarrageMessage(Message, frozen=True):
    """To everyone else in the room; it may be lost (ZEGO sendBarrageMessage). Answered by `MessageSent`."""

    request_id: RequestId
    room_id: str
    message: str
    """1 to 1024 bytes of UTF-8; beyond 20 per second in a room messages are lost."""


class SendCustomCommand(Message, frozen=True):
    """To some users or all others of the room, reliably (ZEGO sendCustomCommand). Answered by `Done`."""

    request_id: RequestId
    room_id: str
    command: str
    """1 to 1024 bytes of UTF-8; at most 200 per second to one user, 10 to several."""
    to_user_ids: list[str]
    """Empty: everyone else. Users who are not in the room hear nothing."""


class SetRoomExtraInfo(Message, frozen=True):
    """Attach a text to the room (ZEGO setRoomExtraInfo). Answered by `Done`."""

    request_id: RequestId
    room_id: str
    key: str
    """1 to 128 bytes; a room has one key, the first that is set."""
    value: str
    """At most 128 bytes."""


class RestoreRoomExtraInfo(Message, frozen=True):
    """Attach again what was attached to the room when its hub went down. Answered by `Done`, with `at` if it is taken.

    What was set on this hub is newer than whatever is brought back, and of that what was set last stays.
    """

    request_id: RequestId
    room_id: str
    key: str
    value: str
    update_time: TimeOfDay
    """As `RoomExtraInfo` had it."""
    own: bool
    """Whether it was this user who set it. Of what others have set nobody can tell who it was, so it bears the name of
    who brings it back, until its own user does."""


class SetStreamExtraInfo(Message, frozen=True):
    """Attach a text to what a channel publishes, now or later (ZEGO setStreamExtraInfo). Answered by `Done`."""

    request_id: RequestId
    extra_info: str
    """1 to 1024 bytes."""
    channel: PublishChannel = PublishChannel.MAIN


# -- hub -> client -----------------------------------------------------------------------------------------------


class MessageSent(Message, frozen=True):
    """Answers `SendBroadcastMessage` and `SendBarrageMessage`."""

    request_id: RequestId
    message_id: str
    """Digits; a later message of the hub has a larger number."""


class BroadcastMessagesReceived(Message, frozen=True):
    """Broadcast messages of others, oldest first (ZEGO onIMRecvBroadcastMessage)."""

    room_id: str
    messages: Annotated[list[BroadcastMessageInfo], msgspec.Meta(max_length=MESSAGE_BATCH)]


class BarrageMessagesReceived(Message, frozen=True):
    """Barrage messages of others, oldest first (ZEGO onIMRecvBarrageMessage)."""

    room_id: str
    messages: Annotated[list[BarrageMessageInfo], msgspec.Meta(max_length=MESSAGE_BATCH)]


class CustomCommandReceived(Message, frozen=True):
    """A command of another user (ZEGO onIMRecvCustomCommand)."""

    room_id: str
    from_user: User
    command: str


class RoomExtraInfoUpdate(Message, frozen=True):
    """Another changed what is attached to the room, or a newcomer finds it (ZEGO onRoomExtraInfoUpdate)."""

    room_id: str
    room_extra_infos: list[RoomExtraInfo]


class RoomStreamExtraInfoUpdate(Message, frozen=True):
    """Another changed what is attached to its stream (ZEGO onRoomStreamExtraInfoUpdate)."""

    room_id: str
    streams: list[Stream]


class RoomOnlineUserCountUpdate(Message, frozen=True):
    """Users in the room, oneself included; after login and every 30 s (ZEGO onRoomOnlineUserCountUpdate)."""

    room_id: str
    count: int
