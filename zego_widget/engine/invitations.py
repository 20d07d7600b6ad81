"""Calling other users, and being called (ZEGO.md, section 8)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, TypeVar

from .. import protocol
from ..errors import ErrorCode, HubUnreachable, ZegoError
from ..model import CallInfo, CallUserInfo, ErrorUserInfo, User
from ..room.ids import check_user
from .core import Core
from .identity import Identity
from .line import Line, Link
from .open_calls import OpenCalls
from .rooms import LOGOUT_TIMEOUT, Rooms

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallInvitationSentResult:
    """Of `call_invite`; `error_user_list` are those who were not invited."""

    call_id: str
    timeout: int
    error_user_list: list[ErrorUserInfo]


@dataclass(frozen=True, slots=True)
class CallCancelSentResult:
    """Of `call_cancel`; `error_invitees` are those who had nothing to cancel."""

    call_id: str
    error_invitees: list[str]


@dataclass(frozen=True, slots=True)
class CallAnswerSentResult:
    """Of `call_accept` and `call_reject`."""

    call_id: str


@dataclass(frozen=True, slots=True)
class CallingInvitationSentResult:
    """Of `calling_invite`; `error_user_list` are those who were not invited."""

    call_id: str
    error_user_list: list[ErrorUserInfo]


@dataclass(frozen=True, slots=True)
class CallJoinSentResult:
    """Of `call_join`; times are ms since 1970, `extended_data` is the call's."""

    call_id: str
    create_time: int
    join_time: int
    extended_data: str
    call_user_list: list[CallUserInfo]


@dataclass(frozen=True, slots=True)
class CallQuitSentResult:
    """Of `call_quit`; times are ms since 1970."""

    call_id: str
    create_time: int
    accept_time: int
    quit_time: int


@dataclass(frozen=True, slots=True)
class CallEndSentResult:
    """Of `call_end`; times are ms since 1970."""

    call_id: str
    create_time: int
    accept_time: int
    end_time: int


@dataclass(frozen=True, slots=True)
class CallInvitationListResult:
    """Of `query_call_invitation_list`; `next_flag` 0 says that there are no more."""

    call_list: list[CallInfo]
    next_flag: int


# result -> what the hub answers
_ANSWERS: dict[type, type[protocol.Message]] = {
    CallInvitationSentResult: protocol.CallInvitationSent,
    CallCancelSentResult: protocol.CallCancelSent,
    CallingInvitationSentResult: protocol.CallingInvitationSent,
    CallJoinSentResult: protocol.CallJoinSent,
    CallQuitSentResult: protocol.CallQuitSent,
    CallEndSentResult: protocol.CallEndSent,
    CallInvitationListResult: protocol.CallInvitationList,
}
_EVENTS = {
    protocol.CallInvitationCreated: "call_invitation_created",
    protocol.CallInvitationReceived: "call_invitation_received",
    protocol.CallInvitationCancelled: "call_invitation_cancelled",
    protocol.CallInvitationEnded: "call_invitation_ended",
    protocol.CallInvitationTimeout: "call_invitation_timeout",
    protocol.CallUserStateChanged: "call_user_state_changed",
}
R = TypeVar("R")


