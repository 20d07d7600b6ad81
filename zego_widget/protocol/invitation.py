"""Call invitation (ZEGO.md section 8): signing in to the hub, and calling users who have.

A user who signed in, or logged in to any room, can call and be called until the link ends, `SignOut`, or the same
user signs in elsewhere (`SignedOut`). Leaving a room does not end it. Everything here is between the clients and the
hub; pages are not told.

A call in general mode, alice calling bob, who is not there yet:

    alice -> CallInvite                   <- CallInvitationSent, CallInvitationCreated (bob INVITING)
                                          <- CallUserStateChanged (bob NOT_YET_RECEIVED), if asked for, after 5 s
    bob   -> SignIn                       <- Done, CallInvitationReceived
    alice                                 <- CallUserStateChanged (bob RECEIVED)
    bob   -> CallAccept                   <- CallAcceptanceSent, CallUserStateChanged (bob ACCEPTED)
    alice                                 <- CallUserStateChanged (bob ACCEPTED); all have answered: the call is over

    or    bob -> CallReject               <- CallRejectionSent;     alice <- CallUserStateChanged (bob REJECTED)
    or    alice -> CallCancel             <- CallCancelSent;        bob <- CallInvitationCancelled
    or    alice signs out or is lost                                bob <- CallInvitationCancelled
    or    the time runs out               bob <- CallInvitationTimeout; alice <- CallUserStateChanged (bob TIMEOUT)

A call in advanced mode goes on after the answers:

    bob   -> CallingInvite                <- CallingInvitationSent; all: CallUserStateChanged; carol: as above
    dave  -> CallJoin                     <- CallJoinSent;          all: CallUserStateChanged (dave ACCEPTED)
    dave  -> CallQuit                     <- CallQuitSent;          all: CallUserStateChanged (dave QUIT)
    alice -> CallEnd                      <- CallEndSent;           all: CallInvitationEnded

"All" are those who are online and invited or accepted, the one who acted included while that is so. Someone who is
lost has quit. The last one who quits ends the call: `CallInvitationEnded`, or `CallInvitationCancelled` where nobody
had accepted. Whoever signs in again is told `CallInvitationReceived` of what still waits for an answer, and
`CallUserStateChanged` with all users of each call that goes on. An answer to a request comes before its events.
All times are ms since 1970.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..model import CallInfo, CallInvitationMode, CallUserInfo, ErrorUserInfo, User
from .auth import Credential
from .base import Message, RequestId

NamedUser = Annotated[str, msgspec.Meta(max_length=256)]
"""A user ID as somebody typed it; whether it can be one is said in the answer."""

# -- client -> hub -----------------------------------------------------------------------------------------------


class SignIn(Message, frozen=True):
    """Be there for calls, without a room (ZIM login). Answered by `Done`."""

    request_id: RequestId
    user: User
    credential: Credential = Credential()


class SignOut(Message, frozen=True):
    """Be there no more (ZIM logout); not while in a room. Answered by `Done`."""

    request_id: RequestId


class CallInvite(Message, frozen=True):
    """Call 1 to 9 users (ZIM callInvite). Answered by `CallInvitationSent`."""

    request_id: RequestId
    invitees: list[NamedUser]
    timeout: int = 90
    """Seconds an invitee has for the answer, 1 to 600."""
    mode: CallInvitationMode = CallInvitationMode.GENERAL
    extended_data: str = ""
    """At most 1024 bytes, as everywhere here."""
    enable_not_received_check: bool = False
    """Tell of invitees who have not received the invitation after 5 s."""


class CallCancel(Message, frozen=True):
    """Take invitations back before anyone accepts; none named is all (ZIM callCancel). Answered by `CallCancelSent`."""

    request_id: RequestId
    call_id: str
    invitees: list[NamedUser] = []  # noqa: RUF012 - msgspec copies it
    extended_data: str = ""


class CallAccept(Message, frozen=True):
    """Take a call (ZIM callAccept). Answered by `CallAcceptanceSent`."""

    request_id: RequestId
    call_id: str
    extended_data: str = ""


class CallReject(Message, frozen=True):
    """Do not take a call (ZIM callReject). Answered by `CallRejectionSent`."""

    request_id: RequestId
    call_id: str
    extended_data: str = ""


class CallingInvite(Message, frozen=True):
    """Ask 1 to 9 users into an advanced call (ZIM callingInvite). Answered by `CallingInvitationSent`."""

    request_id: RequestId
    call_id: str
    invitees: list[NamedUser]
    extended_data: str = ""
    """For these invitees; empty is the call's."""


