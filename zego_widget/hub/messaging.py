"""What a session says in its room, and what it hears."""

from __future__ import annotations

import logging

from zego_widget import protocol as p
from zego_widget.room import (
    BarrageReceived,
    BroadcastReceived,
    CommandReceived,
    RoomExtraInfoChanged,
    Sent,
    StreamExtraInfoChanged,
    UsersCounted,
)

from .client import Client
from .quoting import quoted
from .services import Services

logger = logging.getLogger(__name__)

MessagingRequest = (
    p.SendBroadcastMessage
    | p.SendBarrageMessage
    | p.SendCustomCommand
    | p.SetRoomExtraInfo
    | p.RestoreRoomExtraInfo
    | p.SetStreamExtraInfo
)
MessagingEvent = (
    BroadcastReceived | BarrageReceived | CommandReceived | RoomExtraInfoChanged | StreamExtraInfoChanged | UsersCounted
)


class Messaging:
    """Of one session that is in a room. Pages take no part in it; their kernel tells them what they need."""

    def __init__(self, hub: Services, session: Client, room_id: str) -> None:
        self._hub = hub
        self._session = session
        self._room_id = room_id

    def welcome(self) -> None:
        """Tell a newcomer what is attached to the room and how many are in it."""
        if infos := self._hub.extra_infos.of_room(self._session.session_id):
            self._session.send(p.RoomExtraInfoUpdate(self._room_id, list(infos)))
        count = self._hub.rooms.user_count(self._session.session_id)
        self._session.send(p.RoomOnlineUserCountUpdate(self._room_id, count))

    def take(self, message: MessagingRequest) -> None:
        """Do what the client asks and answer it."""
        hub, session_id, now, unix_time = self._hub, self._session.session_id, self._hub.now(), self._hub.unix_time
        at = 0
        match message:
            case p.SendBroadcastMessage():
                self._sent(
                    message.request_id,
                    hub.messages.broadcast(session_id, message.room_id, message.message, now, unix_time),
                )
                return
            case p.SendBarrageMessage():
                self._sent(
                    message.request_id,
                    hub.messages.barrage(session_id, message.room_id, message.message, now, unix_time),
                )
                return
            case p.SendCustomCommand():
                events = hub.messages.command(session_id, message.room_id, message.command, message.to_user_ids, now)
            case p.SetRoomExtraInfo():
                events = hub.extra_infos.set_of_room(
                    session_id, message.room_id, message.key, message.value, now, unix_time
                )
                at = self._extra_info_set(message.key)
            case p.RestoreRoomExtraInfo():
                restored = hub.extra_infos.restore_of_room(
                    session_id,
                    message.room_id,
                    message.key,
                    message.value,
                    message.update_time,
                    now,
                    unix_time,
                    own=message.own,
                )
                events = restored or []
                at = 0 if restored is None else self._extra_info_set(message.key)
            case p.SetStreamExtraInfo():
                events = hub.extra_infos.set_of_stream(session_id, message.extra_info, message.channel, now)
        self._session.send(p.Done(message.request_id, at))
        hub.deliver(events)

    def _extra_info_set(self, key: str) -> int:
        """When the room's extra info was set, after a change."""
        logger.info("room %s: extra info %s was set", quoted(self._room_id), quoted(key))
        (info,) = self._hub.extra_infos.of_room(self._session.session_id)
        return info.update_time

    def _sent(self, request_id: int, sent: Sent) -> None:
        self._session.send(p.MessageSent(request_id, str(sent.message_id)))
        self._hub.deliver(sent.events)


def message_for(event: MessagingEvent) -> p.Message:
    """What the client of the event's session is told."""
    match event:
        case BroadcastReceived():
            return p.BroadcastMessagesReceived(event.room_id, list(event.messages))
        case BarrageReceived():
            return p.BarrageMessagesReceived(event.room_id, list(event.messages))
        case CommandReceived():
            return p.CustomCommandReceived(event.room_id, event.from_user, event.command)
        case RoomExtraInfoChanged():
            return p.RoomExtraInfoUpdate(event.room_id, list(event.infos))
        case StreamExtraInfoChanged():
            return p.RoomStreamExtraInfoUpdate(event.room_id, list(event.streams))
        case UsersCounted():
            return p.RoomOnlineUserCountUpdate(event.room_id, event.count)
