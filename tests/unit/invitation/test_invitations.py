"""What ZIM says of call invitation, one sentence per test."""

import itertools

import pytest

from zego_widget.errors import ErrorCode, InvalidArgument, Refused
from zego_widget.invitation import (
    CallCreated,
    CallEnded,
    InvitationCancelled,
    InvitationReceived,
    Invitations,
    InvitationTimedOut,
    UserStatesChanged,
)
from zego_widget.invitation.invitations import MAX_KNOWN_USERS, MAX_OPEN_CALLS, MAX_WAITING
from zego_widget.model import CallInvitationMode, CallInvitationState, CallUserInfo, CallUserState, ErrorUserInfo

GENERAL, ADVANCED = CallInvitationMode.GENERAL, CallInvitationMode.ADVANCED
ACCEPTED, RECEIVED, INVITING = CallUserState.ACCEPTED, CallUserState.RECEIVED, CallUserState.INVITING
NAMES = [f"u{number}" for number in range(20)]


@pytest.fixture
def calls():
    numbers = itertools.count(1)
    made = Invitations(
        lambda: f"c{next(numbers)}", is_registered=lambda user_id: " " not in user_id, unix_offset=1000.0
    )
    for name in ("alice", "bob", "carol", "dave"):
        assert made.online(name) == []
    return made


def refusal(action, *arguments, **fields):
    with pytest.raises(Refused) as caught:
        action(*arguments, **fields)
    return caught.value.code


def talk(calls, *invitees, now=0.0, mode=ADVANCED):
    """alice calls, everyone named accepts; returns the call ID."""
    call_id = calls.invite("alice", invitees or ["bob"], now, mode=mode).call_id
    for invitee in invitees or ["bob"]:
        calls.accept(invitee, call_id, now)
    return call_id


def states(calls, user_id="alice"):
    """User ID -> name of the state, in the user's newest call."""
    (info,), _ = calls.query(user_id, 1)
    return {user.user_id: user.state.name for user in info.call_user_list}


def told(events, kind):
    return [event for event in events if isinstance(event, kind)]


def news(events):
    """(recipient, user, state) of every state that somebody is told of."""
    return [
        (event.user_id, user.user_id, user.state.name)
        for event in told(events, UserStatesChanged)
        for user in event.call_user_list
    ]


