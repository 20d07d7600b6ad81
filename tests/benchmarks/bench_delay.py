"""Delay that the hub adds at 10,000 forwarded packets/s, beside Janus, same clip, same clients.

Twice the same rate: eight people in a room, who send 1.1 Mbit/s each and play the seven others; and one publisher of
12 Mbit/s, whose bursts of 14 packets and more queue up behind themselves in any engine.

A publisher writes the time into the payload right before it sends a packet; the kernel notes when the packet reaches
the viewer's socket, which is when the engine sent it. Viewers look at their sockets every 50 ms, so that they take no
time from the engine while it sends; their own slowness is not in the figure. What the machine's other work does to the
engine is, and so is the publishers' rhythm, which is a browser's. Both are the same for all engines.

python tests/benchmarks/bench_delay.py [repetitions] [seconds] [people in the room]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import all_to_all, command_line, isolation
from tests.benchmarks.engines import Engine, engines
from tests.benchmarks.one_to_many import Turn, percentile, ratio, recorded, turn

OURS, JANUS = "zego_widget", "janus"
ROOM_BITRATE, SINGLE_BITRATE = 1_100_000, 14_000_000
VIEWERS = 8
PARTS = (0.5, 0.9, 0.99)


async def compare(title: str, measured: Callable[[Engine], Awaitable[Turn]], repetitions: int) -> None:
    """Print a table of turns of all engines."""
    starters = engines(OURS, JANUS)
    turns: dict[str, list[Turn]] = {name: [] for name in starters}
    for _ in range(repetitions):
        for name, start in starters.items():
            turns[name].append(await measured(await start()))
    print(title)
    print(f"{'':14} {'p50':>8} {'p90':>8} {'p99':>8} {'best p99':>9} {'packets/s':>10}")
    for name, each in turns.items():
        p50, p90, p99 = (statistics.median(percentile(turn.delays, part) for turn in each) for part in PARTS)
        best = min(percentile(turn.delays, 0.99) for turn in each)
        rate = statistics.median(turn.rate for turn in each)
        print(f"{name:14} {p50:8.2f} {p90:8.2f} {p99:8.2f} {best:9.2f} {rate:10.0f}")
    if JANUS in turns:
        for part in (0.5, 0.99):
            values = {name: [percentile(turn.delays, part) for turn in each] for name, each in turns.items()}
            print(
                f"our p{100 * part:.0f} is {ratio(values, JANUS, OURS):.2f} of {JANUS}'s (median of the turns' ratios)"
            )
    print()


async def main(repetitions: int, seconds: float, people: int) -> None:
    which = f"medians of {repetitions} turns of {seconds:g} s each, ms"
    with recorded(ROOM_BITRATE) as room, recorded(SINGLE_BITRATE) as single:
        await compare(
            f"{people} people in a room, {which}",
            lambda engine: all_to_all.room_turn(engine, room, people, seconds, timed=True),
            repetitions,
        )
        await compare(
            f"1 publisher -> {VIEWERS} viewers, {which}",
            lambda engine: turn(engine, single, VIEWERS, seconds, timed=True),
            repetitions,
        )


if __name__ == "__main__":
    isolation.isolate()
    asyncio.run(main(*command_line.turns(8)))
