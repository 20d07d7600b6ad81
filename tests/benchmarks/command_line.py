"""What the command line of a benchmark with turns gives: how many turns, how long, and how many people."""

from __future__ import annotations

import sys


def turns(people: int) -> tuple[int, float, int]:
    """Repetitions, seconds of each turn and people, as given in this order; else 5, 4 s and `people`."""
    given = sys.argv[1:4] + ["5", "4", str(people)][len(sys.argv[1:4]) :]
    return int(float(given[0])), float(given[1]), int(float(given[2]))
