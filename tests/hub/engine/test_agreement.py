"""Whatever five users do, and without waiting: in the end the hub and all engines agree on who and what is there."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.operation import Operation
from zego_widget.engine.presets import VideoConfig
from zego_widget.engine.profile import RoomConfig
from zego_widget.engine.states import PublisherState
from zego_widget.errors import ZegoError
from zego_widget.model import PublishChannel, User
from zego_widget.testing import LocalHub

PATIENCE = 20.0
ENGINES = st.integers(0, 4)
USERS = st.sampled_from(["alice", "bob", "carol", "dave"])
ROOMS = st.sampled_from(["demo", "other"])
STREAMS = st.sampled_from(["x", "y", "z"])
CHANNELS = st.sampled_from(list(PublishChannel))
SMALL = VideoConfig(64, 48, 64, 48, 1, 50)

# user ID -> room, the others there, what is published by channel, the live streams of the others
View = dict[str, tuple[str, frozenset[str], dict[PublishChannel, str], frozenset[str]]]


class AnyVerbs(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.lab = LocalHub()
        self.lab.start()
        self.engines: list[ExpressEngine] = [self.lab.engine() for _ in range(5)]
        self.operations: list[Operation[Any]] = [engine.set_video_config(SMALL) for engine in self.engines]
        for number, user in enumerate(["alice", "bob", "carol", "dave"]):
            self.login(number, user, "other" if user == "dave" else "demo")

    @rule(engine=ENGINES, user=USERS, room=ROOMS)
    def login(self, engine: int, user: str, room: str) -> None:
        config = RoomConfig(is_user_status_notify=True)
        self.operations.append(self.engines[engine].login_room(room, User(user), config))

    @rule(engine=ENGINES)
    def logout(self, engine: int) -> None:
        self.operations.append(self.engines[engine].logout_room())

    @rule(engine=ENGINES, here=ROOMS, there=ROOMS)
    def switch(self, engine: int, here: str, there: str) -> None:
        config = RoomConfig(is_user_status_notify=True)
        self.operations.append(self.engines[engine].switch_room(here, there, config))

    @rule(engine=ENGINES, stream=STREAMS, channel=CHANNELS)
    def publish(self, engine: int, stream: str, channel: PublishChannel) -> None:
        self.operations.append(self.engines[engine].start_publishing_stream(stream, channel))

    @rule(engine=ENGINES, channel=CHANNELS)
    def unpublish(self, engine: int, channel: PublishChannel) -> None:
        self.operations.append(self.engines[engine].stop_publishing_stream(channel))

    @rule(engine=ENGINES, stream=STREAMS)
    def play(self, engine: int, stream: str) -> None:
        self.operations.append(self.engines[engine].start_playing_stream(stream))

    @rule(engine=ENGINES, stream=STREAMS)
    def stop_playing(self, engine: int, stream: str) -> None:
        self.operations.append(self.engines[engine].stop_playing_stream(stream))

    @rule(chance=st.integers(0, 9))
    def break_links(self, chance: int) -> None:
        if chance == 9:
            self.lab.break_links()

    @rule(chance=st.integers(0, 9))
    def forget_sessions(self, chance: int) -> None:
        if chance == 9:
            self.lab.forget_sessions()

    @rule()
    def all_agree(self) -> None:
        for operation in self.operations:
            error = operation.exception(PATIENCE)
            assert error is None or isinstance(error, ZegoError), f"{operation.verb} failed with {error!r}"
        self.operations.clear()
        deadline = time.monotonic() + PATIENCE
        while (hub := self._hubs_view()) != (engines := self._engines_view()):
            assert time.monotonic() < deadline, f"the hub: {hub}\nthe engines: {engines}"
            time.sleep(0.01)

    def teardown(self) -> None:
        if not hasattr(self, "lab"):
            return
        try:
            self.all_agree()
        finally:
            self.lab.close()

    def _engines_view(self) -> View:
        view: View = {}
        for engine in self.engines:
            login = engine._parts.rooms.login_now
            if login is not None:
                published = {
                    each.channel: each.stream_id
                    for each in engine._parts.publishing.publications
                    if each.state is PublisherState.PUBLISHING
                }
                view[login.user.user_id] = (
                    login.room_id,
                    frozenset(user.user_id for user in engine.room_users),
                    published,
                    frozenset(login.streams),
                )
        return view

    def _hubs_view(self) -> View:
        assert self.lab._lease is not None
        looked: Future[View] = self.lab._lease.submit(self._look())
        return looked.result(PATIENCE)

    async def _look(self) -> View:
        view: View = {}
        rooms = self.lab._hub.rooms
        for session_id in self.lab._hub._sessions:
            room_id = rooms.room_id(session_id)
            if room_id is not None:
                view[rooms.user(session_id).user_id] = (
                    room_id,
                    frozenset(user.user_id for user in rooms.users(session_id)),
                    {channel: stream.stream_id for channel, stream in rooms.published(session_id).items()},
                    frozenset(stream.stream_id for stream in rooms.streams(session_id)),
                )
        return view


TestAnyVerbs = AnyVerbs.TestCase
TestAnyVerbs.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
