"""Texts attached to rooms and streams: one key per room, one text per publish channel (ZEGO.md sections 2.3, 3)."""

from __future__ import annotations

from dataclasses import replace

from ..errors import ErrorCode, Refused
from ..model import PublishChannel, RoomExtraInfo
from . import limits
from .events import Event, RoomExtraInfoChanged, StreamExtraInfoChanged
from .publication import PublishState
from .room import Member, Room
from .rooms import Rooms


class ExtraInfos:
    """What is attached to the rooms of `Rooms` and to what their members publish.

    A refusal is `Refused` with ZEGO's code, and changes nothing.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def of_room(self, session_id: str) -> tuple[RoomExtraInfo, ...]:
        """What is attached to the session's room."""
        room, _ = self._rooms.place(session_id)
        return () if room.extra_info is None else (room.extra_info,)

    def set_of_room(
        self, session_id: str, room_id: str, key: str, value: str, now: float, update_time: int
    ) -> list[Event]:
        """Attach `value` to the room (ZEGO setRoomExtraInfo); all others hear of it.

        The first key set is the room's only one until the room is empty. Refused with 1002072 beyond 10 changes per
        second; an empty value is allowed. `update_time` is the time of day in ms since 1970.
        """
        room, member = self._place(session_id, room_id, key, value)
        if room.extra_info is not None and room.extra_info.key != key:
            raise Refused(
                "A room has one key of extra info, this one another.",
                ErrorCode.ROOM_ROOM_EXTRA_INFO_EXCEED_KEYS,
            )
        if room.extra_info is not None:
            update_time = max(update_time, room.extra_info.update_time + 1)
        return self._attach(room, member, RoomExtraInfo(key, value, member.user, update_time), now, restored=False)

    def restore_of_room(
        self,
        session_id: str,
        room_id: str,
        key: str,
        value: str,
        update_time: int,
        now: float,
        time_of_day: int,
        *,
        own: bool,
    ) -> list[Event] | None:
        """Attach again what was attached on a hub that went down; None where the room has something newer.

        What was set here is newer, and so is what was brought back with a later `update_time`, which is bounded by
        `time_of_day` (ms since 1970). It bears the name of `session_id`'s user, as nobody can tell who has set it: who
        says that it is his `own` takes the place of another who has brought the same. Refused as a change is.
        """
        room, member = self._place(session_id, room_id, key, value)
        update_time = min(update_time, time_of_day + limits.MAX_CLOCK_SKEW)
        info = RoomExtraInfo(key, value, member.user, update_time)
        present = room.extra_info
        if present is not None:
            is_newer = room.extra_info_restored and update_time > present.update_time
            is_claimed = own and present.update_user != member.user
            is_same = room.extra_info_restored and replace(present, update_user=member.user) == info
            if not is_newer and not (is_same and is_claimed):
                return None
        return self._attach(room, member, info, now, restored=True)

    def _place(self, session_id: str, room_id: str, key: str, value: str) -> tuple[Room, Member]:
        """The room whose extra info is to be this, and the member who says so."""
        room, member = self._rooms.place(session_id)
        if room.room_id != room_id:
            raise Refused("This session is in another room.", ErrorCode.ROOM_ROOMID_INCORRECT)
        _check_room_extra_info(key, value)
        return room, member

    def _attach(self, room: Room, member: Member, info: RoomExtraInfo, now: float, *, restored: bool) -> list[Event]:
        if not room.extra_info_changes.take(now):
            raise Refused(
                f"A room takes {limits.ROOM_EXTRA_INFO_CHANGES} changes of its extra info per second.",
                ErrorCode.ROOM_CALL_API_TOO_FREQUENT,
            )
        room.extra_info, room.extra_info_restored = info, restored
        others = room.others(member.session_id)
        return [RoomExtraInfoChanged(other.session_id, room.room_id, (info,)) for other in others]

    def set_of_stream(self, session_id: str, extra_info: str, channel: PublishChannel, now: float) -> list[Event]:
        """Attach a text to what a channel publishes, now and later, until the user leaves the room.

        ZEGO setStreamExtraInfo. The others hear of it if the stream is live, else they find it when it goes live.
        Refused with 1002072 beyond 10 changes per second.
        """
        room, member = self._rooms.place(session_id)
        if not extra_info:
            raise Refused("The stream's extra info is empty.", ErrorCode.PUBLISHER_EXTRA_INFO_NULL)
        if (size := limits.size(extra_info)) > limits.MAX_STREAM_EXTRA_INFO:
            raise Refused(
                f"The stream's extra info has {size} bytes; at most {limits.MAX_STREAM_EXTRA_INFO} are allowed.",
                ErrorCode.PUBLISHER_EXTRA_INFO_TOO_LONG,
            )
        if not member.allowance.stream_extra_info_changes.take(now):
            raise Refused(
                f"One user may change {limits.STREAM_EXTRA_INFO_CHANGES} extra infos of streams per second.",
                ErrorCode.ROOM_CALL_API_TOO_FREQUENT,
            )
        member.stream_extra_info[channel] = extra_info
        declared = member.declared.get(channel)
        if declared is None or declared.stream.extra_info == extra_info:
            return []
        declared.stream = replace(declared.stream, extra_info=extra_info)
        if declared.state is not PublishState.LIVE:
            return []
        streams = (declared.stream,)
        return [StreamExtraInfoChanged(other.session_id, room.room_id, streams) for other in room.others(session_id)]


def _check_room_extra_info(key: str, value: str) -> None:
    if not key:
        raise Refused("The key of the room's extra info is empty.", ErrorCode.ROOM_ROOM_EXTRA_INFO_KEY_EMPTY)
    if (size := limits.size(key)) > limits.MAX_ROOM_EXTRA_KEY:
        raise Refused(
            f"The key of the room's extra info has {size} bytes; at most {limits.MAX_ROOM_EXTRA_KEY} are allowed.",
            ErrorCode.ROOM_ROOM_EXTRA_INFO_KEY_TOO_LONG,
        )
    if (size := limits.size(value)) > limits.MAX_ROOM_EXTRA_VALUE:
        raise Refused(
            f"The room's extra info has {size} bytes; at most {limits.MAX_ROOM_EXTRA_VALUE} are allowed.",
            ErrorCode.ROOM_ROOM_EXTRA_INFO_VALUE_TOO_LONG,
        )
