"""A room of ten, all to all, camera and microphone each: what share of one core the hub needs, and what it loses.

Everyone sends about 1 Mbit/s and plays the nine others. Lost is what publishers sent and viewers miss, counted by
sequence numbers at the viewers, beside what the hub says it dropped.

python tests/benchmarks/bench_room.py [repetitions] [seconds] [people]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import command_line, isolation
from tests.benchmarks.all_to_all import BITRATE, room_turn
from tests.benchmarks.engines import engines
from tests.benchmarks.one_to_many import Turn, ratio, recorded

OURS, JANUS = "zego_widget", "janus"


async def main(repetitions: int, seconds: float, people: int) -> None:
    starters = engines(OURS, JANUS)
    turns: dict[str, list[Turn]] = {name: [] for name in starters}
    with recorded(BITRATE) as recording:
        for _ in range(repetitions):
            for name, start in starters.items():
                turns[name].append(await room_turn(await start(), recording, people, seconds))
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
        costs = {name: [turn.cost for turn in each] for name, each in turns.items()}
        print(f"we cost {ratio(costs, JANUS, OURS):.2f} of {JANUS} per packet (median of the turns' ratios)")


if __name__ == "__main__":
    isolation.isolate()
    asyncio.run(main(*command_line.turns(10)))
