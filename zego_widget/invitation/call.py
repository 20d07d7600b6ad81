"""One call: its users, what becomes of each, and who is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass

from ..model import CallInfo, CallInvitationMode, CallInvitationState, CallUserInfo, CallUserState
from .events import CallEnded, Event, InvitationCancelled, InvitationReceived, InvitationTimedOut, UserStatesChanged
from .states import PENDING, PRESENT, CallRole, CallUserEvent, allows, next_state


@dataclass(slots=True)
class CallUser:
    """A user in a call. `invited_at` is the time that the invitation's timeout counts from."""

    user_id: str
    role: CallRole
    inviter: str
    state: CallUserState
    invited_at: float
    invitation_data: str = ""
    extended_data: str = ""
    accept_time: int = 0

    @property
    def info(self) -> CallUserInfo:
        return CallUserInfo(self.user_id, self.state, self.extended_data)


class Call:
    """The users of one call, in the order they came; only those in `online` are told anything."""

    def __init__(
        self,
        call_id: str,
        number: int,
        caller: str,
        mode: CallInvitationMode,
        timeout: int,
        extended_data: str,
        create_time: int,
        online: Set[str],
        *,
        checks_receipt: bool,
    ) -> None:
        self.call_id = call_id
        self.number = number
        self.caller = caller
        self.mode = mode
        self.timeout = timeout
        self.extended_data = extended_data
        self.create_time = create_time
        self.checks_receipt = checks_receipt
        self.end_time = 0
        self.was_accepted = False
        """Somebody besides the caller has accepted or joined."""
        self.users: dict[str, CallUser] = {}
        self._online = online

    # -- queries --------------------------------------------------------------------------------------------

    @property
    def state(self) -> CallInvitationState:
        return CallInvitationState.ENDED if self.end_time else CallInvitationState.STARTED

    @property
    def infos(self) -> tuple[CallUserInfo, ...]:
        """All users, those who left included."""
        return tuple(user.info for user in self.users.values())

    @property
    def present(self) -> list[CallUser]:
        """Users who are invited or have accepted."""
        return [user for user in self.users.values() if user.state in PRESENT]

    @property
    def pending(self) -> list[CallUser]:
        """Users who have not answered yet."""
        return [user for user in self.users.values() if user.state in PENDING]

    @property
    def accepted(self) -> list[CallUser]:
        """Users who are in the call, talking."""
        return [user for user in self.users.values() if user.state is CallUserState.ACCEPTED]

    def info(self, user_id: str) -> CallInfo:
        """The call as one of its users sees it."""
        return CallInfo(
            self.call_id,
            self.caller,
            self.users[user_id].inviter,
            self.create_time,
            self.end_time,
            self.state,
            self.mode,
            self.extended_data,
            self.infos,
        )

    def allows(self, user: CallUser, event: CallUserEvent) -> bool:
        """Whether the event may happen to the user now."""
        return allows(self.mode, user.role, user.state, event)

    # -- changes --------------------------------------------------------------------------------------------

    def change(self, user: CallUser, event: CallUserEvent) -> None:
        """The one place where the state of a user changes; raises `ImpossibleEvent`."""
        user.state = next_state(self.mode, user.role, user.state, event)
        if user.state is CallUserState.ACCEPTED:
            self.was_accepted = True

    def enter(self, user_id: str, role: CallRole, inviter: str, now: float, time: int) -> CallUser:
        """A newcomer who has accepted by coming: the caller, or one who joins."""
        user = CallUser(user_id, role, inviter, CallUserState.ACCEPTED, now, accept_time=time)
        self.users[user_id] = user
        self.was_accepted = self.was_accepted or role is not CallRole.CALLER
        return user

    def invite(self, user_id: str, inviter: str, extended_data: str, now: float) -> CallUser:
        """Invite a newcomer, or one who left, back."""
        user = self.users.get(user_id)
        if user is None:
            user = CallUser(user_id, CallRole.INVITEE, inviter, CallUserState.INVITING, now)
            self.users[user_id] = user
        else:
            self.change(user, CallUserEvent.INVITE)
            user.role, user.inviter, user.invited_at = CallRole.INVITEE, inviter, now
            user.extended_data, user.accept_time = "", 0
        user.invitation_data = extended_data or self.extended_data
        return user

    def deliver(self, users: Iterable[CallUser]) -> list[Event]:
        """The invitation reaches those who are online; the others are told of those it had not reached before."""
        reached = [user for user in users if user.user_id in self._online]
        news = [user for user in reached if user.state is not CallUserState.RECEIVED]
        for user in reached:
            self.change(user, CallUserEvent.DELIVER)
        received: list[Event] = [
            InvitationReceived(
                user.user_id,
                self.call_id,
                self.mode,
                self.timeout,
                self.caller,
                user.inviter,
                self.create_time,
                self.infos,
                user.invitation_data,
            )
            for user in reached
        ]
        return received + self.tell(news, besides={user.user_id for user in reached})

    def cancel(self, users: Iterable[CallUser], extended_data: str) -> list[Event]:
        """Take invitations back; each invitee hears it, the others by `tell`."""
        cancelled = list(users)
        for user in cancelled:
            self.change(user, CallUserEvent.CANCEL)
        return [
            InvitationCancelled(user.user_id, self.call_id, user.inviter, self.mode, extended_data)
            for user in self._reachable(cancelled)
        ]

    def time_out(self, users: Collection[CallUser]) -> list[Event]:
        """Invitations ran out; each invitee hears it, the others by `tell`."""
        for user in users:
            self.change(user, CallUserEvent.TIME_OUT)
        return [InvitationTimedOut(user.user_id, self.call_id, self.mode) for user in self._reachable(users)]

    def end(self, operated_user_id: str, extended_data: str, end_time: int) -> list[Event]:
        """End the call for everyone in it."""
        ending = self.present
        for user in ending:
            self.change(user, CallUserEvent.END)
        return [
            CallEnded(user.user_id, self.call_id, self.caller, operated_user_id, extended_data, self.mode, end_time)
            for user in self._reachable(ending)
        ]

    def tell(self, changed: Collection[CallUser], besides: Collection[str] = ()) -> list[Event]:
        """Everyone in the call hears what became of some of its users."""
        if not changed:
            return []
        infos = tuple(user.info for user in changed)
        return [
            UserStatesChanged(user.user_id, self.call_id, infos)
            for user in self._reachable(self.present)
            if user.user_id not in besides
        ]

    def _reachable(self, users: Iterable[CallUser]) -> Iterator[CallUser]:
        return (user for user in users if user.user_id in self._online)
