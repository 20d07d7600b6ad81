"""What is missing is asked for by one timer, which only runs while something is missing."""

from __future__ import annotations

import asyncio
from typing import Any

from zego_widget.forwarder.nack_timer import NackTimer
from zego_widget.forwarder.receive_log import REORDER_ALLOWANCE


class Clock:
    """An event loop's timers, fired by the test."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Any] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Any) -> Any:
        return self.call_at(self.now + delay, callback)

    def call_at(self, when: float, callback: Any) -> Any:
        timer = asyncio.TimerHandle(when, callback, (), self)  # type: ignore[arg-type]
        self.timers.append(timer)
        return timer

    def _timer_handle_cancelled(self, timer: Any) -> None:
        self.timers.remove(timer)

    def get_debug(self) -> bool:
        return False

    def fire(self) -> None:
        (timer,) = self.timers
        self.timers.remove(timer)
        self.now = timer.when()
        timer._run()


class Publisher:
    """Is asked as often as `due` says."""

    def __init__(self, *due: float | None) -> None:
        self.clock = Clock()
        self.asked: list[float] = []
        self._due = list(due)
        self.timer = NackTimer(self.clock, self.ask)  # type: ignore[arg-type]

    def ask(self, now: float) -> float | None:
        self.asked.append(round(now - 100.0, 6))
        return self._due.pop(0)


def test_many_gaps_start_one_timer_that_ends_by_itself() -> None:
    publisher = Publisher(100.5, None)
    for _ in range(5):
        publisher.timer.gap_noticed()
    publisher.clock.fire()
    publisher.clock.fire()
    assert publisher.asked == [REORDER_ALLOWANCE, 0.5]
    assert publisher.clock.timers == []


def test_the_next_gap_starts_it_again() -> None:
    publisher = Publisher(None, None)
    for _ in range(2):
        publisher.timer.gap_noticed()
        publisher.clock.fire()
    assert publisher.asked == [REORDER_ALLOWANCE, 2 * REORDER_ALLOWANCE]


def test_what_is_overdue_does_not_make_it_spin() -> None:
    publisher = Publisher(99.0, None)
    publisher.timer.gap_noticed()
    publisher.clock.fire()
    publisher.clock.fire()
    assert publisher.asked == [REORDER_ALLOWANCE, REORDER_ALLOWANCE + 0.005]


def test_nothing_is_left_of_it_when_it_is_closed() -> None:
    publisher = Publisher()
    publisher.timer.gap_noticed()
    publisher.timer.close()
    publisher.timer.gap_noticed()
    assert publisher.clock.timers == []


def test_a_new_gap_does_not_wait_for_the_repetition_of_an_old_one() -> None:
    publisher = Publisher(100.5, 100.5, None)
    publisher.timer.gap_noticed()
    publisher.clock.fire()
    publisher.clock.now = 100.1
    publisher.timer.gap_noticed()
    publisher.timer.gap_noticed()
    publisher.clock.fire()
    publisher.clock.fire()
    assert publisher.asked == [REORDER_ALLOWANCE, round(0.1 + REORDER_ALLOWANCE, 6), 0.5]
    assert publisher.clock.timers == []
