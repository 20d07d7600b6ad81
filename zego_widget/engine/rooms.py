"""Logging in and out, and who and what is in the room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .. import protocol
from ..errors import ErrorCode, HubUnreachable, Refused, ZegoError
from ..model import RoomConfig as HubRoomConfig
from ..model import RoomStateChangedReason, Stream, StreamDeleteReason, UpdateType, User
from ..room.ids import check_room_id, check_user
from .core import Core
from .identity import Identity
from .line import Line, Link
from .profile import RoomConfig
from .states import ROOM, RoomEvent, RoomState, next_state

logger = logging.getLogger(__name__)

LOGOUT_TIMEOUT = 2.0

_REASONS = {
    RoomEvent.LOGIN: RoomStateChangedReason.LOGINING,
    RoomEvent.ACCEPTED: RoomStateChangedReason.LOGINED,
    RoomEvent.REFUSED: RoomStateChangedReason.LOGIN_FAILED,
    RoomEvent.KICKED: RoomStateChangedReason.KICK_OUT,
    RoomEvent.LOST: RoomStateChangedReason.RECONNECT_FAILED,
    RoomEvent.LOGOUT: RoomStateChangedReason.LOGOUT,
}
_DESCRIPTIONS = {
    StreamDeleteReason.STOPPED: "user_stop_publishing_stream_normal",
    StreamDeleteReason.HEARTBEAT_TIMEOUT: "user_heart_beat_timeout",
    StreamDeleteReason.REPEAT_LOGIN: "user_repeat_login",
    StreamDeleteReason.KICKED_OUT: "user_kicked_out",
    StreamDeleteReason.OFFLINE: "user_offline",
    StreamDeleteReason.REMOVED_BY_SERVER: "remove_by_server",
}

R = TypeVar("R", bound=protocol.Message)


@dataclass(eq=False)
class Login:
    """One stay in a room, from the wish to log in to its end."""

    room_id: str
    user: User
    config: RoomConfig
    # Done when logged in; fails when that fails, or the login ends before.
    entered: asyncio.Future[None]
    # The hub plays whatever there is, without being asked for each stream.
    auto_play: bool = False
    task: asyncio.Task[Any] | None = None
    link: Link | None = None
    # Why it ended, once it has.
    error: ZegoError | None = None
    # Events that arrived before the answer to the login was taken; None once it was.
    early: list[protocol.HubMessage] | None = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)


class Rooms:
    """The one room of an engine.

    `on_left` are called with the reason whenever a login ends (None: logged out), and whether the preview goes on.
    """

    def __init__(self, core: Core, line: Line, identity: Identity) -> None:
        self._core = core
        self._line = line
        self._identity = identity
        self._state = RoomState.OUT
        self._leaving: asyncio.Task[None] | None = None
        self.login_now: Login | None = None
        self.on_left: list[Callable[[ZegoError | None, bool], None]] = []
        self.on_leaving: list[Callable[[], Any]] = []
        """Coroutine functions: what else has to end before another login may begin."""
        self.on_stream_changed: list[Callable[[Stream, Stream], None]] = []
        core.route(protocol.RoomStateChanged, self._room_changed)
        core.route(protocol.RoomUserUpdate, self._users_updated)
        core.route(protocol.RoomStreamUpdate, self._streams_updated)
        core.route(protocol.StreamStateChanged, self._stream_changed)
        core.route(protocol.RoomTokenWillExpire, self._token_will_expire)

    # -- verbs ----------------------------------------------------------------------------------------------

    async def login(self, room_id: str, user: User, config: RoomConfig, *, auto_play: bool = False) -> dict[str, Any]:
        """Log in (ZEGO loginRoom); the extended data of the login. `auto_play` plays whatever there is."""
        if (now := self.login_now) is not None:
            sentence = f"The engine is in room {now.room_id} already; log out first, or switch_room."
            raise ZegoError(sentence, ErrorCode.ROOM_COUNT_EXCEED)
        return await self._enter(room_id, user, config, auto_play)

    async def logout(self, room_id: str | None) -> None:
        """Log out (ZEGO logoutRoom), also while the login is under way."""
        login = self._named(room_id)
        self._end(login, RoomEvent.LOGOUT, None)
        await self.left()

    async def switch(self, from_room_id: str, to_room_id: str, config: RoomConfig) -> dict[str, Any]:
        """Leave one room for another (ZEGO switchRoom)."""
        login = self._named(from_room_id)
        self._end(login, RoomEvent.LOGOUT, None, switches=True)
        return await self._enter(to_room_id, login.user, config, login.auto_play)

    async def renew_token(self, token: str, room_id: str) -> None:
        """Go on with another token (ZEGO renewToken)."""
        login = self.login_now
        if login is None or login.room_id != room_id:
            raise ZegoError("The engine is not in the room of that token.", ErrorCode.ROOM_ROOMID_INCORRECT)
        await self.request(protocol.RenewToken(0, room_id, token), protocol.Done)

    def _named(self, room_id: str | None) -> Login:
        login = self.login_now
        if login is None or room_id not in (None, login.room_id):
            where = f"in room {login.room_id}" if login else "in no room"
            error = ZegoError(f"The engine is {where}.", ErrorCode.ROOM_ROOMID_INCORRECT)
            self._tell(RoomStateChangedReason.LOGOUT_FAILED, error, room_id or "")
            raise error
        return login

    # -- for the other parts --------------------------------------------------------------------------------

    async def entered(self) -> Login:
        """The present login, once it has succeeded; raises `ZegoError` (1000002) where there is none."""
        login = self.login_now
        if login is None:
            raise ZegoError("Log in to a room first.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
        await asyncio.shield(login.entered)
        if login is not self.login_now:
            raise login.error or left_error()
        return login

    async def request(self, message: protocol.ClientMessage, answer: type[R]) -> R:
        """Ask the hub something about the present room."""
        login = await self.entered()
        assert login.link is not None
        return await login.link.request(message, answer)

    async def left(self) -> None:
        """Wait until the former login has been cleaned up."""
        if self._leaving is not None:
            await asyncio.wait([self._leaving])

    def takes(self, event: protocol.HubMessage) -> bool:
        """Whether an event about a room is to be handled now: not when it is late, or comes with a login."""
        room_id = getattr(event, "room_id", None)
        login = self.login_now
        if room_id is None:
            return True
        # Without a link this login was not asked for yet: the event is about a former stay in the same room.
        if login is None or login.link is None or login.room_id != room_id:
            return False
        if login.early is not None:
            login.early.append(event)
            return False
        return True

    def link_lost(self, error: ZegoError) -> None:
        """The link to the hub is gone, and with it the login."""
        login = self.login_now
        if login is None:
            return
        login.link = None
        if self._state is RoomState.IN:  # else the request that is under way tells
            lost = Refused(error.message, ErrorCode.ROOM_DISCONNECT)
            lost.__cause__ = error
            self._end(login, RoomEvent.LOST, lost)

    async def aclose(self) -> None:
        """Log out, if logged in."""
        if self.login_now is not None:
            self._end(self.login_now, RoomEvent.LOGOUT, None)
        await self.left()

    # -- inside ---------------------------------------------------------------------------------------------

    async def _enter(self, room_id: str, user: User, config: RoomConfig, auto_play: bool) -> dict[str, Any]:
        entered = asyncio.get_running_loop().create_future()
        login = Login(room_id, user, config, entered, auto_play, asyncio.current_task())
        self.login_now = login
        self._move(login, RoomEvent.LOGIN, None, {})
        try:
            check_room_id(room_id)
            check_user(user)
            await self.left()
            login.link = await self._line.hold("room")
            credential = self._identity.credential(login.link.session_id, room_id, user.user_id, config.token)
            wish = HubRoomConfig(config.is_user_status_notify, config.max_member_count)
            message = protocol.LoginRoom(0, room_id, user, wish, auto_play=auto_play, credential=credential)
            answer = await login.link.request(message, protocol.LoggedIn)
            self._check_link(login)
        except asyncio.CancelledError:
            if login is self.login_now:
                raise
            raise login.error or left_error() from None
        except Exception as error:
            known = _login_error(error)
            self._end(login, RoomEvent.REFUSED, known)
            raise known from error
        finally:
            login.task = None
        return self._entered(login, answer)

    def _entered(self, login: Login, room: protocol.LoggedIn) -> dict[str, Any]:
        login.users = {user.user_id: user for user in room.users}
        login.streams = {stream.stream_id: stream for stream in room.streams}
        extended = {"room_session_id": room.room_session_id}
        self._move(login, RoomEvent.ACCEPTED, None, extended)
        login.entered.set_result(None)
        # Initial lists come once, as additions.
        if room.users:
            self._core.emit("room_user_update", UpdateType.ADD, list(room.users), login.room_id)
        if room.streams:
            self._core.emit("room_stream_update", UpdateType.ADD, list(room.streams), {}, login.room_id)
        early, login.early = login.early or [], None
        for event in early:
            if login is self.login_now:
                self._core.heard(event)
        return extended

    def _check_link(self, login: Login) -> None:
        if login.link is None:  # lost after the answer had come
            raise HubUnreachable("The connection to the hub was lost.")

    def _end(self, login: Login, event: RoomEvent, error: ZegoError | None, *, switches: bool = False) -> None:
        """End a login once: whoever comes second finds it gone."""
        if login is not self.login_now:
            return
        self.login_now = None
        login.error = error
        if not login.entered.done():
            login.entered.set_exception(error or left_error())
            login.entered.exception()  # retrieved, even where nothing waits for it
        if login.task is not None and login.task is not asyncio.current_task():
            login.task.cancel()
        for left in self.on_left:
            left(error, switches or event is RoomEvent.REFUSED)
        extended = {} if error is None else {"message": error.message}
        self._leaving = self._core.spawn(self._leave(login, self._leaving, logout=event is RoomEvent.LOGOUT))
        self._move(login, event, error, extended)

    async def _leave(self, login: Login, earlier: asyncio.Task[None] | None, *, logout: bool) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        if logout and login.link is not None:
            try:
                async with asyncio.timeout(LOGOUT_TIMEOUT):
                    await login.link.request(protocol.LogoutRoom(0, login.room_id), protocol.Done)
            except (ZegoError, TimeoutError) as error:
                logger.debug("Logged out by closing the link: %s", error)
        for ended in self.on_leaving:
            try:
                await ended()
            except Exception:
                logger.exception("Something of room %a could not be ended", login.room_id)
        await self._line.drop("room")

    def _move(self, login: Login, event: RoomEvent, error: ZegoError | None, extended: dict[str, Any]) -> None:
        """The one place where the state changes."""
        self._state = next_state(ROOM, self._state, event)
        reason = _REASONS[event]
        logger.info("room %a user %a: %s", login.room_id, login.user.user_id, reason.name)
        self._core.emit("room_state_changed", reason, _code(error), extended, login.room_id)

    def _tell(self, reason: RoomStateChangedReason, error: ZegoError, room_id: str) -> None:
        self._core.emit("room_state_changed", reason, error.code, {"message": error.message}, room_id)

    # -- what the hub tells ---------------------------------------------------------------------------------

    def _room_changed(self, event: protocol.RoomStateChanged) -> None:
        login = self.login_now
        assert login is not None
        if event.reason is RoomStateChangedReason.KICK_OUT:
            self._end(login, RoomEvent.KICKED, Refused.from_code(event.error_code, event.message))
        elif event.reason is RoomStateChangedReason.LOGOUT:
            error = Refused.from_code(event.error_code, event.message) if event.error_code else None
            self._end(login, RoomEvent.LOGOUT, error)

    def _users_updated(self, event: protocol.RoomUserUpdate) -> None:
        login = self.login_now
        assert login is not None
        for user in event.users:
            if event.update_type is UpdateType.ADD:
                login.users[user.user_id] = user
            else:
                login.users.pop(user.user_id, None)
        self._core.emit("room_user_update", event.update_type, list(event.users), event.room_id)

    def _streams_updated(self, event: protocol.RoomStreamUpdate) -> None:
        login = self.login_now
        assert login is not None
        for stream in event.streams:
            if event.update_type is UpdateType.ADD:
                login.streams[stream.stream_id] = stream
            else:
                login.streams.pop(stream.stream_id, None)
        reasons = [
            {"stream_id": each.stream_id, "code": each.code, "description": _DESCRIPTIONS[each.code]}
            for each in event.stream_delete_reason
        ]
        extended = {"stream_delete_reason": reasons} if reasons else {}
        self._core.emit("room_stream_update", event.update_type, list(event.streams), extended, event.room_id)

    def _stream_changed(self, event: protocol.StreamStateChanged) -> None:
        login = self.login_now
        assert login is not None
        before = login.streams.get(event.stream.stream_id)
        if before is None:
            return
        login.streams[before.stream_id] = event.stream
        for changed in self.on_stream_changed:
            changed(before, event.stream)

    def _token_will_expire(self, event: protocol.RoomTokenWillExpire) -> None:
        login = self.login_now
        assert login is not None
        own = self._identity.own_token(event.room_id, login.user.user_id)
        if own and not login.config.token:
            self._core.spawn(self._renew_own(own, event.room_id))
        else:
            self._core.emit("room_token_will_expire", event.remain_time_in_second, event.room_id)

    async def _renew_own(self, token: str, room_id: str) -> None:
        try:
            await self.renew_token(token, room_id)
        except ZegoError as error:
            logger.warning("The token of this login could not be renewed: %s", error)


def left_error() -> ZegoError:
    """What becomes of requests when their user logs out."""
    return ZegoError("The engine was logged out before that was done.", ErrorCode.COMMON_NOT_LOGIN_ROOM)


def _login_error(error: Exception) -> ZegoError:
    if isinstance(error, HubUnreachable):
        return HubUnreachable(error.message, ErrorCode.ROOM_ERROR_CONNECT_FAILED)
    if isinstance(error, ZegoError):
        return error
    logger.error("The login failed", exc_info=error)
    return ZegoError(f"The login failed: {type(error).__name__}: {error}", ErrorCode.ROOM_ERROR_CONNECT_FAILED)


def _code(error: ZegoError | None) -> ErrorCode:
    return ErrorCode.SUCCESS if error is None else error.code
