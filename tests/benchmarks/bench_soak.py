"""Ten people with cameras and microphones come and go for five minutes; nothing may be left over.

It is a test of `tests/hub/engine/test_comings_and_goings.py`. An hour of it: `bench_soak.py 3600`.

python tests/benchmarks/bench_soak.py [seconds]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import long_test

SECONDS = 300.0
TEST = "tests/hub/engine/test_comings_and_goings.py::test_people_who_come_and_go_for_long_leave_nothing_behind"


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    lines = long_test.passes(TEST, seconds, {"ZEGO_WIDGET_SOAK": str(seconds)})
    if lines is None:
        return 1
    for line in lines:
        if " people left and came back " in line or line.startswith("memory of the hub"):
            print(line.lstrip("."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
