"""CPU time of the server process per forwarded packet, beside Janus and aiortc's MediaRelay, same clip, same clients.

One publisher (VP8, 30 frames/s) and its viewers, who send reports and count what they receive. The engines take turns;
the figure of a turn is the CPU time of the engine's process over the packets that reached the viewers. Janus runs as
Debian configures it, and with the event loop that its documentation advises for many peers.

python tests/benchmarks/bench_forwarding.py [repetitions] [seconds] [viewers] [Mbit/s]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import command_line, isolation
from tests.benchmarks.engines import engines
from tests.benchmarks.one_to_many import Turn, ratio, recorded, turn

OURS, JANUS, RELAY = "zego_widget", "janus", "media_relay"
JANUS_LOOP = "janus, 1 event loop"
SETTINGS = {1.5: (OURS, JANUS, JANUS_LOOP, RELAY), 12.0: (OURS, JANUS, JANUS_LOOP)}
"""Megabits per second -> the engines that are measured at it; MediaRelay could not keep up with 12."""


async def main(repetitions: int, seconds: float, viewers: int, only: float | None) -> None:
    for megabits, wanted in SETTINGS.items():
        if only not in (None, megabits):
            continue
        starters = engines(*wanted)
        turns: dict[str, list[Turn]] = {name: [] for name in starters}
        with recorded(round(megabits * 1e6)) as recording:
            for _ in range(repetitions):
                for name, start in starters.items():
                    turns[name].append(await turn(await start(), recording, viewers, seconds))
        print(
            f"1 publisher -> {viewers} viewers, VP8 at {megabits:g} Mbit/s, {repetitions} turns of {seconds:g} s each"
        )
        _print(turns)
        print()


def _print(turns: dict[str, list[Turn]]) -> None:
    print(f"{'':20} {'us CPU/packet':>14} {'best':>8} {'worst':>8} {'packets/s':>10} {'lost':>6}")
    for name, each in turns.items():
        costs = [turn.cost for turn in each]
        rate = statistics.median(turn.rate for turn in each)
        lost = sum(turn.lost for turn in each)
        print(f"{name:20} {statistics.median(costs):14.1f} {min(costs):8.1f} {max(costs):8.1f} {rate:10.0f} {lost:6}")
    costs_of = {name: [turn.cost for turn in each] for name, each in turns.items()}
    for name in (JANUS, JANUS_LOOP):
        if name in turns:
            print(f"we cost {ratio(costs_of, name, OURS):.2f} of {name} per packet (median of the turns' ratios)")
    if RELAY in turns:
        print(f"MediaRelay costs {ratio(costs_of, OURS, RELAY):.0f} times as much as we do")


if __name__ == "__main__":
    isolation.isolate()
    asyncio.run(main(*command_line.turns(8), only=float(sys.argv[4]) if len(sys.argv) > 4 else None))
