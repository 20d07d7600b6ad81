"""Every transition of a user in a call, and that there is no other."""

import itertools

import pytest

from zego_widget.invitation import CallRole, CallUserEvent, ImpossibleEvent
from zego_widget.invitation.states import PENDING, PRESENT, TABLES, allows, next_state
from zego_widget.model import CallInvitationMode, CallUserState

INVITEE_BEFORE_THE_ANSWER = """
    INVITING          DELIVER   RECEIVED
    INVITING          MISS      NOT_YET_RECEIVED
    INVITING          ACCEPT    ACCEPTED
    INVITING          REJECT    REJECTED
    INVITING          TIME_OUT  TIMEOUT
    INVITING          CANCEL    CANCELLED
    NOT_YET_RECEIVED  DELIVER   RECEIVED
    NOT_YET_RECEIVED  TIME_OUT  TIMEOUT
    NOT_YET_RECEIVED  CANCEL    CANCELLED
    RECEIVED          DELIVER   RECEIVED
    RECEIVED          ACCEPT    ACCEPTED
    RECEIVED          REJECT    REJECTED
    RECEIVED          TIME_OUT  TIMEOUT
    RECEIVED          CANCEL    CANCELLED
"""
INVITEE_OF_AN_ADVANCED_CALL = """
    INVITING          JOIN      ACCEPTED
    INVITING          END       ENDED
    NOT_YET_RECEIVED  JOIN      ACCEPTED
    NOT_YET_RECEIVED  END       ENDED
    RECEIVED          JOIN      ACCEPTED
    RECEIVED          END       ENDED
    ACCEPTED          QUIT      QUIT
    ACCEPTED          END       ENDED
    REJECTED          INVITE    INVITING
    REJECTED          JOIN      ACCEPTED
    TIMEOUT           INVITE    INVITING
    TIMEOUT           JOIN      ACCEPTED
    CANCELLED         INVITE    INVITING
    CANCELLED         JOIN      ACCEPTED
    QUIT              INVITE    INVITING
    QUIT              JOIN      ACCEPTED
"""
CALLER = """
    ACCEPTED          CANCEL    CANCELLED
"""
CALLER_OF_AN_ADVANCED_CALL = """
    ACCEPTED          QUIT      QUIT
    ACCEPTED          END       ENDED
    QUIT              INVITE    INVITING
    QUIT              JOIN      ACCEPTED
"""


def transitions(mode, role, *texts):
    lines = [line.split() for text in texts for line in text.strip().splitlines()]
    return {
        (mode, role, CallUserState[before], CallUserEvent[event]): CallUserState[after]
        for before, event, after in lines
    }


GENERAL, ADVANCED = CallInvitationMode.GENERAL, CallInvitationMode.ADVANCED
POSSIBLE = (
    transitions(GENERAL, CallRole.INVITEE, INVITEE_BEFORE_THE_ANSWER)
    | transitions(ADVANCED, CallRole.INVITEE, INVITEE_BEFORE_THE_ANSWER, INVITEE_OF_AN_ADVANCED_CALL)
    | transitions(GENERAL, CallRole.CALLER, CALLER)
    | transitions(ADVANCED, CallRole.CALLER, CALLER, CALLER_OF_AN_ADVANCED_CALL)
)
ALL = list(itertools.product(CallInvitationMode, CallRole, CallUserState, CallUserEvent))


def named(step):
    mode, role, state, event = step
    return f"{mode.name} {role.value} {state.name} {event.name}"


@pytest.mark.parametrize("step", POSSIBLE, ids=named)
def test_a_transition(step):
    assert allows(*step)
    assert next_state(*step) is POSSIBLE[step]


def test_nothing_else_is_possible_and_the_error_names_role_state_and_event():
    for step in ALL:
        if step in POSSIBLE:
            continue
        _, role, state, event = step
        assert not allows(*step), named(step)
        with pytest.raises(ImpossibleEvent) as caught:
            next_state(*step)
        assert all(word in str(caught.value) for word in (role.value, state.name, event.name, event.value))


@pytest.mark.parametrize(("mode", "role"), TABLES)
def test_every_state_that_can_be_reached_is_in_the_table(mode, role):
    table = TABLES[mode, role]
    reached = {
        after for events in table.values() for event, after in events.items() if event is not CallUserEvent.INVITE
    }
    assert reached <= set(table)


def test_who_is_pending_is_in_the_call():
    assert PENDING < PRESENT
    assert PENDING | {CallUserState.ACCEPTED} == PRESENT
