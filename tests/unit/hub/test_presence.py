"""A session's time in a room: its token, its channels, and what its pages leave behind."""

from __future__ import annotations

import time

import pytest

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget import tokens
from zego_widget.errors import ErrorCode
from zego_widget.hub.admission import WARNING_TIME
from zego_widget.hub.presence import MAX_PEER_ID, MAX_PEERS
from zego_widget.model import PublishChannel, RemoteDeviceState, RoomConfig, User

LIFETIME = 100


class Bearer:
    """Alice, in the room with a token of `LIFETIME` seconds, and the hub's time of day."""

    def __init__(self, hub):
        self.hub = hub
        self.now = time.time()
        hub.time_of_day = lambda: self.now
        self.link = FakeLink(hub).hello()
        credential = p.Credential(hub.apps.own.app_id, token=self.token())
        assert isinstance(self.link.ask(p.LoginRoom, "demo", User("alice"), RoomConfig(), True, credential), p.LoggedIn)

    def token(self, *, publish=True, room_id="demo"):
        app = self.hub.apps.own
        payload = tokens.privilege_payload(room_id, publish=publish)
        return tokens.sign(app.app_id, "alice", app.server_secret, LIFETIME, payload, now=self.now)

    def wait(self, seconds):
        self.now += seconds
        self.hub.watch_tokens(self.now)

    @property
    def warnings(self):
        return [warning.remain_time_in_second for warning in self.link.all(p.RoomTokenWillExpire)]


@pytest.fixture
def alice(hub):
    return Bearer(hub)


class TestToken:
    async def test_its_end_is_told_once_and_half_a_minute_before(self, alice):
        alice.wait(LIFETIME - WARNING_TIME - 2)
        assert alice.warnings == []
        alice.wait(2)
        alice.wait(1)
        assert len(alice.warnings) == 1
        assert alice.warnings[0] == pytest.approx(WARNING_TIME, abs=1)

    async def test_another_one_ends_later_and_is_told_again(self, alice):
        alice.wait(LIFETIME - 10)
        assert isinstance(alice.link.ask(p.RenewToken, "demo", alice.token()), p.Done)
        alice.wait(20)
        assert len(alice.warnings) == 1
        assert isinstance(alice.link.ask(p.StartPublishing, "s"), p.Done)
        alice.wait(LIFETIME - 30)
        assert len(alice.warnings) == 2

    async def test_its_end_takes_away_the_right_to_begin_and_nothing_else(self, alice):
        alice.link.ask(p.StartPublishing, "s")
        alice.link.offer()
        alice.hub.forwarder.peers[0].connect()
        alice.wait(LIFETIME + 1)
        bob = FakeLink(alice.hub).login("bob")
        assert [stream.stream_id for stream in bob.all(p.LoggedIn)[0].streams] == ["s"]
        refused = alice.link.ask(p.StartPublishing, "t", PublishChannel.AUX)
        assert refused.code == ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR

    async def test_one_that_takes_away_what_is_being_done_is_refused_and_changes_nothing(self, alice):
        alice.link.ask(p.StartPublishing, "s")
        refused = alice.link.ask(p.RenewToken, "demo", alice.token(publish=False))
        assert refused.code == ErrorCode.ROOM_RENEW_TOKEN_NO_PUBLISH_AUTH_ERROR
        alice.link.ask(p.StopPublishing)
        assert isinstance(alice.link.ask(p.StartPublishing, "s"), p.Done)

    async def test_one_without_the_right_to_publish_is_taken_by_who_does_not(self, alice):
        assert isinstance(alice.link.ask(p.RenewToken, "demo", alice.token(publish=False)), p.Done)
        assert alice.link.ask(p.StartPublishing, "s").code == ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR

    async def test_of_a_room_in_which_the_session_is_not_is_refused(self, alice):
        assert alice.link.ask(p.RenewToken, "other", alice.token()).code == ErrorCode.ROOM_ROOMID_INCORRECT
        assert isinstance(alice.link.ask(p.RenewToken, "demo", alice.token(room_id="other")), p.Refused)
        alice.link.ask(p.LogoutRoom, "demo")
        assert alice.link.ask(p.RenewToken, "demo", alice.token()).code == ErrorCode.ROOM_ROOMID_INCORRECT


