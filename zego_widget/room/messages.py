"""Broadcast messages, barrage messages and custom commands: limits, rates and recipients (ZEGO.md section 3).

Text is data: any Unicode text within its limit passes unchanged. Nobody hears what he said himself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ErrorCode, Refused
from ..model import BarrageMessageInfo, BroadcastMessageInfo
from . import limits
from .events import BarrageReceived, BroadcastReceived, CommandReceived, Event
from .room import Member, Room
from .rooms import Rooms

_PER_MILLISECOND = 1000


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was accepted, and who hears of it."""

    message_id: int
    events: tuple[Event, ...]


class Messages:
    """What is said in rooms.

    `now` is the clock of `Rooms` and decides about rates, `send_time` is the time of day in ms since 1970. A refusal
    is `Refused` with ZEGO's code, and changes nothing.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._last_id = 0

    def broadcast(self, session_id: str, room_id: str, text: str, now: float, send_time: int) -> Sent:
        """To everyone else in the room (ZEGO sendBroadcastMessage).

        Refused with 1009015 beyond 2 per second of one user and with 1002072 beyond 10 per second in the room.
        """
        room, member = self._place(session_id, room_id)
        _check_text(text)
        if room.broadcasts.count(now, member.user.user_id) >= limits.USER_BROADCASTS:
            raise Refused(
                f"One user may send {limits.USER_BROADCASTS} broadcast messages per second.",
                ErrorCode.IM_BROADCAST_MESSAGE_QPS_OVERLOAD,
            )
        if not room.broadcasts.take(now, member.user.user_id):
            raise Refused(
                f"A room takes {limits.ROOM_BROADCASTS} broadcast messages per second.",
                ErrorCode.ROOM_CALL_API_TOO_FREQUENT,
            )
        message_id = self._next_id(send_time)
        messages = (BroadcastMessageInfo(text, message_id, send_time, member.user),)
        return Sent(
            message_id,
            tuple(BroadcastReceived(other.session_id, room_id, messages) for other in room.others(session_id)),
        )

    def barrage(self, session_id: str, room_id: str, text: str, now: float, send_time: int) -> Sent:
        """To everyone else in the room (ZEGO sendBarrageMessage); beyond 20 per second it is lost."""
        room, member = self._place(session_id, room_id)
        _check_text(text)
        message_id = self._next_id(send_time)
        if not room.barrages.take(now):
            return Sent(message_id, ())
        messages = (BarrageMessageInfo(text, str(message_id), send_time, member.user),)
        return Sent(
            message_id,
            tuple(BarrageReceived(other.session_id, room_id, messages) for other in room.others(session_id)),
        )

    def command(
        self, session_id: str, room_id: str, command: str, to_user_ids: Sequence[str], now: float
    ) -> list[Event]:
        """To the users named, or to everyone else in the room where none is (ZEGO sendCustomCommand).

        Users who are not in the room hear nothing. Refused with 1002072 beyond 200 per second to one user and 10 per
        second to several, of one sender.
        """
        room, member = self._place(session_id, room_id)
        _check_text(command)
        _check_recipients(to_user_ids)
        named = dict.fromkeys(to_user_ids)
        rate, what = (
            (member.allowance.commands_to_one, f"{limits.COMMANDS_TO_ONE} commands per second to one user")
            if len(named) == 1
            else (
                member.allowance.commands_to_several,
                f"{limits.COMMANDS_TO_SEVERAL} commands per second to several users",
            )
        )
        if not rate.take(now):
            raise Refused(f"One user may send {what}.", ErrorCode.ROOM_CALL_API_TOO_FREQUENT)
        if named:
            sessions = [room.session_of(user_id) for user_id in named]
            recipients = [each for each in sessions if each is not None and each != session_id]
        else:
            recipients = [other.session_id for other in room.others(session_id)]
        return [CommandReceived(each, room_id, member.user, command) for each in recipients]

    def _place(self, session_id: str, room_id: str) -> tuple[Room, Member]:
        room, member = self._rooms.place(session_id)
        if room.room_id != room_id:
            raise Refused("This session is in another room.", ErrorCode.IM_INCONSISTENT_ROOM_ID)
        return room, member

    def _next_id(self, send_time: int) -> int:
        """Grows with time, so that it is unique across restarts; small enough for JavaScript to hold."""
        self._last_id = max(self._last_id + 1, send_time * _PER_MILLISECOND)
        return self._last_id


def _check_text(text: str) -> None:
    if not text:
        raise Refused("The message is empty.", ErrorCode.IM_CONTENT_NULL)
    if (size := limits.size(text)) > limits.MAX_MESSAGE:
        raise Refused(
            f"The message has {size} bytes; at most {limits.MAX_MESSAGE} are allowed.", ErrorCode.IM_CONTENT_TOO_LONG
        )


def _check_recipients(user_ids: Sequence[str]) -> None:
    if len(user_ids) > limits.MAX_RECIPIENTS:
        raise Refused(
            f"A command names {limits.MAX_RECIPIENTS} users at most; with none it goes to everyone in the room.",
            ErrorCode.IM_INPUT_PARAMS_LENGTH_LIMIT,
        )
    for user_id in user_ids:
        if not user_id:
            raise Refused("A recipient's user ID is empty.", ErrorCode.IM_USER_ID_EMPTY)
        if limits.size(user_id) > limits.MAX_RECIPIENT_ID:
            raise Refused(
                f"A recipient's user ID is longer than {limits.MAX_RECIPIENT_ID} bytes.", ErrorCode.IM_USER_ID_TOO_LONG
            )
