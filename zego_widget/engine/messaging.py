"""Messages between the users of a room, and what is attached to it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from .. import protocol
from ..errors import ErrorCode, HubUnreachable, ZegoError
from ..model import PublishChannel
from .attached_to_room import AttachedToRoom
from .core import Core
from .rooms import Rooms

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=protocol.Message)


class Messaging:
    """Sends and receives for the room the engine is in."""

    def __init__(self, core: Core, rooms: Rooms) -> None:
        self._core = core
        self._rooms = rooms
        self._room_extra_info = AttachedToRoom(core, rooms)
        # What was attached to streams in this room: another session knows nothing of it.
        self._stream_extra_infos: dict[PublishChannel, str] = {}
        rooms.on_left.append(lambda error, keeps_preview: self._stream_extra_infos.clear())
        rooms.on_session_lost.append(lambda error: self._attach_again())
        emit = core.emit
        core.route(
            protocol.BroadcastMessagesReceived,
            lambda event: emit("im_recv_broadcast_message", event.messages, event.room_id),
        )
        core.route(
            protocol.BarrageMessagesReceived,
            lambda event: emit("im_recv_barrage_message", event.messages, event.room_id),
        )
        core.route(
            protocol.CustomCommandReceived,
            lambda event: emit("im_recv_custom_command", event.command, event.from_user, event.room_id),
        )
        core.route(protocol.RoomStreamExtraInfoUpdate, self._streams_updated(core))
        core.route(
            protocol.RoomOnlineUserCountUpdate,
            lambda event: emit("room_online_user_count_update", event.count, event.room_id),
        )

    async def broadcast(self, message: str, room_id: str) -> int:
        """ZEGO sendBroadcastMessage; the message's ID."""
        sent = await self._send(protocol.SendBroadcastMessage(0, room_id, message), room_id)
        return int(sent.message_id)

    async def barrage(self, message: str, room_id: str) -> str:
        """ZEGO sendBarrageMessage; the message's ID."""
        return (await self._send(protocol.SendBarrageMessage(0, room_id, message), room_id)).message_id

    async def command(self, command: str, to_user_ids: list[str], room_id: str) -> None:
        """ZEGO sendCustomCommand."""
        self._check_room(room_id, ErrorCode.IM_INCONSISTENT_ROOM_ID)
        await self._ask(protocol.SendCustomCommand(0, room_id, command, to_user_ids), protocol.Done)

    async def set_room_extra_info(self, room_id: str, key: str, value: str) -> None:
        """ZEGO setRoomExtraInfo."""
        self._check_room(room_id, ErrorCode.ROOM_ROOMID_INCORRECT)
        await self._room_extra_info.set(room_id, key, value)

    async def set_stream_extra_info(self, extra_info: str, channel: PublishChannel) -> None:
        """ZEGO setStreamExtraInfo."""
        try:
            await self._attach(extra_info, channel)
        except HubUnreachable as error:
            raise HubUnreachable(error.message, ErrorCode.PUBLISHER_UPDATE_EXTRA_INFO_FAILED) from error
        if self._rooms.login_now is not None:
            self._stream_extra_infos[channel] = extra_info

    async def _attach(self, extra_info: str, channel: PublishChannel) -> None:
        await self._rooms.request(protocol.SetStreamExtraInfo(0, extra_info, channel), protocol.Done)

    def _attach_again(self) -> None:
        for channel in self._stream_extra_infos:
            self._core.spawn(self._reattach(channel))

    async def _reattach(self, channel: PublishChannel) -> None:
        try:
            await self._rooms.entered()
            await self._attach(self._stream_extra_infos[channel], channel)
        except ZegoError as error:  # the room was left, or still another session follows
            logger.debug("Nothing is attached to %s any more: %s", channel.name, error)

    async def _send(self, message: protocol.ClientMessage, room_id: str) -> protocol.MessageSent:
        self._check_room(room_id, ErrorCode.IM_INCONSISTENT_ROOM_ID)
        return await self._ask(message, protocol.MessageSent)

    async def _ask(self, message: protocol.ClientMessage, answer: type[M]) -> M:
        login = self._rooms.login_now
        if self._rooms.reconnecting and login is not None and not login.entered.done():
            # What was said is not said again on another session: nobody knows who has heard it.
            raise HubUnreachable("The hub cannot be reached now.", ErrorCode.IM_SEND_FAILED)
        try:
            return await self._rooms.request(message, answer)
        except HubUnreachable as error:
            raise HubUnreachable(error.message, ErrorCode.IM_SEND_FAILED) from error

    def _check_room(self, room_id: str, code: ErrorCode) -> None:
        login = self._rooms.login_now
        if login is None:
            raise ZegoError("Log in to a room first.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
        if login.room_id != room_id:
            raise ZegoError(f"The engine is in room {login.room_id}, not in {room_id}.", code)

    def _streams_updated(self, core: Core) -> Callable[[protocol.RoomStreamExtraInfoUpdate], None]:
        def take(event: protocol.RoomStreamExtraInfoUpdate) -> None:
            login = self._rooms.login_now
            if login is not None:
                login.streams.update({stream.stream_id: stream for stream in event.streams})
            core.emit("room_stream_extra_info_update", event.streams, event.room_id)

        return take