class TestInvite:
    def test_the_caller_has_accepted_and_an_invitee_who_is_online_has_received(self, calls):
        sent = calls.invite("alice", ["bob"], 1.5, extended_data="hi", timeout=60)
        assert (sent.call_id, sent.timeout, sent.error_user_list) == ("c1", 60, ())
        alice = CallUserInfo("alice", ACCEPTED)
        before, after = (alice, CallUserInfo("bob", INVITING)), (alice, CallUserInfo("bob", RECEIVED))
        assert sent.events == (
            CallCreated("alice", "c1", GENERAL, "alice", "hi", 60, 1001500, before),
            InvitationReceived("bob", "c1", GENERAL, 60, "alice", "alice", 1001500, after, "hi"),
            UserStatesChanged("alice", "c1", (after[1],)),
        )

    def test_several_invitees_see_each_other(self, calls):
        events = calls.invite("alice", ["bob", "carol"], 0.0).events
        assert [event.user_id for event in told(events, InvitationReceived)] == ["bob", "carol"]
        for event in told(events, InvitationReceived):
            assert [user.state for user in event.call_user_list] == [ACCEPTED, RECEIVED, RECEIVED]
        assert news(events) == [("alice", "bob", "RECEIVED"), ("alice", "carol", "RECEIVED")]

    def test_an_invitee_who_is_not_there_receives_it_when_he_comes_in_time(self, calls):
        sent = calls.invite("alice", ["zoe"], 0.0, timeout=10)
        assert [type(event) for event in sent.events] == [CallCreated]
        calls.expire(9.9)
        events = calls.online("zoe")
        assert [event.user_id for event in told(events, InvitationReceived)] == ["zoe"]
        assert news(events) == [("alice", "zoe", "RECEIVED")]
        assert calls.accept("zoe", sent.call_id, 9.9)

    def test_who_comes_too_late_receives_nothing(self, calls):
        call_id = calls.invite("alice", ["zoe"], 0.0, timeout=10).call_id
        calls.expire(10.0)
        assert calls.online("zoe") == []
        assert refusal(calls.accept, "zoe", call_id, 11.0) == ErrorCode.CALL_INVITATION_CALL_MISSING

    def test_who_goes_and_comes_back_receives_it_again_and_nobody_else_is_told(self, calls):
        calls.invite("alice", ["bob"], 0.0)
        assert calls.offline("bob", 1.0) == []
        (event,) = calls.online("bob")
        assert isinstance(event, InvitationReceived)

    @pytest.mark.parametrize("count", [1, 9])
    def test_up_to_nine_can_be_invited(self, calls, count):
        assert calls.invite("alice", NAMES[:count], 0.0).call_id

    def test_ten_invitees_are_6000272(self, calls):
        assert refusal(calls.invite, "alice", NAMES[:10], 0.0) == ErrorCode.CALL_INVITATION_TOO_MANY_INVITEES

    @pytest.mark.parametrize("timeout", [0, -1, 601])
    def test_a_timeout_out_of_1_to_600_seconds_is_an_illegal_parameter(self, calls, timeout):
        with pytest.raises(InvalidArgument) as caught:
            calls.invite("alice", ["bob"], 0.0, timeout=timeout)
        assert caught.value.code == ErrorCode.COMMON_ILLEGAL_PARAM

    def test_extended_data_have_1024_bytes_at_most(self, calls):
        calls.invite("alice", ["bob"], 0.0, extended_data="é" * 512)
        with pytest.raises(InvalidArgument):
            calls.invite("alice", ["bob"], 0.0, extended_data="é" * 513)

    def test_who_cannot_be_invited_is_named_and_the_others_are(self, calls):
        sent = calls.invite("alice", ["no user", "bob", "alice", "bob"], 0.0)
        assert sent.error_user_list == (
            ErrorUserInfo("no user", ErrorCode.CALL_INVITATION_NO_INVITEE_REGISTERED),
            ErrorUserInfo("alice", ErrorCode.CALL_INVITATION_ALREADY_IN_CALL),
        )
        assert states(calls) == {"alice": "ACCEPTED", "bob": "RECEIVED"}

    @pytest.mark.parametrize("invitees", [[], ["no user"], ["no user", "alice"]])
    def test_nobody_to_invite_is_6000281_and_makes_no_call(self, calls, invitees):
        code = refusal(calls.invite, "alice", invitees, 0.0)
        assert code == ErrorCode.CALL_INVITATION_NO_INVITEE_REGISTERED
        assert calls.live_call_ids == ()

    def test_calling_only_oneself_is_6000270(self, calls):
        assert refusal(calls.invite, "alice", ["alice"], 0.0) == ErrorCode.CALL_INVITATION_FAILED

    def test_a_call_id_that_exists_is_6000275(self):
        calls = Invitations(lambda: "same")
        calls.online("alice")
        calls.online("bob")
        calls.invite("alice", ["bob"], 0.0)
        assert refusal(calls.invite, "alice", ["bob"], 0.0) == ErrorCode.CALL_INVITATION_CALL_EXISTS
        calls.cancel("alice", "same", [], 0.0)
        assert refusal(calls.invite, "alice", ["bob"], 0.0) == ErrorCode.CALL_INVITATION_CALL_EXISTS

    def test_a_caller_has_so_many_open_calls_at_most(self, calls):
        for _ in range(MAX_OPEN_CALLS):
            last = calls.invite("alice", ["bob"], 0.0).call_id
        assert refusal(calls.invite, "alice", ["bob"], 0.0) == ErrorCode.CALL_INVITATION_FAILED
        calls.invite("bob", ["alice"], 0.0)
        calls.cancel("alice", last, [], 0.0)
        calls.invite("alice", ["bob"], 0.0)

    def test_only_so_many_invitations_wait_for_one_user(self, calls):
        callers = [f"u{number}" for number in range(MAX_WAITING)]
        for caller in callers:
            calls.online(caller)
            last = calls.invite(caller, ["bob"], 0.0).call_id
        sent = calls.invite("alice", ["bob", "carol"], 0.0)
        assert sent.error_user_list == (ErrorUserInfo("bob", ErrorCode.CALL_INVITATION_FAILED),)
        assert refusal(calls.invite, "alice", ["bob"], 0.0) == ErrorCode.CALL_INVITATION_FAILED
        calls.reject("bob", last, 0.0)
        assert calls.invite("alice", ["bob"], 0.0).error_user_list == ()

    def test_every_verb_needs_a_user_who_is_there(self, calls):
        call_id = talk(calls)
        for verb in (calls.accept, calls.reject, calls.join, calls.quit, calls.end):
            assert refusal(verb, "zoe", call_id, 0.0) == ErrorCode.COMMON_NOT_LOGIN_ROOM
        assert refusal(calls.invite, "zoe", ["bob"], 0.0) == ErrorCode.COMMON_NOT_LOGIN_ROOM
        assert refusal(calls.cancel, "zoe", call_id, [], 0.0) == ErrorCode.COMMON_NOT_LOGIN_ROOM
        assert refusal(calls.calling_invite, "zoe", call_id, ["carol"], 0.0) == ErrorCode.COMMON_NOT_LOGIN_ROOM
        assert refusal(calls.query, "zoe", 1) == ErrorCode.COMMON_NOT_LOGIN_ROOM


