"""A program of somebody in a call, for tests that do something to its process: `python -m tests.hub.engine.person`.

Publishes small pictures and counts those of all others. Says in lines of JSON what it is told and, several times a
second, how many pictures came (with `--times` also when each came); ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import zego_widget as zego
from zego_widget import io_thread
from zego_widget.engine import room_news
from zego_widget.testing.participant import Participant

PERIOD = 0.2
DESCRIPTORS = Path("/proc/self/fd")


def say(kind: str, **content: Any) -> None:
    print(json.dumps({"kind": kind, **content}), flush=True)


def resources() -> dict[str, int]:
    """What this process uses."""
    lease = io_thread.io.acquire()
    try:
        tasks = len(asyncio.all_tasks(lease.loop))
    finally:
        lease.release()
    fds = sum(1 for _ in DESCRIPTORS.iterdir()) if DESCRIPTORS.is_dir() else 0
    return {"fds": fds, "threads": threading.active_count(), "tasks": tasks}


class Person:
    """Plays whatever there is."""

    def __init__(self, engine: zego.ExpressEngine, times: bool) -> None:
        self.engine = engine
        self.times = times
        self.pictures: dict[str, int] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}

    async def follow(self) -> None:
        async for event in self.engine.events():
            match event.name:
                case "room_state_changed":
                    say("room", reason=event.reason.name, code=int(event.error_code))
                case "publisher_state_update":
                    say("publisher", state=event.state.name, code=int(event.error_code))
                case "player_state_update":
                    say("player", state=event.state.name, code=int(event.error_code), stream=event.stream_id)
                    if event.stream_id not in self._watching and event.state is not zego.PlayerState.NO_PLAY:
                        self._watching[event.stream_id] = asyncio.create_task(self._watch(event.stream_id))
                case "room_user_update":
                    say("users", update=event.update_type.name, users=[each.user_id for each in event.users])
                case "room_stream_update":
                    say("streams", update=event.update_type.name, streams=[each.stream_id for each in event.streams])

    async def _watch(self, stream_id: str) -> None:
        async for _ in self.engine.frames(stream_id):
            self.pictures[stream_id] = self.pictures.get(stream_id, 0) + 1
            if self.times:
                say("picture", at=time.monotonic())

    async def report(self) -> None:
        while True:
            say("pictures", pictures=self.pictures, **resources())
            await asyncio.sleep(PERIOD)


async def run(user_id: str, hub_url: str | None, hub_secret: str | None, app: list[str], times: bool) -> None:
    room_news.ROSTER_GRACE = 60.0  # a busy machine takes its time until everyone is back
    named = {"app_id": int(app[0]), "app_sign": app[1]} if app else {}
    engine = zego.ExpressEngine(zego.EngineProfile(hub_url=hub_url, hub_secret=hub_secret, **named))
    participant = Participant(engine, zego.User(user_id), "demo", plays=True)
    person = Person(engine, times)
    tasks = [asyncio.create_task(person.follow()), asyncio.create_task(person.report())]
    await engine.set_video_config(zego.VideoConfig.preset(zego.VideoConfigPreset.PRESET_180P))
    await participant.join(zego.RoomConfig(is_user_status_notify=True), publishes=True)
    say("joined")
    await asyncio.to_thread(sys.stdin.read)
    await engine.aclose()
    for task in (*tasks, *person._watching.values()):
        task.cancel()
    await asyncio.gather(*tasks, *person._watching.values(), return_exceptions=True)
    say("left")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("user_id")
    parser.add_argument("--app", nargs=2, default=[])
    parser.add_argument("--times", action="store_true")
    given = parser.parse_args()
    address = os.environ.get("TEST_HUB", "").split()
    asyncio.run(run(given.user_id, *(address or (None, None)), given.app, given.times))
