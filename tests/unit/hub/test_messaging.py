"""What the hub makes of messages, extra info and the count of users."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.hub.fakes import FakeLink, make_hub
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode
from zego_widget.model import PublishChannel, RoomExtraInfo, Stream, UpdateType, User


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


class TestRoomExtraInfo:
    async def test_who_sets_it_is_told_when_that_was(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        answer = alice.ask(p.SetRoomExtraInfo, "demo", "topic", "tea")
        (update,) = bob.all(p.RoomExtraInfoUpdate)
        assert update.room_extra_infos == [RoomExtraInfo("topic", "tea", User("alice"), answer.at)]
        assert answer.at > 0

    async def test_that_is_brought_back_is_told_to_the_others_and_to_newcomers(self, hub):
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
        wish = ("demo", "topic", "tea", 1000)
        assert alice.ask(p.RestoreRoomExtraInfo, *wish, own=False).at == 1000
        told = [p.RoomExtraInfoUpdate("demo", [RoomExtraInfo("topic", "tea", User("alice"), 1000)])]
        assert bob.all(p.RoomExtraInfoUpdate) == told
        assert bob.ask(p.RestoreRoomExtraInfo, *wish, own=False).at == 0
        assert FakeLink(hub).login("carol").all(p.RoomExtraInfoUpdate) == told
        assert alice.all(p.RoomExtraInfoUpdate) == []

    async def test_is_brought_back_only_by_who_is_in_the_room(self, hub):
        stranger = FakeLink(hub).hello()
        wish = ("demo", "topic", "tea", 1000)
        refused = stranger.ask(p.RestoreRoomExtraInfo, *wish, own=True)
        assert refused.code == ErrorCode.COMMON_NOT_LOGIN_ROOM
        alice = FakeLink(hub).login("alice", room_id="other")
        assert alice.ask(p.RestoreRoomExtraInfo, *wish, own=True).code == ErrorCode.ROOM_ROOMID_INCORRECT


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


NAMES = ("alice", "bob", "carol")
_text = st.one_of(
    st.sampled_from(["a", "b", "c", "d", "é" * 512]), st.text(max_size=10), st.sampled_from(["", "x" * 1025])
)
_room_ids = st.sampled_from(["demo"] * 8 + ["other", ""])
_recipients = st.lists(st.sampled_from([*NAMES, *NAMES, "nobody", "", "u" * 65]), max_size=4)
_steps = st.one_of(
    st.sampled_from(["enter demo", "enter demo", "enter other", "leave"]),
    st.sampled_from([0.01, 0.1, 0.5, 1.0]),
    st.tuples(st.just(p.SendBroadcastMessage), _room_ids, _text),
    st.tuples(st.just(p.SendBarrageMessage), _room_ids, _text),
    st.tuples(st.just(p.SendBarrageMessage), st.just("demo"), st.just("wow")),
    st.tuples(st.just(p.SendCustomCommand), _room_ids, _text, _recipients),
    st.tuples(st.just(p.SetRoomExtraInfo), _room_ids, _text, _text),
    st.tuples(st.just(p.SetStreamExtraInfo), _text),
)


def heard(event):
    """What a test compares of what was said: kind, text, and who said it."""
    match event:
        case p.BroadcastMessagesReceived(messages=[message]) | p.BarrageMessagesReceived(messages=[message]):
            return type(event), event.room_id, message.message, message.from_user.user_id
        case p.CustomCommandReceived():
            return type(event), event.room_id, event.command, event.from_user.user_id
    return None


RECEIVED = {
    p.SendBroadcastMessage: p.BroadcastMessagesReceived,
    p.SendBarrageMessage: p.BarrageMessagesReceived,
    p.SendCustomCommand: p.CustomCommandReceived,
}


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(range(3)), _steps), min_size=10, max_size=60))
async def test_whatever_users_say_each_message_is_answered_and_heard_once_by_those_it_is_for(steps):
    hub = make_hub()
    now = hub.now()
    hub.now = lambda: now
    links = [FakeLink(hub).login(name) for name in NAMES]
    rooms: list[str | None] = ["demo", "demo", "demo"]
    expected: list[list] = [[], [], []]
    barrages: list[tuple[float, str]] = []
    for who, step in steps:
        link, room_id = links[who], rooms[who]
        if isinstance(step, float):
            now += step
        elif step == "leave":
            if room_id is not None:
                link.ask(p.LogoutRoom, room_id)
                rooms[who] = None
                if room_id not in rooms:  # the rates of a room end with it
                    barrages = [each for each in barrages if each[1] != room_id]
        elif isinstance(step, str):
            if room_id is None:
                rooms[who] = step.split()[1]
                link.login(NAMES[who], room_id=rooms[who])
        else:
            kind, *arguments = step
            answer = link.ask(kind, *arguments)
            if isinstance(answer, p.Refused):
                assert ErrorCode(answer.code) not in (ErrorCode.HUB_INTERNAL_ERROR, ErrorCode.COMMON_ILLEGAL_PARAM)
                continue
            assert room_id is not None
            if kind not in RECEIVED:
                continue
            assert arguments[0] == room_id
            if kind is p.SendBarrageMessage:
                if sum(now - when < 1.0 for when, where in barrages if where == room_id) >= 20:
                    continue
                barrages.append((now, room_id))
            named = arguments[2] if kind is p.SendCustomCommand and arguments[2] else NAMES
            for other, name in enumerate(NAMES):
                if other != who and rooms[other] == room_id and name in named:
                    expected[other].append((RECEIVED[kind], room_id, arguments[1], NAMES[who]))
    for link, messages in zip(links, expected, strict=True):
        assert [each for each in map(heard, link.received) if each is not None] == messages
    await hub.aclose("The test is over.")
