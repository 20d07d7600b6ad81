"""Sound levels and volume.

A level is 0 to 100 and linear in decibels: 100 * (1 + dBFS / 60) of the root mean square of the samples, so that
-60 dBFS and less is 0, a sine of full scale (-3 dBFS) 95, and a square wave of full scale 100.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import numpy.typing as npt

from zego_widget.errors import ErrorCode, InvalidArgument

Samples = npt.NDArray[np.int16]

FULL_SCALE = 32768.0
FLOOR_DB = -60.0
WINDOW = 0.1
"""Seconds that a `LevelMeter` looks at."""
STALE = 0.5
"""Seconds without sound after which a `LevelMeter` shows 0."""
MAX_VOLUME = 200


def sound_level(samples: Samples) -> float:
    """The level of int16 samples of any shape; 0 for none."""
    if samples.size == 0:
        return 0.0
    return _level(float(np.mean(np.square(samples, dtype=np.float64))))


def _level(mean_square: float) -> float:
    if mean_square <= 0:
        return 0.0
    decibels = 10 * math.log10(mean_square / FULL_SCALE**2)
    return min(100.0, max(0.0, 100 * (1 - decibels / FLOOR_DB)))


def amplified(samples: Samples, volume: int) -> Samples:
    """The samples at a volume of 0 to 200; what does not fit int16 any more is clipped."""
    if volume == 100:
        return samples
    louder = np.clip(samples.astype(np.int32) * volume // 100, -32768, 32767)
    return louder.astype(np.int16)


def check_volume(volume: int) -> int:
    """The volume; raises `InvalidArgument` unless it is a whole number of 0 to 200."""
    if isinstance(volume, bool) or not isinstance(volume, int) or not 0 <= volume <= MAX_VOLUME:
        raise InvalidArgument(
            f"A volume is a whole number from 0 to {MAX_VOLUME}, not {volume!r}.", ErrorCode.COMMON_ILLEGAL_PARAM
        )
    return volume


class LevelMeter:
    """The level of the last 100 ms of one sound; times are seconds of any one clock."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, float]] = deque()

    def add(self, samples: Samples, now: float) -> None:
        """Take the next block."""
        mean_square = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
        self._heard.append((now, mean_square))
        while self._heard[0][0] <= now - WINDOW:
            self._heard.popleft()

    def level(self, now: float) -> float:
        """0 to 100; 0 when nothing came for half a second."""
        if not self._heard or self._heard[-1][0] < now - STALE:
            return 0.0
        return _level(sum(mean_square for _, mean_square in self._heard) / len(self._heard))

    def clear(self) -> None:
        """Silence from now on."""
        self._heard.clear()
