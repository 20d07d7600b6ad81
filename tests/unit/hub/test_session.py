"""What a session answers, and what it tells its client and its pages."""

import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.hub.fakes import FakeLink, make_hub
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.errors import ErrorCode
from zego_widget.hub import presence
from zego_widget.model import (
    PeerState,
    RemoteDeviceState,
    RoomConfig,
    RoomStateChangedReason,
    StreamDeleteReason,
    UpdateType,
    User,
)


class TestHello:
    async def test_is_answered_by_welcome_with_what_the_client_owes(self, hub):
        link = FakeLink(hub).hello()
        (welcome,) = link.received
        assert (welcome.protocol, welcome.version) == (p.PROTOCOL_VERSION, "1.2.3")
        assert (welcome.heartbeat_interval, welcome.heartbeat_timeout) == (5.0, 15.0)
        assert welcome.session_id == link.session.session_id

    @pytest.mark.parametrize(("version", "what_to_do"), [(0, "Update zego-widget"), (2, "zego-widget stop")])
    async def test_of_another_protocol_is_refused_with_what_to_do(self, hub, version, what_to_do):
        link = FakeLink(hub)
        link.say(p.Hello(version, "tests"))
        (refused,) = link.received
        assert refused.code == ErrorCode.PROTOCOL_VERSION_MISMATCH
        assert what_to_do in refused.message
        assert link.closed[0] == 1002
        assert len(link.closed[1].encode()) <= 123
        assert hub.session_count == 0

    @pytest.mark.parametrize(
        ("text", "code", "request_id"),
        [
            (wire.encode(p.LoginRoom(5, "demo", User("alice"))), ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE, 5),
            (wire.encode(p.Heartbeat()), ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE, None),
            ("{", ErrorCode.PROTOCOL_MALFORMED_MESSAGE, None),
            ('{"type":"dance","request_id":9}', ErrorCode.PROTOCOL_UNKNOWN_MESSAGE, 9),
        ],
    )
    async def test_anything_else_first_is_refused_and_closes(self, hub, text, code, request_id):
        link = FakeLink(hub)
        link.session.receive(text)
        assert [(m.code, m.request_id) for m in link.received] == [(code, request_id)]
        assert link.closed is not None
        link.session.receive(wire.encode(p.Hello(p.PROTOCOL_VERSION, "late")))
        link.session.link_closed()
        assert len(link.received) == 1

    async def test_twice_is_refused_and_the_link_stays(self, hub):
        link = FakeLink(hub).hello().hello()
        assert link.received[-1].code == ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE
        assert link.closed is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("kind", "arguments"),
        [
            (p.Offer, ("page", "offer")),
            (p.StartPublishing, ("s",)),
            (p.StopPublishing, ()),
            (p.StartPlaying, ("s",)),
            (p.StopPlaying, ("s",)),
            (p.ClosePeer, ("page",)),
        ],
    )
    async def test_before_login_with_1000002(self, hub, kind, arguments):
        assert FakeLink(hub).hello().ask(kind, *arguments).code == ErrorCode.COMMON_NOT_LOGIN_ROOM

    @pytest.mark.parametrize(
        ("text", "code", "request_id"),
        [
            ("", ErrorCode.PROTOCOL_MALFORMED_MESSAGE, None),
            ("[" * 5000, ErrorCode.PROTOCOL_MALFORMED_MESSAGE, None),
            ('{"type":"login_room","request_id":3}', ErrorCode.PROTOCOL_MALFORMED_MESSAGE, 3),
            ('{"type":"login_room","request_id":"3"}', ErrorCode.PROTOCOL_MALFORMED_MESSAGE, None),
            ('{"type":"welcome","request_id":4}', ErrorCode.PROTOCOL_MALFORMED_MESSAGE, 4),
            ('{"type":"dance","request_id":5}', ErrorCode.PROTOCOL_UNKNOWN_MESSAGE, 5),
            ('{"type":"heartbeat","sent_at":NaN}', ErrorCode.PROTOCOL_MALFORMED_MESSAGE, None),
            ("x" * (p.MAX_MESSAGE_BYTES + 1), ErrorCode.PROTOCOL_MALFORMED_MESSAGE, None),
        ],
        ids=["empty", "deep", "fields missing", "wrong type", "hub's own", "unknown", "NaN", "too long"],
    )
    async def test_malformed_messages_get_a_code_and_the_session_goes_on(self, hub, text, code, request_id):
        link = FakeLink(hub).login("alice")
        link.session.receive(text)
        assert (link.received[-1].code, link.received[-1].request_id) == (code, request_id)
        assert "Traceback" not in link.received[-1].message
        assert isinstance(link.ask(p.StartPublishing, "s"), p.Done)

    async def test_an_unexpected_fault_is_logged_answered_and_hurts_nobody_else(self, hub, caplog):
        link, other = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        refused = link.offer(sdp="bug")
        assert refused.code == ErrorCode.HUB_INTERNAL_ERROR
        assert "ZeroDivision" not in refused.message
        assert "ZeroDivisionError" in caplog.text
        assert isinstance(link.offer(), p.Answer)
        assert isinstance(other.offer(), p.Answer)

    async def test_a_link_that_fails_does_not_keep_others_from_hearing(self, hub, monkeypatch):
        first, broken, last = (FakeLink(hub).login(user_id) for user_id in ("alice", "bob", "carol"))
        monkeypatch.setattr(broken, "send", lambda text: 1 / 0)
        broken.say(p.Heartbeat())
        FakeLink(hub).login("dave")
        for link in (first, last):
            assert link.all(p.RoomUserUpdate)[-1].users == [User("dave")]
        monkeypatch.undo()
        assert isinstance(broken.offer(), p.Answer)

    async def test_a_control_channel_that_fails_does_not_keep_other_pages_from_hearing(self, hub, monkeypatch):
        alice = FakeLink(hub).login("alice")
        alice.offer("one")
        alice.offer("two", capture="offer")
        one, two = hub.forwarder.peers
        for peer in (one, two):
            peer.connect()
            peer.open_control()
        monkeypatch.setattr(one, "send_control", lambda text: 1 / 0)
        two.say(p.LeaveCall())
        assert isinstance(two.control[-1], p.Goodbye)
        assert one.closed_because
        assert two.closed_because
        alice.login("alice")


