"""Who of a viewer's pictures gets how much of what it can receive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .downlink import ROOM, SPARE


class Demand(NamedTuple):
    """One picture; rates are in bits per second."""

    bitrates: tuple[float, ...]
    """Of the layers, from the smallest to the one that fits its tile."""
    importance: tuple[bool, float]
    """Whether it is the active speaker's, and the area of its tile."""
    layers: int
    """How many of these layers it may have now; 0 is paused."""


class Allocation(NamedTuple):
    """What each picture may have."""

    layers: tuple[int, ...]
    """In the order of the demands; the last of so many layers is shown, with 0 nothing is."""
    needed: float | None
    """What all would need together with the next better layer of one of them; None if nothing is held back."""


def allocate(demands: Sequence[Demand], bitrate: float) -> Allocation:
    """Everyone gets the smallest layer first, then the most important ones what fits their tiles."""
    order = sorted(range(len(demands)), key=lambda index: demands[index].importance, reverse=True)
    layers = [0] * len(demands)
    spent = 0.0
    missing: list[float] = []

    def step(index: int) -> bool:
        nonlocal spent
        demand, has = demands[index], layers[index]
        more = demand.bitrates[has] - (demand.bitrates[has - 1] if has else 0.0)
        if spent + more * (ROOM if demand.layers > has else SPARE) > bitrate:
            missing.append(more)
            return False
        layers[index] += 1
        spent += max(0.0, more)
        return True

    for index in order:
        step(index)
    for index in order:
        while 0 < layers[index] < len(demands[index].bitrates) and step(index):
            pass
    return Allocation(tuple(layers), spent + missing[0] * SPARE if missing else None)
