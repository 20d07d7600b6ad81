"""Delay that the hub adds at 10,000 forwarded packets/s, beside Janus, same clip, same clients.

The publisher writes the time into the payload right before it sends a packet; the kernel notes when the packet reaches
the viewer's socket, which is when the engine sent it. Viewers look at their sockets every 50 ms, so that they take no
time from the engine while it sends; their own slowness is not in the figure. What the machine's other work does to the
engine is, and so is the publisher's rhythm, which is a browser's: bursts of 14 packets and more. Both are the same for
all engines.

python tests/benchmarks/bench_delay.py [repetitions] [seconds] [viewers]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import command_line, isolation
from tests.benchmarks.engines import engines
from tests.benchmarks.one_to_many import Turn, percentile, ratio, recorded, turn

OURS, JANUS = "zego_widget", "janus"
BITRATE = 14_000_000
PARTS = (0.5, 0.9, 0.99)


async def main(repetitions: int, seconds: float, viewers: int) -> None:
    starters = engines(OURS, JANUS)
    turns: dict[str, list[Turn]] = {name: [] for name in starters}
    with recorded(BITRATE) as recording:
        for _ in range(repetitions):
            for name, start in starters.items():
                turns[name].append(await turn(await start(), recording, viewers, seconds, timed=True))
    print(f"1 publisher -> {viewers} viewers, medians of {repetitions} turns of {seconds:g} s each, ms")
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


if __name__ == "__main__":
    isolation.isolate()
    asyncio.run(main(*command_line.turns(8)))
