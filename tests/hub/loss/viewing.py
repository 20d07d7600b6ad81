"""A picture that is worth losing packets of, and what a viewer really sees of it."""

from __future__ import annotations

import fractions
import time
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import av
import numpy as np

from tests.hub.peers import FRAMES_PER_SECOND, Participant, Picture

WIDTH, HEIGHT = 320, 240
BRIGHT, DIM = 128, 64


class Noise(Picture):
    """Noise that moves, so that every frame takes several packets; without `contrast` (0 to 1) one is enough."""

    def __init__(self, contrast: float = 1.0) -> None:
        super().__init__(BRIGHT, WIDTH, HEIGHT)
        self._jumped = 0
        noise = contrast * np.random.default_rng(7).uniform(-127, 127, (HEIGHT, 2 * WIDTH, 3))
        self._scenes = {level: np.clip(level + noise, 0, 255).astype(np.uint8) for level in (BRIGHT, DIM)}
        self.level = BRIGHT
        """`DIM` marks the frames that are counted."""
        self.dim_frames_sent = 0

    @property
    def frames_sent(self) -> int:
        return self._frame

    def jump(self, seconds: float) -> None:
        """Let the timestamps jump."""
        self._jumped += round(90000 * seconds)

    async def recv(self) -> av.VideoFrame:
        await self._wait()
        shift = 5 * self._frame % WIDTH
        self.dim_frames_sent += self.level == DIM
        picture = np.ascontiguousarray(self._scenes[self.level][:, shift : shift + WIDTH])
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self._frame * 90000 // FRAMES_PER_SECOND + self._jumped
        frame.time_base = fractions.Fraction(1, 90000)
        self._frame += 1
        return frame


def films(page: Participant, contrast: float = 1.0) -> Noise:
    """Put noise before a participant's camera."""
    noise = Noise(contrast)
    page._tracks.append(noise)
    page._senders["camera"].sender.replaceTrack(noise)
    return noise


class Moment(NamedTuple):
    """A time, by the clock (s) and by what had been sent until then."""

    at: float
    frames_sent: int


class Watching(Counter[str]):
    """A participant's `frames` that also knows when they came, by the clock and by what had been sent until then."""

    def __init__(self, page: Participant, noise: Noise) -> None:
        super().__init__(page.frames)
        self._noise = noise
        self._page = page
        self.dim_frames: Counter[str] = Counter()
        self._times: dict[str, list[Moment]] = {}
        page.frames = self

    def __setitem__(self, mid: str, count: int) -> None:
        super().__setitem__(mid, count)
        self._times.setdefault(mid, []).append(self.now())
        self.dim_frames[mid] += self.is_dim(mid)

    def is_dim(self, mid: str) -> bool:
        """Whether the latest picture is of the marked ones."""
        return self._page.brightness.get(mid, BRIGHT) < (BRIGHT + DIM) / 2

    def copy(self) -> Counter[str]:  # type: ignore[override]
        return Counter(self)

    def longest_freeze(self, mid: str) -> float:
        """Seconds between two frames, at most, with as much sent meanwhile: a machine that is busy is no freeze."""
        return max((_passed(*two) for two in pairwise([*self._times[mid], self.now()])), default=float("inf"))

    def waited(self, mid: str, since: Moment) -> float:
        """Seconds from `since` to the first frame after it, by the same measure."""
        return next((_passed(since, then) for then in self._times.get(mid, []) if then.at > since.at), float("inf"))

    def now(self) -> Moment:
        return Moment(time.monotonic(), self._noise.frames_sent)


def _passed(start: Moment, end: Moment) -> float:
    return min(end.at - start.at, (end.frames_sent - start.frames_sent) / FRAMES_PER_SECOND)
