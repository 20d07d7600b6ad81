"""When to try again after a connection was lost: the one table that links, logins and media peers follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds between attempts, and for how long there are any.

    The first is made at once, the next soon, the others steadily. Each of the later ones is put off by up to
    `jitter` seconds, so that those who were cut off together do not come back together. `window` is the time from the
    break to the last attempt (ZEGO: 20 minutes).
    """

    first_delays: tuple[float, ...] = (0.0, 0.3, 1.2, 2.7, 4.8)
    later: float = 7.0
    jitter: float = 1.0
    window: float = 20 * 60.0

    def delay(self, attempt: int, random: float) -> float:
        """Seconds to wait before an attempt, of which the first is number 0; `random` is in 0..1."""
        if attempt < len(self.first_delays):
            return self.first_delays[attempt]
        return self.later + self.jitter * random

    def is_over(self, elapsed: float) -> bool:
        """Whether no attempt may begin so many seconds after the break."""
        return elapsed > self.window
