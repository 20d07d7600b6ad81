"""Which session acts for which user, and what calls cost it."""

from tests.unit.hub.fakes import FakeLink
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
