"""What will happen to a call: faults made of a seed. The same seed and the same people give the same schedule."""

from __future__ import annotations

import enum
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class Kind(enum.Enum):
    """What can happen, as issue reports name it."""

    SIGNALLING_CUT = "signalling cut"
    EVERYTHING_CUT = "everything cut"
    LOSS = "packets lost"
    PROGRAM_STOPPED = "program stopped and continued"
    PROGRAM_KILLED = "program killed and started again"
    USER_LEFT = "user left and joined"
    HUB_KILLED = "hub killed"
    PAGE_RELOADED = "page reloaded"
    PAGE_LEFT = "page left and joined"


LENGTHS: Mapping[Kind, tuple[float, float]] = {
    Kind.SIGNALLING_CUT: (1.0, 8.0),
    Kind.EVERYTHING_CUT: (1.0, 20.0),
    Kind.LOSS: (3.0, 10.0),
    Kind.PROGRAM_STOPPED: (1.0, 18.0),
    Kind.PROGRAM_KILLED: (0.0, 6.0),
    Kind.USER_LEFT: (0.0, 5.0),
    Kind.HUB_KILLED: (0.0, 0.0),
    Kind.PAGE_RELOADED: (0.0, 0.0),
    Kind.PAGE_LEFT: (0.0, 4.0),
}
"""Seconds that a fault lasts, at least and at most; what it does is then undone."""

HUB, PAGE = "the hub", "the page"
OF_PAGE = frozenset({Kind.PAGE_RELOADED, Kind.PAGE_LEFT})
PAUSES = (1.0, 4.0)
"""Seconds between the beginnings of two faults, at least and at most."""
RESTS = {HUB: 15.0, PAGE: 10.0}
"""Seconds for which somebody is left alone after a fault."""
REST = 4.0
MOST = 150
"""Faults of one schedule."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that begins `at` so many seconds, to a program, a user, HUB or PAGE, and `lasts` for some more."""

    at: float
    kind: Kind
    whom: str
    lasts: float

    @property
    def end(self) -> float:
        return self.at + self.lasts

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.kind.value}: {self.whom}" + (f", for {self.lasts:.1f} s" if self.lasts else "")


def schedule(seed: int, seconds: float, programs: Mapping[str, Sequence[str]], *, page: bool) -> list[Fault]:
    """Faults of the first `seconds`, in their order; all are undone by then.

    `programs` are processes and the users in each. Every kind has its turn before one comes again; nobody has two
    faults at once, while those of several people may coincide.
    """
    chance = random.Random(seed)
    free_at: dict[str, float] = {}
    deck: list[Kind] = []
    faults: list[Fault] = []
    now = chance.uniform(*PAUSES)
    while now < seconds and len(faults) < MOST:
        if not deck:
            deck = [kind for kind in Kind if page or kind not in OF_PAGE]
            chance.shuffle(deck)
        found = next((kind for kind in deck if _targets(kind, programs, free_at, now)), None)
        if found is not None:
            deck.remove(found)
            target, whom = chance.choice(_targets(found, programs, free_at, now))
            lasts = min(chance.uniform(*LENGTHS[found]), seconds - now)
            faults.append(Fault(round(now, 3), found, whom, round(lasts, 3)))
            free_at[target] = now + lasts + RESTS.get(target, REST)
        now += chance.uniform(*PAUSES)
    return faults


def _targets(
    kind: Kind, programs: Mapping[str, Sequence[str]], free_at: Mapping[str, float], now: float
) -> list[tuple[str, str]]:
    """Who is struck (a program, HUB or PAGE) and whom the fault names, of those that have no fault now."""
    if kind is Kind.HUB_KILLED:
        targets = [(HUB, HUB)]
    elif kind in OF_PAGE:
        targets = [(PAGE, PAGE)]
    elif kind is Kind.USER_LEFT:
        targets = [(program, user) for program, users in programs.items() for user in users]
    else:
        targets = [(program, program) for program in programs]
    return [target for target in targets if free_at.get(target[0], 0.0) <= now]
