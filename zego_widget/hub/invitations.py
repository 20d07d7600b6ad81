"""Who is signed in on which session, and the calls between them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from zego_widget import protocol as p
from zego_widget.errors import ErrorCode, Refused
from zego_widget.invitation import (
    CallCreated,
    CallEnded,
    Event,
    InvitationCancelled,
    InvitationReceived,
    Invitations,
    InvitationTimedOut,
    UserStatesChanged,
)
from zego_widget.model import RoomStateChangedReason, StreamDeleteReason, User
from zego_widget.room import RoomStateChanged, limits
from zego_widget.room.ids import check_user

from .client import Client
from .quoting import quoted
from .services import Services

logger = logging.getLogger(__name__)

CallVerb = (
    p.CallInvite
    | p.CallCancel
    | p.CallAccept
    | p.CallReject
    | p.CallingInvite
    | p.CallJoin
    | p.CallQuit
    | p.CallEnd
    | p.QueryCallInvitationList
)
CallRequest = p.SignIn | p.SignOut | CallVerb


class Seat(NamedTuple):
    """A user as the hub knows him."""

    app_id: int
    user_id: str


class Calls:
    """Every user of an app has one session that can be called, the latest that signed in or logged in to a room."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        # By app ID; users of different apps cannot call each other.
        self._invitations: dict[int, Invitations] = {}
        self._session_of: dict[Seat, Client] = {}
        self._seat_of: dict[str, Seat] = {}
        # When the login began for which a session acts; ms since 1970.
        self._since: dict[Seat, int] = {}

    @property
    def signed_in_count(self) -> int:
        """Users who can be called now."""
        return len(self._session_of)

    # -- who is there ---------------------------------------------------------------------------------------

    def since(self, session: Client, app_id: int, user_id: str, claimed: int) -> int:
        """When a login begins, or has begun if it goes on with an earlier one (`Credential.since`).

        Refused with 1002050 where the user has logged in elsewhere after that. What a client claims never keeps a new
        login out, and is bounded.
        """
        seat, now = Seat(app_id, user_id), self._hub.unix_time
        present = self._since.get(seat, 0)
        if not claimed:
            return max(now, present + 1)
        claimed = min(claimed, now + limits.MAX_CLOCK_SKEW)
        if claimed < present and self._session_of[seat] is not session:
            sentence = f"{user_id} logged in somewhere else, so this login ended."
            raise Refused(sentence, ErrorCode.ROOM_KICKED_OUT)
        return max(claimed, present)

    def user_is_in(self, session: Client, app_id: int, user: User, since: int) -> None:
        """The session acts for this user from now on; an earlier session of the user is signed out.

        For a session whose credential was checked: by a login to a room or by `SignIn`; `since` is what `since` says.
        """
        seat = Seat(app_id, user.user_id)
        self._since[seat] = since
        earlier = self._session_of.get(seat)
        if earlier is session:
            return
        self.user_is_out(session)
        if earlier is not None:
            self._displace(earlier, seat)
        self._session_of[seat] = session
        self._seat_of[session.session_id] = seat
        logger.info("user %s: signed in as session %s", quoted(user.user_id), session.session_id)
        self._deliver(app_id, self._invitations_of(app_id).online(user.user_id))

    def user_is_out(self, session: Client) -> None:
        """The session acts for nobody any more; nothing if it did not."""
        seat = self._seat_of.pop(session.session_id, None)
        if seat is None:
            return
        del self._session_of[seat], self._since[seat]
        logger.info("user %s: signed out of session %s", quoted(seat.user_id), session.session_id)
        events = self._invitations_of(seat.app_id).offline(seat.user_id, self._hub.now())
        self._deliver(seat.app_id, events)

    def _displace(self, earlier: Client, seat: Seat) -> None:
        """The user goes on elsewhere, with all calls; the earlier session leaves its room, if it is in one."""
        del self._seat_of[earlier.session_id]
        sentence = f"{seat.user_id} signed in somewhere else, so this session is signed out."
        rooms = self._hub.rooms
        if (room_id := rooms.room_id(earlier.session_id)) is not None:
            kicked = RoomStateChanged(
                earlier.session_id, room_id, RoomStateChangedReason.KICK_OUT, ErrorCode.ROOM_KICKED_OUT, sentence
            )
            self._hub.deliver([kicked, *rooms.end(earlier.session_id, StreamDeleteReason.REPEAT_LOGIN)])
        earlier.send(p.SignedOut(seat.user_id, ErrorCode.ROOM_KICKED_OUT, sentence))

    # -- requests -------------------------------------------------------------------------------------------

    def take(self, session: Client, message: CallRequest) -> None:
        """Answer a request, then tell everyone concerned; raises `ZegoError` for what is refused."""
        match message:
            case p.SignIn():
                self._sign_in(session, message)
                return
            case p.SignOut():
                self._sign_out(session, message)
                return
        seat = self._seat_of.get(session.session_id)
        if seat is None:
            raise Refused("Sign in, or log in to a room, first.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
        answer, events = self._perform(seat, message)
        if not isinstance(message, p.QueryCallInvitationList):
            call_id = quoted(getattr(answer, "call_id", ""))
            logger.info("call %s user %s: %s", call_id, quoted(seat.user_id), type(message).__name__)
        session.send(answer)
        self._deliver(seat.app_id, events)

    def _sign_in(self, session: Client, message: p.SignIn) -> None:
        check_user(message.user)
        grant = self._hub.admit(session.session_id, message.credential, "", message.user.user_id)
        seat = Seat(grant.app_id, message.user.user_id)
        if self._is_in_room(session) and self._seat_of.get(session.session_id) != seat:
            raise Refused(
                "This session is in a room as another user; log out first.",
                ErrorCode.COMMON_CONFIG_AFTER_ROOM_LOGGED_IN,
            )
        since = self.since(session, grant.app_id, message.user.user_id, message.credential.since)
        session.send(p.Done(message.request_id, since))
        self.user_is_in(session, grant.app_id, message.user, since)

    def _sign_out(self, session: Client, message: p.SignOut) -> None:
        if self._is_in_room(session):
            raise Refused("Log out of the room first.", ErrorCode.COMMON_CONFIG_AFTER_ROOM_LOGGED_IN)
        session.send(p.Done(message.request_id))
        self.user_is_out(session)

    def _perform(self, seat: Seat, message: CallVerb) -> tuple[p.Message, Iterable[Event]]:
        calls, user_id = self._invitations_of(seat.app_id), seat.user_id
        now, request_id = self._hub.now(), message.request_id
        match message:
            case p.CallInvite():
                sent = calls.invite(
                    user_id,
                    message.invitees,
                    now,
                    timeout=message.timeout,
                    mode=message.mode,
                    extended_data=message.extended_data,
                    enable_not_received_check=message.enable_not_received_check,
                )
                errors = list(sent.error_user_list)
                return p.CallInvitationSent(request_id, sent.call_id, sent.timeout, errors), sent.events
            case p.CallingInvite():
                sent = calls.calling_invite(user_id, message.call_id, message.invitees, now, message.extended_data)
                return p.CallingInvitationSent(request_id, sent.call_id, list(sent.error_user_list)), sent.events
            case p.CallCancel():
                cancelled = calls.cancel(user_id, message.call_id, message.invitees, now, message.extended_data)
                return p.CallCancelSent(request_id, message.call_id, list(cancelled.error_invitees)), cancelled.events
            case p.CallAccept():
                events = calls.accept(user_id, message.call_id, now, message.extended_data)
                return p.CallAcceptanceSent(request_id, message.call_id), events
            case p.CallReject():
                events = calls.reject(user_id, message.call_id, now, message.extended_data)
                return p.CallRejectionSent(request_id, message.call_id), events
            case p.CallJoin():
                joined = calls.join(user_id, message.call_id, now, message.extended_data)
                answer = p.CallJoinSent(
                    request_id,
                    message.call_id,
                    joined.create_time,
                    joined.join_time,
                    joined.extended_data,
                    list(joined.call_user_list),
                )
                return answer, joined.events
            case p.CallQuit():
                left = calls.quit(user_id, message.call_id, now, message.extended_data)
                times = (left.create_time, left.accept_time, left.leave_time)
                return p.CallQuitSent(request_id, message.call_id, *times), left.events
            case p.CallEnd():
                left = calls.end(user_id, message.call_id, now, message.extended_data)
                times = (left.create_time, left.accept_time, left.leave_time)
                return p.CallEndSent(request_id, message.call_id, *times), left.events
            case p.QueryCallInvitationList():
                page, next_flag = calls.query(user_id, message.count, message.next_flag)
                return p.CallInvitationList(request_id, page, next_flag), ()

    # -- time -----------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Tell of invitations that ran out or were not received."""
        for app_id, invitations in self._invitations.items():
            self._deliver(app_id, invitations.expire(now))

    # -- inside ---------------------------------------------------------------------------------------------

    def _invitations_of(self, app_id: int) -> Invitations:
        if app_id not in self._invitations:
            self._invitations[app_id] = Invitations(
                lambda: secrets.token_hex(8),
                is_registered=_can_be_a_user,
                unix_offset=self._hub.time_of_day() - self._hub.now(),
            )
        return self._invitations[app_id]

    def _is_in_room(self, session: Client) -> bool:
        return self._hub.rooms.room_id(session.session_id) is not None

    def _deliver(self, app_id: int, events: Iterable[Event]) -> None:
        if self._hub.stopping:
            return
        for event in events:
            session = self._session_of.get(Seat(app_id, event.user_id))
            if session is not None:
                session.send(_message(event))


def _message(event: Event) -> p.Message:
    match event:
        case CallCreated():
            return p.CallInvitationCreated(
                event.call_id,
                event.mode,
                event.caller,
                event.extended_data,
                event.timeout,
                event.create_time,
                list(event.call_user_list),
            )
        case InvitationReceived():
            return p.CallInvitationReceived(
                event.call_id,
                event.mode,
                event.timeout,
                event.caller,
                event.inviter,
                event.create_time,
                list(event.call_user_list),
                event.extended_data,
            )
        case InvitationCancelled():
            return p.CallInvitationCancelled(event.call_id, event.inviter, event.mode, event.extended_data)
        case CallEnded():
            return p.CallInvitationEnded(
                event.call_id,
                event.caller,
                event.operated_user_id,
                event.extended_data,
                event.mode,
                event.end_time,
            )
        case InvitationTimedOut():
            return p.CallInvitationTimeout(event.call_id, event.mode)
        case UserStatesChanged():
            return p.CallUserStateChanged(event.call_id, list(event.call_user_list))


def _can_be_a_user(user_id: str) -> bool:
    """Every well-formed ID is registered: there is no list of users, whoever has a credential is one."""
    try:
        check_user(User(user_id))
    except Refused:
        return False
    return True
