"""What a stream gives to those who look at it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """A picture; `time` is seconds on the media clock of its stream."""

    time: float
    picture: av.VideoFrame
    """As it was decoded; shared by all who look."""
    _converting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def width(self) -> int:
        """In pixels."""
        return self.picture.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.picture.height

    def to_ndarray(self, format: str = "rgb24") -> npt.NDArray[np.uint8]:  # noqa: A002 - as av has it
        """The pixels: (H, W, 3) uint8 for `rgb24` and `bgr24`, (H, W) for `gray`; other formats as av defines them."""
        with self._converting:  # av keeps its converter in the picture
            pixels: npt.NDArray[Any] = self.picture.to_ndarray(format=format)
        return pixels


@dataclass(frozen=True, slots=True, eq=False)
class AudioFrame:
    """A piece of sound; `time` is seconds on the media clock of its stream."""

    time: float
    samples: npt.NDArray[np.int16]
    sample_rate: int

    def to_ndarray(self) -> npt.NDArray[np.int16]:
        """(samples, channels) int16, a copy."""
        return self.samples.copy()