class TestAnswers:
    def test_everyone_in_the_call_hears_of_an_acceptance(self, calls):
        call_id = calls.invite("alice", ["bob", "carol"], 0.0).call_id
        events = calls.accept("bob", call_id, 1.0, "coming")
        info = CallUserInfo("bob", ACCEPTED, "coming")
        assert events == [UserStatesChanged(name, call_id, (info,)) for name in ("alice", "bob", "carol")]

    def test_the_others_hear_of_a_rejection(self, calls):
        call_id = calls.invite("alice", ["bob", "carol"], 0.0).call_id
        events = calls.reject("bob", call_id, 1.0, "busy")
        info = CallUserInfo("bob", CallUserState.REJECTED, "busy")
        assert events == [UserStatesChanged(name, call_id, (info,)) for name in ("alice", "carol")]

    @pytest.mark.parametrize("verb", ["accept", "reject"])
    def test_a_second_answer_is_6000270(self, calls, verb):
        call_id = calls.invite("alice", ["bob", "carol"], 0.0).call_id
        calls.accept("bob", call_id, 0.0)
        assert refusal(getattr(calls, verb), "bob", call_id, 0.0) == ErrorCode.CALL_INVITATION_FAILED

    @pytest.mark.parametrize("user_id", ["dave", "alice"])
    def test_from_someone_who_is_not_invited_are_6000274(self, calls, user_id):
        call_id = calls.invite("alice", ["bob"], 0.0).call_id
        assert refusal(calls.accept, user_id, call_id, 0.0) == ErrorCode.CALL_INVITATION_NOT_INVITEE
        assert refusal(calls.reject, user_id, call_id, 0.0) == ErrorCode.CALL_INVITATION_NOT_INVITEE

    def test_to_a_call_that_is_not_there_are_6000276(self, calls):
        assert refusal(calls.accept, "bob", "none", 0.0) == ErrorCode.CALL_INVITATION_CALL_MISSING
        assert refusal(calls.reject, "bob", "none", 0.0) == ErrorCode.CALL_INVITATION_CALL_MISSING

    def test_after_the_timeout_are_6000276_while_the_call_goes_on(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0, mode=ADVANCED).call_id
        calls.expire(90.0)
        assert refusal(calls.accept, "bob", call_id, 90.0) == ErrorCode.CALL_INVITATION_CALL_MISSING

    def test_the_last_answer_ends_a_general_call(self, calls):
        call_id = calls.invite("alice", ["bob", "carol"], 0.0).call_id
        calls.accept("bob", call_id, 1.0)
        assert calls.live_call_ids == (call_id,)
        assert told(calls.reject("carol", call_id, 2.0), CallEnded) == []
        assert calls.live_call_ids == ()
        (info,), _ = calls.query("alice", 1)
        assert (info.state, info.end_time) == (CallInvitationState.ENDED, 1002000)
        assert states(calls) == {"alice": "ACCEPTED", "bob": "ACCEPTED", "carol": "REJECTED"}
        assert refusal(calls.accept, "carol", call_id, 2.0) == ErrorCode.CALL_INVITATION_CALL_MISSING

    def test_an_advanced_call_lives_on_without_anyone_to_answer(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0, mode=ADVANCED).call_id
        calls.reject("bob", call_id, 1.0)
        assert calls.live_call_ids == (call_id,)


