"""A program with some people of a call: `python -m tests.chaos.people carol dave`.

Each publishes tiny pictures and plays everybody. Lines of standard input let one leave (`leave carol`) and come back
(`join carol`); the program ends when its input does. It says in lines of JSON, several times a second, how many
pictures of whom each has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any

import zego_widget as zego
from tests.hub.engine.person import resources, say
from zego_widget.testing.participant import Participant

PERIOD = 0.3
ROOM = "demo"
SMALL = zego.VideoConfig(96, 64, 96, 64, 5, 60)


class Person:
    """A user who comes and goes; plays whatever there is."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.pictures: dict[str, int] = {}
        """Publishing user -> pictures seen of them."""
        self._owners: dict[str, str] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}

    async def join(self) -> None:
        """Log in, publish, play: as often as it takes, for a network may be missing."""
        self._engine = zego.ExpressEngine(zego.EngineProfile())
        self._following = asyncio.create_task(self._follow())
        await self._engine.set_video_config(SMALL)
        participant = Participant(self._engine, zego.User(self.user_id), ROOM, plays=True)
        while True:
            try:
                await participant.join(zego.RoomConfig(is_user_status_notify=True), publishes=True)
                break
            except zego.ZegoError as error:
                say("refused", user=self.user_id, error=str(error))
                await asyncio.sleep(1.0)
        say("joined", user=self.user_id)

    async def leave(self) -> None:
        await self._engine.aclose()
        tasks = [self._following, *self._watching.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watching.clear()
        say("left", user=self.user_id)

    async def _follow(self) -> None:
        async for event in self._engine.events():
            match event.name:
                case "room_state_changed":
                    say("room", user=self.user_id, reason=event.reason.name, code=int(event.error_code))
                case "publisher_state_update":
                    say("publisher", user=self.user_id, state=event.state.name, code=int(event.error_code))
                case "room_stream_update":
                    self._owners |= {stream.stream_id: stream.user.user_id for stream in event.streams}
                    what, whose = event.update_type.name, [stream.user.user_id for stream in event.streams]
                    say("streams", user=self.user_id, update=what, whose=whose)
                case "player_state_update":
                    told = {"stream": event.stream_id, "state": event.state.name, "code": int(event.error_code)}
                    say("player", user=self.user_id, **told)
                    task = self._watching.get(event.stream_id)
                    if event.state is not zego.PlayerState.NO_PLAY and (task is None or task.done()):
                        self._watching[event.stream_id] = asyncio.create_task(self._watch(event.stream_id))

    async def _watch(self, stream_id: str) -> None:
        with contextlib.suppress(zego.ZegoError):  # it is gone already
            async for _ in self._engine.frames(stream_id):
                owner = self._owners.get(stream_id, stream_id)
                self.pictures[owner] = self.pictures.get(owner, 0) + 1
        say("watched", user=self.user_id, stream=stream_id)


async def report(people: dict[str, Person]) -> None:
    while True:
        say("pictures", pictures={user_id: person.pictures for user_id, person in people.items()}, **resources())
        await asyncio.sleep(PERIOD)


async def run(user_ids: list[str]) -> None:
    people = {user_id: Person(user_id) for user_id in user_ids}
    reporting = asyncio.create_task(report(people))
    await asyncio.gather(*(person.join() for person in people.values()))
    verbs: dict[str, Callable[[Person], Any]] = {"join": Person.join, "leave": Person.leave}
    while line := await asyncio.to_thread(sys.stdin.readline):
        verb, user_id = line.split()
        await verbs[verb](people[user_id])
    await asyncio.gather(*(person.leave() for person in people.values()))
    reporting.cancel()
    await asyncio.gather(reporting, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))
