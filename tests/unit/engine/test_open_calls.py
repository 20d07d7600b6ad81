"""Which calls go on, by what a user was told, and what is told of those that went on or went away without him."""

from __future__ import annotations

import pytest

from zego_widget import protocol
from zego_widget.engine.open_calls import OpenCalls
from zego_widget.model import CallInfo, CallInvitationMode, CallInvitationState, CallUserInfo, CallUserState

GENERAL, ADVANCED = CallInvitationMode.GENERAL, CallInvitationMode.ADVANCED
S = CallUserState
STARTED, ENDED = CallInvitationState.STARTED, CallInvitationState.ENDED


def users(**states: CallUserState) -> list[CallUserInfo]:
    return [CallUserInfo(user_id, state) for user_id, state in states.items()]


def created(mode: CallInvitationMode) -> protocol.CallInvitationCreated:
    """Alice has called Bob and Carol."""
    called = users(alice=S.ACCEPTED, bob=S.RECEIVED, carol=S.INVITING)
    return protocol.CallInvitationCreated("c1", mode, "alice", "", 90, 1, called)


def received(mode: CallInvitationMode) -> protocol.CallInvitationReceived:
    called = users(alice=S.ACCEPTED, bob=S.RECEIVED, carol=S.INVITING)
    return protocol.CallInvitationReceived("c1", mode, 90, "alice", "alice", 1, called, "")


def changed(**states: CallUserState) -> protocol.CallUserStateChanged:
    return protocol.CallUserStateChanged("c1", users(**states))


def of_alice(mode: CallInvitationMode) -> OpenCalls:
    calls = OpenCalls()
    calls.told(created(mode), "alice")
    return calls


def of_bob(mode: CallInvitationMode) -> OpenCalls:
    calls = OpenCalls()
    calls.told(received(mode), "bob")
    return calls


def listed(mode: CallInvitationMode, state: CallInvitationState, **states: CallUserState) -> list[CallInfo]:
    return [CallInfo("c1", "alice", "alice", 1, 5 if state is ENDED else 0, state, mode, "", tuple(users(**states)))]


# -- while the hub tells -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "events", "goes_on"),
    [
        (GENERAL, [], True),
        (GENERAL, [changed(bob=S.REJECTED)], True),
        (GENERAL, [changed(bob=S.ACCEPTED)], True),
        (GENERAL, [changed(bob=S.REJECTED), changed(carol=S.TIMEOUT)], False),
        (ADVANCED, [changed(bob=S.REJECTED), changed(carol=S.TIMEOUT)], True),
        (ADVANCED, [protocol.CallInvitationEnded("c1", "alice", "bob", "", ADVANCED, 5)], False),
        (ADVANCED, [changed(alice=S.QUIT)], False),
    ],
)
def test_a_call_of_ones_own_goes_on_until_everyone_has_answered_or_it_is_ended(
    mode: CallInvitationMode, events: list[protocol.Message], goes_on: bool
) -> None:
    calls = of_alice(mode)
    for event in events:
        calls.told(event, "alice")
    assert bool(calls.ids) is goes_on


@pytest.mark.parametrize(
    "event",
    [
        protocol.CallInvitationCancelled("c1", "alice", GENERAL, ""),
        protocol.CallInvitationTimeout("c1", GENERAL),
        changed(bob=S.ACCEPTED, carol=S.REJECTED),
    ],
)
def test_an_invitation_is_over_with_its_answer_or_without_one(event: protocol.Message) -> None:
    calls = of_bob(GENERAL)
    calls.told(event, "bob")
    assert not calls.ids


