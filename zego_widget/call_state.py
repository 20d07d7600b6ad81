"""The states of a call as a table: what may happen in each, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from .model import CallState


class CallEvent(Enum):
    """What can happen to a call."""

    START = "start"
    REFUSED = "fail to join"
    PEER_CONNECTED = "get a connected page"
    PAGES_GONE = "lose its last page, or the hub for a while"
    LOST = "end against the user's wish"
    STOP = "stop"
    CLOSE = "close"


# A page that reloads leaves the call without a connected peer for a moment: that is RECONNECTING. So is a kernel that
# does not reach the hub, while page and hub may talk to each other all the same.
_TRANSITIONS: Mapping[CallState, Mapping[CallEvent, CallState]] = {
    CallState.IDLE: {
        CallEvent.START: CallState.CONNECTING,
        CallEvent.CLOSE: CallState.CLOSED,
    },
    CallState.CONNECTING: {
        CallEvent.REFUSED: CallState.REFUSED,
        CallEvent.PEER_CONNECTED: CallState.IN_CALL,
        CallEvent.LOST: CallState.DISCONNECTED,
        CallEvent.STOP: CallState.IDLE,
        CallEvent.CLOSE: CallState.CLOSED,
    },
    CallState.IN_CALL: {
        CallEvent.PAGES_GONE: CallState.RECONNECTING,
        CallEvent.LOST: CallState.DISCONNECTED,
        CallEvent.STOP: CallState.IDLE,
        CallEvent.CLOSE: CallState.CLOSED,
    },
    CallState.RECONNECTING: {
        CallEvent.PEER_CONNECTED: CallState.IN_CALL,
        CallEvent.LOST: CallState.DISCONNECTED,
        CallEvent.STOP: CallState.IDLE,
        CallEvent.CLOSE: CallState.CLOSED,
    },
    CallState.REFUSED: {
        CallEvent.START: CallState.CONNECTING,
        CallEvent.CLOSE: CallState.CLOSED,
    },
    CallState.DISCONNECTED: {
        CallEvent.START: CallState.CONNECTING,
        CallEvent.CLOSE: CallState.CLOSED,
    },
    CallState.CLOSED: {},
}
LIVE_STATES = frozenset({CallState.CONNECTING, CallState.IN_CALL, CallState.RECONNECTING})
"""States in which the call has, or is getting, a session at the hub."""


class ImpossibleEvent(RuntimeError):
    """An event that the state of a call does not allow; a bug of this package."""


def next_state(state: CallState, event: CallEvent) -> CallState:
    """The state after an event; raises `ImpossibleEvent`."""
    try:
        return _TRANSITIONS[state][event]
    except KeyError:
        raise ImpossibleEvent(f"A call in state {state.name} cannot {event.value} ({event.name}).") from None
