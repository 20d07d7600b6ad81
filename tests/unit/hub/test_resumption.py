"""A session whose link broke: who may go on with it, for how long, and what is told meanwhile."""

from __future__ import annotations

import logging

import pytest

from tests.unit.hub.fakes import FakeLink, make_hub
from zego_widget import outbox, wire
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode
from zego_widget.hub import resumption
from zego_widget.hub.token_bucket import LINK_PATIENCE, LINK_RATE
from zego_widget.model import RoomStateChangedReason, StreamDeleteReason, UpdateType, User


class Socket(FakeLink):
    """One socket of a client that counts, and may come back."""

    def __init__(self, hub, earlier=None, **wrong):
        self.received = []
        self.closed = None
        self._request_id = 0 if earlier is None else earlier._request_id
        self._app = hub.apps.own
        self.counted = 0 if earlier is None else earlier.counted
        resume = earlier and p.Resume(
            wrong.get("session_id", earlier.welcome.session_id),
            wrong.get("key", earlier.welcome.resume_key),
            wrong.get("received", earlier.counted),
            wrong.get("attempt", 0),
        )
        hello = p.Hello(p.PROTOCOL_VERSION, "tests", resumable=True, resume=resume)
        self.session = hub.greet(self, wire.encode(hello))
        self.welcome = self.received[0]
        assert isinstance(self.welcome, p.Welcome)

    def send(self, text):
        super().send(text)
        self.counted += not isinstance(self.received[-1], p.Welcome | p.HeartbeatAck | p.Received)

    def breaks(self):
        """The connection is lost, which nobody wanted."""
        self.session.link_closed(self, may_return=True)


@pytest.fixture
def bob(hub):
    return FakeLink(hub).login("bob")


@pytest.fixture
def alice(hub, bob):
    """Logged in, publishing, with a page; the hub's clock is the test's from `later` on."""
    alice = Socket(hub)
    alice.login("alice")
    alice.ask(p.StartPublishing, "alices")
    alice.offer("page")
    hub.forwarder.peers[0].connect()
    hub.forwarder.peers[0].open_control()
    return alice


def later(hub, monkeypatch, seconds, awake=None):
    now = hub.now()
    monkeypatch.setattr(hub, "now", lambda: now + seconds)
    if awake is not None:
        awake.say(p.Heartbeat())
    hub.tick(now + seconds)


def departures(link):
    return [
        each
        for each in link.received
        if isinstance(each, p.RoomUserUpdate | p.RoomStreamUpdate) and each.update_type is UpdateType.DELETE
    ]


