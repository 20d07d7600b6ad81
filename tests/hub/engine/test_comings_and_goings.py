"""FAULTS 14: joins and leaves without end leave nothing behind, neither at the hub nor in the program.

ZEGO_WIDGET_SOAK is the length of the soak in seconds: 300 with ten people, 3600 on demand; a few in the suite.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec import structs

from tests.hub.hub_process import HubProcess
from zego_widget import ExpressEngine, RoomConfig, User, VideoConfig, io_thread
from zego_widget.hub import discovery
from zego_widget.hub.status import ProcessStatus
from zego_widget.testing.participant import Participant

JOINS = 50
WITH_MEDIA = 5
"""Of these one publishes; the others only stand in the room."""
SOAK = float(os.environ.get("ZEGO_WIDGET_SOAK", "5"))
PEOPLE = 10 if SOAK >= 60 else 3
STAY = 1.5
"""Seconds between two changes of the soak."""
SMALL = VideoConfig(96, 64, 96, 64, 5, 60)
SPEAKERS = {"host", "guest", "person-0", "person-1"}
ROOM_CONFIG = RoomConfig(is_user_status_notify=True)
DESCRIPTORS = Path("/proc/self/fd")
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Level:
    """What this process uses."""

    tasks: int
    threads: int
    descriptors: int

    @classmethod
    def now(cls) -> Level:
        lease = io_thread.io.acquire()
        try:
            tasks = len(asyncio.all_tasks(lease.loop))
        finally:
            lease.release()
        pool = [each for each in threading.enumerate() if not each.name.startswith("asyncio_")]
        descriptors = sum(1 for _ in DESCRIPTORS.iterdir()) if DESCRIPTORS.is_dir() else 0
        return cls(tasks, len(pool), descriptors)

    async def is_reached(self) -> None:
        """Fail unless this process uses no more than this soon."""
        for _ in range(int(PATIENCE / 0.1)):
            now = Level.now()
            if now.tasks <= self.tasks and now.threads <= self.threads and now.descriptors <= self.descriptors:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{self} became {now}")


@pytest.fixture
def hub(hub_process: HubProcess, monkeypatch: pytest.MonkeyPatch) -> HubProcess:
    """Engines find this one."""
    monkeypatch.setenv(discovery.RUNTIME_DIR_VARIABLE, str(hub_process.directory))
    return hub_process


def _mebibytes(process: ProcessStatus) -> str:
    return "?" if process.rss_bytes is None else f"{process.rss_bytes / (1 << 20):.1f}"


async def join(user_id: str, *, publishes: bool) -> Participant:
    """Somebody in the room, with small pictures; of a crowd only few speak, for one process has to carry them all."""
    person = Participant(ExpressEngine(), User(user_id), "demo", plays=publishes)
    await person.engine.set_video_config(SMALL)
    if user_id not in SPEAKERS:
        await person.engine.enable_audio_capture_device(False)
    await person.join(ROOM_CONFIG, publishes=publishes)
    return person


async def test_fifty_joins_and_leaves_leave_nothing_behind(hub: HubProcess) -> None:
    host = await join("host", publishes=True)
    hub_level = level = None
    for number in range(JOINS):
        guest = await join("guest", publishes=number % WITH_MEDIA == 0)
        if number % WITH_MEDIA == 0:
            await guest.sees("host-stream", 1)
        await guest.leave()
        if number == WITH_MEDIA:  # whatever is made once is there now
            level, hub_level = Level.now(), await hub.level()
    assert level is not None and hub_level is not None
    await level.is_reached()
    await hub.is_back_at(hub_level)
    changes = [event.update_type.name for event in host.all("room_user_update")]
    assert changes == ["ADD", "DELETE"] * JOINS
    await host.leave()
    status = await asyncio.to_thread(hub.status)
    assert (status.rooms, status.streams, status.peers) == (0, 0, 0)


async def test_people_who_come_and_go_for_long_leave_nothing_behind(hub: HubProcess) -> None:
    chance = random.Random(14)
    people = {f"person-{number}": await join(f"person-{number}", publishes=True) for number in range(PEOPLE)}
    for person in people.values():
        await person.hears("publisher_state_update", lambda event: event.state == 2)
    level, hub_level = Level.now(), await hub.level()
    loop = asyncio.get_running_loop()
    begun, changes, settled = loop.time(), 0, None
    while loop.time() < begun + SOAK:
        user_id = chance.choice(sorted(people))
        await people.pop(user_id).leave()
        await asyncio.sleep(STAY)
        people[user_id] = await join(user_id, publishes=True)
        changes += 1
        if settled is None and loop.time() >= begun + SOAK / 2:  # memory grows until its pieces fit
            settled = await hub.level()
    someone, other = sorted(people)[:2]
    await people[someone].sees(f"{other}-stream")
    await level.is_reached()
    assert settled is not None
    await hub.is_back_at(structs.replace(hub_level, rss_bytes=settled.rss_bytes))
    status = await asyncio.to_thread(hub.status)
    assert (status.rooms, status.sessions, status.streams) == (1, PEOPLE, PEOPLE)
    print(f"{changes} times one of {PEOPLE} people left and came back in {SOAK:.0f} s; nothing was left over")
    levels = ", ".join(_mebibytes(each) for each in (hub_level, settled, status.process))
    print(f"memory of the hub at first, half-way and in the end: {levels} MiB")
    for person in people.values():
        await person.leave()
