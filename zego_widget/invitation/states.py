"""The states of a user in a call as tables: what may happen in each, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from ..model import CallInvitationMode, CallUserState


class CallRole(Enum):
    """What a user is in a call; a caller who left and is invited back is an invitee."""

    CALLER = "caller"
    INVITEE = "invitee"


class CallUserEvent(Enum):
    """What can happen to a user in a call."""

    INVITE = "be invited"
    DELIVER = "receive the invitation"
    MISS = "miss the invitation for a while"
    ACCEPT = "accept"
    REJECT = "reject"
    JOIN = "join"
    TIME_OUT = "time out"
    CANCEL = "be cancelled"
    QUIT = "quit"
    END = "see the call end"


Table = dict[CallUserState, dict[CallUserEvent, CallUserState]]

_DELIVERED = {CallUserEvent.DELIVER: CallUserState.RECEIVED}
_ANSWERED = {
    CallUserEvent.ACCEPT: CallUserState.ACCEPTED,
    CallUserEvent.REJECT: CallUserState.REJECTED,
}
_GIVEN_UP = {
    CallUserEvent.TIME_OUT: CallUserState.TIMEOUT,
    CallUserEvent.CANCEL: CallUserState.CANCELLED,
}
_JOINED = {CallUserEvent.JOIN: CallUserState.ACCEPTED}
_ENDED = {CallUserEvent.END: CallUserState.ENDED}
_BACK = {CallUserEvent.INVITE: CallUserState.INVITING} | _JOINED

# In general mode an answer is the last word. `MISS` comes only before delivery, and only where it was asked for.
_GENERAL_INVITEE: Table = {
    CallUserState.INVITING: _DELIVERED | _ANSWERED | _GIVEN_UP | {CallUserEvent.MISS: CallUserState.NOT_YET_RECEIVED},
    CallUserState.NOT_YET_RECEIVED: _DELIVERED | _GIVEN_UP,
    # Delivered again: the user went and came back, or came from somewhere else.
    CallUserState.RECEIVED: _DELIVERED | _ANSWERED | _GIVEN_UP,
    CallUserState.ACCEPTED: {},
    CallUserState.REJECTED: {},
    CallUserState.TIMEOUT: {},
    CallUserState.CANCELLED: {},
}
_GENERAL_CALLER: Table = {
    CallUserState.ACCEPTED: {CallUserEvent.CANCEL: CallUserState.CANCELLED},
    CallUserState.CANCELLED: {},
}
# In advanced mode users come and go until the call ends.
_ADVANCED_INVITEE: Table = {
    CallUserState.INVITING: _GENERAL_INVITEE[CallUserState.INVITING] | _JOINED | _ENDED,
    CallUserState.NOT_YET_RECEIVED: _GENERAL_INVITEE[CallUserState.NOT_YET_RECEIVED] | _JOINED | _ENDED,
    CallUserState.RECEIVED: _GENERAL_INVITEE[CallUserState.RECEIVED] | _JOINED | _ENDED,
    CallUserState.ACCEPTED: {CallUserEvent.QUIT: CallUserState.QUIT} | _ENDED,
    CallUserState.REJECTED: _BACK,
    CallUserState.TIMEOUT: _BACK,
    CallUserState.CANCELLED: _BACK,
    CallUserState.QUIT: _BACK,
    CallUserState.ENDED: {},
}
_ADVANCED_CALLER: Table = {
    CallUserState.ACCEPTED: {
        CallUserEvent.QUIT: CallUserState.QUIT,
        CallUserEvent.CANCEL: CallUserState.CANCELLED,
    }
    | _ENDED,
    CallUserState.QUIT: _BACK,
    CallUserState.CANCELLED: {},
    CallUserState.ENDED: {},
}

TABLES: Mapping[tuple[CallInvitationMode, CallRole], Table] = {
    (CallInvitationMode.GENERAL, CallRole.CALLER): _GENERAL_CALLER,
    (CallInvitationMode.GENERAL, CallRole.INVITEE): _GENERAL_INVITEE,
    (CallInvitationMode.ADVANCED, CallRole.CALLER): _ADVANCED_CALLER,
    (CallInvitationMode.ADVANCED, CallRole.INVITEE): _ADVANCED_INVITEE,
}
PENDING = frozenset({CallUserState.INVITING, CallUserState.NOT_YET_RECEIVED, CallUserState.RECEIVED})
"""Invited, and free to answer as soon as the invitation is there."""
PRESENT = PENDING | {CallUserState.ACCEPTED}
"""In the call: told of every change, and counted against its limit."""


class ImpossibleEvent(RuntimeError):
    """An event that the state of a user does not allow; a bug of this package."""


def allows(mode: CallInvitationMode, role: CallRole, state: CallUserState, event: CallUserEvent) -> bool:
    """Whether an event may happen in a state."""
    return event in TABLES[mode, role].get(state, {})


def next_state(mode: CallInvitationMode, role: CallRole, state: CallUserState, event: CallUserEvent) -> CallUserState:
    """The state after an event; raises `ImpossibleEvent`."""
    try:
        return TABLES[mode, role][state][event]
    except KeyError:
        raise ImpossibleEvent(
            f"In state {state.name} the {role.value} of a call in {mode.name} mode cannot {event.value} ({event.name})."
        ) from None
