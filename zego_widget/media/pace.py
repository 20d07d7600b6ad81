"""When the next one of a steady series is due; time is an argument."""

from __future__ import annotations

MAX_LAG = 0.1
"""Seconds behind after which a series leaves out what it missed, instead of hurrying."""


class Pace:
    """`rate` things per second since `start`, counted from 0."""

    def __init__(self, rate: float, start: float) -> None:
        self.rate = rate
        self._start = start
        self._next = 0

    def take(self, now: float) -> tuple[int, float]:
        """Number of the next one, and how many seconds to wait for it."""
        number = self._next
        behind = now - self._start - number / self.rate
        if behind > max(MAX_LAG, 1 / self.rate):
            number = int((now - self._start) * self.rate)
        self._next = number + 1
        return number, max(0.0, self._start + number / self.rate - now)


class Thinning:
    """Lets at most `target` of `rate` things per second pass, evenly."""

    def __init__(self, rate: float, target: float) -> None:
        self._share = min(1.0, target / rate)
        self._last = -1

    def passes(self, number: int) -> bool:
        """Whether the thing of this number goes on; numbers must grow."""
        due = int(number * self._share + 1e-9)
        if due == self._last:
            return False
        self._last = due
        return True