class TestChannels:
    async def test_a_screen_is_a_stream_of_its_own_with_the_media_of_its_own_slots(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        bob.offer()
        bobs = hub.forwarder.peers[0]
        bobs.connect()
        alice.ask(p.StartPublishing, "face")
        alice.ask(p.StartPublishing, "screen", PublishChannel.AUX)
        alice.ask(p.Offer, "page", "offer", p.SendSlots("m", "c", "s", "sa"), "take")
        alices = hub.forwarder.peers[1]
        alices.connect()
        assert bobs.shown == {
            "a0": alices.publication("microphone"),
            "v0": alices.publication("camera"),
            "a1": alices.publication("screen_audio"),
            "v1": alices.publication("screen"),
        }
        alice.ask(p.StopPublishing, PublishChannel.MAIN)
        assert bobs.shown == {"a1": alices.publication("screen_audio"), "v1": alices.publication("screen")}

    async def test_a_channel_for_which_the_page_has_no_slot_stays_declared_until_one_has(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "screen", PublishChannel.AUX)
        alice.offer("without")
        hub.forwarder.peers[0].connect()
        assert bob.all(p.RoomStreamUpdate) == []
        alice.ask(p.Offer, "with", "offer", p.SendSlots("m", "c", "s"), "take")
        hub.forwarder.peers[1].connect()
        assert [stream.stream_id for stream in bob.all(p.RoomStreamUpdate)[-1].streams] == ["screen"]


class TestPages:
    @pytest.mark.parametrize("peer_id", ["", "x" * (MAX_PEER_ID + 1), "a\nb"], ids=["empty", "long", "two lines"])
    async def test_a_peer_id_that_is_none_is_refused(self, hub, peer_id):
        alice = FakeLink(hub).login("alice")
        assert alice.offer(peer_id).code == ErrorCode.COMMON_ILLEGAL_PARAM
        assert hub.forwarder.peers == []
        assert isinstance(alice.offer("x" * MAX_PEER_ID), p.Answer)

    async def test_one_page_too_many_is_refused_until_another_goes(self, hub):
        alice = FakeLink(hub).login("alice")
        for number in range(MAX_PEERS):
            assert isinstance(alice.offer(f"page {number}"), p.Answer)
        assert alice.offer("one more").code == ErrorCode.MEDIA_TOO_MANY_PEERS
        assert isinstance(alice.ask(p.ClosePeer, "page 3"), p.Done)
        assert isinstance(alice.offer("one more"), p.Answer)

    async def test_what_the_last_page_still_had_to_say_is_nobodys_business(self, hub, caplog):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "s")
        alice.offer()
        (page,) = hub.forwarder.peers
        page.connect()
        page.open_control()
        page.say(p.SetDeviceState(RemoteDeviceState.MUTE, RemoteDeviceState.OPEN))
        page.say(p.SetDeviceState(RemoteDeviceState.MUTE, RemoteDeviceState.DISABLE))
        page.say(p.LeavePage())
        hub.tick(hub.now())
        assert len(bob.all(p.StreamStateChanged)) == 1
        assert "Traceback" not in caplog.text