class TestTimeouts:
    def test_an_invitee_hears_that_the_time_ran_out_and_the_others_of_him(self, calls):
        call_id = calls.invite("alice", ["bob", "carol", "zoe"], 0.0).call_id
        calls.accept("carol", call_id, 1.0)
        assert calls.expire(89.9) == []
        events = calls.expire(90.0)
        assert told(events, InvitationTimedOut) == [InvitationTimedOut("bob", call_id, GENERAL)]
        timeouts = tuple(CallUserInfo(name, CallUserState.TIMEOUT) for name in ("bob", "zoe"))
        assert told(events, UserStatesChanged) == [
            UserStatesChanged(name, call_id, timeouts) for name in ("alice", "carol")
        ]
        assert calls.live_call_ids == ()
        assert calls.expire(91.0) == []

    def test_someone_asked_in_later_has_the_whole_time(self, calls):
        call_id = talk(calls)
        calls.calling_invite("bob", call_id, ["carol"], 50.0)
        assert calls.expire(139.9) == []
        assert [event.user_id for event in told(calls.expire(140.0), InvitationTimedOut)] == ["carol"]

    def test_not_received_is_told_after_5_seconds_where_asked_for(self, calls):
        calls.invite("alice", ["zoe", "bob"], 0.0, enable_not_received_check=True)
        assert calls.expire(4.9) == []
        assert news(calls.expire(5.0)) == [("alice", "zoe", "NOT_YET_RECEIVED"), ("bob", "zoe", "NOT_YET_RECEIVED")]
        assert calls.expire(6.0) == []
        assert ("alice", "zoe", "RECEIVED") in news(calls.online("zoe"))

    def test_not_received_is_not_told_where_nobody_asked(self, calls):
        calls.invite("alice", ["zoe"], 0.0)
        assert calls.expire(5.0) == []

    def test_an_invitation_that_times_out_at_5_seconds_is_not_missed_as_well(self, calls):
        calls.invite("alice", ["zoe"], 0.0, timeout=5, enable_not_received_check=True)
        assert news(calls.expire(5.0)) == [("alice", "zoe", "TIMEOUT")]


