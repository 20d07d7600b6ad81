"""Random faults strike six people, a notebook and their hub for five minutes; in the end everyone sees everyone.

It is `tests/chaos`, which fails if somebody is missing, if the hub holds anything but those people, or if something is
left over. Needs root, for a network of its own.

python tests/benchmarks/bench_chaos.py [seconds] [seed]
"""

from __future__ import annotations

import collections
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import long_test
from tests.chaos.schedule import schedule
from tests.chaos.test_chaos import PROGRAMS

SECONDS, SEED = 300.0, 1


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    settings = {
        "ZEGO_WIDGET_CHAOS": str(seconds),
        "ZEGO_WIDGET_CHAOS_SEED": str(seed),
        "ZEGO_WIDGET_CHAOS_BROWSER": "1",
    }
    lines = long_test.passes("tests/chaos", seconds, settings)
    if not lines:
        print("not run: it needs root" if lines == [] else "failed")
        return lines is None
    faults = schedule(seed, seconds, PROGRAMS, page=True)
    print(
        f"{len(faults)} faults in {seconds:.0f} s, seed {seed}; in the end everyone saw everyone, nothing was left over"
    )
    for kind, count in collections.Counter(fault.kind for fault in faults).most_common():
        print(f"{count:4}  {kind.value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
