"""A room of ten, all to all, camera and microphone each: what share of one core the hub needs, and what it loses.

Everyone sends about 1 Mbit/s and plays the nine others. Lost is what publishers sent and viewers miss, counted by
sequence numbers at the viewers, beside what the hub says it dropped.

python tests/benchmarks/bench_room.py [repetitions] [seconds] [people]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import command_line, isolation
from tests.benchmarks.engines import Engine, JanusRoom, OwnProcess, engines
from tests.benchmarks.one_to_many import recorded
from tests.benchmarks.processes import JsonProcess, cpu_seconds

BITRATE = 950_000
KINDS = ("audio", "video")
OURS, JANUS = "zego_widget", "janus"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn showed."""

    core: float
    rate: float
    lost: int
    dropped: int | None


async def join_all(engine: Engine, load: JsonProcess, names: list[str]) -> None:
    """Connect everyone, so that everyone plays everyone else."""
    if isinstance(engine, OwnProcess):
        for name in names:
            await engine.join(load, name, KINDS, KINDS * (len(names) - 1))
        return
    assert isinstance(engine, JanusRoom)
    for name in names:
        await engine.publish(load, name, KINDS)
    for name in names:
        await engine.play(load, f"{name} plays", [other for other in names if other != name])


async def turn(engine: Engine, recording: Path, people: int, seconds: float) -> Turn:
    """One room for `seconds`; ends the engine."""
    load = await JsonProcess.start("tests.benchmarks.load")
    names = [f"person-{number}" for number in range(people)]
    try:
        await join_all(engine, load, names)
        await load.ask(play=names, clip=str(recording))
        if isinstance(engine, OwnProcess):
            await engine.connect()
        await asyncio.sleep(2.5)  # beyond the first key frames
        before, dropped = await load.ask(counts=True), await _dropped(engine)
        cpu, since = cpu_seconds(engine.pid), time.perf_counter()
        await asyncio.sleep(seconds)
        cpu, passed = cpu_seconds(engine.pid) - cpu, time.perf_counter() - since
        after, dropped_after = await load.ask(counts=True), await _dropped(engine)
    finally:
        await engine.aclose()
        await load.aclose()
    return Turn(
        core=cpu / passed,
        rate=(after["received"] - before["received"]) / passed,
        lost=after["lost"] - before["lost"],
        dropped=None if dropped is None or dropped_after is None else dropped_after - dropped,
    )


async def _dropped(engine: Engine) -> int | None:
    if not isinstance(engine, OwnProcess):
        return None
    return sum(count for name, count in (await engine.counters()).items() if name.startswith("dropped_"))


async def main(repetitions: int, seconds: float, people: int) -> None:
    starters = engines(OURS, JANUS)
    turns: dict[str, list[Turn]] = {name: [] for name in starters}
    with recorded(BITRATE) as recording:
        for _ in range(repetitions):
            for name, start in starters.items():
                turns[name].append(await turn(await start(), recording, people, seconds))
    print(f"{people} people, medians of {repetitions} turns of {seconds:g} s each")
    print(
        f"{'':14} {'% of a core':>12} {'best':>6} {'worst':>6} {'packets/s':>10} {'lost':>6} {'dropped by the hub':>19}"
    )
    for name, each in turns.items():
        cores = [100 * turn.core for turn in each]
        rate = statistics.median(turn.rate for turn in each)
        drops = [turn.dropped for turn in each if turn.dropped is not None]
        print(
            f"{name:14} {statistics.median(cores):12.1f} {min(cores):6.1f} {max(cores):6.1f} {rate:10.0f}"
            f" {sum(turn.lost for turn in each):6} {sum(drops) if drops else '':>8}"
        )
    if JANUS in turns:
        pairs = zip(turns[OURS], turns[JANUS], strict=True)
        share = statistics.median((ours.core / ours.rate) / (janus.core / janus.rate) for ours, janus in pairs)
        print(f"we cost {share:.2f} of {JANUS} per packet (median of the turns' ratios)")


if __name__ == "__main__":
    isolation.isolate()
    asyncio.run(main(*command_line.turns(10)))
