"""What calls tell users. `user_id` is the recipient, who is online; times are ms since 1970."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import CallInvitationMode, CallUserInfo


@dataclass(frozen=True, slots=True)
class CallCreated:
    """To the caller: the call is there (ZIM callInvitationCreated)."""

    user_id: str
    call_id: str
    mode: CallInvitationMode
    caller: str
    extended_data: str
    timeout: int
    create_time: int
    call_user_list: tuple[CallUserInfo, ...]


@dataclass(frozen=True, slots=True)
class InvitationReceived:
    """To an invitee who is online, or comes online in time (ZIM callInvitationReceived)."""

    user_id: str
    call_id: str
    mode: CallInvitationMode
    timeout: int
    caller: str
    inviter: str
    create_time: int
    call_user_list: tuple[CallUserInfo, ...]
    extended_data: str


@dataclass(frozen=True, slots=True)
class InvitationCancelled:
    """To an invitee who need not answer any more (ZIM callInvitationCancelled)."""

    user_id: str
    call_id: str
    inviter: str
    mode: CallInvitationMode
    extended_data: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """To all who were in an advanced call when it ended (ZIM callInvitationEnded)."""

    user_id: str
    call_id: str
    caller: str
    operated_user_id: str
    extended_data: str
    mode: CallInvitationMode
    end_time: int


@dataclass(frozen=True, slots=True)
class InvitationTimedOut:
    """To an invitee who did not answer in time (ZIM callInvitationTimeout)."""

    user_id: str
    call_id: str
    mode: CallInvitationMode


@dataclass(frozen=True, slots=True)
class UserStatesChanged:
    """To everyone in the call: what became of some of its users (ZIM callUserStateChanged)."""

    user_id: str
    call_id: str
    call_user_list: tuple[CallUserInfo, ...]


Event = CallCreated | InvitationReceived | InvitationCancelled | CallEnded | InvitationTimedOut | UserStatesChanged
