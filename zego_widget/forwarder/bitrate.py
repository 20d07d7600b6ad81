"""Bits per second out of a count of octets that is looked at now and then."""

from __future__ import annotations

from collections import deque


class Bitrate:
    """The rate over the latest seconds; looked at a few times a second, with totals."""

    def __init__(self, window: float) -> None:
        """`window` is in seconds."""
        self._window = window
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def span(self) -> float:
        """Seconds that the latest rate is made of."""
        return self._samples[-1][0] - self._samples[0][0] if self._samples else 0.0

    def look(self, octets: int, now: float) -> float:
        """Bits per second, 0 at the first look."""
        samples = self._samples
        samples.append((now, octets))
        while len(samples) > 1 and samples[1][0] <= now - self._window:
            samples.popleft()
        first_at, first = samples[0]
        return 8 * (octets - first) / (now - first_at) if now > first_at else 0.0

    def restart(self) -> None:
        """Forget what came so far."""
        self._samples.clear()