class TestCancel:
    def test_everyone_who_was_invited_hears_it_and_the_call_is_over(self, calls):
        call_id = calls.invite("alice", ["bob", "zoe"], 0.0).call_id
        done = calls.cancel("alice", call_id, [], 1.0, "sorry")
        assert done.error_invitees == ()
        assert done.events == (InvitationCancelled("bob", call_id, "alice", GENERAL, "sorry"),)
        assert calls.live_call_ids == ()
        assert states(calls) == {"alice": "CANCELLED", "bob": "CANCELLED", "zoe": "CANCELLED"}
        assert calls.online("zoe") == []

    @pytest.mark.parametrize("mode", CallInvitationMode)
    def test_of_some_leaves_the_others_invited(self, calls, mode):
        call_id = calls.invite("alice", ["bob", "carol"], 0.0, mode=mode).call_id
        done = calls.cancel("alice", call_id, ["bob", "dave"], 1.0)
        assert done.error_invitees == ("dave",)
        assert told(done.events, InvitationCancelled) == [InvitationCancelled("bob", call_id, "alice", mode, "")]
        assert news(done.events) == [("alice", "bob", "CANCELLED"), ("carol", "bob", "CANCELLED")]
        assert refusal(calls.accept, "bob", call_id, 1.0) == ErrorCode.CALL_INVITATION_FAILED
        calls.cancel("alice", call_id, ["carol"], 1.0)
        assert calls.live_call_ids == ()

    def test_of_nobody_who_waits_changes_nothing(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0).call_id
        done = calls.cancel("alice", call_id, ["dave"], 1.0)
        assert (done.error_invitees, done.events) == (("dave",), ())
        assert calls.live_call_ids == (call_id,)

    def test_after_anyone_has_accepted_is_6000271(self, calls):
        call_id = calls.invite("alice", ["bob", "carol"], 0.0, mode=ADVANCED).call_id
        calls.accept("bob", call_id, 1.0)
        assert refusal(calls.cancel, "alice", call_id, [], 1.0) == ErrorCode.CALL_INVITATION_ALREADY_ACCEPTED
        calls.quit("bob", call_id, 1.0)
        assert refusal(calls.cancel, "alice", call_id, [], 1.0) == ErrorCode.CALL_INVITATION_ALREADY_ACCEPTED

    @pytest.mark.parametrize("user_id", ["bob", "dave"])
    def test_by_anyone_but_the_caller_is_6000273(self, calls, user_id):
        call_id = calls.invite("alice", ["bob"], 0.0).call_id
        assert refusal(calls.cancel, user_id, call_id, [], 1.0) == ErrorCode.CALL_INVITATION_NOT_INVITER

    def test_of_a_call_that_is_not_there_is_6000276(self, calls):
        assert refusal(calls.cancel, "alice", "none", [], 1.0) == ErrorCode.CALL_INVITATION_CALL_MISSING

    def test_of_ten_names_is_6000272(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0).call_id
        code = refusal(calls.cancel, "alice", call_id, NAMES[:10], 1.0)
        assert code == ErrorCode.CALL_INVITATION_TOO_MANY_INVITEES


class TestTheCallerGoes:
    @pytest.mark.parametrize("mode", CallInvitationMode)
    def test_before_anyone_accepted_and_the_invitation_is_cancelled(self, calls, mode):
        call_id = calls.invite("alice", ["bob", "zoe"], 0.0, mode=mode).call_id
        assert calls.offline("alice", 1.0) == [InvitationCancelled("bob", call_id, "alice", mode, "")]
        assert calls.live_call_ids == ()
        assert states(calls, "bob") == {"alice": "CANCELLED", "bob": "CANCELLED", "zoe": "CANCELLED"}

    def test_after_an_acceptance_and_a_general_call_still_waits_for_the_others(self, calls):
        call_id = calls.invite("alice", ["bob", "carol"], 0.0).call_id
        calls.accept("bob", call_id, 1.0)
        assert calls.offline("alice", 2.0) == []
        assert news(calls.accept("carol", call_id, 3.0)) == [
            ("bob", "carol", "ACCEPTED"),
            ("carol", "carol", "ACCEPTED"),
        ]

    def test_and_an_advanced_call_goes_on_between_the_others(self, calls):
        call_id = talk(calls, "bob", "carol")
        assert news(calls.offline("alice", 2.0)) == [("bob", "alice", "QUIT"), ("carol", "alice", "QUIT")]
        assert calls.live_call_ids == (call_id,)

    def test_and_comes_from_elsewhere_to_a_call_that_waits(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0).call_id
        (event,) = calls.online("alice")
        infos = (CallUserInfo("alice", ACCEPTED), CallUserInfo("bob", RECEIVED))
        assert event == UserStatesChanged("alice", call_id, infos)


