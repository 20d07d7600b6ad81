"""Any sequence of verbs from six users; what each of them was told is what is true."""

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from zego_widget.errors import ErrorCode, Refused
from zego_widget.invitation import (
    CallCreated,
    CallEnded,
    InvitationCancelled,
    InvitationReceived,
    Invitations,
    InvitationTimedOut,
    UserStatesChanged,
)
from zego_widget.invitation.states import PENDING, PRESENT
from zego_widget.model import CallInvitationMode, CallInvitationState, CallUserState

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank")
USERS = st.sampled_from(NAMES)
INVITEES = st.lists(USERS, max_size=4)
CALLS = st.integers(0, 4)
KEEP_ENDED, KEEP_ENDED_FOR = 4, 100.0
CODES = {code for code in ErrorCode if code.name.startswith("CALL_INVITATION_")} | {ErrorCode.COMMON_NOT_LOGIN_ROOM}


class AnyCalls(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        numbers = itertools.count(1)
        self.calls = Invitations(
            lambda: f"c{next(numbers)}", keep_ended=KEEP_ENDED, keep_ended_for=KEEP_ENDED_FOR, unix_offset=1.0
        )
        self.now = 0.0
        self.online = set()
        self.call_ids = ["none"]
        self.ended_at = {}
        # user -> call -> user -> state, from the events and answers that the user got while online.
        self.heard = {name: {} for name in NAMES}

    @initialize(users=st.sets(USERS, min_size=2))
    def begin(self, users):
        for name in sorted(users):
            self.come(name)

    # -- inputs ----------------------------------------------------------------------------------------------

    @rule(user=USERS)
    def come(self, user):
        self.heard[user] = {}  # whoever comes from elsewhere knows nothing
        self.online.add(user)
        self.replay(self.calls.online(user))

    @rule(user=USERS)
    def go(self, user):
        self.online.discard(user)
        self.heard[user] = {}
        self.replay(self.calls.offline(user, self.now))

    @rule(
        user=USERS,
        invitees=INVITEES,
        mode=st.sampled_from(CallInvitationMode),
        timeout=st.sampled_from([1, 10, 90]),
        check=st.booleans(),
    )
    def invite(self, user, invitees, mode, timeout, check):
        sent = self.attempt(
            user,
            self.calls.invite,
            invitees,
            self.now,
            mode=mode,
            timeout=timeout,
            enable_not_received_check=check,
        )
        if sent is not None:
            self.call_ids.append(sent.call_id)
            assert isinstance(sent.events[0], CallCreated)
            self.replay(sent.events)

    @rule(user=USERS, call=CALLS, invitees=INVITEES)
    def calling_invite(self, user, call, invitees):
        sent = self.attempt(user, self.calls.calling_invite, self.call_id(call), invitees, self.now)
        if sent is not None:
            self.replay(sent.events)

    @rule(user=USERS, call=CALLS, invitees=INVITEES)
    def cancel(self, user, call, invitees):
        done = self.attempt(user, self.calls.cancel, self.call_id(call), invitees, self.now)
        if done is not None:
            self.replay(done.events)

    @rule(user=USERS, call=CALLS)
    def accept(self, user, call):
        events = self.attempt(user, self.calls.accept, self.call_id(call), self.now)
        if events is not None:
            self.replay(events)

    @rule(user=USERS, call=CALLS)
    def reject(self, user, call):
        events = self.attempt(user, self.calls.reject, self.call_id(call), self.now)
        if events is not None:
            del self.heard[user][self.call_id(call)]
            self.replay(events)

    @rule(user=USERS, call=CALLS)
    def join(self, user, call):
        joined = self.attempt(user, self.calls.join, self.call_id(call), self.now)
        if joined is not None:
            self.heard[user][self.call_id(call)] = {info.user_id: info.state for info in joined.call_user_list}
            self.replay(joined.events)

    @rule(user=USERS, call=CALLS)
    def quit(self, user, call):
        left = self.attempt(user, self.calls.quit, self.call_id(call), self.now)
        if left is not None:
            assert left.create_time <= left.accept_time <= left.leave_time
            del self.heard[user][self.call_id(call)]
            self.replay(left.events)

    @rule(user=USERS, call=CALLS)
    def end(self, user, call):
        left = self.attempt(user, self.calls.end, self.call_id(call), self.now)
        if left is not None:
            assert self.call_id(call) not in self.calls.live_call_ids
            self.replay(left.events)

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.0, 20.0, 95.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.replay(self.calls.expire(self.now))
        for call_id in self.calls.ended_call_ids:
            assert self.now - self.ended_at.get(call_id, self.now) < KEEP_ENDED_FOR

    # -- bookkeeping -----------------------------------------------------------------------------------------

    def call_id(self, number):
        """One of the newest calls, or none."""
        return self.call_ids[-1 - number % len(self.call_ids)]

    def attempt(self, user, verb, *arguments, **fields):
        """What a verb returns; None for a refusal, which has a code of calls and changes nothing."""
        before = self.truth()
        try:
            result, code = verb(user, *arguments, **fields), ErrorCode.SUCCESS
        except Refused as refused:
            result, code = None, refused.code
        if result is None:
            assert code in CODES
            assert self.truth() == before
        assert (code == ErrorCode.COMMON_NOT_LOGIN_ROOM) == (user not in self.online)
        return result

    def truth(self):
        """Call ID -> the call, for every call that somebody online knows of."""
        return {info.call_id: info for user in sorted(self.online) for info in reversed(self.calls.query(user, 100)[0])}

    def replay(self, events):
        for event in events:
            assert event.user_id in self.online
            heard = self.heard[event.user_id]
            match event:
                case CallCreated():
                    assert event.call_id not in heard
                    heard[event.call_id] = {info.user_id: info.state for info in event.call_user_list}
                case InvitationReceived():
                    assert event.caller in {info.user_id for info in event.call_user_list}
                    heard[event.call_id] = {info.user_id: info.state for info in event.call_user_list}
                case UserStatesChanged():
                    assert event.call_user_list
                    known = heard.setdefault(event.call_id, {})
                    known |= {info.user_id: info.state for info in event.call_user_list}
                case InvitationCancelled() | InvitationTimedOut() | CallEnded():
                    del heard[event.call_id]

    # -- invariants ------------------------------------------------------------------------------------------

    @invariant()
    def what_each_user_heard_is_what_is_true(self):
        truth = self.truth()
        for user in self.online:
            inside = {
                call_id: {info.user_id: info.state for info in call.call_user_list}
                for call_id, call in truth.items()
                if call.state is CallInvitationState.STARTED
                and any(info.user_id == user and info.state in PRESENT for info in call.call_user_list)
            }
            heard = {
                call_id: known for call_id, known in self.heard[user].items() if call_id in self.calls.live_call_ids
            }
            assert heard == inside

    @invariant()
    def a_call_goes_on_while_somebody_is_waited_for_or_talks(self):
        for call in self.truth().values():
            states = [info.state for info in call.call_user_list]
            pending = [state for state in states if state in PENDING]
            assert (call.call_id in self.calls.live_call_ids) == (call.state is CallInvitationState.STARTED)
            if call.state is CallInvitationState.ENDED:
                assert not pending
                assert call.end_time >= call.create_time
            elif call.mode is CallInvitationMode.GENERAL:
                assert pending
            else:
                assert CallUserState.ACCEPTED in states

    @invariant()
    def whoever_talks_in_an_advanced_call_or_waits_for_the_first_to_accept_is_there(self):
        for call in self.truth().values():
            if call.state is not CallInvitationState.STARTED:
                continue
            accepted = [info.user_id for info in call.call_user_list if info.state is CallUserState.ACCEPTED]
            if call.mode is CallInvitationMode.ADVANCED or accepted == [call.caller]:
                assert set(accepted) <= self.online

    @invariant()
    def whoever_is_there_has_received_what_waits_for_an_answer(self):
        for call in self.truth().values():
            for info in call.call_user_list:
                if info.user_id in self.online:
                    assert info.state not in {CallUserState.INVITING, CallUserState.NOT_YET_RECEIVED}

    @invariant()
    def only_so_many_calls_that_ended_are_known(self):
        ended = self.calls.ended_call_ids
        assert len(ended) <= KEEP_ENDED
        assert not set(ended) & set(self.calls.live_call_ids)
        for call_id in ended:
            self.ended_at.setdefault(call_id, self.now)


AnyCalls.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyCalls = AnyCalls.TestCase
