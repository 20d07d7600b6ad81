"""A steady series, with the time as an argument."""

from __future__ import annotations

import pytest

from zego_widget.media.pace import Pace, Thinning


def test_each_one_is_due_at_its_time() -> None:
    pace = Pace(10, start=100.0)
    assert pace.take(100.0) == (0, 0.0)
    assert pace.take(100.02) == (1, pytest.approx(0.08))
    assert pace.take(100.25) == (2, 0.0)
    assert pace.take(100.25) == (3, pytest.approx(0.05))


def test_a_short_delay_is_made_up_for() -> None:
    pace = Pace(50, start=0.0)
    numbers = [pace.take(now)[0] for now in (0.0, 0.1, 0.1, 0.1)]
    assert numbers == [0, 1, 2, 3]


def test_what_a_long_delay_made_impossible_is_left_out() -> None:
    pace = Pace(50, start=0.0)
    assert [pace.take(now)[0] for now in (0.0, 3.0, 3.0, 3.02)] == [0, 150, 151, 152]


@pytest.mark.parametrize(
    ("rate", "target", "expected"),
    [(30, 15, [0, 2, 4, 6]), (15, 30, [0, 1, 2, 3]), (15, 15, [0, 1, 2, 3]), (25, 10, [0, 3, 5, 8])],
)
def test_thinning_is_even(rate: float, target: float, expected: list[int]) -> None:
    thinning = Thinning(rate, target)
    assert [number for number in range(9) if thinning.passes(number)][:4] == expected
    one_second = Thinning(rate, target)
    assert sum(one_second.passes(number) for number in range(rate)) == min(rate, target)
