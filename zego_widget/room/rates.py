"""How often something may happen. `now` is any clock in seconds that never goes back."""

from __future__ import annotations

from collections import deque


class SlidingWindow:
    """At most `limit` times in any `period` seconds; what is refused does not count."""

    def __init__(self, limit: int, period: float = 1.0) -> None:
        self._limit = limit
        self._period = period
        # What happened within the period, oldest first: when, and who did it. Never more than `limit`.
        self._taken: deque[tuple[float, str]] = deque()

    def take(self, now: float, who: str = "") -> bool:
        """Whether it may happen now; counts it if so."""
        if not self.has_room(now):
            return False
        self._taken.append((now, who))
        return True

    def has_room(self, now: float) -> bool:
        """Whether it may happen now."""
        while self._taken and now - self._taken[0][0] >= self._period:
            self._taken.popleft()
        return len(self._taken) < self._limit

    def is_idle(self, now: float) -> bool:
        """Whether nothing happened in the last `period` seconds."""
        self.has_room(now)
        return not self._taken

    def count(self, now: float, who: str) -> int:
        """How often it happened in the last `period` seconds because of `who`."""
        self.has_room(now)
        return sum(each == who for _, each in self._taken)
