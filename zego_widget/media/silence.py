"""Whether the other side has fallen silent."""

from __future__ import annotations


class Silence:
    """Looks in a row at which a count had not grown.

    Looks are counted and not seconds: a process that stood still has not given the other side a chance to be heard.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._looks = 0
        self._count = -1

    def look(self, count: int) -> bool:
        """Whether it is silence by now; `count` is of what has come so far."""
        self._looks = self._looks + 1 if count == self._count else 0
        self._count = count
        return self._looks >= self._limit
