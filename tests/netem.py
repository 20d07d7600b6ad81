"""A bad network, made of a seed: delay, jitter, reordering, duplicates, random and bursty loss.

Nothing here knows a clock or a socket: time is an argument, and the same seed gives the same network again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class GilbertElliott:
    """Loss in bursts: a link is good or bad, loses what is sent while it is bad, and changes now and then.

    Probabilities are per packet.
    """

    turns_bad: float
    turns_good: float

    @classmethod
    def bursts(cls, loss: float, length: float) -> GilbertElliott:
        """So much loss (0 to 1) in all, in bursts of so many packets on average."""
        return cls(turns_bad=loss / (1 - loss) / length, turns_good=1 / length)


class NetworkLink:
    """One direction of a network; give it every packet in the order of sending."""

    def __init__(
        self,
        seed: int,
        *,
        delay: float = 0.0,
        jitter: float = 0.0,
        loss: float = 0.0,
        bursts: GilbertElliott | None = None,
        duplicates: float = 0.0,
        keeps_order: bool = False,
    ) -> None:
        """`delay` (s) plus up to `jitter` (s); `loss` and `duplicates` are shares of the packets (0 to 1)."""
        self._chance = random.Random(seed)
        self._delay = delay
        self._jitter = jitter
        self._loss = loss
        self._bursts = bursts
        self._duplicates = duplicates
        self._keeps_order = keeps_order
        self._bad = False
        self._latest = float("-inf")
        self.carried = 0
        self.lost = 0

    def carry(self, now: float) -> list[float]:
        """When the copies of a packet arrive that is sent at `now`; nothing if it is lost."""
        self.carried += 1
        if self._is_lost():
            self.lost += 1
            return []
        copies = 2 if self._chance.random() < self._duplicates else 1
        return [self._arrival(now) for _ in range(copies)]

    def _is_lost(self) -> bool:
        if self._bursts is not None:
            changes = self._bursts.turns_good if self._bad else self._bursts.turns_bad
            if self._chance.random() < changes:
                self._bad = not self._bad
            if self._bad:
                return True
        return self._chance.random() < self._loss

    def _arrival(self, now: float) -> float:
        arrival = now + self._delay + self._jitter * self._chance.random()
        if self._keeps_order:
            arrival = max(arrival, self._latest)
        self._latest = max(arrival, self._latest)
        return arrival
