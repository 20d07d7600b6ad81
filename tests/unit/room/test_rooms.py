"""What ZEGO says of rooms, one sentence per test."""

import msgspec
import pytest

from zego_widget.errors import ErrorCode, Refused
from zego_widget.model import (
    PublishChannel,
    RemoteDeviceState,
    RoomConfig,
    RoomStateChangedReason,
    Stream,
    StreamDeleteReason,
    UpdateType,
    User,
)
from zego_widget.protocol import MAX_MESSAGE_BYTES
from zego_widget.room import (
    ExtraInfos,
    Rooms,
    RoomStateChanged,
    StreamStateChanged,
    StreamsUpdated,
    UsersUpdated,
    limits,
)

NOTIFY = RoomConfig(is_user_status_notify=True)
ALICE, BOB, CAROL = User("alice"), User("bob"), User("carol")
MAIN, AUX = PublishChannel.MAIN, PublishChannel.AUX


@pytest.fixture
def rooms():
    return Rooms(heartbeat_timeout=15.0)


def enter(rooms, session_id, user, room_id="demo", config=NOTIFY, now=0.0):
    return rooms.login(session_id, room_id, user, config, now)


def go_live(rooms, session_id, stream_id, channel=MAIN):
    return rooms.publish(session_id, stream_id, channel) + rooms.set_live(session_id, channel, True)


def refusal(action, *arguments):
    with pytest.raises(Refused) as caught:
        action(*arguments)
    return caught.value.code


class TestLogin:
    def test_the_first_login_creates_the_room(self, rooms):
        login = enter(rooms, "a", ALICE)
        assert rooms.room_ids == ("demo",)
        assert (login.room_id, login.users, login.streams, login.events) == ("demo", (), (), ())

    def test_the_others_hear_of_a_newcomer_and_the_newcomer_gets_the_lists(self, rooms):
        enter(rooms, "a", ALICE)
        go_live(rooms, "a", "s")
        login = enter(rooms, "b", BOB)
        assert login.users == (ALICE,)
        assert login.streams == (Stream("s", ALICE),)
        assert login.events == (UsersUpdated("a", "demo", UpdateType.ADD, (BOB,)),)

    def test_who_did_not_ask_for_user_updates_gets_none_and_no_list(self, rooms):
        enter(rooms, "a", ALICE, config=RoomConfig())
        assert enter(rooms, "b", BOB).events == ()
        assert enter(rooms, "c", CAROL, config=RoomConfig()).users == ()
        assert rooms.users("a") == ()

    def test_all_users_of_a_room_share_its_session_id(self, rooms):
        first = enter(rooms, "a", ALICE).room_session_id
        assert enter(rooms, "b", BOB).room_session_id == first
        assert enter(rooms, "c", CAROL, room_id="other").room_session_id != first

    def test_again_without_logout_is_refused_with_1002001(self, rooms):
        enter(rooms, "a", ALICE)
        assert refusal(enter, rooms, "a", ALICE) == ErrorCode.ROOM_COUNT_EXCEED
        assert refusal(enter, rooms, "a", ALICE, "other") == ErrorCode.ROOM_COUNT_EXCEED
        assert rooms.room_ids == ("demo",)

    @pytest.mark.parametrize(
        ("room_id", "user", "code"),
        [
            ("", ALICE, ErrorCode.ROOM_ROOMID_NULL),
            ("r" * 129, ALICE, ErrorCode.ROOM_ROOMID_TOO_LONG),
            ("demo", User("", "Alice"), ErrorCode.ROOM_USER_ID_NULL),
            ("demo", User("alice", "n" * 257), ErrorCode.ROOM_USER_NAME_TOO_LONG),
        ],
    )
    def test_bad_ids_are_refused_and_leave_no_room(self, rooms, room_id, user, code):
        assert refusal(enter, rooms, "a", user, room_id) == code
        assert rooms.room_ids == ()

    def test_a_negative_member_count_is_an_illegal_parameter(self, rooms):
        assert refusal(enter, rooms, "a", ALICE, "demo", RoomConfig(True, -1)) == ErrorCode.COMMON_ILLEGAL_PARAM