class TestDetached:
    async def test_nobody_is_told_and_everything_goes_on(self, hub, alice, bob):
        alice.breaks()
        assert hub.session_count == 2
        assert departures(bob) == []
        assert hub.forwarder.peers[0].closed_because is None
        assert hub.sources
        assert hub.status()["counters"]["sessions_detached"] == 1

    async def test_its_own_pages_are_told_that_it_broke_and_that_it_is_back(self, hub, alice):
        alice.breaks()
        Socket(hub, alice)
        told = [each for each in hub.forwarder.peers[0].control if isinstance(each, p.RoomStateChanged)]
        assert [(each.reason, each.error_code) for each in told] == [
            (RoomStateChangedReason.RECONNECTING, ErrorCode.ROOM_CONNECT_TEMPORARY_BROKEN),
            (RoomStateChangedReason.RECONNECTED, ErrorCode.SUCCESS),
        ]

    async def test_a_page_that_gets_through_only_now_is_told_as_well(self, hub, alice):
        """Nothing else tells it that the kernel may be dead."""
        alice.offer("another page")
        alice.breaks()
        page = hub.forwarder.peers[1]
        page.connect()
        page.open_control()
        told = [each.reason for each in page.control if isinstance(each, p.RoomStateChanged)]
        assert told == [RoomStateChangedReason.RECONNECTING]

    async def test_what_is_said_meanwhile_waits(self, hub, alice, bob):
        alice.breaks()
        for number in range(3):
            bob.ask(p.SendCustomCommand, "demo", f"{number}", ["alice"])
        again = Socket(hub, alice)
        assert again.welcome.resumed
        assert again.session is alice.session
        assert again.welcome.session_id == alice.welcome.session_id
        assert [each.command for each in again.all(p.CustomCommandReceived)] == ["0", "1", "2"]
        assert hub.status()["counters"]["sessions_resumed"] == 1

    async def test_an_answer_that_was_lost_comes_again_and_the_request_was_done_once(self, hub, alice, bob):
        alice.say(p.SendCustomCommand(77, "demo", "once", ["bob"]))
        alice.counted -= 1  # the answer did not arrive
        alice.breaks()
        again = Socket(hub, alice)
        assert again.welcome.received == 4  # login, publishing, offer, command: nothing to say again
        assert again.received[1:] == [p.Done(77)]
        assert [each.command for each in bob.all(p.CustomCommandReceived)] == ["once"]

    async def test_a_client_that_does_not_count_leaves_with_its_link(self, hub, alice, bob):
        assert bob.received[0].resume_key == ""
        bob.session.link_closed(bob, may_return=True)
        assert departures(alice)[0].users == [User("bob")]

    async def test_a_client_that_wants_to_leave_leaves_at_once(self, hub, alice, bob):
        alice.session.link_closed(alice, may_return=False)
        assert len(departures(bob)) == 2
        assert not Socket(hub, alice).welcome.resumed

    async def test_it_ends_as_silent_whatever_its_pages_say(self, hub, alice, bob, monkeypatch):
        alice.breaks()
        later(hub, monkeypatch, 14, bob)
        hub.forwarder.peers[0].say(p.Heartbeat())
        assert departures(bob) == []
        later(hub, monkeypatch, 2, bob)
        (reason,) = [
            each.stream_delete_reason[0].code for each in departures(bob) if isinstance(each, p.RoomStreamUpdate)
        ]
        assert reason is StreamDeleteReason.HEARTBEAT_TIMEOUT
        assert hub.forwarder.peers[0].closed_because
        assert hub.session_count == 1
        assert not Socket(hub, alice).welcome.resumed

    async def test_out_of_a_room_it_ends_as_well(self, hub, monkeypatch):
        socket = Socket(hub)
        socket.breaks()
        later(hub, monkeypatch, 16)
        assert hub.session_count == 0

    async def test_its_time_begins_when_the_link_breaks_and_again_with_each_break(self, hub, alice, bob, monkeypatch):
        later(hub, monkeypatch, 10, bob)
        alice.breaks()
        later(hub, monkeypatch, 10, bob)
        again = Socket(hub, alice)
        later(hub, monkeypatch, 10, bob)
        again.breaks()
        later(hub, monkeypatch, 14, bob)
        assert departures(bob) == []
        assert Socket(hub, again).welcome.resumed

    async def test_a_later_login_of_the_user_takes_its_place(self, hub, alice, bob):
        alice.breaks()
        other = Socket(hub).login("alice")
        again = Socket(hub, alice)
        (told,) = again.all(p.RoomStateChanged)
        assert told.error_code == ErrorCode.ROOM_KICKED_OUT
        assert isinstance(other.ask(p.StartPublishing, "alices"), p.Done)

    async def test_more_to_say_than_is_kept_ends_it(self, hub, alice, bob):
        alice.breaks()
        for number in range(outbox.MAX_MESSAGES + 1):
            alice.session.send(p.Done(number))
        hub.tick(hub.now())
        assert len(departures(bob)) == 2
        assert not Socket(hub, alice).welcome.resumed

    async def test_more_than_is_kept_of_what_the_client_has_ends_nothing(self, hub, alice, bob):
        """What was forgotten to make room is nothing the client lacks: it goes on, and after the next break as well."""
        alice.breaks()
        for number in range(outbox.MAX_MESSAGES - 1):
            alice.session.send(p.Done(number))
        again = Socket(hub, alice)
        assert again.welcome.resumed
        again.breaks()
        hub.tick(hub.now())
        assert departures(bob) == []
        assert Socket(hub, again).welcome.resumed

    async def test_of_too_many_the_one_that_waits_longest_ends(self, hub, alice, bob, monkeypatch):
        monkeypatch.setattr(resumption, "MAX_DETACHED", 2)
        others = [Socket(hub) for _ in range(2)]
        for socket in (alice, *others):
            socket.breaks()
        hub.tick(hub.now())
        assert len(departures(bob)) == 2
        assert [Socket(hub, socket).welcome.resumed for socket in (alice, *others)] == [False, True, True]

    async def test_the_hub_says_what_it_has_with_the_heartbeat_and_after_many(self, hub, alice):
        alice.say(p.Heartbeat(1.0))
        assert alice.received[-2:] == [p.Received(3), p.HeartbeatAck(1.0)]
        alice.say(p.Heartbeat(2.0))
        assert alice.received[-1] == p.HeartbeatAck(2.0)
        for number in range(p.ACKNOWLEDGE_EVERY):
            alice.say(p.StopPlaying(100 + number, "nothing"))
        assert alice.all(p.Received)[-1] == p.Received(3 + p.ACKNOWLEDGE_EVERY)

    async def test_what_the_client_has_is_not_kept(self, hub, alice):
        alice.say(p.Received(alice.counted))
        alice.breaks()
        alice.session.send(p.Done(1))
        assert Socket(hub, alice).received[1:] == [p.Done(1)]

    async def test_messages_that_cannot_be_read_count_as_well(self, hub, alice):
        alice.session.receive("{")
        alice.breaks()
        assert Socket(hub, alice).welcome.received == 4


