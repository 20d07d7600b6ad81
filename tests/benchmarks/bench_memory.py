"""Memory of the server process for each peer, and whether 200 joins and leaves bring everything back to its level.

A peer offers what a page offers: twelve slots for sound, twelve for pictures. An idle one is connected; a playing one
gets the publisher's camera. Janus' viewers have no idle state, so theirs all play. The first joins and leaves fill what
is allocated once and what waits for the garbage collector; if memory were lost, every round after would add to it.

python tests/benchmarks/bench_memory.py [peers] [joins]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import isolation
from tests.benchmarks.engines import JanusRoom, OwnProcess, engines
from tests.benchmarks.one_to_many import recorded
from tests.benchmarks.processes import JsonProcess, rss_bytes

SLOTS = ("audio",) * 12 + ("video",) * 12
AT_ONCE = 10
ROUNDS = 3
BITRATE = 1_500_000
OURS, JANUS = "zego_widget", "janus"


async def settled(pid: int) -> float:
    """KiB of a process in RAM, some packets later."""
    await asyncio.sleep(1.5)
    return rss_bytes(pid) / 1024


async def ours(load: JsonProcess, recording: Path, peers: int) -> dict[str, float]:
    """KiB for each peer of ours, idle and playing."""
    engine = await OwnProcess.start(OURS)
    try:
        await engine.publish(load, "publisher", ["video"])
        await load.ask(play=["publisher"], clip=str(recording))
        await engine.join(load, "first", [], SLOTS)  # whatever is allocated once
        await engine.connect()
        before = await settled(engine.pid)
        for number in range(peers):
            await engine.join(load, f"peer-{number}", [], SLOTS)
        idle = await settled(engine.pid)
        await engine.connect()
        playing = await settled(engine.pid)
    finally:
        await engine.aclose()
    return {"idle": (idle - before) / peers, "playing": (playing - before) / peers}


async def theirs(load: JsonProcess, recording: Path, peers: int) -> dict[str, float]:
    """KiB for each viewer of Janus."""
    engine = await JanusRoom.start()
    try:
        await engine.publish(load, "publisher of janus", ["video"])
        await load.ask(play=["publisher of janus"], clip=str(recording))
        await engine.watch(load, "first of janus", ["video"])
        before = await settled(engine.pid)
        for number in range(peers):
            await engine.watch(load, f"peer-{number} of janus", ["video"])
        playing = await settled(engine.pid)
    finally:
        await engine.aclose()
    return {"playing": (playing - before) / peers}


async def come_and_go(load: JsonProcess, recording: Path, joins: int) -> list[tuple[int, dict[str, int]]]:
    """How many have come, played and gone, and what our process uses then."""
    engine = await OwnProcess.start(OURS)
    levels = []
    try:
        await engine.publish(load, "stays", ["video"])
        await load.ask(play=["stays"], clip=str(recording))
        for count in range(0, (ROUNDS + 1) * joins, joins):
            await _rounds(engine, load, range(count - joins, count) if count else range(AT_ONCE))
            levels.append((count or AT_ONCE, await engine.level()))
        return levels
    finally:
        await engine.aclose()


async def _rounds(engine: OwnProcess, load: JsonProcess, numbers: range) -> None:
    for start in range(0, len(numbers), AT_ONCE):
        names = [f"guest-{number}" for number in numbers[start : start + AT_ONCE]]
        for name in names:
            await engine.join(load, name, [], SLOTS)
        await engine.connect()
        await asyncio.sleep(0.2)
        for name in names:
            await engine.leave(name)
        await load.ask(close=names)
    await asyncio.sleep(1.0)  # what a peer leaves behind ends


async def main(peers: int, joins: int) -> None:
    starters = engines(OURS, JANUS)
    with recorded(BITRATE) as recording:
        figures = {}
        for name, measure in ((OURS, ours), (JANUS, theirs)):
            if name in starters:
                load = await JsonProcess.start("tests.benchmarks.load")
                figures[name] = await measure(load, recording, peers)
                await load.aclose()
        load = await JsonProcess.start("tests.benchmarks.load")
        levels = await come_and_go(load, recording, joins)
        await load.aclose()
    print(f"KiB of RAM for each of {peers} peers")
    print(f"{'':14} {'idle':>8} {'playing':>8}")
    for name, values in figures.items():
        idle = f"{values['idle']:.0f}" if "idle" in values else ""
        print(f"{name:14} {idle:>8} {values['playing']:8.0f}")
    print(f"\njoins and leaves, {AT_ONCE} at a time")
    print(f"{'':14} {'MiB of RAM':>11} {'tasks':>6} {'file descriptors':>17}")
    for count, level in levels:
        memory = level["rss_bytes"] / (1 << 20)
        print(f"{f'after {count}':14} {memory:11.1f} {level['tasks']:6} {level['file_descriptors']:17}")
    first, last = (levels[at][1]["rss_bytes"] for at in (1, -1))
    print(f"from {levels[1][0]} to {levels[-1][0]} joins it grew by {100 * (last / first - 1):.1f} %")


if __name__ == "__main__":
    isolation.isolate()
    given = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*(given + [50, 200][len(given) :])))
