"""Which session acts for which user, and what calls cost it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.hub.fakes import FakeLink, make_hub
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.errors import ErrorCode
from zego_widget.hub.token_bucket import CALL_COST, LINK_BURST
from zego_widget.model import User


def sign_in(link, user_id):
    answer = link.ask(p.SignIn, User(user_id), link.key(user_id, ""))
    assert isinstance(answer, p.Done), answer
    return link


async def test_only_sessions_that_are_there_are_kept(hub):
    alice = sign_in(FakeLink(hub).hello(), "alice")
    bob = FakeLink(hub).login("bob")
    assert hub.calls.signed_in_count == 2
    again = sign_in(FakeLink(hub).hello(), "alice")
    assert hub.calls.signed_in_count == 2
    alice.session.link_closed()
    assert hub.calls.signed_in_count == 2
    again.session.link_closed()
    bob.session.link_closed()
    assert hub.calls.signed_in_count == 0


async def test_answers_come_before_events(hub):
    alice, bob = sign_in(FakeLink(hub).hello(), "alice"), FakeLink(hub).hello()
    alice.ask(p.CallInvite, ["bob"])
    kinds = [type(message) for message in alice.received[-2:]]
    assert kinds == [p.CallInvitationSent, p.CallInvitationCreated]
    bob.login("bob")
    kinds = [type(message) for message in bob.received if not isinstance(message, p.RoomOnlineUserCountUpdate)]
    assert kinds == [p.Welcome, p.LoggedIn, p.CallInvitationReceived]


async def test_a_refused_sign_in_leaves_the_earlier_session_alone(hub):
    alice = sign_in(FakeLink(hub).hello(), "alice")
    stranger = FakeLink(hub).hello()
    assert stranger.ask(p.SignIn, User("alice"), stranger.key("bob", "")).code == ErrorCode.ROOM_TOKEN_USERID_ERROR
    assert alice.all(p.SignedOut) == []
    assert isinstance(alice.ask(p.CallInvite, ["bob"]), p.CallInvitationSent)


async def test_a_login_that_is_refused_keeps_the_sign_in(hub):
    alice = sign_in(FakeLink(hub).hello(), "alice")
    assert alice.ask(p.LoginRoom, "demo", User("bob")).code == ErrorCode.ROOM_NO_TOKEN
    assert isinstance(alice.ask(p.CallInvite, ["bob"]), p.CallInvitationSent)


async def test_a_link_that_fails_does_not_keep_others_from_hearing(hub, monkeypatch):
    alice, bob, carol = (sign_in(FakeLink(hub).hello(), name) for name in ("alice", "bob", "carol"))
    monkeypatch.setattr(bob, "send", lambda text: 1 / 0)
    alice.ask(p.CallInvite, ["bob", "carol"])
    assert carol.all(p.CallInvitationReceived)
    monkeypatch.undo()


async def test_ringing_without_end_is_slowed_down(hub):
    alice = sign_in(FakeLink(hub).hello(), "alice")
    calls = [alice.session.receive(wire.encode(p.CallInvite(n, ["bob"]))) for n in range(LINK_BURST // CALL_COST + 1)]
    assert calls[0] == 0.0
    assert calls[-1] > 0.0


_steps = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["sign in", "log in", "log out", "sign out", "lose"]),
    st.sampled_from(["alice", "bob", "carol"]),
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(_steps, max_size=30))
async def test_whatever_sessions_do_a_user_is_rung_on_the_latest_one(steps):
    hub = make_hub()
    caller = sign_in(FakeLink(hub).hello(), "caller")
    links = [FakeLink(hub).hello() for _ in range(4)]
    user_of, room_of = {}, {}  # by link number, as the rules say
    for number, step, user_id in steps:
        link, in_room = links[number], number in room_of
        if step == "lose":
            link.session.link_closed()
            links[number] = FakeLink(hub).hello()
            user_of.pop(number, None)
            room_of.pop(number, None)
        elif step == "log out":
            done = isinstance(link.ask(p.LogoutRoom, "demo"), p.Done)
            assert done == in_room
            room_of.pop(number, None)
        elif step == "sign out":
            assert isinstance(link.ask(p.SignOut), p.Done) != in_room
            if not in_room:
                user_of.pop(number, None)
        else:
            if step == "sign in":
                answer = link.ask(p.SignIn, User(user_id), link.key(user_id, ""))
                allowed = not in_room or user_of[number] == user_id
            else:
                answer = link.ask(p.LoginRoom, "demo", User(user_id), credential=link.key(user_id))
                allowed = not in_room
            assert isinstance(answer, p.Refused) != allowed
            if allowed:
                for other in [other for other, known in user_of.items() if known == user_id and other != number]:
                    assert isinstance(links[other].received[-1], p.SignedOut)
                    del user_of[other]
                    room_of.pop(other, None)
                user_of[number] = user_id
                if step == "log in":
                    room_of[number] = user_id
        assert hub.calls.signed_in_count == len(user_of) + 1
        assert {number: hub.rooms.user(links[number].session.session_id) for number in range(4)} == {
            number: User(room_of[number]) if number in room_of else None for number in range(4)
        }
        sent = caller.ask(p.CallInvite, ["alice", "bob", "carol"])
        for number, each in enumerate(links):
            rung = [m for m in each.all(p.CallInvitationReceived) if m.call_id == sent.call_id]
            assert len(rung) == (number in user_of)
        assert isinstance(caller.ask(p.CallCancel, sent.call_id), p.CallCancelSent)
    await hub.aclose("The test is over.")
    assert (hub.session_count, hub.calls.signed_in_count) == (0, 0)
