"""What ZEGO says of broadcast messages, barrage messages and custom commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.errors import ErrorCode, Refused
from zego_widget.model import BarrageMessageInfo, BroadcastMessageInfo, RoomConfig, User
from zego_widget.room import BarrageReceived, BroadcastReceived, CommandReceived, Messages, Rooms

ALICE, BOB, CAROL, DAVE = User("alice"), User("bob"), User("carol"), User("dave")
NOON = 1_800_000_000_000


class Talk:
    """Alice, Bob and Carol in room "demo", Dave in another; session IDs are their initials."""

    def __init__(self):
        self.rooms = Rooms()
        self.messages = Messages(self.rooms)
        for user in (ALICE, BOB, CAROL):
            self.enter(user)
        self.enter(DAVE, "other")

    def enter(self, user, room_id="demo"):
        self.rooms.login(user.user_id[0], room_id, user, RoomConfig(), 0.0)

    def broadcast(self, session_id, text="hello", now=0.0, room_id="demo", send_time=NOON):
        return self.messages.broadcast(session_id, room_id, text, now, send_time)

    def barrage(self, session_id, text="hello", now=0.0, room_id="demo", send_time=NOON):
        return self.messages.barrage(session_id, room_id, text, now, send_time)

    def command(self, session_id, text="go", to=(), now=0.0, room_id="demo"):
        return self.messages.command(session_id, room_id, text, to, now)


@pytest.fixture
def talk():
    return Talk()


def refusal(action, *arguments, **fields):
    with pytest.raises(Refused) as caught:
        action(*arguments, **fields)
    return caught.value.code


class TestEveryKind:
    @pytest.mark.parametrize("kind", ["broadcast", "barrage", "command"])
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", ErrorCode.IM_CONTENT_NULL),
            ("x" * 1024, ErrorCode.SUCCESS),
            ("x" * 1025, ErrorCode.IM_CONTENT_TOO_LONG),
            ("é" * 512, ErrorCode.SUCCESS),
            ("é" * 513, ErrorCode.IM_CONTENT_TOO_LONG),
            (" ", ErrorCode.SUCCESS),
        ],
    )
    def test_has_1_to_1024_bytes(self, talk, kind, text, code):
        send = getattr(talk, kind)
        if code:
            assert refusal(send, "a", text) == code
        else:
            send("a", text)

    @pytest.mark.parametrize("kind", ["broadcast", "barrage", "command"])
    def test_to_another_room_is_refused_with_1009005(self, talk, kind):
        assert refusal(getattr(talk, kind), "a", room_id="other") == ErrorCode.IM_INCONSISTENT_ROOM_ID
        assert refusal(getattr(talk, kind), "a", room_id="") == ErrorCode.IM_INCONSISTENT_ROOM_ID

    @pytest.mark.parametrize("kind", ["broadcast", "barrage", "command"])
    def test_from_outside_a_room_is_refused_with_1000002(self, talk, kind):
        assert refusal(getattr(talk, kind), "stranger") == ErrorCode.COMMON_NOT_LOGIN_ROOM

    @pytest.mark.parametrize("text", ["\x00\x1b[31m\u202eevil\u2066", "<img onerror=alert(1)>", "👩‍👩‍👧", "\r\n"])
    def test_text_is_data(self, talk, text):
        assert talk.broadcast("a", text).events[0].messages[0].message == text
        assert talk.barrage("a", text).events[0].messages[0].message == text
        assert talk.command("a", text)[0].command == text


class TestBroadcast:
    def test_is_heard_by_everyone_else_in_the_room(self, talk):
        sent = talk.broadcast("a", "hello")
        messages = (BroadcastMessageInfo("hello", sent.message_id, NOON, ALICE),)
        assert sent.events == (BroadcastReceived("b", "demo", messages), BroadcastReceived("c", "demo", messages))

    def test_in_an_empty_room_is_sent_and_heard_by_nobody(self, talk):
        assert talk.broadcast("d", room_id="other").events == ()

    def test_message_ids_grow_even_when_the_time_of_day_goes_back(self, talk):
        ids = [
            talk.broadcast("a", send_time=NOON).message_id,
            talk.barrage("b", send_time=NOON).message_id,
            talk.broadcast("c", send_time=NOON - 5000).message_id,
            talk.broadcast("d", room_id="other", send_time=NOON + 1).message_id,
        ]
        assert ids == sorted(set(ids))
        assert ids[-1] < 2**53

    def test_the_third_of_one_user_within_a_second_is_refused_with_1009015(self, talk):
        talk.broadcast("a", now=10.0)
        talk.broadcast("a", now=10.5)
        assert refusal(talk.broadcast, "a", now=10.99) == ErrorCode.IM_BROADCAST_MESSAGE_QPS_OVERLOAD
        talk.broadcast("b", now=10.99)
        talk.broadcast("a", now=11.0)
        assert refusal(talk.broadcast, "a", now=11.49) == ErrorCode.IM_BROADCAST_MESSAGE_QPS_OVERLOAD

    def test_leaving_and_coming_back_gains_nothing(self, talk):
        talk.broadcast("a")
        talk.broadcast("a")
        talk.rooms.logout("a", "demo")
        talk.enter(ALICE)
        assert refusal(talk.broadcast, "a", now=0.5) == ErrorCode.IM_BROADCAST_MESSAGE_QPS_OVERLOAD

    def test_the_eleventh_in_a_room_within_a_second_is_refused_with_1002072(self, talk):
        users = [User(f"{number}user") for number in range(6)]
        for user in users:
            talk.enter(user)
        for user in users[:5]:
            talk.broadcast(user.user_id[0])
            talk.broadcast(user.user_id[0])
        assert refusal(talk.broadcast, "5", now=0.99) == ErrorCode.ROOM_CALL_API_TOO_FREQUENT
        talk.broadcast("d", room_id="other", now=0.99)
        talk.broadcast("5", now=1.0)

    def test_a_refusal_does_not_count(self, talk):
        talk.broadcast("a")
        assert refusal(talk.broadcast, "a", "") == ErrorCode.IM_CONTENT_NULL
        assert refusal(talk.broadcast, "a", room_id="other") == ErrorCode.IM_INCONSISTENT_ROOM_ID
        talk.broadcast("a")

    @given(steps=st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0.0, 0.3)), max_size=80))
    def test_any_sequence_keeps_both_rates(self, steps):
        talk = Talk()
        for name in "efgh":
            talk.enter(User(f"{name}user"))
        now, accepted = 0.0, []
        for session_id, step in steps:
            now += step
            room_id = talk.rooms.room_id(session_id)
            recent = [who for when, who, where in accepted if now - when < 1.0 and where == room_id]
            expected = ErrorCode.SUCCESS
            if recent.count(session_id) >= 2:
                expected = ErrorCode.IM_BROADCAST_MESSAGE_QPS_OVERLOAD
            elif len(recent) >= 10:
                expected = ErrorCode.ROOM_CALL_API_TOO_FREQUENT
            if expected:
                assert refusal(talk.broadcast, session_id, now=now, room_id=room_id) == expected
            else:
                heard_by = {event.session_id for event in talk.broadcast(session_id, now=now, room_id=room_id).events}
                assert heard_by == {other for other in "abcdefgh" if talk.rooms.room_id(other) == room_id} - {
                    session_id
                }
                accepted.append((now, session_id, room_id))


class TestBarrage:
    def test_is_heard_by_everyone_else_in_the_room(self, talk):
        sent = talk.barrage("b", "wow")
        messages = (BarrageMessageInfo("wow", str(sent.message_id), NOON, BOB),)
        assert sent.events == (BarrageReceived("a", "demo", messages), BarrageReceived("c", "demo", messages))

    def test_beyond_20_per_second_it_is_lost_and_not_refused(self, talk):
        heard = [bool(talk.barrage("abc"[number % 3], now=number / 100).events) for number in range(25)]
        assert heard == [True] * 20 + [False] * 5
        assert talk.barrage("a", now=1.0).events

    def test_does_not_use_up_the_rate_of_broadcasts(self, talk):
        for _ in range(30):
            talk.barrage("a")
        talk.broadcast("a")


class TestCommand:
    def test_to_nobody_in_particular_goes_to_everyone_else(self, talk):
        assert talk.command("a", "go") == [
            CommandReceived("b", "demo", ALICE, "go"),
            CommandReceived("c", "demo", ALICE, "go"),
        ]

    @pytest.mark.parametrize(
        ("to", "heard_by"),
        [
            (["bob"], "b"),
            (["bob", "carol"], "bc"),
            (["bob", "bob"], "b"),
            (["alice"], ""),
            (["alice", "bob"], "b"),
            (["nobody"], ""),
            (["dave"], ""),
        ],
        ids=str,
    )
    def test_goes_once_to_each_of_those_named_who_are_in_the_room(self, talk, to, heard_by):
        assert [event.session_id for event in talk.command("a", to=to)] == list(heard_by)

    @pytest.mark.parametrize(
        ("to", "code"),
        [
            ([""], ErrorCode.IM_USER_ID_EMPTY),
            (["bob", ""], ErrorCode.IM_USER_ID_EMPTY),
            (["u" * 64], ErrorCode.SUCCESS),
            (["u" * 65], ErrorCode.IM_USER_ID_TOO_LONG),
            (["é" * 33], ErrorCode.IM_USER_ID_TOO_LONG),
            (["bob"] * 500, ErrorCode.SUCCESS),
            (["bob"] * 501, ErrorCode.IM_INPUT_PARAMS_LENGTH_LIMIT),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_names_users_by_valid_ids(self, talk, to, code):
        if code:
            assert refusal(talk.command, "a", to=to) == code
        else:
            talk.command("a", to=to)

    def test_200_per_second_to_one_user_and_10_to_several(self, talk):
        for number in range(200):
            talk.command("a", to=["bob" if number % 2 else "carol"])
        for number in range(10):
            talk.command("a", to=["bob", "carol"] if number % 2 else [])
        assert refusal(talk.command, "a", to=["bob"], now=0.99) == ErrorCode.ROOM_CALL_API_TOO_FREQUENT
        assert refusal(talk.command, "a", now=0.99) == ErrorCode.ROOM_CALL_API_TOO_FREQUENT
        talk.command("b", now=0.99)
        talk.command("a", to=["bob"], now=1.0)
        talk.command("a", now=1.0)

    def test_who_leaves_and_comes_back_may_not_say_more(self, talk):
        for _ in range(10):
            talk.command("a")
        for _ in range(200):
            talk.command("a", to=["bob"])
        for _ in range(2):
            talk.rooms.logout("a", "demo")
            talk.enter(ALICE)
            assert refusal(talk.command, "a", now=0.5) == ErrorCode.ROOM_CALL_API_TOO_FREQUENT
            assert refusal(talk.command, "a", to=["bob"], now=0.5) == ErrorCode.ROOM_CALL_API_TOO_FREQUENT
        assert talk.command("a", now=1.0)

    def test_what_those_said_who_left_is_forgotten(self, talk):
        room, _ = talk.rooms.place("b")
        for number in range(300):
            user = User(f"visitor{number}")
            talk.rooms.login("v", "demo", user, RoomConfig(), number)
            talk.command("v", now=number)
            talk.rooms.logout("v", "demo")
        assert len(room.left) <= 2