class TestWhoMayResume:
    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            ({"key": "x"}, "key"),
            ({"key": ""}, "key"),
            ({"key": "ä" * 32}, "key"),
            ({"session_id": "nobody's"}, "unknown"),
            ({"received": 1 << 50}, "gap"),
            ({"received": -1}, "gap"),
        ],
        ids=str,
    )
    async def test_whoever_shows_something_else_gets_a_new_session(self, hub, alice, bob, wrong, reason):
        alice.breaks()
        stranger = Socket(hub, alice, **wrong)
        assert not stranger.welcome.resumed
        assert stranger.welcome.session_id != alice.welcome.session_id
        assert stranger.welcome.resume_key not in ("", alice.welcome.resume_key)
        assert stranger.ask(p.StopPublishing).code == ErrorCode.COMMON_NOT_LOGIN_ROOM
        assert hub.status()["counters"][f"resume_refused_{reason}"] == 1
        # A guess costs the owner nothing; only who has the key can say that too much is missing.
        assert Socket(hub, alice).welcome.resumed is (reason != "gap")
        assert bool(departures(bob)) is (reason == "gap")

    async def test_the_key_of_one_session_opens_no_other(self, hub, alice):
        mallory = Socket(hub)
        alice.breaks()
        assert not Socket(hub, alice, key=mallory.welcome.resume_key).welcome.resumed

    async def test_a_session_that_cannot_be_resumed_opens_with_nothing(self, hub, bob):
        hello = p.Hello(p.PROTOCOL_VERSION, "tests", True, p.Resume(bob.session.session_id, "", 0))
        assert hub.greet(FakeLink(hub), wire.encode(hello)) is not bob.session

    async def test_wrong_and_unknown_are_answered_alike(self, hub, alice):
        alice.breaks()
        answers = [Socket(hub, alice, **wrong).welcome for wrong in ({"key": "x"}, {"session_id": "x"})]
        assert {(each.resumed, each.received, len(each.session_id), len(each.resume_key)) for each in answers} == {
            (False, 0, 16, 32)
        }

    async def test_of_two_at_once_the_later_has_it(self, hub, alice):
        alice.breaks()
        one, two = Socket(hub, alice), Socket(hub, alice)
        assert one.closed[0] == p.SOCKET_REPLACED
        one.breaks()
        assert isinstance(two.ask(p.StopPublishing), p.Done)
        assert not two.session.is_detached

    async def test_a_socket_that_is_only_half_dead_is_replaced_and_says_nothing_more(self, hub, alice, bob):
        again = Socket(hub, alice)
        assert again.welcome.resumed
        assert alice.closed[0] == p.SOCKET_REPLACED
        alice.session.link_closed(alice, may_return=False)
        assert not again.session.is_detached
        assert departures(bob) == []

    async def test_an_attempt_that_comes_after_a_later_one_takes_nothing(self, hub, alice, bob):
        """The client has given it up, and goes on with the later one."""
        alice.breaks()
        again = Socket(hub, alice, attempt=2)
        late = Socket(hub, alice, attempt=1)
        assert not late.welcome.resumed
        assert again.closed is None
        assert isinstance(again.ask(p.StartPlaying, "nothing"), p.Done)
        assert departures(bob) == []
        assert hub.status()["counters"]["resume_refused_late"] == 1

    async def test_who_resumes_all_the_time_is_closed_as_who_floods(self, hub, alice, monkeypatch):
        start, count = hub.now(), 0
        socket = alice
        while hub.session_count == 2:
            count += 1
            now = start + count / LINK_RATE
            monkeypatch.setattr(hub, "now", lambda: now)  # noqa: B023
            socket = Socket(hub, socket)
            assert count < LINK_RATE * LINK_PATIENCE * 2
        assert socket.received[-1].code == ErrorCode.ROOM_APP_CALL_TOO_FREQUENT

    async def test_a_hub_that_stops_says_goodbye_instead(self, hub, alice):
        alice.breaks()
        await hub.aclose("The hub stops.")
        late = FakeLink.__new__(Socket)
        with pytest.raises(AssertionError):
            late.__init__(hub, alice)
        assert [type(each) for each in late.received] == [p.Goodbye]


async def test_keys_are_in_no_log_and_no_repr(caplog):
    caplog.set_level(logging.DEBUG)
    hub = make_hub()
    socket = Socket(hub)
    socket.breaks()
    again = Socket(hub, socket)
    key = socket.welcome.resume_key
    assert len(key) == 32  # 192 bits
    assert again.welcome.resume_key == key
    texts = [caplog.text, repr(socket.welcome), repr(p.Resume("s", key, 1)), repr(hub.status())]
    texts.append(repr(p.Hello(1, "tests", True, p.Resume("s", key, 1))))
    assert not any(key in text for text in texts)
    await hub.aclose("The test is over.")