class TestMaxMemberCount:
    def test_only_the_first_logins_value_counts(self, rooms):
        enter(rooms, "a", ALICE, config=RoomConfig(True, 2))
        enter(rooms, "b", BOB, config=RoomConfig(True, 50))
        code = refusal(enter, rooms, "c", CAROL, "demo", RoomConfig(True, 0))
        assert code == ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER
        assert rooms.room_id("c") is None

    def test_zero_is_no_limit(self, rooms):
        for number in range(100):
            enter(rooms, f"s{number}", User(f"u{number}"))
        assert len(rooms.users("s0")) == 99

    def test_a_user_who_logs_in_again_takes_his_own_place(self, rooms):
        enter(rooms, "a", ALICE, config=RoomConfig(True, 2))
        enter(rooms, "b", BOB)
        enter(rooms, "b2", BOB)
        assert rooms.users("a") == (BOB,)

    def test_a_full_room_does_not_cost_a_user_the_room_he_is_in(self, rooms):
        enter(rooms, "a", ALICE, config=RoomConfig(True, 1))
        enter(rooms, "b", BOB, room_id="other")
        assert refusal(enter, rooms, "b2", BOB) == ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER
        assert rooms.room_id("b") == "other"

    def test_a_room_that_was_empty_takes_the_new_first_logins_value(self, rooms):
        enter(rooms, "a", ALICE, config=RoomConfig(True, 1))
        rooms.logout("a", "demo")
        enter(rooms, "b", BOB)
        enter(rooms, "c", CAROL)


