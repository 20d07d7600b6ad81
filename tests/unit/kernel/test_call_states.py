"""The state table of a call."""

from __future__ import annotations

import itertools

import pytest

from zego_widget.call_state import LIVE_STATES, CallEvent, ImpossibleEvent, next_state
from zego_widget.model import CallState

ALL = list(itertools.product(CallState, CallEvent))


def _after(state: CallState, event: CallEvent) -> CallState | None:
    try:
        return next_state(state, event)
    except ImpossibleEvent:
        return None


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [
        (CallState.IDLE, CallEvent.START, CallState.CONNECTING),
        (CallState.CONNECTING, CallEvent.PEER_CONNECTED, CallState.IN_CALL),
        (CallState.CONNECTING, CallEvent.REFUSED, CallState.REFUSED),
        (CallState.IN_CALL, CallEvent.PAGES_GONE, CallState.RECONNECTING),
        (CallState.RECONNECTING, CallEvent.PEER_CONNECTED, CallState.IN_CALL),
        (CallState.IN_CALL, CallEvent.LOST, CallState.DISCONNECTED),
        (CallState.REFUSED, CallEvent.START, CallState.CONNECTING),
        (CallState.DISCONNECTED, CallEvent.START, CallState.CONNECTING),
    ],
)
def test_a_call_moves(state: CallState, event: CallEvent, after: CallState) -> None:
    assert next_state(state, event) is after


@pytest.mark.parametrize("state", sorted(LIVE_STATES))
def test_every_live_call_can_be_stopped_lost_and_closed(state: CallState) -> None:
    assert next_state(state, CallEvent.STOP) is CallState.IDLE
    assert next_state(state, CallEvent.LOST) is CallState.DISCONNECTED
    assert next_state(state, CallEvent.CLOSE) is CallState.CLOSED


def test_a_closed_call_stays_closed() -> None:
    assert [event for event in CallEvent if _after(CallState.CLOSED, event)] == []


def test_every_state_can_be_reached_from_idle() -> None:
    reached = {CallState.IDLE}
    for _ in CallState:
        reached |= {after for state, event in ALL if state in reached and (after := _after(state, event))}
    assert reached == set(CallState)


def test_an_impossible_event_names_state_and_event() -> None:
    with pytest.raises(ImpossibleEvent, match=r"IDLE .* \(PEER_CONNECTED\)"):
        next_state(CallState.IDLE, CallEvent.PEER_CONNECTED)