@pytest.mark.parametrize(
    ("request_", "answer", "goes_on"),
    [
        (protocol.CallCancel(0, "c1"), protocol.CallCancelSent(0, "c1", []), False),
        (protocol.CallCancel(0, "c1", ["bob"]), protocol.CallCancelSent(0, "c1", []), True),
        (protocol.CallCancel(0, "c1", ["bob", "carol"]), protocol.CallCancelSent(0, "c1", []), False),
        (protocol.CallCancel(0, "c1", ["bob", "carol"]), protocol.CallCancelSent(0, "c1", ["carol"]), True),
        (protocol.CallQuit(0, "c1"), protocol.CallQuitSent(0, "c1", 1, 2, 3), False),
        (protocol.CallReject(0, "c1"), protocol.CallRejectionSent(0, "c1"), False),
    ],
)
def test_what_a_user_does_himself_is_known_from_the_answer(
    request_: protocol.Message, answer: protocol.Message, goes_on: bool
) -> None:
    calls = of_alice(ADVANCED)
    calls.answered(request_, answer, "alice")
    assert bool(calls.ids) is goes_on


def test_a_call_that_was_joined_goes_on() -> None:
    calls = OpenCalls()
    joined = protocol.CallJoinSent(0, "c1", 1, 2, "", users(alice=S.ACCEPTED, dave=S.ACCEPTED))
    calls.answered(protocol.CallJoin(0, "c1"), joined, "dave")
    assert calls.compare(calls.ids, [], 9) == [protocol.CallInvitationEnded("c1", "alice", "", "", ADVANCED, 9)]


def test_what_is_told_of_calls_that_are_not_known_is_not_kept() -> None:
    calls = OpenCalls()
    calls.told(changed(alice=S.ACCEPTED), "alice")
    assert not calls.ids


# -- after the hub was away --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        (of_alice(GENERAL), changed(bob=S.CANCELLED, carol=S.CANCELLED)),
        (of_bob(GENERAL), protocol.CallInvitationCancelled("c1", "alice", GENERAL, "")),
        (of_alice(ADVANCED), protocol.CallInvitationEnded("c1", "alice", "", "", ADVANCED, 9)),
        (of_bob(ADVANCED), protocol.CallInvitationEnded("c1", "alice", "", "", ADVANCED, 9)),
    ],
)
def test_a_call_that_no_hub_knows_any_more_is_over_for_everyone(calls: OpenCalls, told: protocol.Message) -> None:
    assert calls.compare(calls.ids, [], 9) == [told]
    assert not calls.ids


@pytest.mark.parametrize(
    ("info", "told"),
    [
        (listed(GENERAL, STARTED, alice=S.ACCEPTED, bob=S.RECEIVED, carol=S.REJECTED), None),
        (
            listed(GENERAL, ENDED, alice=S.ACCEPTED, bob=S.TIMEOUT, carol=S.TIMEOUT),
            protocol.CallInvitationTimeout("c1", GENERAL),
        ),
        (
            listed(GENERAL, ENDED, alice=S.CANCELLED, bob=S.CANCELLED, carol=S.CANCELLED),
            protocol.CallInvitationCancelled("c1", "alice", GENERAL, ""),
        ),
        (
            listed(GENERAL, ENDED, alice=S.ACCEPTED, bob=S.ACCEPTED, carol=S.REJECTED),
            changed(alice=S.ACCEPTED, bob=S.ACCEPTED, carol=S.REJECTED),
        ),
        (
            listed(ADVANCED, ENDED, alice=S.ENDED, bob=S.ENDED, carol=S.REJECTED),
            protocol.CallInvitationEnded("c1", "alice", "", "", ADVANCED, 5),
        ),
        (
            listed(ADVANCED, STARTED, alice=S.ACCEPTED, bob=S.QUIT, carol=S.ACCEPTED),
            changed(alice=S.ACCEPTED, bob=S.QUIT, carol=S.ACCEPTED),
        ),
    ],
)
def test_what_the_hub_did_meanwhile_is_told(info: list[CallInfo], told: protocol.Message | None) -> None:
    calls = of_bob(info[0].mode)
    assert calls.compare(calls.ids, info, 9) == ([] if told is None else [told])
    assert bool(calls.ids) is (told is None)


def test_a_call_that_came_after_the_question_is_not_taken_for_lost() -> None:
    calls = OpenCalls()
    asked = calls.ids
    calls.told(received(GENERAL), "bob")
    assert calls.compare(asked, [], 9) == []
    assert calls.ids