class TestLogout:
    def test_the_others_hear_of_streams_and_user(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        go_live(rooms, "b", "s")
        stopped = StreamDeleteReason.STOPPED
        assert rooms.logout("b", "demo") == [
            StreamsUpdated("a", "demo", UpdateType.DELETE, (Stream("s", BOB),), stopped),
            UsersUpdated("a", "demo", UpdateType.DELETE, (BOB,)),
        ]

    def test_an_empty_room_is_gone_at_once(self, rooms):
        first = enter(rooms, "a", ALICE).room_session_id
        rooms.logout("a", "demo")
        assert rooms.room_ids == ()
        assert enter(rooms, "a", ALICE).room_session_id != first

    def test_of_a_room_never_logged_in_to_is_refused_with_1002002(self, rooms):
        assert refusal(rooms.logout, "a", "demo") == ErrorCode.ROOM_ROOMID_INCORRECT
        enter(rooms, "a", ALICE)
        assert refusal(rooms.logout, "a", "other") == ErrorCode.ROOM_ROOMID_INCORRECT
        assert rooms.room_id("a") == "demo"

    def test_gives_the_stream_ids_back(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        rooms.publish("a", "s", MAIN)
        rooms.logout("a", "demo")
        rooms.publish("b", "s", MAIN)


class TestSameUserTwice:
    @pytest.mark.parametrize("room_id", ["demo", "other"])
    def test_the_earlier_login_is_kicked_with_1002050(self, rooms, room_id):
        enter(rooms, "a1", ALICE)
        enter(rooms, "b", BOB)
        go_live(rooms, "a1", "s")
        login = enter(rooms, "a2", ALICE, room_id=room_id)
        kicked, streams_gone, user_gone, *rest = login.events
        assert (kicked.session_id, kicked.room_id) == ("a1", "demo")
        assert (kicked.reason, kicked.error_code) == (RoomStateChangedReason.KICK_OUT, ErrorCode.ROOM_KICKED_OUT)
        repeated = StreamDeleteReason.REPEAT_LOGIN
        assert streams_gone == StreamsUpdated("b", "demo", UpdateType.DELETE, (Stream("s", ALICE),), repeated)
        assert user_gone == UsersUpdated("b", "demo", UpdateType.DELETE, (ALICE,))
        again = UsersUpdated("b", "demo", UpdateType.ADD, (ALICE,))
        assert rest == ([again] if room_id == "demo" else [])
        assert rooms.room_id("a1") is None
        assert rooms.room_id("a2") == room_id

    def test_the_kicked_session_may_log_in_as_someone_else(self, rooms):
        enter(rooms, "a1", ALICE)
        enter(rooms, "a2", ALICE)
        assert enter(rooms, "a1", BOB).users == (ALICE,)


class TestPublishing:
    def test_a_declared_stream_is_unknown_to_others_until_it_is_live(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        assert rooms.publish("a", "s", MAIN) == []
        assert rooms.streams("b") == ()
        added = StreamsUpdated("b", "demo", UpdateType.ADD, (Stream("s", ALICE),))
        assert rooms.set_live("a", MAIN, True) == [added]
        assert rooms.streams("b") == (Stream("s", ALICE),)
        assert rooms.set_live("a", MAIN, True) == []

    def test_a_stream_whose_media_went_stays_reserved_and_comes_back(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        go_live(rooms, "a", "s")
        offline = StreamDeleteReason.OFFLINE
        gone = StreamsUpdated("b", "demo", UpdateType.DELETE, (Stream("s", ALICE),), offline)
        assert rooms.set_live("a", MAIN, False, offline) == [gone]
        assert refusal(rooms.publish, "b", "s", MAIN) == ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM
        assert len(rooms.set_live("a", MAIN, True)) == 1

    def test_a_stream_id_that_exists_in_any_room_is_refused_with_1003028(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB, room_id="other")
        rooms.publish("a", "s", MAIN)
        assert refusal(rooms.publish, "b", "s", MAIN) == ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM
        assert refusal(rooms.publish, "a", "s", AUX) == ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM

    def test_a_stream_id_of_another_app_is_free_and_stays_free_for_others_of_that_app_only(self, rooms):
        for session_id, user, app_id in (("a", ALICE, 1), ("b", BOB, 2), ("c", CAROL, 2)):
            rooms.login(session_id, "demo", user, RoomConfig(), 0.0, app_id=app_id)
        rooms.publish("a", "s", MAIN)
        rooms.publish("b", "s", MAIN)
        rooms.set_live("b", MAIN, True)
        assert rooms.streams("c") == (Stream("s", BOB),)
        rooms.stop_publishing("a", MAIN)
        assert refusal(rooms.publish, "c", "s", MAIN) == ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM
        rooms.end("b")
        rooms.publish("c", "s", MAIN)

    def test_the_same_channel_twice_is_refused_with_1003023(self, rooms):
        enter(rooms, "a", ALICE)
        rooms.publish("a", "s", MAIN)
        assert refusal(rooms.publish, "a", "t", MAIN) == ErrorCode.PUBLISHER_ERROR_ALREADY_DO_PUBLISH
        rooms.publish("a", "t", AUX)

    def test_a_bad_stream_id_is_refused(self, rooms):
        enter(rooms, "a", ALICE)
        assert refusal(rooms.publish, "a", "a b", MAIN) == ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER
        assert rooms.published("a") == {}

    def test_before_login_it_is_refused_with_1000002(self, rooms):
        assert refusal(rooms.publish, "a", "s", MAIN) == ErrorCode.COMMON_NOT_LOGIN_ROOM
        assert refusal(rooms.stop_publishing, "a", MAIN) == ErrorCode.COMMON_NOT_LOGIN_ROOM

    def test_stopping_deletes_the_stream_and_gives_its_id_back(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        go_live(rooms, "a", "s")
        (gone,) = rooms.stop_publishing("a", MAIN)
        assert (gone.update_type, gone.delete_reason) == (UpdateType.DELETE, StreamDeleteReason.STOPPED)
        rooms.publish("b", "s", MAIN)

    def test_stopping_what_is_not_published_or_not_live_tells_nobody(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        assert rooms.stop_publishing("a", MAIN) == []
        rooms.publish("a", "s", MAIN)
        assert rooms.stop_publishing("a", MAIN) == []

    def test_streams_are_listed_in_the_order_they_went_live(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        enter(rooms, "c", CAROL)
        rooms.publish("a", "s1", MAIN)
        go_live(rooms, "b", "s2")
        rooms.set_live("a", MAIN, True)
        go_live(rooms, "b", "s3", AUX)
        assert [stream.stream_id for stream in rooms.streams("c")] == ["s2", "s1", "s3"]
        assert rooms.stream_count == 3

    def test_live_without_anything_declared_is_nothing(self, rooms):
        assert rooms.set_live("nobody", MAIN, True) == []
        enter(rooms, "a", ALICE)
        assert rooms.set_live("a", MAIN, True) == []


class TestDeviceState:
    def test_the_others_hear_of_a_muted_microphone(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        go_live(rooms, "a", "s")
        muted = Stream("s", ALICE, microphone=RemoteDeviceState.MUTE)
        told = rooms.set_device_state("a", MAIN, RemoteDeviceState.MUTE, RemoteDeviceState.OPEN)
        assert told == [StreamStateChanged("b", "demo", muted)]
        assert rooms.set_device_state("a", MAIN, RemoteDeviceState.MUTE, RemoteDeviceState.OPEN) == []
        assert enter(rooms, "c", CAROL).streams == (muted,)

    def test_a_state_set_before_the_stream_is_live_is_told_with_the_stream(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        rooms.publish("a", "s", MAIN)
        assert rooms.set_device_state("a", MAIN, RemoteDeviceState.OPEN, RemoteDeviceState.DISABLE) == []
        (added,) = rooms.set_live("a", MAIN, True)
        assert added.streams[0].camera is RemoteDeviceState.DISABLE


class TestHeartbeat:
    def test_a_silent_session_is_ended_after_the_timeout_and_not_before(self, rooms):
        enter(rooms, "a", ALICE, now=0.0)
        enter(rooms, "b", BOB, now=0.0)
        go_live(rooms, "a", "s")
        rooms.heartbeat("b", 10.0)
        assert rooms.expire(15.0) == []
        kicked, streams_gone, user_gone = rooms.expire(15.001)
        assert isinstance(kicked, RoomStateChanged)
        assert (kicked.session_id, kicked.reason) == ("a", RoomStateChangedReason.KICK_OUT)
        assert kicked.error_code == ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT
        assert streams_gone.delete_reason is StreamDeleteReason.HEARTBEAT_TIMEOUT
        assert user_gone == UsersUpdated("b", "demo", UpdateType.DELETE, (ALICE,))
        assert rooms.room_id("a") is None

    def test_sessions_that_expire_together_do_not_hear_of_one_another(self, rooms):
        enter(rooms, "a", ALICE)
        enter(rooms, "b", BOB)
        assert [type(event) for event in rooms.expire(99.0)] == [RoomStateChanged, RoomStateChanged]
        assert rooms.room_ids == ()

    def test_the_others_hear_in_few_words_of_all_who_expire_together(self, rooms):
        enter(rooms, "bob", BOB)
        gone = [User(f"{number:064}", "n" * 256) for number in range(300)]
        for user in gone:
            enter(rooms, user.user_id, user)
            ExtraInfos(rooms).set_of_stream(user.user_id, "\x01" * limits.MAX_STREAM_EXTRA_INFO, MAIN, 0.0)
            go_live(rooms, user.user_id, user.user_id.rjust(256, "s"))
        rooms.heartbeat("bob", 50.0)
        heard = [event for event in rooms.expire(60.0) if event.session_id == "bob"]
        streams_gone = [event for event in heard if isinstance(event, StreamsUpdated)]
        users_gone = [event for event in heard if isinstance(event, UsersUpdated)]
        assert [stream.user for event in streams_gone for stream in event.streams] == gone
        assert {event.delete_reason for event in streams_gone} == {StreamDeleteReason.HEARTBEAT_TIMEOUT}
        assert [user for event in users_gone for user in event.users] == gone
        assert len(heard) < 30
        assert max(len(msgspec.json.encode(event)) for event in heard) < MAX_MESSAGE_BYTES / 2
        assert rooms.user_count("bob") == 1

    def test_of_a_session_in_no_room_is_nothing(self, rooms):
        rooms.heartbeat("nobody", 1.0)
        assert rooms.end("nobody") == []


def test_a_session_that_is_gone_is_offline_for_the_others(rooms):
    enter(rooms, "a", ALICE)
    enter(rooms, "b", BOB)
    go_live(rooms, "a", "s")
    streams_gone, user_gone = rooms.end("a")
    assert streams_gone.delete_reason is StreamDeleteReason.OFFLINE
    assert user_gone.users == (ALICE,)
