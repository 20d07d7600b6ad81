"""The verbs of call invitation."""

from __future__ import annotations

from collections.abc import Sequence

from .. import protocol
from ..model import CallInvitationMode, User
from .invitations import (
    CallAnswerSentResult,
    CallCancelSentResult,
    CallEndSentResult,
    CallingInvitationSentResult,
    CallInvitationListResult,
    CallInvitationSentResult,
    CallJoinSentResult,
    CallQuitSentResult,
)
from .operation import Operation
from .parts import Verbs
from .profile import member


class CallVerbs(Verbs):
    """Calling users who are signed in, or in any room. `extended_data` has at most 1024 bytes and is the users' own.

    Fail with 1000002 while neither signed in nor in a room, and with 6000270 to 6000286.
    """

    def sign_in(self, user: User, token: str = "") -> Operation[None]:
        """Be there for calls without a room (ZIM login); fails as `login_room` for a user or token that cannot be."""
        return self._parts.core.verb("sign_in", self._parts.invitations.sign_in(user, token))

    def sign_out(self) -> Operation[None]:
        """Be there no more, unless in a room (ZIM logout)."""
        return self._parts.core.verb("sign_out", self._parts.invitations.sign_out())

    def call_invite(
        self,
        invitees: Sequence[str],
        timeout: int = 90,
        mode: CallInvitationMode = CallInvitationMode.GENERAL,
        extended_data: str = "",
        enable_not_received_check: bool = False,
    ) -> Operation[CallInvitationSentResult]:
        """Call 1 to 9 users, who have `timeout` seconds (1 to 600) for the answer (ZIM callInvite)."""
        message = protocol.CallInvite(
            0, list(invitees), timeout, member(CallInvitationMode, mode), extended_data, enable_not_received_check
        )
        return self._parts.core.verb("call_invite", self._parts.invitations.ask(message, CallInvitationSentResult))

    def call_cancel(
        self, call_id: str, invitees: Sequence[str] = (), extended_data: str = ""
    ) -> Operation[CallCancelSentResult]:
        """Take invitations back before anyone accepts; none named is all (ZIM callCancel)."""
        message = protocol.CallCancel(0, call_id, list(invitees), extended_data)
        return self._parts.core.verb("call_cancel", self._parts.invitations.ask(message, CallCancelSentResult))

    def call_accept(self, call_id: str, extended_data: str = "") -> Operation[CallAnswerSentResult]:
        """Take a call (ZIM callAccept)."""
        message = protocol.CallAccept(0, call_id, extended_data)
        work = self._parts.invitations.answer(message, protocol.CallAcceptanceSent)
        return self._parts.core.verb("call_accept", work)

    def call_reject(self, call_id: str, extended_data: str = "") -> Operation[CallAnswerSentResult]:
        """Do not take a call (ZIM callReject)."""
        message = protocol.CallReject(0, call_id, extended_data)
        work = self._parts.invitations.answer(message, protocol.CallRejectionSent)
        return self._parts.core.verb("call_reject", work)

    def calling_invite(
        self, invitees: Sequence[str], call_id: str, extended_data: str = ""
    ) -> Operation[CallingInvitationSentResult]:
        """Ask more users into an advanced call (ZIM callingInvite)."""
        message = protocol.CallingInvite(0, call_id, list(invitees), extended_data)
        work = self._parts.invitations.ask(message, CallingInvitationSentResult)
        return self._parts.core.verb("calling_invite", work)

    def call_join(self, call_id: str, extended_data: str = "") -> Operation[CallJoinSentResult]:
        """Come into an advanced call, invited or not (ZIM callJoin)."""
        message = protocol.CallJoin(0, call_id, extended_data)
        return self._parts.core.verb("call_join", self._parts.invitations.ask(message, CallJoinSentResult))

    def call_quit(self, call_id: str, extended_data: str = "") -> Operation[CallQuitSentResult]:
        """Leave an advanced call (ZIM callQuit)."""
        message = protocol.CallQuit(0, call_id, extended_data)
        return self._parts.core.verb("call_quit", self._parts.invitations.ask(message, CallQuitSentResult))

    def call_end(self, call_id: str, extended_data: str = "") -> Operation[CallEndSentResult]:
        """End an advanced call for everyone (ZIM callEnd)."""
        message = protocol.CallEnd(0, call_id, extended_data)
        return self._parts.core.verb("call_end", self._parts.invitations.ask(message, CallEndSentResult))

    def query_call_invitation_list(self, count: int = 100, next_flag: int = 0) -> Operation[CallInvitationListResult]:
        """My calls, newest first, at most 100 at once (ZIM queryCallInvitationList); 0 begins."""
        message = protocol.QueryCallInvitationList(0, count, next_flag)
        work = self._parts.invitations.ask(message, CallInvitationListResult)
        return self._parts.core.verb("query_call_invitation_list", work)
