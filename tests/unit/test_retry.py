"""The table of attempts."""

from __future__ import annotations

import itertools

import pytest

from zego_widget.retry import RetryPolicy


@pytest.mark.parametrize(
    ("attempt", "random", "seconds"),
    [
        (0, 0.0, 0.0),
        (0, 1.0, 0.0),
        (1, 1.0, 0.3),
        (2, 1.0, 1.2),
        (3, 1.0, 2.7),
        (4, 1.0, 4.8),
        (5, 0.0, 7.0),
        (5, 0.5, 7.5),
        (5, 1.0, 8.0),
        (1000, 0.25, 7.25),
    ],
)
def test_the_first_attempts_come_soon_and_the_others_steadily(attempt: int, random: float, seconds: float) -> None:
    assert RetryPolicy().delay(attempt, random) == seconds


@pytest.mark.parametrize(("elapsed", "over"), [(0.0, False), (1200.0, False), (1200.1, True)])
def test_the_window_is_that_of_zego(elapsed: float, over: bool) -> None:
    assert RetryPolicy().is_over(elapsed) is over


def test_a_policy_of_ones_own() -> None:
    policy = RetryPolicy(first_delays=(), later=2.0, jitter=0.0, window=0.0)
    assert [policy.delay(attempt, 0.7) for attempt in range(3)] == [2.0, 2.0, 2.0]
    assert not policy.is_over(0.0)
    assert policy.is_over(0.01)


def test_a_hub_that_is_gone_for_a_minute_hears_at_most_twelve_attempts_of_each_client() -> None:
    policy = RetryPolicy()
    times = itertools.accumulate(policy.delay(attempt, 0.0) for attempt in itertools.count())
    assert len(list(itertools.takewhile(lambda time: time <= 60.0, times))) <= 13
