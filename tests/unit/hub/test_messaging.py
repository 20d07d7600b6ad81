"""What the hub makes of messages, extra info and the count of users."""

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode
from zego_widget.model import PublishChannel, Stream, UpdateType, User


class TestOnlineUserCount:
    async def test_follows_the_login_and_comes_again_every_30_seconds(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        assert [m.count for m in alice.all(p.RoomOnlineUserCountUpdate)] == [1]
        assert [m.count for m in bob.all(p.RoomOnlineUserCountUpdate)] == [2]
        now = hub.now()
        for seconds in (29.0, 30.5, 31.0, 60.5):
            for link in (alice, bob):
                hub.rooms.heartbeat(link.session.session_id, now + seconds)
            hub.tick(now + seconds)
        assert [m.count for m in alice.all(p.RoomOnlineUserCountUpdate)] == [1, 2, 2]
        assert [m.count for m in bob.all(p.RoomOnlineUserCountUpdate)] == [2, 2, 2]

    async def test_comes_after_the_answer_to_the_login(self, hub):
        link = FakeLink(hub).login("alice")
        assert [type(m) for m in link.received] == [p.Welcome, p.LoggedIn, p.RoomOnlineUserCountUpdate]


class TestStreamExtraInfo:
    async def test_of_a_live_stream_reaches_the_others_and_later_lists(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.StartPublishing, "s1")
        alice.offer()
        hub.forwarder.peers[0].connect()
        assert alice.ask(p.SetStreamExtraInfo, "mood=good") == p.Done(alice._request_id)
        stream = Stream("s1", User("alice"), "mood=good")
        assert bob.all(p.RoomStreamExtraInfoUpdate) == [p.RoomStreamExtraInfoUpdate("demo", [stream])]
        assert alice.all(p.RoomStreamExtraInfoUpdate) == []
        carol = FakeLink(hub).login("carol")
        assert carol.all(p.LoggedIn)[0].streams == [stream]

    async def test_set_before_publishing_comes_with_the_stream(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        alice.ask(p.SetStreamExtraInfo, "mood=good", PublishChannel.MAIN)
        alice.ask(p.StartPublishing, "s1")
        alice.offer()
        hub.forwarder.peers[0].connect()
        (update,) = bob.all(p.RoomStreamUpdate)
        assert (update.update_type, update.streams[0].extra_info) == (UpdateType.ADD, "mood=good")

    async def test_that_is_empty_or_too_long_is_refused(self, hub):
        alice = FakeLink(hub).login("alice")
        assert alice.ask(p.SetStreamExtraInfo, "").code == ErrorCode.PUBLISHER_EXTRA_INFO_NULL
        assert alice.ask(p.SetStreamExtraInfo, "x" * 1025).code == ErrorCode.PUBLISHER_EXTRA_INFO_TOO_LONG


class TestMessages:
    async def test_are_answered_with_their_id_which_the_others_hear(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        sent = alice.ask(p.SendBroadcastMessage, "demo", "hello")
        ((message,),) = [event.messages for event in bob.all(p.BroadcastMessagesReceived)]
        assert (message.message_id, message.message, message.from_user) == (
            int(sent.message_id),
            "hello",
            User("alice"),
        )
        assert alice.all(p.BroadcastMessagesReceived) == []

    async def test_need_a_room(self, hub):
        link = FakeLink(hub).hello()
        for kind, arguments in (
            (p.SendBroadcastMessage, ("demo", "hello")),
            (p.SendBarrageMessage, ("demo", "hello")),
            (p.SendCustomCommand, ("demo", "hello", [])),
            (p.SetRoomExtraInfo, ("demo", "key", "value")),
            (p.SetStreamExtraInfo, ("info",)),
        ):
            assert link.ask(kind, *arguments).code == ErrorCode.COMMON_NOT_LOGIN_ROOM

    async def test_are_the_kernels_and_not_the_pages_business(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        bob.offer()
        (page,) = hub.forwarder.peers
        page.connect()
        page.open_control()
        said = list(page.control)
        alice.ask(p.SendBroadcastMessage, "demo", "hello")
        alice.ask(p.SendBarrageMessage, "demo", "hello")
        alice.ask(p.SendCustomCommand, "demo", "hello", [])
        alice.ask(p.SetRoomExtraInfo, "demo", "key", "value")
        assert page.control == said
        assert len(bob.all(p.CustomCommandReceived)) == len(bob.all(p.RoomExtraInfoUpdate)) == 1