class TestPeersThatSayWhatTheyPlay:
    async def test_show_that_and_the_others_what_the_session_plays(self, hub):
        for user_id in ("alice", "bob"):
            link = FakeLink(hub).login(user_id)
            link.ask(p.StartPublishing, f"{user_id}-stream")
            link.offer()
            hub.forwarder.peers[-1].connect()
        viewer = FakeLink(hub).login("carol")
        viewer.offer("all", "never")
        viewer.offer("bob", "never", plays=["bob-stream"])
        every, only = hub.forwarder.peers[-2:]
        for peer in (every, only):
            peer.connect()
        assert (len(every.shown), len(only.shown)) == (4, 2)
        assert only.shown["v0"] == every.shown["v1"]

    async def test_that_take_no_codec_of_a_stream_are_told_when_it_changes(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "s")
        alice.offer()
        bob.offer("one", "never")
        camera, viewer = hub.forwarder.peers
        viewer.refused = {"v0": "H.264"}
        viewer.connect()
        camera.connect()
        refused = [p.RefusedVideo("s", "H.264")]
        assert bob.all(p.PeerVideosRefused) == [p.PeerVideosRefused("one", refused)]
        viewer.open_control()
        assert viewer.control[-1] == p.VideosRefused(refused)
        hub.tick(hub.now())
        viewer.refused = {}
        hub.tick(hub.now())
        assert bob.all(p.PeerVideosRefused)[1:] == [p.PeerVideosRefused("one", [])]
        assert [said for said in viewer.control if isinstance(said, p.VideosRefused)][1:] == [p.VideosRefused([])]
        viewer.refused = {"v0": "H.264"}
        hub.tick(hub.now())
        alice.ask(p.StopPublishing)
        assert bob.all(p.PeerVideosRefused)[-1].videos == []

    async def test_may_play_their_own_session_which_goes_and_comes_back(self, hub):
        alice = FakeLink(hub).login("alice")
        alice.ask(p.StartPublishing, "alice-stream")
        alice.offer("camera")
        alice.offer("monitor", "never", plays=["alice-stream"])
        camera, monitor = hub.forwarder.peers
        monitor.connect()
        assert monitor.shown == {}
        camera.connect()
        assert monitor.shown == {"a0": camera.publication("microphone"), "v0": camera.publication("camera")}
        camera.lose()
        assert monitor.shown == {}
        alice.offer("again")
        hub.forwarder.peers[-1].connect()
        assert monitor.shown["v0"] == hub.forwarder.peers[-1].publication("camera")
        alice.ask(p.StopPublishing)
        assert monitor.shown == {}

    @pytest.mark.parametrize(
        "stop",
        [
            lambda alice, camera: alice.ask(p.StopPublishing),
            lambda alice, camera: camera.lose(),
            lambda alice, camera: alice.ask(p.ClosePeer, "page"),
            lambda alice, camera: alice.ask(p.LogoutRoom, "demo"),
            lambda alice, camera: alice.session.link_closed(),
        ],
        ids=["stopped", "lost", "closed", "left", "gone"],
    )
    async def test_that_play_of_their_own_choice_are_sent_nothing_of_a_stream_that_has_ended(self, hub, stop):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "s")
        alice.offer()
        bob.offer("viewer", "never", plays=["s"])
        camera, viewer = hub.forwarder.peers
        viewer.connect()
        camera.connect()
        assert viewer.shown["v0"] == camera.publication("camera")
        stop(alice, camera)
        assert viewer.shown == {}

    async def test_are_sent_nothing_of_another_room(self, hub):
        """A stream ID is no key: who may enter one room sees and hears that room."""
        alice, mallory = FakeLink(hub).login("alice"), FakeLink(hub).login("mallory", room_id="another")
        alice.ask(p.StartPublishing, "s")
        alice.offer()
        mallory.offer("viewer", "never", plays=["s"])
        camera, viewer = hub.forwarder.peers
        camera.connect()
        viewer.connect()
        viewer.open_control()
        assert viewer.shown == {}
        assert viewer.control[0].slots == []
        assert mallory.ask(p.StartPlaying, "s")
        assert viewer.shown == {}

    @pytest.mark.parametrize(
        ("plays", "code"),
        [
            ([f"s{number}" for number in range(13)], ErrorCode.PLAYER_COUNT_EXCEED),
            (["no stream"], ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER),
        ],
    )
    async def test_are_refused_what_nobody_could_play(self, hub, plays, code):
        link = FakeLink(hub).login("alice")
        assert link.offer(plays=plays).code == code
        assert hub.forwarder.peers == []
