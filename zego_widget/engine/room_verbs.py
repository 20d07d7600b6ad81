"""The verbs of rooms, messages and extra information."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ErrorCode, InvalidArgument
from ..model import PublishChannel, Stream, User
from .operation import Operation
from .parts import Verbs, told_code, told_extended, told_result
from .profile import RoomConfig, RoomStreamList, RoomStreamListType, member

CodeCallback = Callable[[ErrorCode], object]
ExtendedCallback = Callable[[ErrorCode, dict[str, Any]], object]


class RoomVerbs(Verbs):
    """Rooms: one at a time. Callbacks get an error code first, 0 for success, on the callback thread."""

    def login_room(
        self, room_id: str, user: User, config: RoomConfig | None = None, callback: ExtendedCallback | None = None
    ) -> Operation[dict[str, Any]]:
        """Log in to a room, which the first user creates (ZEGO loginRoom).

        The result is the extended data of LOGINED. Fails with 1002001 in a room, 1002005 to 1002013 for a user or
        room that cannot be, 1002030 without a hub, 1002034 when the room is full, 1002033 and 1002067 to 1002080 for
        what was shown to log in.
        """
        if not isinstance(user, User):
            raise InvalidArgument(f"user is a User, such as User('user1'), not {user!r}.")
        work = self._parts.rooms.login(room_id, user, config or RoomConfig())
        return self._parts.core.verb("login_room", work, told_extended(callback))

    def logout_room(self, room_id: str | None = None, callback: ExtendedCallback | None = None) -> Operation[None]:
        """Leave the room (ZEGO logoutRoom): publishing, playing, preview end. Fails with 1002002 for another room."""
        return self._parts.core.verb("logout_room", self._parts.rooms.logout(room_id), told_extended(callback))

    def switch_room(
        self, from_room_id: str, to_room_id: str, config: RoomConfig | None = None
    ) -> Operation[dict[str, Any]]:
        """Leave one room for another (ZEGO switchRoom): the preview goes on, publishing and playing end.

        Fails with 1002002 if `from_room_id` is not the present room, else as `login_room`.
        """
        work = self._parts.rooms.switch(from_room_id, to_room_id, config or RoomConfig())
        return self._parts.core.verb("switch_room", work)

    def renew_token(self, token: str, room_id: str) -> Operation[None]:
        """Go on with another token (ZEGO renewToken), best when `on_room_token_will_expire` asks for it.

        Fails with 1002002 for another room, 1002082 if the token takes away the right to publish from one who
        publishes, 1002033 and 1002074 to 1002080 for a token that is none.
        """
        return self._parts.core.verb("renew_token", self._parts.tokens.renew(token, room_id))

    def get_room_stream_list(
        self, room_id: str | None = None, stream_list_type: RoomStreamListType = RoomStreamListType.ALL
    ) -> RoomStreamList:
        """The streams of the room as they are known now, empty while in no room (ZEGO getRoomStreamList)."""
        login = self._parts.rooms.login_now
        if login is None or room_id not in (None, login.room_id):
            return RoomStreamList((), ())
        played = tuple(login.streams.values())
        if stream_list_type is RoomStreamListType.PLAY:
            return RoomStreamList((), played)
        own = tuple(Stream(each.stream_id, login.user) for each in self._parts.publishing.publications)
        return RoomStreamList(own, played)

    @property
    def room_id(self) -> str | None:
        """The room that the engine is in, or logging in to."""
        login = self._parts.rooms.login_now
        return None if login is None else login.room_id

    @property
    def room_users(self) -> tuple[User, ...]:
        """The others in the room, if `is_user_status_notify` was asked for."""
        login = self._parts.rooms.login_now
        return () if login is None else tuple(login.users.values())

    # -- messages -------------------------------------------------------------------------------------------

    def send_broadcast_message(
        self, message: str, room_id: str, callback: Callable[[ErrorCode, int], object] | None = None
    ) -> Operation[int]:
        """Write to everyone else in the room, reliably (ZEGO sendBroadcastMessage); the result is the message's ID.

        1 to 1024 bytes (1009001, 1009002), at most 2 per second (1009015), to the present room (1009005, 1000002).
        """
        work = self._parts.messaging.broadcast(message, room_id)
        return self._parts.core.verb("send_broadcast_message", work, told_result(callback, 0))

    def send_barrage_message(
        self, message: str, room_id: str, callback: Callable[[ErrorCode, str], object] | None = None
    ) -> Operation[str]:
        """Write to everyone else in the room; may be lost (ZEGO sendBarrageMessage); the result is the message's ID.

        1 to 1024 bytes (1009001, 1009002), to the present room (1009005, 1000002).
        """
        work = self._parts.messaging.barrage(message, room_id)
        return self._parts.core.verb("send_barrage_message", work, told_result(callback, ""))

    def send_custom_command(
        self,
        command: str,
        to_users: Sequence[User | str] | None,
        room_id: str,
        callback: CodeCallback | None = None,
    ) -> Operation[None]:
        """Send a command to some users, or to all others with None (ZEGO sendCustomCommand), reliably.

        1 to 1024 bytes (1009001, 1009002); at most 10 per second to several and 200 to one; 1009011 and 1009012 for
        user IDs that cannot be.
        """
        ids = [user.user_id if isinstance(user, User) else user for user in to_users or ()]
        work = self._parts.messaging.command(command, ids, room_id)
        return self._parts.core.verb("send_custom_command", work, told_code(callback))

    def set_room_extra_info(
        self, room_id: str, key: str, value: str, callback: CodeCallback | None = None
    ) -> Operation[None]:
        """Attach a text to the room (ZEGO setRoomExtraInfo): one key per room, 128 bytes each (1002014 to 1002017)."""
        work = self._parts.messaging.set_room_extra_info(room_id, key, value)
        return self._parts.core.verb("set_room_extra_info", work, told_code(callback))

    def set_stream_extra_info(
        self, extra_info: str, channel: PublishChannel = PublishChannel.MAIN, callback: CodeCallback | None = None
    ) -> Operation[None]:
        """Attach a text to one's own stream (ZEGO setStreamExtraInfo), 1 to 1024 bytes (1003050, 1003051)."""
        work = self._parts.messaging.set_stream_extra_info(extra_info, member(PublishChannel, channel))
        return self._parts.core.verb("set_stream_extra_info", work, told_code(callback))
