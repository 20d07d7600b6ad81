"""People for tests: an engine that logs in, publishes a test pattern, and remembers what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from ..engine.engine import ExpressEngine
from ..engine.events import EngineEvent
from ..engine.profile import RoomConfig
from ..media.frames import VideoFrame
from ..model import UpdateType, User

PATIENCE = 20.0
"""Seconds after which waiting for something fails."""


class Recorder:
    """Remembers the events of an engine, and waits for those to come."""

    def __init__(self, engine: ExpressEngine) -> None:
        self.engine = engine
        self.seen: list[EngineEvent] = []
        self._stream = engine.events()

    async def hears(
        self, name: str, condition: Callable[[EngineEvent], Any] = lambda _: True, timeout: float = PATIENCE
    ) -> EngineEvent:
        """The first event of this name for which the condition holds, past or to come; fails after `timeout` s."""
        for event in self.seen:
            if event.name == name and condition(event):
                return event
        try:
            async with asyncio.timeout(timeout):
                async for event in self._stream:
                    self.seen.append(event)
                    if event.name == name and condition(event):
                        return event
        except TimeoutError:
            pass
        told = ", ".join(event.name for event in self.seen)
        raise AssertionError(f"Nothing was heard of {name} within {timeout:g} s; what was heard: {told or 'nothing'}")

    def all(self, name: str) -> list[EngineEvent]:
        """The events of this name that were told so far, oldest first."""
        self.seen += self._stream.take()
        return [event for event in self.seen if event.name == name]

    def forget(self) -> None:
        """Forget what was told so far."""
        self._stream.take()
        self.seen.clear()


class Participant(Recorder):
    """Somebody in a room; made by `LocalHub.participant`."""

    def __init__(self, engine: ExpressEngine, user: User, room_id: str, *, plays: bool) -> None:
        super().__init__(engine)
        self.user = user
        self.room_id = room_id
        self.stream_id = f"{user.user_id}-stream"
        self._plays = plays
        if plays:
            engine.on("room_stream_update")(self._play)

    async def join(self, config: RoomConfig, *, publishes: bool) -> None:
        """Log in, and publish if wanted."""
        await self.engine.login_room(self.room_id, self.user, config)
        if publishes:
            await self.engine.start_publishing_stream(self.stream_id)

    async def leave(self) -> None:
        """Log out and end the engine."""
        await self.engine.aclose()

    async def frames(self, stream_id: str) -> AsyncIterator[VideoFrame]:
        """Decoded pictures of a stream, as `ExpressEngine.frames`; who plays all streams need not play it before."""
        if self._plays:
            await self.engine.start_playing_stream(stream_id)
        return self.engine.frames(stream_id)

    async def sees(self, stream_id: str, frames: int = 5, timeout: float = PATIENCE) -> list[VideoFrame]:
        """Wait for so many pictures of `frames`."""
        got: list[VideoFrame] = []
        async with asyncio.timeout(timeout):
            async for frame in await self.frames(stream_id):
                got.append(frame)
                if len(got) >= frames:
                    break
        return got

    def _play(self, update_type: UpdateType, streams: Any, extended_data: Any, room_id: str) -> None:
        for stream in streams:
            if update_type is UpdateType.ADD:
                self.engine.start_playing_stream(stream.stream_id)
            else:
                self.engine.stop_playing_stream(stream.stream_id)