class TestAdvanced:
    def test_someone_who_talks_asks_another_in(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0, mode=ADVANCED, extended_data="topic").call_id
        calls.accept("bob", call_id, 1.0)
        sent = calls.calling_invite("bob", call_id, ["carol", "alice"], 2.0)
        assert sent.error_user_list == (ErrorUserInfo("alice", ErrorCode.CALL_INVITATION_ALREADY_IN_CALL),)
        (received,) = told(sent.events, InvitationReceived)
        assert (received.user_id, received.caller, received.inviter) == ("carol", "alice", "bob")
        assert received.extended_data == "topic"
        assert news(sent.events) == [
            ("alice", "carol", "INVITING"),
            ("bob", "carol", "INVITING"),
            ("alice", "carol", "RECEIVED"),
            ("bob", "carol", "RECEIVED"),
        ]

    def test_who_is_asked_in_may_get_words_of_his_own(self, calls):
        call_id = talk(calls)
        sent = calls.calling_invite("bob", call_id, ["carol"], 2.0, "for you")
        assert told(sent.events, InvitationReceived)[0].extended_data == "for you"

    def test_someone_who_left_can_be_asked_back(self, calls):
        call_id = talk(calls, "bob", "carol")
        calls.quit("alice", call_id, 1.0)
        calls.calling_invite("bob", call_id, ["alice"], 2.0)
        assert states(calls, "bob") == {"alice": "RECEIVED", "bob": "ACCEPTED", "carol": "ACCEPTED"}
        calls.accept("alice", call_id, 3.0)

    def test_who_is_asked_back_has_the_whole_time(self, calls):
        call_id = calls.invite("alice", ["bob", "carol"], 0.0, mode=ADVANCED).call_id
        calls.accept("bob", call_id, 1.0)
        calls.expire(90.0)
        calls.calling_invite("bob", call_id, ["carol"], 100.0)
        assert calls.expire(189.9) == []
        assert told(calls.expire(190.0), InvitationTimedOut)

    def test_whoever_joins_uninvited_has_accepted_as_well(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0, mode=ADVANCED).call_id
        calls.join("dave", call_id, 1.0)
        assert refusal(calls.cancel, "alice", call_id, [], 1.0) == ErrorCode.CALL_INVITATION_ALREADY_ACCEPTED
        calls.quit("dave", call_id, 2.0)
        assert [type(event) for event in calls.quit("alice", call_id, 3.0).events] == [CallEnded]

    def test_asking_in_only_those_who_are_in_is_6000270(self, calls):
        call_id = talk(calls)
        assert refusal(calls.calling_invite, "bob", call_id, ["alice"], 1.0) == ErrorCode.CALL_INVITATION_FAILED

    def test_a_call_takes_ten_users(self, calls):
        call_id = calls.invite("alice", ["bob", *NAMES[:7]], 0.0, mode=ADVANCED).call_id
        calls.accept("bob", call_id, 0.0)
        too_many = ErrorCode.CALL_INVITATION_TOO_MANY_INVITEES
        assert refusal(calls.calling_invite, "bob", call_id, ["carol", "dave"], 0.0) == too_many
        calls.calling_invite("bob", call_id, ["carol"], 0.0)
        assert refusal(calls.join, "dave", call_id, 0.0) == too_many
        calls.reject("carol", call_id, 0.0)
        calls.join("dave", call_id, 0.0)
        assert refusal(calls.join, "carol", call_id, 0.0) == too_many

    def test_an_uninvited_user_joins(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0, mode=ADVANCED, extended_data="topic").call_id
        joined = calls.join("dave", call_id, 2.0, "hello")
        assert (joined.create_time, joined.join_time, joined.extended_data) == (1000000, 1002000, "topic")
        assert [user.user_id for user in joined.call_user_list] == ["alice", "bob", "dave"]
        assert joined.call_user_list[-1] == CallUserInfo("dave", ACCEPTED, "hello")
        assert [name for name, _, state in news(joined.events) if state == "ACCEPTED"] == ["alice", "bob", "dave"]

    def test_an_invitee_may_join_as_well_as_accept(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0, mode=ADVANCED).call_id
        calls.join("bob", call_id, 1.0)
        assert states(calls) == {"alice": "ACCEPTED", "bob": "ACCEPTED"}

    def test_joining_twice_is_6000283(self, calls):
        call_id = talk(calls)
        for name in ("alice", "bob"):
            assert refusal(calls.join, name, call_id, 0.0) == ErrorCode.CALL_INVITATION_ALREADY_IN_CALL

    def test_the_others_hear_who_quit(self, calls):
        call_id = talk(calls, "bob", "carol", now=1.0)
        left = calls.quit("bob", call_id, 5.0, "bye")
        assert (left.create_time, left.accept_time, left.leave_time) == (1001000, 1001000, 1005000)
        info = CallUserInfo("bob", CallUserState.QUIT, "bye")
        assert left.events == tuple(UserStatesChanged(name, call_id, (info,)) for name in ("alice", "carol"))

    def test_who_quit_may_join_again(self, calls):
        call_id = talk(calls, "bob", "carol")
        calls.quit("bob", call_id, 5.0)
        assert calls.join("bob", call_id, 6.0).join_time == 1006000
        assert calls.quit("bob", call_id, 7.0).accept_time == 1006000

    def test_the_last_who_quits_ends_it_for_those_who_were_invited(self, calls):
        call_id = talk(calls)
        calls.calling_invite("bob", call_id, ["carol"], 1.0)
        calls.quit("alice", call_id, 2.0)
        events = calls.quit("bob", call_id, 3.0, "bye").events
        assert events == (CallEnded("carol", call_id, "alice", "bob", "bye", ADVANCED, 1003000),)
        assert calls.live_call_ids == ()
        assert states(calls, "bob") == {"alice": "QUIT", "bob": "QUIT", "carol": "ENDED"}

    def test_a_caller_who_quits_before_anyone_accepted_cancels(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0, mode=ADVANCED).call_id
        events = calls.quit("alice", call_id, 1.0, "no").events
        assert events == (InvitationCancelled("bob", call_id, "alice", ADVANCED, "no"),)
        assert states(calls) == {"alice": "QUIT", "bob": "CANCELLED"}

    def test_one_who_is_lost_has_quit(self, calls):
        talk(calls, "bob", "carol")
        assert news(calls.offline("bob", 2.0)) == [("alice", "bob", "QUIT"), ("carol", "bob", "QUIT")]

    def test_everyone_in_it_hears_the_end(self, calls):
        call_id = talk(calls, now=1.0)
        calls.calling_invite("bob", call_id, ["carol", "dave"], 2.0)
        calls.reject("dave", call_id, 2.0)
        left = calls.end("bob", call_id, 4.0, "done")
        assert (left.create_time, left.accept_time, left.leave_time) == (1001000, 1001000, 1004000)
        assert left.events == tuple(
            CallEnded(name, call_id, "alice", "bob", "done", ADVANCED, 1004000) for name in ("alice", "bob", "carol")
        )
        assert states(calls) == {"alice": "ENDED", "bob": "ENDED", "carol": "ENDED", "dave": "REJECTED"}
        assert refusal(calls.end, "bob", call_id, 5.0) == ErrorCode.CALL_INVITATION_CALL_MISSING

    def test_its_verbs_on_a_general_call_are_6000286(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0).call_id
        wrong = ErrorCode.CALL_INVITATION_WRONG_MODE
        assert refusal(calls.calling_invite, "alice", call_id, ["carol"], 0.0) == wrong
        for verb in (calls.join, calls.quit, calls.end):
            assert refusal(verb, "alice", call_id, 0.0) == wrong

    def test_its_verbs_on_no_call_are_6000276(self, calls):
        missing = ErrorCode.CALL_INVITATION_CALL_MISSING
        assert refusal(calls.calling_invite, "alice", "none", ["carol"], 0.0) == missing
        for verb in (calls.join, calls.quit, calls.end):
            assert refusal(verb, "alice", "none", 0.0) == missing

    @pytest.mark.parametrize(
        ("user_id", "code"),
        [("bob", ErrorCode.CALL_INVITATION_FAILED), ("dave", ErrorCode.CALL_INVITATION_NOT_INVITEE)],
    )
    def test_only_who_has_accepted_may_ask_in_quit_or_end(self, calls, user_id, code):
        call_id = calls.invite("alice", ["bob"], 0.0, mode=ADVANCED).call_id
        assert refusal(calls.calling_invite, user_id, call_id, ["carol"], 0.0) == code
        assert refusal(calls.quit, user_id, call_id, 0.0) == code
        assert refusal(calls.end, user_id, call_id, 0.0) == code

    def test_it_knows_only_so_many_who_left(self, calls):
        call_id = talk(calls)
        for number in range(2 * MAX_KNOWN_USERS):
            calls.online(f"guest{number}")
            calls.join(f"guest{number}", call_id, 0.0)
            calls.quit(f"guest{number}", call_id, 0.0)
        assert len(states(calls)) == MAX_KNOWN_USERS
        assert calls.query("guest0", 1) == ([], 0)
        assert calls.query(f"guest{2 * MAX_KNOWN_USERS - 1}", 1)[0]


