"""Any sequence of inputs, against a second, simpler bookkeeping of the same rules."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zego_widget.errors import ErrorCode, Refused
from zego_widget.model import PublishChannel, RemoteDeviceState, RoomConfig, StreamDeleteReason, UpdateType, User
from zego_widget.room import Rooms, RoomStateChanged, StreamStateChanged, StreamsUpdated, UsersUpdated

TIMEOUT = 15.0
SESSIONS = st.sampled_from(["s1", "s2", "s3", "s4", "s5"])
ROOM_IDS = st.sampled_from(["demo", "other", "third"])
USER_IDS = st.sampled_from(["alice", "bob", "carol", "dave"])
STREAM_IDS = st.sampled_from(["x", "y", "z"])
CHANNELS = st.sampled_from(list(PublishChannel))
STATES = st.sampled_from([RemoteDeviceState.OPEN, RemoteDeviceState.MUTE, RemoteDeviceState.DISABLE])


def outcome(action):
    """What an input returns, and the code it is refused with (0 where it is not)."""
    try:
        return action(), ErrorCode.SUCCESS
    except Refused as refused:
        return None, refused.code


@dataclass
class Truth:
    """One logged-in session, as the model knows it."""

    room_id: str
    user: User
    notify: bool
    limit: int
    heard: float
    # channel -> [stream ID, live, microphone, camera]
    channels: dict = field(default_factory=dict)


@dataclass
class Heard:
    """What one session knows of the others from its login and its events alone."""

    users: dict = field(default_factory=dict)
    streams: dict = field(default_factory=dict)


class AnyRooms(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.rooms = Rooms(heartbeat_timeout=TIMEOUT)
        self.now = 0.0
        self.truth = {}
        self.heard = {}
        self.limits = {}
        self.room_session_ids = {}

    # -- inputs ----------------------------------------------------------------------------------------------

    @rule(
        session=SESSIONS,
        room_id=ROOM_IDS,
        user_id=USER_IDS,
        notify=st.booleans(),
        limit=st.sampled_from([0, 0, 1, 2]),
    )
    def login(self, session, room_id, user_id, notify, limit):
        user = User(user_id, user_id.title())
        inside = [other for other, truth in self.truth.items() if truth.room_id == room_id]
        displaced = [other for other, truth in self.truth.items() if truth.user.user_id == user_id]
        staying = [other for other in inside if other not in displaced]
        full = staying and self.limits[room_id] and len(staying) >= self.limits[room_id]
        config = RoomConfig(notify, limit)
        login, code = outcome(lambda: self.rooms.login(session, room_id, user, config, self.now))
        if session in self.truth:
            assert code == ErrorCode.ROOM_COUNT_EXCEED
            return
        if full:
            assert code == ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER
            return
        assert code == ErrorCode.SUCCESS
        for other in displaced:
            self.forget(other)
        if not staying:
            self.limits[room_id] = limit
            assert login.room_session_id not in self.room_session_ids.values()
            self.room_session_ids[room_id] = login.room_session_id
        assert login.room_session_id == self.room_session_ids[room_id]
        self.truth[session] = Truth(room_id, user, notify, limit, self.now)
        self.heard[session] = Heard(
            {user.user_id: user for user in login.users}, {stream.stream_id: stream for stream in login.streams}
        )
        kicked = self.replay(login.events)
        assert kicked == [(other, ErrorCode.ROOM_KICKED_OUT) for other in displaced]

    @rule(session=SESSIONS, room_id=ROOM_IDS)
    def logout(self, session, room_id):
        truth = self.truth.get(session)
        events, code = outcome(lambda: self.rooms.logout(session, room_id))
        if truth is None or truth.room_id != room_id:
            assert code == ErrorCode.ROOM_ROOMID_INCORRECT
            return
        assert code == ErrorCode.SUCCESS
        self.forget(session)
        assert self.replay(events) == []

    @rule(session=SESSIONS)
    def end(self, session):
        events = self.rooms.end(session)
        if session not in self.truth:
            assert events == []
        self.forget(session)
        assert self.replay(events) == []

    @rule(session=SESSIONS)
    def heartbeat(self, session):
        self.rooms.heartbeat(session, self.now)
        if session in self.truth:
            self.truth[session].heard = self.now

    @rule(seconds=st.floats(0, 20))
    def time_passes(self, seconds):
        self.now += seconds
        events = self.rooms.expire(self.now)
        silent = [session for session, truth in self.truth.items() if self.now - truth.heard > TIMEOUT]
        for session in silent:
            self.forget(session)
        kicked = self.replay(events)
        assert sorted(kicked) == sorted((session, ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT) for session in silent)

    @rule(session=SESSIONS, stream_id=STREAM_IDS, channel=CHANNELS)
    def publish(self, session, stream_id, channel):
        taken = {entry[0] for truth in self.truth.values() for entry in truth.channels.values()}
        truth = self.truth.get(session)
        events, code = outcome(lambda: self.rooms.publish(session, stream_id, channel))
        if truth is None:
            assert code == ErrorCode.COMMON_NOT_LOGIN_ROOM
            return
        if channel in truth.channels:
            assert code == ErrorCode.PUBLISHER_ERROR_ALREADY_DO_PUBLISH
            return
        if stream_id in taken:
            assert code == ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM
            return
        assert (events, code) == ([], ErrorCode.SUCCESS)
        truth.channels[channel] = [stream_id, False, RemoteDeviceState.OPEN, RemoteDeviceState.OPEN]

    @precondition(lambda self: self.truth)
    @rule(data=st.data(), live=st.booleans(), reason=st.sampled_from(list(StreamDeleteReason)), channel=CHANNELS)
    def set_live(self, data, live, reason, channel):
        session = data.draw(st.sampled_from(sorted(self.truth)))
        events = self.rooms.set_live(session, channel, live, reason)
        if entry := self.truth[session].channels.get(channel):
            entry[1] = live
        assert {event.delete_reason for event in events} <= ({None} if live else {reason})
        assert self.replay(events) == []

    @precondition(lambda self: self.truth)
    @rule(data=st.data(), channel=CHANNELS)
    def stop_publishing(self, data, channel):
        session = data.draw(st.sampled_from(sorted(self.truth)))
        events = self.rooms.stop_publishing(session, channel)
        self.truth[session].channels.pop(channel, None)
        assert self.replay(events) == []

    @precondition(lambda self: self.truth)
    @rule(data=st.data(), channel=CHANNELS, microphone=STATES, camera=STATES)
    def set_device_state(self, data, channel, microphone, camera):
        session = data.draw(st.sampled_from(sorted(self.truth)))
        events = self.rooms.set_device_state(session, channel, microphone, camera)
        if entry := self.truth[session].channels.get(channel):
            entry[2:] = [microphone, camera]
        assert self.replay(events) == []

    # -- bookkeeping -----------------------------------------------------------------------------------------

    def forget(self, session):
        self.truth.pop(session, None)
        self.heard.pop(session, None)

    def replay(self, events):
        """Apply events to what their recipients know; returns those who were put out of their room, and the code."""
        out = []
        for event in events:
            if isinstance(event, RoomStateChanged):
                out.append((event.session_id, event.error_code))
                continue
            truth, heard = self.truth[event.session_id], self.heard[event.session_id]
            assert event.room_id == truth.room_id
            if isinstance(event, UsersUpdated):
                assert truth.notify
                self.apply(heard.users, event.update_type, {user.user_id: user for user in event.users})
                assert truth.user.user_id not in heard.users
            elif isinstance(event, StreamsUpdated):
                assert (event.delete_reason is None) == (event.update_type is UpdateType.ADD)
                self.apply(heard.streams, event.update_type, {stream.stream_id: stream for stream in event.streams})
            else:
                assert isinstance(event, StreamStateChanged)
                assert event.stream.stream_id in heard.streams
                assert event.stream != heard.streams[event.stream.stream_id]
                heard.streams[event.stream.stream_id] = event.stream
            assert all(stream.user != truth.user for stream in heard.streams.values())
        return out

    @staticmethod
    def apply(known, update_type, changed):
        assert changed
        if update_type is UpdateType.ADD:
            assert not known.keys() & changed.keys()
            known.update(changed)
        else:
            for key, value in changed.items():
                assert known.pop(key) == value

    # -- invariants ------------------------------------------------------------------------------------------

    @invariant()
    def every_room_has_someone_in_it(self):
        assert set(self.rooms.room_ids) == {truth.room_id for truth in self.truth.values()}

    @invariant()
    def every_session_is_where_the_model_says(self):
        for session in ("s1", "s2", "s3", "s4", "s5"):
            truth = self.truth.get(session)
            assert self.rooms.room_id(session) == (truth.room_id if truth else None)
            assert self.rooms.user(session) == (truth.user if truth else None)

    @invariant()
    def every_user_has_one_session_at_most(self):
        users = [self.rooms.user(session) for session in self.truth]
        assert len({user.user_id for user in users}) == len(users)

    @invariant()
    def stream_ids_are_unique(self):
        ids = [stream.stream_id for session in self.truth for stream in self.rooms.published(session).values()]
        assert len(set(ids)) == len(ids)

    @invariant()
    def what_each_session_heard_is_what_is_true(self):
        for session, me in self.truth.items():
            others = [truth for other, truth in self.truth.items() if other != session and truth.room_id == me.room_id]
            users = {truth.user.user_id: truth.user for truth in others} if me.notify else {}
            live = {
                entry[0]: (truth.user, entry[2], entry[3])
                for truth in others
                for entry in truth.channels.values()
                if entry[1]
            }
            heard = self.heard[session]
            assert heard.users == users
            streams = heard.streams.values()
            assert {stream.stream_id: (stream.user, stream.microphone, stream.camera) for stream in streams} == live
            assert set(self.rooms.users(session)) == set(users.values())
            assert {stream.stream_id: stream for stream in self.rooms.streams(session)} == heard.streams


AnyRooms.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyRooms = AnyRooms.TestCase
