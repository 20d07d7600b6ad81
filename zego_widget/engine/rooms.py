"""Logging in and out, and who and what is in the room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from .. import protocol
from ..errors import ErrorCode, HubStopped, HubUnreachable, Refused, ZegoError
from ..model import RoomConfig as HubRoomConfig
from ..model import RoomStateChangedReason, User
from ..room.ids import check_room_id, check_user
from .core import Core
from .identity import Identity
from .line import Line, Link
from .login import Login, left_error, login_error
from .profile import RoomConfig
from .room_news import RoomNews
from .roster import News
from .states import ROOM, RoomEvent, RoomState, next_state

logger = logging.getLogger(__name__)

LOGOUT_TIMEOUT = 2.0

_REASONS = {
    RoomEvent.LOGIN: RoomStateChangedReason.LOGINING,
    RoomEvent.ACCEPTED: RoomStateChangedReason.LOGINED,
    RoomEvent.REFUSED: RoomStateChangedReason.LOGIN_FAILED,
    RoomEvent.BROKEN: RoomStateChangedReason.RECONNECTING,
    RoomEvent.BACK: RoomStateChangedReason.RECONNECTED,
    RoomEvent.KICKED: RoomStateChangedReason.KICK_OUT,
    RoomEvent.LOST: RoomStateChangedReason.RECONNECT_FAILED,
    RoomEvent.LOGOUT: RoomStateChangedReason.LOGOUT,
}
R = TypeVar("R", bound=protocol.Message)


class Rooms:
    """The one room of an engine.

    A login outlives its link and its session: while it is RECONNECTING, what needs a room waits. `on_left` are called
    with the reason whenever a login ends (None: logged out), and whether the preview goes on.
    """

    def __init__(self, core: Core, line: Line, identity: Identity) -> None:
        self._core = core
        self._line = line
        self._identity = identity
        self._state = RoomState.OUT
        self._leaving: asyncio.Task[None] | None = None
        self.login_now: Login | None = None
        self.news = RoomNews(core, lambda: self.login_now)
        self.on_left: list[Callable[[ZegoError | None, bool], None]] = []
        self.on_leaving: list[Callable[[], Any]] = []
        """Coroutine functions: what else has to end before another login may begin."""
        self.on_session_lost: list[Callable[[ZegoError], None]] = []
        """Called when the hub has forgotten all that was asked of it; the login goes on with another session."""
        self.on_interrupted: list[Callable[[], None]] = []
        """Called when RECONNECTING begins or ends, other than by the end of the login."""
        line.listeners.append(self)
        core.route(protocol.RoomStateChanged, self._room_changed)

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
        while True:
            await asyncio.shield(login.entered)
            if login is not self.login_now:
                raise login.error or left_error()
            if login.entered.done():  # and not lost again meanwhile
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

    @property
    def reconnecting(self) -> bool:
        """Whether the hub cannot be reached now, or has lost our session."""
        return self._state is RoomState.RECONNECTING

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

    async def aclose(self) -> None:
        """Log out, if logged in."""
        if self.login_now is not None:
            self._end(self.login_now, RoomEvent.LOGOUT, None)
        await self.left()

    # -- what becomes of the link (LineListener) ------------------------------------------------------------

    def link_interrupted(self, error: ZegoError) -> None:
        """The hub cannot be reached: the others do not notice yet."""
        if self._state is RoomState.IN:
            self._break(error)

    def link_resumed(self) -> None:
        """Nothing was missed."""
        login = self.login_now
        # Not where the login itself has still to be repeated over this link.
        if login is not None and self._state is RoomState.RECONNECTING and login.entered.done():
            self._come_back(login)

    def session_lost(self, error: ZegoError) -> None:
        """The hub has forgotten us: a new login of the same user follows."""
        login = self.login_now
        if login is None:
            return
        login.link = None
        if self._state is RoomState.ENTERING:  # the request that is under way tells
            return
        if self._state is RoomState.IN:
            self._break(error)
        login.early = []
        if login.entered.done():
            login.entered = asyncio.get_running_loop().create_future()
        for lost in self.on_session_lost:
            lost(error)

    def link_reopened(self, link: Link) -> None:
        """Log in again."""
        login = self.login_now
        if login is not None and login.link is None and self._state is RoomState.RECONNECTING:
            login.link = link
            login.task = self._core.spawn(self._return(login, link))

    def link_lost(self, error: ZegoError) -> None:
        """The link to the hub is gone for good, and with it the login."""
        login = self.login_now
        if login is None:
            return
        login.link = None
        if self._state is not RoomState.ENTERING:  # else the request that is under way tells
            over = isinstance(error, HubUnreachable) and not isinstance(error, HubStopped)
            lost = Refused(error.message, ErrorCode.ROOM_RETRY_TIMEOUT if over else ErrorCode.ROOM_DISCONNECT)
            lost.__cause__ = error
            self._end(login, RoomEvent.LOST, lost)

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
            answer = await self._ask(login, login.link, returns=False)
            self._check_link(login)
        except asyncio.CancelledError:
            if login is self.login_now:
                raise
            raise login.error or left_error() from None
        except Exception as error:
            known = login_error(error)
            self._end(login, RoomEvent.REFUSED, known)
            raise known from error
        finally:
            login.task = None
        return self._entered(login, answer)

    async def _ask(self, login: Login, link: Link, *, returns: bool) -> protocol.LoggedIn:
        room_id, user, config = login.room_id, login.user, login.config
        credential = self._identity.credential(link.session_id, room_id, user.user_id, config.token, returns=returns)
        wish = HubRoomConfig(config.is_user_status_notify, config.max_member_count)
        message = protocol.LoginRoom(0, room_id, user, wish, auto_play=login.auto_play, credential=credential)
        answer = await link.request(message, protocol.LoggedIn)
        self._identity.began(user.user_id, answer.since)
        return answer

    def _entered(self, login: Login, room: protocol.LoggedIn) -> dict[str, Any]:
        self._line.settled()
        login.roster.enter(room.users, room.streams)
        extended = {"room_session_id": room.room_session_id}
        self._move(login, RoomEvent.ACCEPTED, None, extended)
        login.entered.set_result(None)
        self.news.came(login, News(list(room.users), list(room.streams)))
        self._hear_early(login)
        return extended

    def _hear_early(self, login: Login) -> None:
        early, login.early = login.early or [], None
        for event in early:
            if login is self.login_now:
                self._core.heard(event)

    def _break(self, error: ZegoError) -> None:
        login = self.login_now
        assert login is not None
        self.news.wait_no_more(login)  # nobody can come back to us now
        broken = ZegoError(error.message, ErrorCode.ROOM_CONNECT_TEMPORARY_BROKEN)
        self._move(login, RoomEvent.BROKEN, broken, {"message": error.message})
        for interrupted in self.on_interrupted:
            interrupted()

    def _come_back(self, login: Login) -> None:
        self.news.wait_for_the_missing(login)
        self._move(login, RoomEvent.BACK, None, {})
        for interrupted in self.on_interrupted:
            interrupted()

    async def _return(self, login: Login, link: Link) -> None:
        """Log in again on another session."""
        try:
            answer = await self._ask(login, link, returns=True)
        except HubUnreachable as error:
            await self._line.renew(link, error)
        except Exception as error:
            known = login_error(error)
            kicked = known.code is ErrorCode.ROOM_KICKED_OUT  # the user has logged in elsewhere meanwhile
            self._end(login, RoomEvent.KICKED if kicked else RoomEvent.LOST, known)
        else:
            if login is self.login_now and login.link is link:
                login.task = None
                self._returned(login, answer)

    def _returned(self, login: Login, room: protocol.LoggedIn) -> None:
        self._line.settled()
        news = login.roster.rejoin(room.users, room.streams)
        self._come_back(login)
        login.entered.set_result(None)
        self.news.came(login, news)
        self._hear_early(login)

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
        self.news.wait_no_more(login)
        # A login without an answer may have succeeded for the hub.
        logout = event is RoomEvent.LOGOUT or isinstance(error, HubUnreachable)
        waits = event is RoomEvent.LOGOUT and self._state is not RoomState.RECONNECTING
        for left in self.on_left:
            left(error, switches or event is RoomEvent.REFUSED)
        extended = {} if error is None else {"message": error.message}
        self._leaving = self._core.spawn(self._leave(login, self._leaving, logout=logout, waits=waits))
        self._move(login, event, error, extended)

    async def _leave(self, login: Login, earlier: asyncio.Task[None] | None, *, logout: bool, waits: bool) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        if logout and login.link is not None:
            if waits:
                await self._log_out(login.link, login.room_id, LOGOUT_TIMEOUT)
            elif self._line.is_held_besides("room"):
                # The link stays: the hub has to hear of it, as soon as it hears of anything.
                self._core.spawn(self._log_out(login.link, login.room_id, None))
        for ended in self.on_leaving:
            try:
                await ended()
            except Exception:
                logger.exception("Something of room %a could not be ended", login.room_id)
        await self._line.drop("room")

    async def _log_out(self, link: Link, room_id: str, timeout: float | None) -> None:
        try:
            async with asyncio.timeout(timeout):
                await link.request(protocol.LogoutRoom(0, room_id), protocol.Done)
        except (ZegoError, TimeoutError) as error:
            logger.debug("Logged out by closing the link: %s", error)

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
        if event.error_code == ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT:
            # The hub has not heard of us for too long, and ends the session: another one may do.
            logger.info("room %a: %s", login.room_id, event.message)
        elif event.reason is RoomStateChangedReason.KICK_OUT:
            self._end(login, RoomEvent.KICKED, Refused.from_code(event.error_code, event.message))
        elif event.reason is RoomStateChangedReason.LOGOUT:
            error = Refused.from_code(event.error_code, event.message) if event.error_code else None
            self._end(login, RoomEvent.LOGOUT, error)


def _code(error: ZegoError | None) -> ErrorCode:
    return ErrorCode.SUCCESS if error is None else error.code
