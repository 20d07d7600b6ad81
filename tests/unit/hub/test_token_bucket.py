"""Who says too much is slowed down on a link and closed on a control channel; bursts pass."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.errors import ErrorCode
from zego_widget.hub.token_bucket import BYTES_OF_A_MESSAGE, LINK_PATIENCE, TokenBucket, cost
from zego_widget.model import RemoteDeviceState, UpdateType, User

HEARTBEAT = wire.encode(p.Heartbeat())


class TestBucket:
    def test_gives_a_burst_and_then_its_rate(self):
        bucket = TokenBucket(rate=10, burst=3)
        assert [bucket.spend(0.0) for _ in range(3)] == [0, 0, 0]
        assert bucket.spend(0.0) == 0.1
        assert bucket.spend(0.5) == 0
        assert bucket.spend(0.5, 12) == 1.0

    def test_holds_no_more_than_a_burst(self):
        bucket = TokenBucket(rate=10, burst=3)
        bucket.spend(0.0)
        assert bucket.spend(1000.0, 3) == 0
        assert bucket.spend(1000.0) > 0

    @given(
        rate=st.sampled_from([1.0, 50.0, 500.0]),
        burst=st.sampled_from([1.0, 20.0, 1000.0]),
        idle=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=100),
    )
    def test_who_waits_as_told_never_gets_more_than_burst_and_rate(self, rate, burst, idle):
        bucket = TokenBucket(rate, burst)
        now = 0.0
        for number, each in enumerate(idle, start=1):
            now += bucket.spend(now)
            assert number <= burst + rate * now + 1e-6
            now += each

    def test_knows_for_how_long_it_has_been_exhausted(self):
        bucket = TokenBucket(rate=10, burst=100)
        bucket.spend(0.0, 100)
        assert bucket.exhausted_for(1.0) == 0
        bucket.spend(1.0, 20)
        bucket.spend(2.5)  # after a little more than it was told to wait
        assert bucket.exhausted_for(3.0) == 2.0
        bucket.spend(4.0)
        assert bucket.exhausted_for(4.0) == 0

    def test_a_long_message_counts_as_several(self):
        assert [cost("x" * size) for size in (0, BYTES_OF_A_MESSAGE - 1, BYTES_OF_A_MESSAGE)] == [1, 1, 2]


class TestLink:
    async def test_a_burst_is_read_at_once_and_a_flood_at_a_rate(self, hub):
        link = FakeLink(hub).login("alice")
        pauses = [link.session.receive(HEARTBEAT) for _ in range(1500)]
        assert not any(pauses[:900])
        assert pauses[-1] > 0
        assert len(link.all(p.HeartbeatAck)) == 1500  # slowed down, but nothing is lost
        assert link.closed is None

    async def test_who_goes_on_flooding_is_closed_with_1008_and_leaves_the_room(self, hub, monkeypatch):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        now = hub.now()
        monkeypatch.setattr(hub, "now", lambda: now)
        started_at = now
        while alice.closed is None:
            now += alice.session.receive(HEARTBEAT)
        assert LINK_PATIENCE < now - started_at < LINK_PATIENCE + 1
        assert alice.closed[0] == 1008
        assert alice.received[-1].code == ErrorCode.ROOM_APP_CALL_TOO_FREQUENT
        assert bob.all(p.RoomUserUpdate)[-1].update_type is UpdateType.DELETE
        assert alice.session.receive(HEARTBEAT) == 0

    async def test_who_pauses_in_between_is_not_closed(self, hub, monkeypatch):
        link = FakeLink(hub).login("alice")
        now = hub.now()
        monkeypatch.setattr(hub, "now", lambda: now)
        for _ in range(10):
            for _ in range(2000):
                now += link.session.receive(HEARTBEAT)
            now += 1.0
        assert link.closed is None

    async def test_the_negotiation_of_a_full_room_is_a_burst(self, hub):
        links = [FakeLink(hub).login(f"user{number}") for number in range(12)]
        for link in links:
            for page in range(8):
                offer = p.Offer(0, f"page{page}", "offer" + "x" * 20_000, p.SendSlots("0", "1"))
                assert link.session.receive(wire.encode(offer)) == 0
            assert len(link.all(p.Answer)) == 8

    async def test_one_that_is_slowed_down_slows_nobody_else(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        while not alice.session.receive(HEARTBEAT):
            pass
        assert bob.session.receive(HEARTBEAT) == 0

    async def test_logins_and_offers_weigh_more(self, hub):
        link = FakeLink(hub).login("alice")
        login = wire.encode(p.LoginRoom(9, "demo", User("alice")))
        count = 0
        while not link.session.receive(login):
            count += 1
        assert 30 < count < 60


class TestControl:
    async def test_a_page_that_floods_loses_its_control_channel_and_nobody_else_does(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.offer("one")
        alice.offer("two", capture="offer")
        bob.offer("three")
        one, two, three = hub.forwarder.peers
        for peer in (one, two, three):
            peer.connect()
            peer.open_control()
        change = p.SetDeviceState(RemoteDeviceState.OPEN, RemoteDeviceState.OPEN)
        for _ in range(10_000):
            one.say(change)
        assert isinstance(one.control[-1], p.Goodbye)
        assert one.control[-1].code == ErrorCode.ROOM_APP_CALL_TOO_FREQUENT
        assert one.closed_because and two.closed_because is None and three.closed_because is None
        two.say(p.Heartbeat(1.0))
        three.say(p.Heartbeat(2.0))
        assert two.control[-1] == p.HeartbeatAck(1.0)
        assert three.control[-1] == p.HeartbeatAck(2.0)

    async def test_a_burst_of_a_page_passes(self, hub):
        alice = FakeLink(hub).login("alice")
        alice.offer()
        (peer,) = hub.forwarder.peers
        peer.connect()
        peer.open_control()
        for number in range(150):
            peer.say(p.Heartbeat(float(number)))
        assert peer.control[-1] == p.HeartbeatAck(149.0)
