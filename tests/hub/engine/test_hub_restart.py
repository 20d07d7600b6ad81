"""A hub elsewhere that is stopped and comes back: everyone waits for it, and joins again without a stampede."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.engine.programs import Program
from tests.hub.hub_process import environment, write_apps
from zego_widget.credentials import App
from zego_widget.hub import discovery

APP = App(1234567890, "ab" * 32)


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


@contextlib.contextmanager
def serving(directory: Path, *arguments: str) -> Iterator[discovery.HubAddress]:
    """`zego-widget serve`, stopped with SIGTERM at the end of the block."""
    command = [sys.executable, "-m", "zego_widget", "serve", *arguments]
    process = subprocess.Popen(command, env=environment(directory), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert "listens" in process.stdout.readline()
        address = discovery.read_address(directory)
        assert address is not None
        yield address
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_a_hub_that_returns_is_rejoined_by_everyone(tmp_path: Path, programs: list[Program]) -> None:
    apps = write_apps(tmp_path / "apps.json", [APP])
    kept = ("--apps", str(apps), "--secret-file", str(tmp_path / "secret"))
    directory = tmp_path / "runtime"
    with serving(directory, *kept) as address:
        port = address.url.rpartition(":")[2]
        # Programs have a runtime directory of their own: this hub is one that was named to them.
        ours = environment(tmp_path / "elsewhere", TEST_HUB=f"{address.url} {address.secret}")
        programs += [Program(user, "--app", str(APP.app_id), APP.app_sign, **ours) for user in ("alice", "bob")]
        alice, bob = programs
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
    for program in programs:
        await program.until(lambda each=program: each.rooms[-1] == ("RECONNECTING", 1002051), "it missed the hub")
    with serving(directory, *kept, "--port", port) as address:
        for program in programs:
            await program.until(lambda each=program: each.rooms[-1] == ("RECONNECTED", 0), "it was back")
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
        status = await discovery.status_of(address)
        assert status is not None
        assert (status.rooms, status.sessions, status.streams, status.peers) == (1, 2, 2, 2)
        assert [line["update"] for line in bob.all("users")] == ["ADD"], "nobody was ever gone"
        await asyncio.gather(alice.end(), bob.end())
    assert not (tmp_path / "elsewhere").exists(), "no other hub was started"
