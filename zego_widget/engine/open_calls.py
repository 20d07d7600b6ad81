"""The calls that a user is asked to or takes part in, and what became of them while the hub was away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .. import protocol
from ..model import CallInfo, CallInvitationMode, CallInvitationState, CallUserInfo, CallUserState

PENDING = frozenset({CallUserState.INVITING, CallUserState.NOT_YET_RECEIVED, CallUserState.RECEIVED})
PRESENT = PENDING | {CallUserState.ACCEPTED}


@dataclass
class _OpenCall:
    """What the events of a call have told `user_id`."""

    call_id: str
    user_id: str
    caller: str
    inviter: str
    mode: CallInvitationMode
    users: dict[str, CallUserInfo]

    @property
    def pending(self) -> list[str]:
        return [user_id for user_id, user in self.users.items() if user.state in PENDING]

    @property
    def own_state(self) -> CallUserState:
        own = self.users.get(self.user_id)
        return CallUserState.UNKNOWN if own is None else own.state

    @property
    def goes_on(self) -> bool:
        if self.own_state not in PRESENT:
            return False
        return self.mode is CallInvitationMode.ADVANCED or bool(self.pending)


class OpenCalls:
    """Calls that go on, by their ID. Pure: what it returns is for the caller to tell.

    A hub that was killed takes its calls along, and one that has missed a user for too long goes on without him: nobody
    is left to say that a call does not ring any more. `compare` does.
    """

    def __init__(self) -> None:
        self._calls: dict[str, _OpenCall] = {}

    @property
    def ids(self) -> frozenset[str]:
        """Of all calls that go on, as far as is known."""
        return frozenset(self._calls)

    def told(self, event: protocol.Message, user_id: str) -> None:
        """An event about a call, to this user."""
        match event:
            case protocol.CallInvitationCreated():
                self._begin(event.call_id, user_id, event.caller, event.caller, event.mode, event.call_user_list)
            case protocol.CallInvitationReceived():
                self._begin(event.call_id, user_id, event.caller, event.inviter, event.mode, event.call_user_list)
            case protocol.CallUserStateChanged():
                self._change(event.call_id, event.call_user_list)
            case protocol.CallInvitationCancelled() | protocol.CallInvitationEnded() | protocol.CallInvitationTimeout():
                self._calls.pop(event.call_id, None)

    def answered(self, request: protocol.Message, answer: protocol.Message, user_id: str) -> None:
        """The user did something that no event tells."""
        match request, answer:
            case protocol.CallJoin(), protocol.CallJoinSent():
                caller = answer.call_user_list[0].user_id if answer.call_user_list else ""
                mode = CallInvitationMode.ADVANCED
                self._begin(answer.call_id, user_id, caller, caller, mode, answer.call_user_list)
            case protocol.CallCancel(), protocol.CallCancelSent():
                call = self._calls.get(request.call_id)
                named = set(request.invitees or (call.pending if call else ())) - set(answer.error_invitees)
                self._change(request.call_id, [CallUserInfo(each, CallUserState.CANCELLED) for each in named])
                if call is not None and not call.pending:
                    self._calls.pop(request.call_id, None)
            case ((protocol.CallReject() | protocol.CallQuit()), _):
                self._calls.pop(request.call_id, None)

    def clear(self) -> None:
        """The user is gone from here."""
        self._calls.clear()

    def compare(self, ids: Iterable[str], listed: Iterable[CallInfo], time: int) -> list[protocol.Message]:
        """What is to be told of these calls where the hub lists `listed` now; `time` is in ms since 1970."""
        found = {info.call_id: info for info in listed}
        news: list[protocol.Message] = []
        for call in [self._calls[call_id] for call_id in ids if call_id in self._calls]:
            info = found.get(call.call_id)
            if info is None:
                news.append(_lost(call, time))
                del self._calls[call.call_id]
                continue
            before = call.own_state
            self._change(call.call_id, info.call_user_list)
            if info.state is CallInvitationState.ENDED or call.own_state not in PRESENT:
                news.append(_missed(call, before, info))
                self._calls.pop(call.call_id, None)
        return news

    def _begin(
        self,
        call_id: str,
        user_id: str,
        caller: str,
        inviter: str,
        mode: CallInvitationMode,
        users: Iterable[CallUserInfo],
    ) -> None:
        known = {user.user_id: user for user in users}
        self._calls[call_id] = _OpenCall(call_id, user_id, caller, inviter, mode, known)

    def _change(self, call_id: str, users: Iterable[CallUserInfo]) -> None:
        call = self._calls.get(call_id)
        if call is not None:
            call.users |= {user.user_id: user for user in users}
            if not call.goes_on:
                del self._calls[call_id]


def _lost(call: _OpenCall, time: int) -> protocol.Message:
    """No hub knows the call any more."""
    if call.mode is CallInvitationMode.ADVANCED:
        return protocol.CallInvitationEnded(call.call_id, call.caller, "", "", call.mode, time)
    if call.own_state in PENDING:
        return protocol.CallInvitationCancelled(call.call_id, call.inviter, call.mode, "")
    cancelled = [CallUserInfo(each, CallUserState.CANCELLED) for each in call.pending]
    return protocol.CallUserStateChanged(call.call_id, cancelled)


def _missed(call: _OpenCall, before: CallUserState, info: CallInfo) -> protocol.Message:
    """The call is over, or we are not in it any more."""
    if before in PENDING and call.own_state is CallUserState.TIMEOUT:
        return protocol.CallInvitationTimeout(call.call_id, call.mode)
    if before in PENDING and call.own_state is CallUserState.CANCELLED:
        return protocol.CallInvitationCancelled(call.call_id, call.inviter, call.mode, "")
    if call.mode is CallInvitationMode.ADVANCED and info.state is CallInvitationState.ENDED:
        return protocol.CallInvitationEnded(call.call_id, call.caller, "", "", call.mode, info.end_time)
    return protocol.CallUserStateChanged(call.call_id, list(info.call_user_list))
