"""Everyone gets the smallest layer first, then the most important pictures what fits their tiles."""

from __future__ import annotations

import pytest

from zego_widget.forwarder.allocation import Demand, allocate

LAYERS = (100.0, 400.0, 1500.0)


def tile(area: float, *, layers: int = 3, has: int = 0, speaks: bool = False) -> Demand:
    return Demand(LAYERS[:layers], (speaks, area), has)


STAGE = (tile(9), tile(1), tile(2))


@pytest.mark.parametrize(
    ("demands", "bitrate", "layers"),
    [
        ((tile(1),), 10_000, (3,)),
        ((tile(1, layers=2),), 10_000, (2,)),
        ((tile(1),), 1600, (2,)),  # it would barely fit
        ((tile(1, has=3),), 1600, (3,)),  # what is there stays as long as it does
        ((tile(1),), 300, (1,)),
        ((tile(1),), 90, (0,)),
        ((tile(1, has=1),), 90, (1,)),
        ((tile(1, has=3),), 50, (0,)),
        (STAGE, 330, (1, 1, 1)),
        (STAGE, 700, (2, 1, 1)),
        (STAGE, 2000, (3, 1, 1)),
        (STAGE, 2100, (3, 1, 2)),
        (STAGE, 250, (1, 0, 1)),
        (STAGE, 120, (1, 0, 0)),
        (STAGE, 0, (0, 0, 0)),
        ((tile(9), tile(1, speaks=True)), 700, (1, 2)),
        ((tile(9), tile(1, speaks=True)), 120, (0, 1)),
        # a picture of one size that does not fit leaves its room to the others
        ((Demand((1500.0,), (False, 9.0), 1), tile(1)), 500, (0, 2)),
        ((), 500, ()),
    ],
)
def test_who_gets_what(demands: tuple[Demand, ...], bitrate: float, layers: tuple[int, ...]) -> None:
    assert allocate(demands, bitrate).layers == layers


def test_nothing_is_needed_where_everybody_has_what_fits() -> None:
    assert allocate(STAGE, 10_000).needed is None


@pytest.mark.parametrize("bitrate", [0, 120, 250, 330, 700, 2000])
def test_with_what_is_needed_somebody_gets_more(bitrate: float) -> None:
    before = allocate(STAGE, bitrate)
    assert before.needed is not None
    assert before.needed > bitrate * 0.85
    assert sum(allocate(STAGE, before.needed * 1.001).layers) > sum(before.layers)