class CallJoin(Message, frozen=True):
    """Come into an advanced call, invited or not (ZIM callJoin). Answered by `CallJoinSent`."""

    request_id: RequestId
    call_id: str
    extended_data: str = ""


class CallQuit(Message, frozen=True):
    """Leave an advanced call (ZIM callQuit). Answered by `CallQuitSent`."""

    request_id: RequestId
    call_id: str
    extended_data: str = ""


class CallEnd(Message, frozen=True):
    """End an advanced call for everyone (ZIM callEnd). Answered by `CallEndSent`."""

    request_id: RequestId
    call_id: str
    extended_data: str = ""


class QueryCallInvitationList(Message, frozen=True):
    """My calls, newest first (ZIM queryCallInvitationList). Answered by `CallInvitationList`."""

    request_id: RequestId
    count: int = 100
    """1 to 100."""
    next_flag: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] = 0
    """0 begins; else that of the answer before."""


# -- hub -> client: answers --------------------------------------------------------------------------------------


class CallInvitationSent(Message, frozen=True):
    """Answers `CallInvite`; `error_user_list` are those who were not invited."""

    request_id: RequestId
    call_id: str
    timeout: int
    error_user_list: list[ErrorUserInfo]


class CallCancelSent(Message, frozen=True):
    """Answers `CallCancel`; `error_invitees` are those who had nothing to cancel."""

    request_id: RequestId
    call_id: str
    error_invitees: list[str]


class CallAcceptanceSent(Message, frozen=True):
    """Answers `CallAccept`."""

    request_id: RequestId
    call_id: str


class CallRejectionSent(Message, frozen=True):
    """Answers `CallReject`."""

    request_id: RequestId
    call_id: str


class CallingInvitationSent(Message, frozen=True):
    """Answers `CallingInvite`; `error_user_list` are those who were not invited."""

    request_id: RequestId
    call_id: str
    error_user_list: list[ErrorUserInfo]


class CallJoinSent(Message, frozen=True):
    """Answers `CallJoin`; `extended_data` is the call's."""

    request_id: RequestId
    call_id: str
    create_time: int
    join_time: int
    extended_data: str
    call_user_list: list[CallUserInfo]


class CallQuitSent(Message, frozen=True):
    """Answers `CallQuit`."""

    request_id: RequestId
    call_id: str
    create_time: int
    accept_time: int
    quit_time: int


class CallEndSent(Message, frozen=True):
    """Answers `CallEnd`."""

    request_id: RequestId
    call_id: str
    create_time: int
    accept_time: int
    end_time: int


class CallInvitationList(Message, frozen=True):
    """Answers `QueryCallInvitationList`; `next_flag` 0 says that there are no more."""

    request_id: RequestId
    call_list: list[CallInfo]
    next_flag: int


# -- hub -> client: events ---------------------------------------------------------------------------------------


class SignedOut(Message, frozen=True):
    """This session can no longer be called: its user is somewhere else now."""

    user_id: str
    error_code: int
    message: str


class CallInvitationCreated(Message, frozen=True):
    """To the caller: the call is there (ZIM callInvitationCreated)."""

    call_id: str
    mode: CallInvitationMode
    caller: str
    extended_data: str
    timeout: int
    create_time: int
    call_user_list: list[CallUserInfo]


class CallInvitationReceived(Message, frozen=True):
    """To an invitee (ZIM callInvitationReceived); `timeout` is the whole time for the answer."""

    call_id: str
    mode: CallInvitationMode
    timeout: int
    caller: str
    inviter: str
    create_time: int
    call_user_list: list[CallUserInfo]
    extended_data: str


class CallInvitationCancelled(Message, frozen=True):
    """To an invitee who need not answer any more (ZIM callInvitationCancelled)."""

    call_id: str
    inviter: str
    mode: CallInvitationMode
    extended_data: str


class CallInvitationEnded(Message, frozen=True):
    """To all who were in an advanced call when it ended (ZIM callInvitationEnded)."""

    call_id: str
    caller: str
    operated_user_id: str
    extended_data: str
    mode: CallInvitationMode
    end_time: int


class CallInvitationTimeout(Message, frozen=True):
    """To an invitee who did not answer in time (ZIM callInvitationTimeout)."""

    call_id: str
    mode: CallInvitationMode


class CallUserStateChanged(Message, frozen=True):
    """To everyone in a call: what became of some of its users (ZIM callUserStateChanged)."""

    call_id: str
    call_user_list: list[CallUserInfo]
