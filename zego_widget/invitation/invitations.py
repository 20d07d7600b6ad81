"""All calls of one hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import ErrorCode, InvalidArgument, Refused
from ..model import CallInfo, CallInvitationMode, CallUserState, ErrorUserInfo
from .call import Call, CallUser
from .events import CallCreated, Event, UserStatesChanged
from .results import Cancelled, Joined, Left, Sent
from .states import PENDING, PRESENT, CallRole, CallUserEvent

MAX_INVITEES = 9
"""Invitees of one request (6000272 beyond)."""
MAX_USERS = 10
"""Users who are invited to a call or have accepted, caller included (6000272 beyond)."""
MAX_KNOWN_USERS = 30
"""Users a call remembers, those who left included."""
MAX_OPEN_CALLS = 10
"""Calls of one caller that go on at a time."""
MAX_WAITING = 32
"""Invitations that may wait for the answer of one user; nobody else can ring then."""
MAX_TIMEOUT = 600
DEFAULT_TIMEOUT = 90
MAX_EXTENDED_DATA = 1024
"""Bytes of UTF-8."""
MAX_PAGE = 100
_MAX_PAGE_BYTES = 512 * 1024
NOT_RECEIVED_AFTER = 5.0
"""Seconds after which an invitation counts as not yet received."""


class Invitations:
    """Who calls whom (ZIM call invitation, ZEGO.md section 8).

    Users are named by their ID; one who is online can act and is told of what happens, one who is offline can be
    invited. Every method that changes something returns the events for everyone concerned, in order. `now` is any
    clock in seconds that never goes back; `unix_offset` added to it gives the time since 1970. A refusal is `Refused`
    with ZIM's code, and changes nothing. Ended calls can be queried for `keep_ended_for` seconds, and `keep_ended` of
    them at most. A call ID lets any user join an advanced call, so `new_call_id` should give what nobody can guess.
    """

    def __init__(
        self,
        new_call_id: Callable[[], str],
        *,
        is_registered: Callable[[str], bool] = lambda user_id: True,
        unix_offset: float = 0.0,
        keep_ended_for: float = 3600.0,
        keep_ended: int = 1000,
    ) -> None:
        self._new_call_id = new_call_id
        self._is_registered = is_registered
        self._unix_offset = unix_offset
        self._keep_ended_for = keep_ended_for
        self._keep_ended = keep_ended
        self._online: set[str] = set()
        self._calls_created = 0
        self._live: dict[str, Call] = {}
        # In the order they ended, with the time.
        self._ended: dict[str, tuple[Call, float]] = {}
        # Every call that knows the user, by its number.
        self._calls_of: dict[str, dict[int, Call]] = {}

    # -- who is there ---------------------------------------------------------------------------------------

    def online(self, user_id: str) -> list[Event]:
        """A user came, or came from somewhere else: waiting invitations are delivered, calls in progress are told."""
        self._online.add(user_id)
        events: list[Event] = []
        for call in self._live_calls_of(user_id):
            user = call.users[user_id]
            if user.state in PENDING:
                events += call.deliver([user])
            elif user.state is CallUserState.ACCEPTED:
                events.append(UserStatesChanged(user_id, call.call_id, call.infos))
        return events

    def offline(self, user_id: str, now: float) -> list[Event]:
        """A user went: calls that nobody accepted are cancelled, advanced calls are left, invitations wait."""
        self._online.discard(user_id)
        events: list[Event] = []
        for call in self._live_calls_of(user_id):
            user = call.users[user_id]
            if user.state is not CallUserState.ACCEPTED:
                continue
            if not call.was_accepted:
                events += self._cancel_all(call, "", now)
            elif call.mode is CallInvitationMode.ADVANCED:
                events += self._quit(call, user, now)
        return events

    # -- inviting -------------------------------------------------------------------------------------------

    def invite(
        self,
        user_id: str,
        invitees: Sequence[str],
        now: float,
        *,
        timeout: int = DEFAULT_TIMEOUT,
        mode: CallInvitationMode = CallInvitationMode.GENERAL,
        extended_data: str = "",
        enable_not_received_check: bool = False,
    ) -> Sent:
        """Call up to `MAX_INVITEES` users (ZIM callInvite); the caller is in the call at once."""
        self._check(user_id, extended_data)
        if not 1 <= timeout <= MAX_TIMEOUT:
            raise InvalidArgument(f"The timeout must be 1 to {MAX_TIMEOUT} s.", ErrorCode.COMMON_ILLEGAL_PARAM)
        if sum(call.caller == user_id for call in self._live_calls_of(user_id)) >= MAX_OPEN_CALLS:
            raise Refused(
                f"{user_id} has {MAX_OPEN_CALLS} calls open already; end one first.", ErrorCode.CALL_INVITATION_FAILED
            )
        wanted, errors = self._sort(invitees, {user_id})
        call_id = self._new_call_id()
        if call_id in self._live or call_id in self._ended:
            raise Refused("A call with this ID exists already.", ErrorCode.CALL_INVITATION_CALL_EXISTS)
        self._calls_created += 1
        time = self._time(now)
        call = Call(
            call_id,
            self._calls_created,
            user_id,
            mode,
            timeout,
            extended_data,
            time,
            self._online,
            checks_receipt=enable_not_received_check,
        )
        self._live[call_id] = call
        call.enter(user_id, CallRole.CALLER, user_id, now, time)
        invited = [call.invite(invitee, user_id, "", now) for invitee in wanted]
        for known in call.users:
            self._remember(known, call)
        created = CallCreated(user_id, call_id, mode, user_id, extended_data, timeout, time, call.infos)
        return Sent(call_id, timeout, errors, (created, *call.deliver(invited)))

    def calling_invite(
        self, user_id: str, call_id: str, invitees: Sequence[str], now: float, extended_data: str = ""
    ) -> Sent:
        """Ask more users into an advanced call (ZIM callingInvite); without data of its own they get the call's."""
        self._check(user_id, extended_data)
        call = self._advanced(call_id)
        self._talking(call, user_id)
        wanted, errors = self._sort(invitees, {user.user_id for user in call.present})
        self._check_places(call, len(wanted))
        before = {user.user_id for user in call.present}
        invited = [call.invite(invitee, user_id, extended_data, now) for invitee in wanted]
        for invitee in wanted:
            self._remember(invitee, call)
        # Invitees learn everything from the invitation itself.
        told = [event for event in call.tell(invited) if event.user_id in before]
        return Sent(call_id, call.timeout, errors, (*told, *call.deliver(invited)))

    def cancel(
        self, user_id: str, call_id: str, invitees: Sequence[str], now: float, extended_data: str = ""
    ) -> Cancelled:
        """Take invitations back before anyone has accepted (ZIM callCancel); none named means all.

        The call is over when nobody is left to answer.
        """
        self._check(user_id, extended_data)
        _check_count(invitees)
        call = self._call(call_id)
        if call.caller != user_id:
            raise Refused("Only the caller can cancel a call.", ErrorCode.CALL_INVITATION_NOT_INVITER)
        if call.was_accepted:
            raise Refused("The call was accepted already.", ErrorCode.CALL_INVITATION_ALREADY_ACCEPTED)
        if not invitees:
            return Cancelled((), tuple(self._cancel_all(call, extended_data, now)))
        pending = {user.user_id: user for user in call.pending}
        named = dict.fromkeys(invitees)
        errors = tuple(invitee for invitee in named if invitee not in pending)
        chosen = [pending[invitee] for invitee in named if invitee in pending]
        if chosen and len(chosen) == len(pending):
            return Cancelled(errors, tuple(self._cancel_all(call, extended_data, now)))
        events = call.cancel(chosen, extended_data)
        return Cancelled(errors, (*events, *call.tell(chosen)))

    # -- answering ------------------------------------------------------------------------------------------

    def accept(self, user_id: str, call_id: str, now: float, extended_data: str = "") -> list[Event]:
        """Take the call (ZIM callAccept)."""
        return self._answer(user_id, call_id, CallUserEvent.ACCEPT, now, extended_data)

    def reject(self, user_id: str, call_id: str, now: float, extended_data: str = "") -> list[Event]:
        """Do not take the call (ZIM callReject)."""
        return self._answer(user_id, call_id, CallUserEvent.REJECT, now, extended_data)

    # -- during an advanced call ----------------------------------------------------------------------------

    def join(self, user_id: str, call_id: str, now: float, extended_data: str = "") -> Joined:
        """Come into an advanced call, invited or not (ZIM callJoin)."""
        self._check(user_id, extended_data)
        call = self._advanced(call_id)
        time = self._time(now)
        user = call.users.get(user_id)
        if user is not None and user.state is CallUserState.ACCEPTED:
            raise Refused(f"{user_id} is in this call already.", ErrorCode.CALL_INVITATION_ALREADY_IN_CALL)
        if user is None or user.state not in PRESENT:
            self._check_places(call, 1)
        if user is None:
            user = call.enter(user_id, CallRole.INVITEE, call.caller, now, time)
        else:
            call.change(user, CallUserEvent.JOIN)
            user.accept_time = time
        user.extended_data = extended_data
        self._remember(user_id, call)
        return Joined(call.create_time, time, call.extended_data, call.infos, tuple(call.tell([user])))

    def quit(self, user_id: str, call_id: str, now: float, extended_data: str = "") -> Left:
        """Leave an advanced call (ZIM callQuit); it ends with the last who talks."""
        self._check(user_id, extended_data)
        call = self._advanced(call_id)
        user = self._talking(call, user_id)
        user.extended_data = extended_data
        events = self._quit(call, user, now)
        return Left(call.create_time, user.accept_time, self._time(now), tuple(events))

    def end(self, user_id: str, call_id: str, now: float, extended_data: str = "") -> Left:
        """End an advanced call for everyone (ZIM callEnd)."""
        self._check(user_id, extended_data)
        call = self._advanced(call_id)
        user = self._talking(call, user_id)
        user.extended_data = extended_data
        events = self._end_all(call, user_id, extended_data, now)
        return Left(call.create_time, user.accept_time, self._time(now), tuple(events))

    # -- time -----------------------------------------------------------------------------------------------

    def expire(self, now: float) -> list[Event]:
        """Invitations run out or count as not received; calls that ended long ago are forgotten."""
        events: list[Event] = []
        for call in list(self._live.values()):
            late = [user for user in call.pending if now - user.invited_at >= call.timeout]
            events += call.time_out(late)
            missed = [
                user
                for user in call.pending
                if call.checks_receipt
                and call.allows(user, CallUserEvent.MISS)
                and now - user.invited_at >= NOT_RECEIVED_AFTER
            ]
            for user in missed:
                call.change(user, CallUserEvent.MISS)
            events += call.tell(late + missed)
            self._settle(call, now)
        for call, ended_at in list(self._ended.values()):
            if now - ended_at < self._keep_ended_for:
                break
            self._forget(call)
        return events

    # -- queries --------------------------------------------------------------------------------------------

    def query(self, user_id: str, count: int, next_flag: int = 0) -> tuple[list[CallInfo], int]:
        """Calls of a user, newest first, and the flag that gives the next page; flag 0 begins, and says the end.

        `count` is 1 to 100; a page may be shorter where the calls carry much data.
        """
        self._check(user_id, "")
        if not 1 <= count <= MAX_PAGE:
            raise InvalidArgument(f"A page has 1 to {MAX_PAGE} calls.", ErrorCode.COMMON_ILLEGAL_PARAM)
        calls = self._calls_of.get(user_id, {})
        numbers = sorted((number for number in calls if not next_flag or number < next_flag), reverse=True)
        page: list[CallInfo] = []
        size = 0
        for number in numbers[:count]:
            info = calls[number].info(user_id)
            size += _size(info)
            if page and size > _MAX_PAGE_BYTES:
                break
            page.append(info)
        return page, numbers[len(page) - 1] if len(page) < len(numbers) else 0

    @property
    def live_call_ids(self) -> tuple[str, ...]:
        """Calls that go on, oldest first."""
        return tuple(self._live)

    @property
    def ended_call_ids(self) -> tuple[str, ...]:
        """Calls that are over and still known, in the order they ended."""
        return tuple(self._ended)

    # -- inside: checks -------------------------------------------------------------------------------------

    def _check(self, user_id: str, extended_data: str) -> None:
        if user_id not in self._online:
            raise Refused("Sign in, or log in to a room, first.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
        size = len(extended_data.encode("utf-8", "surrogatepass"))
        if size > MAX_EXTENDED_DATA:
            raise InvalidArgument(
                f"The extended data have {size} bytes; at most {MAX_EXTENDED_DATA} are allowed.",
                ErrorCode.COMMON_ILLEGAL_PARAM,
            )

    def _sort(self, invitees: Sequence[str], present: set[str]) -> tuple[list[str], tuple[ErrorUserInfo, ...]]:
        """Whom to invite, each once, and who cannot be; raises where nobody is left."""
        _check_count(invitees)
        wanted: list[str] = []
        errors: list[ErrorUserInfo] = []
        for invitee in dict.fromkeys(invitees):
            if invitee in present:
                errors.append(ErrorUserInfo(invitee, ErrorCode.CALL_INVITATION_ALREADY_IN_CALL))
            elif not self._is_registered(invitee):
                errors.append(ErrorUserInfo(invitee, ErrorCode.CALL_INVITATION_NO_INVITEE_REGISTERED))
            elif self._waiting(invitee) >= MAX_WAITING:
                errors.append(ErrorUserInfo(invitee, ErrorCode.CALL_INVITATION_FAILED))
            else:
                wanted.append(invitee)
        if wanted:
            return wanted, tuple(errors)
        unregistered = ErrorCode.CALL_INVITATION_NO_INVITEE_REGISTERED
        if not errors or any(error.reason == unregistered for error in errors):
            raise Refused("Nobody named is a user of this hub who can be invited.", unregistered)
        raise Refused(
            "Everyone named is in the call already, or has too many calls to answer.", ErrorCode.CALL_INVITATION_FAILED
        )

    def _waiting(self, user_id: str) -> int:
        return sum(call.users[user_id].state in PENDING for call in self._live_calls_of(user_id))

    def _call(self, call_id: str) -> Call:
        call = self._live.get(call_id)
        if call is None:
            raise Refused("There is no such call, or it is over.", ErrorCode.CALL_INVITATION_CALL_MISSING)
        return call

    def _advanced(self, call_id: str) -> Call:
        call = self._call(call_id)
        if call.mode is not CallInvitationMode.ADVANCED:
            raise Refused("This needs a call in advanced mode.", ErrorCode.CALL_INVITATION_WRONG_MODE)
        return call

    def _talking(self, call: Call, user_id: str) -> CallUser:
        user = call.users.get(user_id)
        if user is None:
            raise Refused(f"{user_id} is not in this call.", ErrorCode.CALL_INVITATION_NOT_INVITEE)
        if user.state is not CallUserState.ACCEPTED:
            raise Refused(
                f"{user_id} has not accepted this call (state {user.state.name}).", ErrorCode.CALL_INVITATION_FAILED
            )
        return user

    def _check_places(self, call: Call, wanted: int) -> None:
        free = MAX_USERS - len(call.present)
        if wanted > free:
            raise Refused(
                f"A call has {MAX_USERS} users at most; there is room for {free} more.",
                ErrorCode.CALL_INVITATION_TOO_MANY_INVITEES,
            )

    # -- inside: changes ------------------------------------------------------------------------------------

    def _answer(self, user_id: str, call_id: str, event: CallUserEvent, now: float, extended_data: str) -> list[Event]:
        self._check(user_id, extended_data)
        call = self._call(call_id)
        user = call.users.get(user_id)
        if user is None or user.role is CallRole.CALLER:
            raise Refused(f"{user_id} is not invited to this call.", ErrorCode.CALL_INVITATION_NOT_INVITEE)
        if user.state is CallUserState.TIMEOUT:
            raise Refused("The invitation has run out.", ErrorCode.CALL_INVITATION_CALL_MISSING)
        if not call.allows(user, event):
            raise Refused(
                f"{user_id} has nothing to answer in this call (state {user.state.name}).",
                ErrorCode.CALL_INVITATION_FAILED,
            )
        call.change(user, event)
        user.extended_data = extended_data
        if event is CallUserEvent.ACCEPT:
            user.accept_time = self._time(now)
        events = call.tell([user])
        self._settle(call, now)
        return events

    def _quit(self, call: Call, user: CallUser, now: float) -> list[Event]:
        """One of those who talk leaves; with the last of them the call is over."""
        call.change(user, CallUserEvent.QUIT)
        if call.accepted:
            return call.tell([user])
        if call.was_accepted:
            return self._end_all(call, user.user_id, user.extended_data, now)
        return self._cancel_all(call, user.extended_data, now)

    def _end_all(self, call: Call, user_id: str, extended_data: str, now: float) -> list[Event]:
        events = call.end(user_id, extended_data, self._time(now))
        self._finish(call, now)
        return events

    def _cancel_all(self, call: Call, extended_data: str, now: float) -> list[Event]:
        events = call.cancel(call.pending, extended_data)
        for user in call.accepted:  # the caller, unless that is who left
            call.change(user, CallUserEvent.CANCEL)
        self._finish(call, now)
        return events

    def _settle(self, call: Call, now: float) -> None:
        """A general call is over with the last answer."""
        if call.mode is CallInvitationMode.GENERAL and not call.pending:
            self._finish(call, now)

    def _finish(self, call: Call, now: float) -> None:
        """The one way from going on to over."""
        call.end_time = self._time(now)
        del self._live[call.call_id]
        self._ended[call.call_id] = (call, now)
        while len(self._ended) > self._keep_ended:
            oldest, _ = next(iter(self._ended.values()))
            self._forget(oldest)

    def _forget(self, call: Call) -> None:
        del self._ended[call.call_id]
        for user_id in call.users:
            self._unlist(user_id, call)

    def _remember(self, user_id: str, call: Call) -> None:
        """A user came into a call; when it knows too many, one who left gives way."""
        self._calls_of.setdefault(user_id, {})[call.number] = call
        if len(call.users) > MAX_KNOWN_USERS:
            gone = next(user.user_id for user in call.users.values() if user.state not in PRESENT)
            del call.users[gone]
            self._unlist(gone, call)

    def _unlist(self, user_id: str, call: Call) -> None:
        calls = self._calls_of[user_id]
        del calls[call.number]
        if not calls:
            del self._calls_of[user_id]

    def _live_calls_of(self, user_id: str) -> list[Call]:
        return [call for call in self._calls_of.get(user_id, {}).values() if not call.end_time]

    def _time(self, now: float) -> int:
        """Milliseconds since 1970; at least 1, since 0 says that something has not happened."""
        return max(1, round((now + self._unix_offset) * 1000))


def _check_count(invitees: Sequence[str]) -> None:
    if len(invitees) > MAX_INVITEES:
        raise Refused(
            f"At most {MAX_INVITEES} invitees can be named at once, not {len(invitees)}.",
            ErrorCode.CALL_INVITATION_TOO_MANY_INVITEES,
        )


def _size(info: CallInfo) -> int:
    """An upper bound of its bytes as JSON, where a control character takes six."""
    texts = [info.extended_data, *(user.extended_data for user in info.call_user_list)]
    return 512 + sum(160 + 6 * len(text) for text in texts)
