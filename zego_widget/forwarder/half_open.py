"""How many connections may wait without having authenticated, and for how long. Time is an argument."""

from __future__ import annotations

from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds."""
MOST = 256
MOST_PER_SOURCE = 32
ROUND_TRIP = 0.25
"""Seconds that everyone has who is not one of too many in all, however many come from the same source."""


class HalfOpen(Generic[T]):
    """Connections that wait, oldest first.

    An honest one authenticates within a round trip. So when there are too many it is the one that waits longest that
    has to go, of the source that has most; and a crowd of silent connections keeps nobody out.
    """

    def __init__(self, patience: float = PATIENCE, most: int = MOST, most_per_source: int = MOST_PER_SOURCE) -> None:
        self._patience = patience
        self._most = most
        self._most_per_source = most_per_source
        self._waiting: dict[T, tuple[str, float]] = {}
        self._by_source: dict[str, dict[T, None]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def arrive(self, connection: T, source: str, now: float) -> T | None:
        """Remember a newcomer from an IP address; returns the one that has to go for it, already forgotten."""
        self._waiting[connection] = source, now
        neighbours = self._by_source.setdefault(source, {})
        neighbours[connection] = None
        if len(self._waiting) > self._most:
            largest: dict[T, None] = max(self._by_source.values(), key=len)
            leaver = next(iter(largest))
        elif len(neighbours) > self._most_per_source:
            leaver = next(iter(neighbours))
            if now - self._waiting[leaver][1] < ROUND_TRIP:
                return None
        else:
            return None
        self.leave(leaver)
        return leaver

    def leave(self, connection: T) -> bool:
        """Forget one that has authenticated or ended; whether it was waiting."""
        waited = self._waiting.pop(connection, None)
        if waited is None:
            return False
        neighbours = self._by_source[waited[0]]
        del neighbours[connection]
        if not neighbours:
            del self._by_source[waited[0]]
        return True

    def crowding(self, now: float) -> list[T]:
        """Those of a source with too many that have had their round trip, already forgotten."""
        leavers = []
        for neighbours in self._by_source.values():
            for connection in islice(neighbours, max(0, len(neighbours) - self._most_per_source)):
                if now - self._waiting[connection][1] < ROUND_TRIP:
                    break
                leavers.append(connection)
        for connection in leavers:
            self.leave(connection)
        return leavers

    def overdue(self, now: float) -> list[T]:
        """Those that have waited for too long, already forgotten."""
        late = []
        for connection, (_, since) in self._waiting.items():
            if now - since < self._patience:
                break
            late.append(connection)
        for connection in late:
            self.leave(connection)
        return late
