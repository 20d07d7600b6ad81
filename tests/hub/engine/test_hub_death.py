"""FAULTS 5: the hub is killed during a call of several programs, and the call goes on on another."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.engine.programs import Program
from zego_widget.hub import discovery

USERS = ("alice", "bob", "carol")


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


def hubs_of(directory: Path) -> set[int]:
    """Processes that are hubs of this runtime directory."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue  # it ended meanwhile, or is somebody else's
            if b"zego_widget.hub.process" in command and str(directory).encode() in environment:
                found.add(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
async def test_a_hub_that_is_killed_is_replaced_and_everyone_is_back_with_their_streams(
    runtime_dir: Path, programs: list[Program]
) -> None:
    programs += [Program(user_id) for user_id in USERS]
    everyone = {program: [user for user in USERS if user != program.user_id] for program in programs}
    await asyncio.gather(*(program.sees(*others) for program, others in everyone.items()))
    before = discovery.read_address(runtime_dir)
    assert before is not None
    levels = {program: program.last for program in programs}
    counts = {program: len(program.said) for program in programs}

    os.kill(before.pid, signal.SIGKILL)

    for program in programs:
        await program.until(lambda each=program: ("RECONNECTED", 0) in each.rooms, "it was back")
    await asyncio.gather(*(program.sees(*others) for program, others in everyone.items()))
    after = discovery.read_address(runtime_dir)
    assert after is not None
    assert hubs_of(runtime_dir) == {after.pid} != {before.pid}
    status = await discovery.status_of(after)
    assert status is not None
    assert (status.rooms, status.sessions, status.streams, status.peers) == (1, 3, 3, 3)
    for program, others in everyone.items():
        assert program.rooms == [("LOGINING", 0), ("LOGINED", 0), ("RECONNECTING", 1002051), ("RECONNECTED", 0)]
        told = program.said[counts[program] :]
        assert [line for line in told if line["kind"] in ("users", "streams")] == [], "nobody was ever gone"
        published = [(line["state"], line["code"]) for line in told if line["kind"] == "publisher"]
        assert published == [("PUBLISH_REQUESTING", 1003020), ("PUBLISHING", 0)]
        for other in others:
            played = [(each["state"], each["code"]) for each in told if each.get("stream") == f"{other}-stream"]
            assert played[0] == ("PLAY_REQUESTING", 1004020) and played[-1] == ("PLAYING", 0)
        for what in ("fds", "threads", "tasks"):
            level = levels[program][what] + 2  # what is only just ending
            await program.until(lambda each=program, w=what, x=level: each.last[w] <= x, f"its {what} were back")
    await asyncio.gather(*(program.end() for program in programs))
    assert {path.name for path in runtime_dir.iterdir()} <= {"hub.json", "hub.lock", "hub.log"}