class TestList:
    def test_has_ones_calls_newest_first_page_by_page(self, calls):
        for _ in range(5):
            calls.accept("bob", calls.invite("alice", ["bob"], 0.0).call_id, 0.0)
        calls.invite("carol", ["dave"], 0.0)
        pages, flag = [], 0
        while True:
            page, flag = calls.query("bob", 2, flag)
            pages.append([info.call_id for info in page])
            calls.invite("alice", ["bob"], 0.0)  # what comes meanwhile does not move the pages
            if not flag:
                break
        assert pages == [["c5", "c4"], ["c3", "c2"], ["c1"]]

    def test_says_who_invited_the_one_who_asks(self, calls):
        call_id = talk(calls)
        calls.calling_invite("bob", call_id, ["carol"], 0.0)
        inviters = [calls.query(name, 1)[0][0].inviter for name in ("alice", "bob", "carol")]
        assert inviters == ["alice", "alice", "bob"]

    @pytest.mark.parametrize("count", [0, -1, 101])
    def test_has_1_to_100_calls_a_page(self, calls, count):
        with pytest.raises(InvalidArgument):
            calls.query("alice", count)

    def test_is_empty_for_who_was_never_in_a_call(self, calls):
        talk(calls)
        assert calls.query("dave", 100) == ([], 0)

    def test_gives_less_than_was_asked_for_where_the_calls_carry_much(self, calls):
        for _ in range(200):
            call_id = calls.invite("alice", NAMES[:3], 0.0, extended_data="\x01" * 1024).call_id
            calls.cancel("alice", call_id, [], 0.0)
        page, flag = calls.query("alice", 100)
        assert 0 < len(page) < 100 and flag
        assert calls.query("alice", 100, flag)[0][0].call_id == f"c{200 - len(page)}"


class TestForgetting:
    def test_a_call_that_ended_is_known_for_an_hour(self, calls):
        call_id = calls.invite("alice", ["bob"], 0.0).call_id
        calls.accept("bob", call_id, 10.0)
        calls.expire(3609.9)
        assert calls.ended_call_ids == (call_id,)
        calls.expire(3610.0)
        assert calls.ended_call_ids == ()
        assert calls.query("alice", 1) == calls.query("bob", 1) == ([], 0)

    def test_so_many_are_kept_at_most_and_the_oldest_goes_first(self):
        numbers = itertools.count(1)
        calls = Invitations(lambda: f"c{next(numbers)}", keep_ended=2)
        calls.online("alice")
        for _ in range(3):
            calls.cancel("alice", calls.invite("alice", ["bob"], 0.0).call_id, [], 0.0)
        assert calls.ended_call_ids == ("c2", "c3")
        assert [info.call_id for info in calls.query("alice", 100)[0]] == ["c3", "c2"]
