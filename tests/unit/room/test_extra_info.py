"""What is attached to rooms and streams, and the count of users."""

import pytest

from zego_widget.errors import ErrorCode, Refused
from zego_widget.model import PublishChannel, RoomConfig, RoomExtraInfo, Stream, User
from zego_widget.room import (
    ExtraInfos,
    RoomExtraInfoChanged,
    Rooms,
    StreamExtraInfoChanged,
    StreamsUpdated,
    UsersCounted,
    limits,
)

ALICE, BOB, CAROL = User("alice"), User("bob"), User("carol")
MAIN, AUX = PublishChannel.MAIN, PublishChannel.AUX
NOON = 1_800_000_000_000


@pytest.fixture
def rooms():
    rooms = Rooms()
    for user in (ALICE, BOB, CAROL):
        rooms.login(user.user_id[0], "demo", user, RoomConfig(), 0.0)
    return rooms


@pytest.fixture
def infos(rooms):
    return ExtraInfos(rooms)


def set_room(infos, session_id, key="topic", value="tea", now=0.0, room_id="demo"):
    return infos.set_of_room(session_id, room_id, key, value, now, NOON)


def refusal(action, *arguments, **fields):
    with pytest.raises(Refused) as caught:
        action(*arguments, **fields)
    return caught.value.code


class TestOfRoom:
    def test_is_told_to_all_but_who_set_it(self, infos):
        expected = (RoomExtraInfo("topic", "tea", ALICE, NOON),)
        assert set_room(infos, "a") == [
            RoomExtraInfoChanged("b", "demo", expected),
            RoomExtraInfoChanged("c", "demo", expected),
        ]

    def test_is_what_was_set_last(self, infos):
        assert infos.of_room("a") == ()
        set_room(infos, "a")
        set_room(infos, "b", value="")
        assert infos.of_room("c") == (RoomExtraInfo("topic", "", BOB, NOON + 1),)  # later than what it replaces

    @pytest.mark.parametrize(
        ("key", "value", "code"),
        [
            ("", "tea", ErrorCode.ROOM_ROOM_EXTRA_INFO_KEY_EMPTY),
            ("k" * 128, "tea", ErrorCode.SUCCESS),
            ("k" * 129, "tea", ErrorCode.ROOM_ROOM_EXTRA_INFO_KEY_TOO_LONG),
            ("é" * 65, "tea", ErrorCode.ROOM_ROOM_EXTRA_INFO_KEY_TOO_LONG),
            ("topic", "", ErrorCode.SUCCESS),
            ("topic", "v" * 128, ErrorCode.SUCCESS),
            ("topic", "v" * 129, ErrorCode.ROOM_ROOM_EXTRA_INFO_VALUE_TOO_LONG),
        ],
    )
    def test_has_a_key_of_1_to_128_bytes_and_a_value_of_up_to_128(self, infos, key, value, code):
        if code:
            assert refusal(set_room, infos, "a", key, value) == code
            assert infos.of_room("a") == ()
        else:
            set_room(infos, "a", key, value)

    def test_a_second_key_is_refused_with_1002017(self, infos):
        set_room(infos, "a")
        assert refusal(set_room, infos, "b", "mood") == ErrorCode.ROOM_ROOM_EXTRA_INFO_EXCEED_KEYS

    def test_ends_with_the_room(self, rooms, infos):
        set_room(infos, "a")
        for session_id in "abc":
            rooms.end(session_id)
        rooms.login("x", "demo", ALICE, RoomConfig(), 1.0)
        assert infos.of_room("x") == ()
        set_room(infos, "x", "mood")

    def test_of_another_room_is_refused_with_1002002(self, infos):
        assert refusal(set_room, infos, "a", room_id="other") == ErrorCode.ROOM_ROOMID_INCORRECT
        assert refusal(set_room, infos, "stranger") == ErrorCode.COMMON_NOT_LOGIN_ROOM

    def test_the_eleventh_change_in_a_second_is_refused_with_1002072(self, infos):
        for number in range(10):
            set_room(infos, "abc"[number % 3], value=str(number))
        assert refusal(set_room, infos, "a", now=0.99) == ErrorCode.ROOM_CALL_API_TOO_FREQUENT
        set_room(infos, "a", now=1.0)


def restore(infos, session_id, value="tea", at=NOON, *, key="topic", own=False, now=0.0, room_id="demo"):
    return infos.restore_of_room(session_id, room_id, key, value, at, now, NOON, own=own)