class Invitations:
    """Signed in without a room, or by the login to one."""

    def __init__(self, core: Core, line: Line, rooms: Rooms, identity: Identity) -> None:
        self._core = core
        self._line = line
        self._rooms = rooms
        self._identity = identity
        self._link: Link | None = None
        # Who is signed in, with the token; also while the link is lost.
        self._signed_in: tuple[User, str] | None = None
        line.listeners.append(self)
        # One after the other, in the order of the verbs.
        self._signing = asyncio.Lock()
        self._returning: asyncio.Task[None] | None = None
        self._open = OpenCalls()
        rooms.on_left.append(self._room_left)
        for kind, name in _EVENTS.items():
            core.route(kind, partial(self._told, name))
        core.route(protocol.SignedOut, self._signed_out)

    async def sign_in(self, user: User, token: str) -> None:
        """Be there for calls, without a room (ZIM login)."""
        check_user(user)
        async with self._signing:
            link = await self._line.hold("calls")
            try:
                await self._show(link, user, token, returns=False)
            except BaseException:
                if self._signed_in is None:
                    await self._line.drop("calls")
                raise
            self._link, self._signed_in = link, (user, token)

    async def sign_out(self) -> None:
        """Be there no more (ZIM logout); nothing if not signed in."""
        if self._returning is not None and self._signed_in is not None:
            self._returning.cancel()  # it may wait for a hub that cannot be reached
        async with self._signing:
            link, signed_in = self._link, self._signed_in is not None
            self._link = self._signed_in = None
            if not signed_in:
                return
            if self._rooms.login_now is None:
                self._open.clear()
            try:
                if self._rooms.login_now is None and link is not None:
                    async with asyncio.timeout(LOGOUT_TIMEOUT):
                        await link.request(protocol.SignOut(0), protocol.Done)
            except TimeoutError:
                logger.debug("Signed out by closing the link")
            finally:
                await self._line.drop("calls")

    async def ask(self, message: protocol.ClientMessage, result: type[R]) -> R:
        """A request about a call."""
        answer: Any = await self._request(message, _ANSWERS[result])
        names = [field.name for field in fields(result)]  # type: ignore[arg-type]
        return result(**{name: getattr(answer, name) for name in names})

    async def answer(
        self,
        message: protocol.CallAccept | protocol.CallReject,
        answer: type[protocol.CallAcceptanceSent | protocol.CallRejectionSent],
    ) -> CallAnswerSentResult:
        """Take a call or do not."""
        return CallAnswerSentResult((await self._request(message, answer)).call_id)

    async def aclose(self) -> None:
        """Be gone."""
        self._link = None
        if self._signed_in is not None:
            self._signed_in = None
            await self._line.drop("calls")

    # -- what becomes of the link (LineListener) ------------------------------------------------------------

    def link_interrupted(self, error: ZegoError) -> None:
        """What is asked now waits."""

    def link_resumed(self) -> None:
        """Nothing was missed."""

    def session_lost(self, error: ZegoError) -> None:
        """Signed out at the hub; calls of this user go on there for as long as they can."""
        self._link = None

    def link_reopened(self, link: Link) -> None:
        """Sign in again, where it is not the login to a room that does."""
        if self._signed_in is not None:
            self._returning = self._core.spawn(self._return(link, *self._signed_in))
        elif self._open.ids:
            self._core.spawn(self._catch_up())

    def link_lost(self, error: ZegoError) -> None:
        """The link to the hub is gone for good."""
        self._link = None
        if self._signed_in is not None:
            self._signed_in = None
            self._tell_lost()
            self._core.emit("signed_out", ErrorCode.ROOM_DISCONNECT, error.message)

    # -- inside ---------------------------------------------------------------------------------------------

    async def _show(self, link: Link, user: User, token: str, *, returns: bool) -> None:
        credential = self._identity.credential(link.session_id, "", user.user_id, token, returns=returns)
        done = await link.request(protocol.SignIn(0, user, credential), protocol.Done)
        self._identity.began(user.user_id, done.at)
        if not self._line.leads_over(link):
            raise HubUnreachable("The connection to the hub was lost.")

    async def _return(self, link: Link, user: User, token: str) -> None:
        async with self._signing:
            if self._signed_in != (user, token):
                return
            try:
                await self._show(link, user, token, returns=True)
            except HubUnreachable as error:
                await self._line.renew(link, error)
            except ZegoError as error:
                self._signed_in = None
                if error.code is ErrorCode.ROOM_KICKED_OUT:
                    self._open.clear()  # they go on elsewhere
                else:
                    self._tell_lost()
                self._core.emit("signed_out", error.code, error.message)
                await self._line.drop("calls")
                return
            else:
                self._link = link
                self._line.settled()
        await self._catch_up()

    async def _catch_up(self) -> None:
        """Tell what became of calls meanwhile: the hub went on without us, or is another one and knows none of them."""
        calls = self._open.ids
        listed: list[CallInfo] = []
        next_flag = 0
        try:
            while calls - {info.call_id for info in listed}:
                asked = protocol.QueryCallInvitationList(0, next_flag=next_flag)
                page: protocol.CallInvitationList = await self._request(asked, protocol.CallInvitationList)
                listed += page.call_list
                next_flag = page.next_flag
                if not next_flag:
                    break
        except ZegoError as error:  # there will be another session, or none
            logger.debug("Nothing was heard of %d calls: %s", len(calls), error)
        else:
            self._tell_missed(calls, listed)

    def _tell_missed(self, calls: Iterable[str], listed: Iterable[CallInfo]) -> None:
        for event in self._open.compare(calls, listed, round(time.time() * 1000)):
            self._core.emit(_EVENTS[type(event)], event)

    def _tell_lost(self) -> None:
        """Nobody will tell us more of any call."""
        self._tell_missed(self._open.ids, [])

    def _told(self, name: str, event: protocol.Message) -> None:
        self._open.told(event, self._user_id)
        self._core.emit(name, event)

    @property
    def _user_id(self) -> str:
        login = self._rooms.login_now
        if self._signed_in is not None:
            return self._signed_in[0].user_id
        return "" if login is None else login.user.user_id

    def _room_left(self, error: ZegoError | None, keeps_preview: bool) -> None:
        if self._signed_in is not None:
            return  # and goes on to be called
        if error is None or error.code is ErrorCode.ROOM_KICKED_OUT:  # which goes on elsewhere
            self._open.clear()
        else:
            self._tell_lost()

    async def _request(self, message: protocol.ClientMessage, answer: type[Any]) -> Any:
        try:
            if self._signed_in is not None:
                if self._link is None:
                    raise HubUnreachable("The hub cannot be reached now.")
                said = await self._link.request(message, answer)
            else:
                said = await self._rooms.request(message, answer)
        except HubUnreachable as error:
            raise HubUnreachable(error.message, ErrorCode.CALL_INVITATION_FAILED) from error
        self._open.answered(message, said, self._user_id)
        return said

    def _signed_out(self, event: protocol.SignedOut) -> None:
        signed_in = self._signed_in is not None
        self._link = self._signed_in = None
        self._open.clear()  # they go on elsewhere
        error = ZegoError.from_code(event.error_code, event.message)
        self._core.emit("signed_out", error.code, error.message)
        if signed_in:
            self._core.spawn(self._line.drop("calls"))
