"""FAULTS 3 and 12: a program that loses the network for a while, and one that sleeps; both come back once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.hub.engine.cable import HOME, Cable
from tests.hub.engine.programs import Program
from tests.hub.hub_process import HubProcess, environment
from tests.hub.tcp.network import Network, needs_root
from zego_widget.credentials import App

MOST_ATTEMPTS = 10
APP = App(1234567890, "ab" * 32)


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


def hellos(hub: HubProcess) -> int:
    """Links that were opened so far."""
    return len(re.findall(r"hello from", hub.log))


def changes(program: Program, kind: str, user_id: str) -> list[str]:
    """How often a user or a stream was told to have come and gone."""
    return [line["update"] for line in program.all(kind) if any(user_id in each for each in line[kind])]


async def test_whoever_slept_for_too_long_joins_again_without_a_storm(
    start_hub: Callable[..., HubProcess], programs: list[Program]
) -> None:
    hub = start_hub(heartbeat_interval=1.0, heartbeat_timeout=3.0, peer_timeout=3.0)
    ours = environment(hub.directory)
    alice, bob = (Program(user_id, **ours) for user_id in ("alice", "bob"))
    programs += [alice, bob]
    await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
    before = hellos(hub)

    os.kill(alice.process.pid, signal.SIGSTOP)
    try:
        await bob.until(lambda: changes(bob, "users", "alice") == ["ADD", "DELETE"], "alice was gone")
        status = await asyncio.to_thread(hub.status)
        assert (status.sessions, status.streams) == (1, 1)
    finally:
        os.kill(alice.process.pid, signal.SIGCONT)

    await alice.until(lambda: ("RECONNECTED", 0) in alice.rooms, "she was back")
    await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
    assert 0 < hellos(hub) - before <= MOST_ATTEMPTS
    assert alice.rooms[2:] == [("RECONNECTING", 1002051), ("RECONNECTED", 0)]
    assert changes(bob, "users", "alice") == ["ADD", "DELETE", "ADD"]
    assert changes(alice, "users", "bob") == ["ADD"]
    status = await asyncio.to_thread(hub.status)
    assert (status.rooms, status.sessions, status.streams) == (1, 2, 2)
    await asyncio.gather(alice.end(), bob.end())


@needs_root
@pytest.mark.parametrize("seconds", [5.0, 20.0])
async def test_whoever_loses_the_network_is_back_soon_after_it_is(
    start_hub: Callable[..., HubProcess], programs: list[Program], seconds: float
) -> None:
    with contextlib.closing(Cable()) as cable:
        with cable.at_home():
            hub = start_hub(host="0.0.0.0", media_host=HOME, apps=[APP])
        ours = environment(hub.directory, TEST_HUB=f"http://{HOME}:{hub.port} {hub.secret}")
        app = ("--app", str(APP.app_id), APP.app_sign)
        with cable.away():
            alice = Program("alice", *app, **ours)
        programs.append(alice)
        with cable.at_home():
            bob = Program("bob", *app, **ours)
        programs.append(bob)
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))

        cable.pull()
        await asyncio.sleep(seconds)  # the fault itself
        cable.plug()
        back = time.monotonic()
        await asyncio.gather(alice.sees("bob", more=1), bob.sees("alice", more=1))
        took = time.monotonic() - back
        print(f"pictures were back {took:.1f} s after the network")
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
        stayed = changes(bob, "users", "alice") == ["ADD"]
        assert stayed or changes(bob, "users", "alice") == ["ADD", "DELETE", "ADD"]
        assert stayed is (seconds < 10)
        assert changes(alice, "users", "bob") == ["ADD"]
        with cable.at_home():
            status = hub.status()
        assert (status.rooms, status.sessions, status.streams) == (1, 2, 2)
        await asyncio.gather(alice.end(), bob.end())
        with cable.at_home():
            hub.close()


@needs_root
@pytest.mark.parametrize("lost", ["media", "signalling"])
async def test_what_is_not_cut_off_goes_on(
    start_hub: Callable[..., HubProcess], programs: list[Program], lost: str
) -> None:
    with contextlib.closing(Network()) as network:
        with network.entered():
            hub = start_hub()
            ours = environment(hub.directory)
            alice, bob = (Program(user_id, **ours) for user_id in ("alice", "bob"))
        programs += [alice, bob]
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
        before = len(bob.said)

        if lost == "media":
            with network.dropping(f"udp sport {hub.media_port}", f"udp dport {hub.media_port}"):
                for each in (alice, bob):
                    await each.until(lambda it=each: published(it)[-1] == ("PUBLISH_REQUESTING", 1003020), "it knew")
        else:
            with network.dropping(f"tcp sport {hub.port}", f"tcp dport {hub.port}"):
                for each in (alice, bob):
                    await each.until(lambda it=each: ("RECONNECTING", 1002051) in it.rooms, "it knew")
                await asyncio.gather(alice.sees("bob", more=30), bob.sees("alice", more=30))

        if lost == "signalling":
            for each in (alice, bob):
                await each.until(lambda it=each: ("RECONNECTED", 0) in it.rooms, "it was resumed")
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
        for each in (alice, bob):
            await each.until(lambda it=each: published(it)[-1] == ("PUBLISHING", 0), "it published again")
        assert [line for line in bob.said[before:] if line["kind"] == "users"] == []
        if lost == "media":
            assert alice.rooms == bob.rooms == [("LOGINING", 0), ("LOGINED", 0)]
        else:
            media = [line for line in bob.said[before:] if line["kind"] in ("streams", "publisher", "player")]
            assert media == [], "media never paused"
        await asyncio.gather(alice.end(), bob.end())
        with network.entered():
            hub.close()


def published(program: Program) -> list[tuple[str, int]]:
    """What was told of the own stream."""
    return [(line["state"], line["code"]) for line in program.all("publisher")]