class TestLogin:
    async def test_answers_with_lists_before_others_hear(self, hub):
        alice = FakeLink(hub).login("alice")
        bob = FakeLink(hub).login("bob")
        assert bob.all(p.LoggedIn)[0].users == [User("alice")]
        assert alice.all(p.RoomUserUpdate) == [p.RoomUserUpdate("demo", UpdateType.ADD, [User("bob")])]

    async def test_of_129_bytes_is_refused_with_1002013(self, hub):
        answer = FakeLink(hub).hello().ask(p.LoginRoom, "r" * 129, User("alice"))
        assert answer.code == ErrorCode.ROOM_ROOMID_TOO_LONG
        assert hub.rooms.room_ids == ()

    async def test_logout_closes_peers_and_another_login_works(self, hub):
        alice = FakeLink(hub).login("alice")
        alice.offer()
        peer = hub.forwarder.peers[0]
        peer.connect()
        peer.open_control()
        assert isinstance(alice.ask(p.LogoutRoom, "demo"), p.Done)
        assert [type(m) for m in peer.control[-2:]] == [p.RoomStateChanged, p.Goodbye]
        assert peer.control[-2].reason is RoomStateChangedReason.LOGOUT
        assert peer.closed_because
        assert alice.all(p.RoomStateChanged) == []
        peer.lose()
        assert alice.ask(p.LogoutRoom, "demo").code == ErrorCode.ROOM_ROOMID_INCORRECT
        alice.login("alice", room_id="other")

    async def test_the_log_line_cannot_be_forged(self, hub, caplog):
        caplog.set_level(logging.INFO, "zego_widget.hub")
        link = FakeLink(hub)
        link.say(p.Hello(p.PROTOCOL_VERSION, "evil\nINFO forged \x1b[31m"))
        link.login("alice").offer("p\u00e9\u4e2d")
        assert all(record.getMessage().isascii() for record in caplog.records)
        assert all(record.getMessage().isprintable() for record in caplog.records)


