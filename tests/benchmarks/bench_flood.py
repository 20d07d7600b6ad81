"""How long a command takes from one user to another while a third one floods the hub: medians of five.

Each command waits for the one before. The flooder is a process of its own that writes as fast as the hub reads, and
comes back whenever the hub closes it; each turn is measured without and with it.

python tests/benchmarks/bench_flood.py [repetitions] [commands]
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import aiohttp

from tests.hub.hub_process import HubProcess
from tests.hub.messages.people import people
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.model import RoomConfig, User

REPETITIONS, COMMANDS = 5, 300


async def flood(url: str, secret: str, logins: list[str]) -> None:
    """Log in and write until the hub closes, again and again; what the process of the flooder does."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {secret}"}) as session:
        for login in logins:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                async with session.ws_connect(url + "/v1/link") as socket:
                    await socket.send_str(wire.encode(p.Hello(p.PROTOCOL_VERSION, "benchmark")))
                    await socket.send_str(login)
                    reading = asyncio.create_task(_drain(socket))
                    try:
                        while not socket.closed:
                            for _ in range(100):
                                await socket.send_str(wire.encode(p.SendCustomCommand(1, "demo", "x" * 100, ["carol"])))
                            await asyncio.sleep(0)
                    finally:
                        reading.cancel()


async def _drain(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


@contextlib.contextmanager
def flooder(hub: HubProcess) -> Iterator[None]:
    """A process that floods this hub; what it needs to know comes over its standard input."""
    # A token lets in one client.
    keys = [hub.key("mallory", "demo") for _ in range(100)]
    with subprocess.Popen([sys.executable, __file__, "flood"], stdin=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin is not None
        logins = [wire.encode(p.LoginRoom(0, "demo", User("mallory"), RoomConfig(), False, key)) for key in keys]
        given = [hub.url, hub.secret, logins]
        process.stdin.write(json.dumps(given).encode())
        process.stdin.close()
        try:
            yield
        finally:
            process.kill()


async def measure(hub: HubProcess, commands: int) -> list[float]:
    """Seconds of each command from bob to carol."""
    seconds = []
    async with people(hub, "bob", "carol") as (bob, carol):
        for number in range(commands):
            since = time.perf_counter()
            await bob.command(str(number), "carol")
            await carol.hears(p.CustomCommandReceived, lambda event, text=str(number): event.command == text)
            seconds.append(time.perf_counter() - since)
            carol.heard.clear()
            await asyncio.sleep(0.01)
    return seconds


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[math.ceil(part * len(values)) - 1]


async def main(repetitions: int, commands: int) -> None:
    turns: dict[str, list[list[float]]] = {"alone": [], "beside a flood": []}
    with (
        tempfile.TemporaryDirectory() as directory,
        contextlib.closing(HubProcess(Path(directory) / "runtime")) as hub,
    ):
        for _ in range(repetitions):
            turns["alone"].append(await measure(hub, commands))
            with flooder(hub):
                await asyncio.sleep(1.0)
                turns["beside a flood"].append(await measure(hub, commands))
    print(f"{'':16} {'p50':>8} {'p99':>8} {'worst':>8}   (ms, medians of {repetitions} turns of {commands} commands)")
    for name, values in turns.items():
        figures = [1000 * statistics.median(percentile(each, part) for each in values) for part in (0.5, 0.99, 1.0)]
        print(f"{name:16} " + " ".join(f"{figure:8.1f}" for figure in figures))


if __name__ == "__main__":
    if sys.argv[1:] == ["flood"]:
        where, key, logins = json.load(sys.stdin)
        asyncio.run(flood(where, key, logins))
    else:
        asyncio.run(main(*(int(given) for given in sys.argv[1:3] or (REPETITIONS, COMMANDS))))