class TestBroughtBack:
    def test_bears_the_name_of_who_brings_it_and_is_told_to_the_others(self, infos):
        expected = (RoomExtraInfo("topic", "tea", BOB, NOON - 5),)
        assert restore(infos, "b", at=NOON - 5) == [
            RoomExtraInfoChanged("a", "demo", expected),
            RoomExtraInfoChanged("c", "demo", expected),
        ]
        assert infos.of_room("a") == expected

    @pytest.mark.parametrize("order", ["early late", "late early"])
    def test_what_was_set_last_stays(self, infos, order):
        times = {"early": NOON - 2, "late": NOON - 1}
        told = [restore(infos, "b", value, times[value], key=value) for value in order.split()]
        assert infos.of_room("a")[0].value == "late"
        assert (told[1] is None) == (order == "late early")

    @pytest.mark.parametrize("at", [0, NOON - 1, NOON + 1, 2**53 - 1])
    def test_nothing_is_newer_than_what_was_set_here(self, infos, at):
        restore(infos, "a", "before", at)
        set_room(infos, "b", value="here")
        assert restore(infos, "c", "again", at) is None
        assert restore(infos, "a", "again", 2**53 - 1, own=True) is None
        assert infos.of_room("a")[0].value == "here"
        assert infos.of_room("a")[0].update_time >= NOON

    @pytest.mark.parametrize(
        ("claimed", "believed"), [(NOON + 60_000, NOON + 60_000), (2**53 - 1, NOON + limits.MAX_CLOCK_SKEW)]
    )
    def test_a_time_to_come_is_bounded(self, infos, claimed, believed):
        restore(infos, "a", at=claimed)
        assert infos.of_room("b")[0].update_time == believed

    def test_whose_own_it_is_takes_the_name_back_and_changes_nothing_else(self, infos):
        restore(infos, "b")
        assert restore(infos, "c") is None
        assert restore(infos, "a", "coffee", own=True) is None
        assert [event.session_id for event in restore(infos, "a", own=True)] == ["b", "c"]
        assert restore(infos, "a", own=True) is None
        assert infos.of_room("b") == (RoomExtraInfo("topic", "tea", ALICE, NOON),)

    def test_is_refused_as_a_change_is(self, infos):
        assert refusal(restore, infos, "a", key="") == ErrorCode.ROOM_ROOM_EXTRA_INFO_KEY_EMPTY
        assert refusal(restore, infos, "a", "v" * 129) == ErrorCode.ROOM_ROOM_EXTRA_INFO_VALUE_TOO_LONG
        assert refusal(restore, infos, "a", room_id="other") == ErrorCode.ROOM_ROOMID_INCORRECT
        assert refusal(restore, infos, "stranger") == ErrorCode.COMMON_NOT_LOGIN_ROOM
        for number in range(10):
            restore(infos, "a", at=number)
        assert refusal(restore, infos, "a", at=NOON) == ErrorCode.ROOM_CALL_API_TOO_FREQUENT


class TestOfStream:
    def test_of_a_live_stream_is_told_to_the_others_and_listed(self, rooms, infos):
        rooms.publish("a", "s1", MAIN)
        rooms.set_live("a", MAIN, True)
        stream = Stream("s1", ALICE, "mood=good")
        assert infos.set_of_stream("a", "mood=good", MAIN, 0.0) == [
            StreamExtraInfoChanged("b", "demo", (stream,)),
            StreamExtraInfoChanged("c", "demo", (stream,)),
        ]
        assert rooms.streams("b") == (stream,)
        assert infos.set_of_stream("a", "mood=good", MAIN, 0.0) == []

    def test_set_before_the_stream_is_live_comes_with_it(self, rooms, infos):
        assert infos.set_of_stream("a", "early", AUX, 0.0) == []
        rooms.publish("a", "s1", AUX)
        rooms.publish("a", "s2", MAIN)
        assert infos.set_of_stream("a", "in time", MAIN, 0.0) == []
        assert rooms.set_live("a", AUX, True)[0].streams == (Stream("s1", ALICE, "early"),)
        told = rooms.set_live("a", MAIN, True)
        assert told[0].streams == (Stream("s2", ALICE, "in time"),)
        assert isinstance(told[0], StreamsUpdated)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", ErrorCode.PUBLISHER_EXTRA_INFO_NULL),
            ("x" * 1024, ErrorCode.SUCCESS),
            ("x" * 1025, ErrorCode.PUBLISHER_EXTRA_INFO_TOO_LONG),
            ("é" * 513, ErrorCode.PUBLISHER_EXTRA_INFO_TOO_LONG),
        ],
    )
    def test_has_1_to_1024_bytes(self, infos, text, code):
        if code:
            assert refusal(infos.set_of_stream, "a", text, MAIN, 0.0) == code
        else:
            infos.set_of_stream("a", text, MAIN, 0.0)

    def test_outside_a_room_is_refused_with_1000002(self, infos):
        assert refusal(infos.set_of_stream, "stranger", "x", MAIN, 0.0) == ErrorCode.COMMON_NOT_LOGIN_ROOM

    def test_the_eleventh_change_of_a_user_in_a_second_is_refused_with_1002072(self, infos):
        for number in range(10):
            infos.set_of_stream("a", str(number), MAIN, 0.0)
        assert refusal(infos.set_of_stream, "a", "x", AUX, 0.99) == ErrorCode.ROOM_CALL_API_TOO_FREQUENT
        infos.set_of_stream("b", "x", MAIN, 0.99)
        infos.set_of_stream("a", "x", AUX, 1.0)


class TestUserCount:
    def test_is_told_every_30_seconds_after_the_login(self, rooms):
        rooms.login("d", "demo", User("dave"), RoomConfig(), 10.0)
        assert rooms.count_users(29.9) == []
        assert rooms.count_users(30.0) == [UsersCounted(session_id, "demo", 4) for session_id in "abc"]
        assert rooms.count_users(30.1) == []
        assert rooms.count_users(40.0) == [UsersCounted("d", "demo", 4)]
        assert rooms.count_users(60.5) == [UsersCounted(session_id, "demo", 4) for session_id in "abc"]
        assert len(rooms.count_users(90.0)) == 4  # in step with the login, whenever one looked

    def test_is_told_once_after_a_long_pause(self, rooms):
        assert len(rooms.count_users(1000.0)) == 3
        assert rooms.count_users(1000.0) == []

    def test_is_of_the_own_room(self, rooms):
        rooms.login("x", "other", User("xenia"), RoomConfig(), 0.0)
        assert UsersCounted("x", "other", 1) in rooms.count_users(30.0)
        assert (rooms.user_count("a"), rooms.user_count("x"), rooms.user_count("stranger")) == (3, 1, 0)