class TestOffer:
    @pytest.mark.parametrize(
        ("peer_id", "code"),
        [
            ("", ErrorCode.COMMON_ILLEGAL_PARAM),
            ("p" * 64, None),
            ("p" * 65, ErrorCode.COMMON_ILLEGAL_PARAM),
            ("new\nline", ErrorCode.COMMON_ILLEGAL_PARAM),
        ],
    )
    async def test_peer_ids(self, hub, peer_id, code):
        assert getattr(FakeLink(hub).login("alice").offer(peer_id), "code", None) == code

    async def test_a_peer_id_in_use_is_refused_and_free_again_when_closed(self, hub):
        alice = FakeLink(hub).login("alice")
        alice.offer()
        assert alice.offer().code == ErrorCode.COMMON_ILLEGAL_PARAM
        assert isinstance(alice.ask(p.ClosePeer, "page"), p.Done)
        assert isinstance(alice.offer(), p.Answer)
        hub.forwarder.peers[0].listener.peer_closed(hub.forwarder.peers[0], "late")
        assert alice.session.peer_count == 1

    async def test_nine_peers_are_one_too_many(self, hub):
        alice = FakeLink(hub).login("alice")
        for number in range(presence.MAX_PEERS):
            assert isinstance(alice.offer(f"page{number}"), p.Answer)
        assert alice.offer("ninth").code == ErrorCode.MEDIA_TOO_MANY_PEERS
        alice.ask(p.ClosePeer, "page3")
        assert isinstance(alice.offer("ninth"), p.Answer)

    async def test_bad_and_oversized_sdp_is_a_bad_offer(self, hub):
        alice = FakeLink(hub).login("alice")
        assert alice.offer(sdp="bad").code == ErrorCode.MEDIA_BAD_OFFER
        assert alice.offer(sdp="é" * (p.MAX_SDP_BYTES // 2 + 1)).code == ErrorCode.MEDIA_BAD_OFFER
        assert hub.forwarder.peers == []

    async def test_may_follow_login_without_waiting(self, hub):
        link = FakeLink(hub)
        link.say(p.Hello(p.PROTOCOL_VERSION, "tests"))
        link.say(p.LoginRoom(1, "demo", User("alice"), RoomConfig(), True, link.key("alice")))
        link.say(p.Offer(2, "page", "offer"))
        assert [type(m) for m in link.received] == [p.Welcome, p.LoggedIn, p.RoomOnlineUserCountUpdate, p.Answer]

    async def test_closing_an_unknown_peer_is_refused(self, hub):
        assert FakeLink(hub).login("alice").ask(p.ClosePeer, "x").code == ErrorCode.MEDIA_UNKNOWN_PEER


class TestStreams:
    async def test_become_live_when_the_capturing_peer_connects_in_any_order(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.offer()
        assert bob.all(p.RoomStreamUpdate) == []
        hub.forwarder.peers[0].connect()
        assert [m.streams[0].stream_id for m in bob.all(p.RoomStreamUpdate)] == ["a"]
        bob.offer()
        hub.forwarder.peers[1].connect()
        bob.ask(p.StartPublishing, "b")
        assert [m.streams[0].stream_id for m in alice.all(p.RoomStreamUpdate)] == ["b"]

    async def test_of_a_lost_page_are_offline_and_come_back_with_the_next(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.offer()
        hub.forwarder.peers[0].connect()
        hub.forwarder.peers[0].lose()
        offline = [p.StreamDeletion("a", StreamDeleteReason.OFFLINE)]
        assert bob.all(p.RoomStreamUpdate)[-1].stream_delete_reason == offline
        assert alice.all(p.PeerStateChanged)[-1].state is PeerState.CLOSED
        alice.offer("reloaded")
        hub.forwarder.peers[1].connect()
        assert bob.all(p.RoomStreamUpdate)[-1].update_type is UpdateType.ADD

    async def test_move_to_the_page_that_takes_the_camera(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.offer("one")
        bob.offer()
        one, bobs = hub.forwarder.peers
        for peer in (one, bobs):
            peer.connect()
            peer.open_control()
        assert alice.offer("two").captures
        assert one.control[-1] == p.CaptureChanged(False)
        assert alice.all(p.PeerStateChanged)[-1] == p.PeerStateChanged("one", PeerState.CONNECTED, False)
        assert bobs.shown["v0"] == one.publication("camera")
        told = len(bob.received)
        hub.forwarder.peers[-1].connect()
        assert bobs.shown["v0"] == hub.forwarder.peers[-1].publication("camera")
        assert bob.all(p.RoomStreamUpdate)[-1].update_type is UpdateType.ADD
        assert not [each for each in bob.received[told:] if isinstance(each, p.RoomStreamUpdate)]
        assert len([each for each in bobs.control if isinstance(each, p.SlotsChanged)]) <= 1
        one.lose()  # it sends nothing any more
        assert bobs.shown["v0"] == hub.forwarder.peers[-1].publication("camera")

    async def test_go_when_the_page_that_sends_them_goes_before_the_next_is_connected(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.offer("one")
        one = hub.forwarder.peers[0]
        one.connect()
        alice.offer("two")
        one.lose()
        assert bob.all(p.RoomStreamUpdate)[-1].update_type is UpdateType.DELETE
        hub.forwarder.peers[-1].connect()
        assert bob.all(p.RoomStreamUpdate)[-1].update_type is UpdateType.ADD

    async def test_stay_where_they_were_when_the_next_page_never_connects(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.offer("one")
        bob.offer()
        one, bobs = hub.forwarder.peers
        for peer in (one, bobs):
            peer.connect()
            peer.open_control()
        alice.offer("two")
        hub.forwarder.peers[-1].lose()
        assert one.control[-1] == p.CaptureChanged(True)
        assert bobs.shown["v0"] == one.publication("camera")
        assert len(bob.all(p.RoomStreamUpdate)) == 1

    async def test_a_peer_without_send_slots_publishes_nothing(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.ask(p.Offer, "page", "offer", capture="take")
        hub.forwarder.peers[0].connect()
        assert bob.all(p.RoomStreamUpdate) == []

    async def test_are_shown_on_slots_of_connected_peers_only(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.offer()
        bob.offer()
        alices, bobs = hub.forwarder.peers
        alices.connect()
        assert bobs.shown == {}
        bobs.connect()
        assert bobs.shown == {"a0": alices.publication("microphone"), "v0": alices.publication("camera")}
        bobs.open_control()
        (snapshot,) = bobs.control
        assert snapshot.slots == [p.SlotAssignment("a", "a0", "v0")]
        alice.session.link_closed()
        assert bobs.shown == {}
        assert [type(m) for m in bobs.control[1:]] == [p.RoomStreamUpdate, p.SlotsChanged, p.RoomUserUpdate]

    async def test_a_stream_without_video_has_no_video_slot(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.ask(p.Offer, "page", "offer", p.SendSlots(microphone="m"), "take")
        bob.offer()
        alices, bobs = hub.forwarder.peers
        alices.connect()
        bobs.connect()
        bobs.open_control()
        assert bobs.control[0].slots == [p.SlotAssignment("a", "a0", None)]
        assert list(bobs.shown) == ["a0"]


class TestPlaying:
    async def test_limits_and_refusals(self, hub):
        link = FakeLink(hub).login("alice", auto_play=False)
        for number in range(p.PLAY_LIMIT):
            assert isinstance(link.ask(p.StartPlaying, f"s{number}"), p.Done)
        assert link.ask(p.StartPlaying, "one-more").code == ErrorCode.PLAYER_COUNT_EXCEED
        assert link.ask(p.StartPlaying, "bad id").code == ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER
        assert link.ask(p.StopPlaying, "one-more").code == ErrorCode.PLAYER_STREAM_WAS_NOT_PLAYED
        assert isinstance(link.ask(p.StopPlaying, "s0"), p.Done)


class TestControl:
    async def test_heartbeats_and_nonsense_are_answered_on_the_same_channel(self, hub):
        alice = FakeLink(hub).login("alice")
        alice.offer()
        (peer,) = hub.forwarder.peers
        peer.connect()
        peer.open_control()
        peer.say(p.Heartbeat(3.5))
        peer.listener.control_received(peer, "{nonsense")
        peer.listener.control_received(peer, '{"type":"login_room"}')
        assert peer.control[1] == p.HeartbeatAck(3.5)
        assert [m.code for m in peer.control[2:]] == [ErrorCode.PROTOCOL_MALFORMED_MESSAGE] * 2
        assert peer.closed_because is None

    async def test_only_the_page_that_captures_changes_the_state_of_the_stream(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "a")
        alice.offer("one")
        alice.offer("two", capture="offer")
        one, two = hub.forwarder.peers
        for peer in (one, two):
            peer.connect()
            peer.open_control()
        two.say(p.SetDeviceState(RemoteDeviceState.MUTE, RemoteDeviceState.DISABLE))
        assert bob.all(p.StreamStateChanged) == []
        one.say(p.LeavePage())
        assert bob.all(p.RoomStreamUpdate)[-1].streams[0].camera is RemoteDeviceState.DISABLE
        two.say(p.SetDeviceState(RemoteDeviceState.OPEN, RemoteDeviceState.OPEN))
        assert bob.all(p.StreamStateChanged)[-1].stream.camera is RemoteDeviceState.OPEN

    async def test_leaving_the_page_ends_only_that_peer(self, hub):
        alice = FakeLink(hub).login("alice")
        alice.offer("one")
        alice.offer("two")
        one, two = hub.forwarder.peers
        for peer in (one, two):
            peer.connect()
            peer.open_control()
        two.say(p.LeavePage())
        assert two.closed_because == p.PAGE_LEFT
        assert one.control[-1] == p.CaptureChanged(True)
        assert hub.rooms.room_ids == ("demo",)

    async def test_messages_of_a_peer_that_was_closed_count_for_nothing(self, hub):
        alice = FakeLink(hub).login("alice")
        alice.offer()
        (peer,) = hub.forwarder.peers
        peer.connect()
        alice.ask(p.ClosePeer, "page")
        peer.open_control()
        peer.say(p.LeaveCall())
        peer.connect()
        assert hub.rooms.room_ids == ("demo",)
        assert peer.control == []

    async def test_a_fault_in_a_peers_event_stays_in_the_hub(self, hub, monkeypatch, caplog):
        alice = FakeLink(hub).login("alice")
        alice.offer()
        (peer,) = hub.forwarder.peers
        peer.connect()
        peer.open_control()
        monkeypatch.setattr(wire, "decode_page", lambda text: 1 / 0)
        peer.say(p.Heartbeat())
        assert peer.control[-1].code == ErrorCode.HUB_INTERNAL_ERROR
        assert "ZeroDivisionError" in caplog.text


class TestSilence:
    async def test_a_session_that_is_not_logged_in_owes_heartbeats_too(self, hub):
        link = FakeLink(hub).hello()
        hub.tick(hub.now() + 14)
        assert link.closed is None
        hub.tick(hub.now() + 16)
        assert isinstance(link.received[-1], p.Goodbye)
        assert link.closed[0] == 1008
        assert hub.session_count == 0

    async def test_a_silent_user_is_told_and_others_hear_why(self, hub, monkeypatch):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        later = hub.now() + 16
        monkeypatch.setattr(hub, "now", lambda: later - 1)
        bob.say(p.Heartbeat())
        hub.tick(later)
        assert alice.all(p.RoomStateChanged)[0].error_code == ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT
        assert alice.closed is not None
        assert bob.closed is None
        assert bob.all(p.RoomUserUpdate)[-1].update_type is UpdateType.DELETE


async def test_status_counts_what_there_is(hub):
    alice = FakeLink(hub).login("alice")
    alice.ask(p.StartPublishing, "a")
    alice.offer()
    FakeLink(hub).login("bob", room_id="other")
    FakeLink(hub)
    hub.forwarder.peers[0].connect()
    status = hub.status()
    assert status == {
        "rooms": 2,
        "sessions": 3,
        "streams": 1,
        "peers": 1,
        "packets_forwarded": 7,
        "counters": {"packets_forwarded": 7} | hub.resumption.counters,
        "network": {"upstream": {}, "downstream": {}},
    }


async def test_a_link_to_a_hub_that_stops_gets_goodbye_and_is_closed():
    hub = make_hub()
    alice = FakeLink(hub).login("alice")
    await hub.aclose("The hub stops.")
    late = FakeLink(hub)
    for link in (alice, late):
        assert link.received[-1] == p.Goodbye(ErrorCode.HUB_STOPPING, "The hub stops.")
        assert link.closed == (1001, "The hub stops.")


_ids = st.sampled_from(["demo", "x", "y", "z"])
_bad = st.sampled_from(["", "two words", "n" * 300])
_slots = st.sampled_from([p.SendSlots("m", "c"), p.SendSlots("m", "c"), p.SendSlots()])
_wishes = st.sampled_from(["take", "offer", "never"])
_requests = st.one_of(
    st.tuples(st.just(p.LoginRoom), _ids, st.builds(User, _ids)),
    st.tuples(st.just(p.LogoutRoom), st.just("demo")),
    st.tuples(st.just(p.StartPublishing), _ids),
    st.tuples(st.just(p.StopPublishing)),
    st.tuples(st.just(p.StartPlaying), _ids),
    st.tuples(st.just(p.StopPlaying), _ids),
    st.tuples(st.just(p.Offer), _ids, st.sampled_from(["offer", "offer", "bad"]), _slots, _wishes),
    st.tuples(st.just(p.ClosePeer), _ids),
    st.tuples(st.sampled_from([p.LoginRoom, p.StartPublishing, p.Offer]), _bad, st.just(User("", "")), _bad),
)
_network = st.sampled_from(["connect", "open_control", "lose"])
_control = st.sampled_from(
    [p.LeavePage(), p.LeaveCall(), p.Heartbeat(), p.SetDeviceState(RemoteDeviceState.MUTE, RemoteDeviceState.OPEN)]
)
_steps = st.tuples(
    st.integers(0, 99), st.one_of(_requests, _requests, _network, _network, _control, st.text(max_size=10))
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_steps, min_size=1, max_size=40))
async def test_any_sequence_of_messages_is_answered_and_leaves_a_consistent_hub(caplog, steps):
    hub = make_hub()
    links = [FakeLink(hub).login(user_id) for user_id in ("x", "y", "z")]
    for link in links:
        link.ask(p.StartPublishing, f"{link.session.session_id}-main")
        link.offer("page")
    for peer in hub.forwarder.peers:
        peer.connect()
    for who, step in steps:
        link = links[who % 3]
        peers = [peer for peer in hub.forwarder.peers if peer.state is not PeerState.CLOSED]
        peer = peers[who % len(peers)] if peers else None
        if isinstance(step, tuple):
            kind, *arguments = step
            fields = len(kind.__struct_fields__) - 1
            well_formed_login = kind is p.LoginRoom and len(arguments) == 2
            more = {"credential": link.key(arguments[1].user_id, arguments[0])} if well_formed_login else {}
            answer = link.ask(kind, *arguments[:fields], **more)
            assert isinstance(answer, p.Done | p.Refused | p.LoggedIn | p.Answer)
        elif peer is None:
            continue
        elif isinstance(step, p.Message):
            peer.say(step)
        elif step in ("open_control", "lose"):
            getattr(peer, step)()
        elif step == "connect":
            if peer.state is PeerState.NEW:
                peer.connect()
        else:
            link.session.receive(step)
            peer.listener.control_received(peer, step)
        check_media(hub, links)
    for link in links:
        link.session.link_closed()
    assert (hub.session_count, hub.rooms.room_ids, hub.sources) == (0, (), {})
    assert all(peer.state is PeerState.CLOSED for peer in hub.forwarder.peers)
    await hub.aclose("The test is over.")
    assert "Traceback" not in caplog.text


def check_media(hub, links):
    """Live streams are the sources there are, each of a connected peer; nobody is shown anything else."""
    live = {stream.stream_id for link in links for stream in hub.rooms.published(link.session.session_id).values()}
    assert {stream_id for _, stream_id in hub.sources} <= live
    assert len(hub.sources) == hub.rooms.stream_count
    published = {source.video for source in hub.sources.values()}
    connected = [peer for peer in hub.forwarder.peers if peer.state is PeerState.CONNECTED]
    assert published <= {peer.publication("camera") for peer in connected}
    for peer in connected:
        shown = {publication for mid, publication in peer.shown.items() if mid.startswith("v")}
        assert shown <= published - {peer.publication("camera")}
