"""What can be captured: pictures and sound that Python makes.

A source is read on a thread of its own, one call at a time, and may block there. `container` has sources for files
and devices.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from zego_widget.errors import ErrorCode, InvalidArgument
from zego_widget.model import PublishChannel

from .config import CaptureConfig

Pixels = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16]
Picture = Pixels | av.VideoFrame


class EndOfSource(Exception):
    """A source has no more to give."""


class VideoSource(ABC):
    """Pictures to send."""

    fps: float | None = None
    """How often `picture` is asked per second; None is the channel's fps. What exceeds that is not sent."""

    @abstractmethod
    def picture(self, time: float, config: CaptureConfig) -> Picture | None:
        """A picture, (H, W, 3) uint8 RGB or an av frame, for `time` in seconds since capture began; None sends none.

        Raises `EndOfSource` after the last one.
        """

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what is held, such as a device; `picture` may be called again."""


class AudioSource(ABC):
    """Sound to send."""

    sample_rate: int = 48000

    @abstractmethod
    def samples(self, count: int) -> Samples | None:
        """The next samples, (count, channels) int16 with one or two channels; fewer or None is silence for the rest.

        Raises `EndOfSource` after the last ones.
        """

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what is held, such as a device; `samples` may be called again."""


# -- the default: a pattern and a tone ---------------------------------------------------------------------------

BITS = 16
BLACK, WHITE = 16, 235
MAX_FREQUENCY = 20_000.0


class TestPattern(VideoSource):
    """A moving white bar on grey, under the number of the picture in a form that survives encoding and scaling.

    The upper quarter has two rows of 16 black or white cells: the number modulo 65536, most significant bit first,
    and its complement. `brightness` (16 to 235) is that of the grey.
    """

    __test__ = False  # it is no test, whatever pytest makes of its name

    def __init__(self, brightness: int = 110, fps: float | None = None) -> None:
        if not BLACK <= brightness <= WHITE:
            raise InvalidArgument(
                f"The brightness is {BLACK} to {WHITE}, not {brightness}.", ErrorCode.COMMON_ILLEGAL_PARAM
            )
        self.brightness = brightness
        self.fps = check_fps(fps) if fps is not None else None
        self.number = 0
        """Of the next picture."""

    def picture(self, time: float, config: CaptureConfig) -> Pixels:
        number = self.number
        self.number += 1
        return self.draw(number, config.width, config.height)

    def draw(self, number: int, width: int, height: int) -> Pixels:
        """Picture `number`, (height, width, 3)."""
        grey = np.full((height, width), self.brightness, dtype=np.uint8)
        bits = (number % (1 << BITS)) >> np.arange(BITS - 1, -1, -1) & 1
        cells = np.where(np.stack([bits, 1 - bits]), WHITE, BLACK).astype(np.uint8)
        top = height // 4
        columns = np.arange(width) * BITS // width
        rows = np.arange(top) * 2 // top
        grey[:top] = cells[rows][:, columns]
        bar = max(2, height // 16)
        first = top + number * bar // 2 % (height // 2 - bar)
        grey[first : first + bar] = WHITE
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)

    @staticmethod
    def read_number(picture: Pixels) -> int:
        """The number in a decoded picture, (H, W, 3) or (H, W); raises `ValueError` if there is none to be read."""
        grey = _grey(picture)
        height, width = grey.shape
        top = height // 4
        values = np.empty((2, BITS))
        for row in range(2):
            for column in range(BITS):
                y, x = (2 * row + 1) * top // 4, (2 * column + 1) * width // (2 * BITS)
                dy, dx = max(1, top // 8), max(1, width // (4 * BITS))
                values[row, column] = grey[y - dy : y + dy, x - dx : x + dx].mean()
        middle = (BLACK + WHITE) / 2
        if np.abs(values - middle).min() < (WHITE - BLACK) / 8:
            raise ValueError("a cell is neither black nor white")
        bits, complement = values > middle
        if (bits == complement).any():
            raise ValueError("the number and its complement do not agree")
        return int(np.dot(bits.astype(np.int64), 1 << np.arange(BITS - 1, -1, -1)))

    @staticmethod
    def read_brightness(picture: Pixels) -> float:
        """The brightness of the grey of a decoded picture."""
        grey = _grey(picture)
        return float(np.median(grey[-max(1, grey.shape[0] // 8) :]))


def _grey(picture: Pixels) -> npt.NDArray[np.float64]:
    pixels = picture.astype(np.float64)
    return pixels.mean(axis=2) if pixels.ndim == 3 else pixels


class Tone(AudioSource):
    """A sine, mono; `loudness` is its peak as a share of full scale (0 to 1)."""

    def __init__(self, frequency: float = 440.0, loudness: float = 0.3, sample_rate: int = 48000) -> None:
        if not 0 < frequency <= MAX_FREQUENCY or not 0 <= loudness <= 1:
            raise InvalidArgument(
                f"A tone has 1 to {MAX_FREQUENCY:.0f} Hz and a loudness of 0 to 1, not {frequency} and {loudness}.",
                ErrorCode.COMMON_ILLEGAL_PARAM,
            )
        self.frequency = frequency
        self.loudness = loudness
        self.sample_rate = check_sample_rate(sample_rate)
        self._phase = 0.0

    def samples(self, count: int) -> Samples:
        step = 2 * np.pi * self.frequency / self.sample_rate
        angles = self._phase + step * np.arange(count)
        self._phase = float((self._phase + step * count) % (2 * np.pi))
        wave: Samples = (np.sin(angles) * self.loudness * 32767).astype(np.int16)
        return wave.reshape(-1, 1)


# -- numpy arrays ------------------------------------------------------------------------------------------------


class ArrayVideo(VideoSource):
    """Pictures of an iterable, or of a function of the time in seconds: (H, W, 3) uint8 RGB; None sends none."""

    def __init__(
        self, pictures: Iterable[Pixels | None] | Callable[[float], Pixels | None], fps: float | None = None
    ) -> None:
        self.fps = check_fps(fps) if fps is not None else None
        self._next = _reader(pictures, "pictures")

    def picture(self, time: float, config: CaptureConfig) -> Pixels | None:
        pixels = self._next(time)
        return None if pixels is None else check_pixels(pixels)


class ArrayAudio(AudioSource):
    """Sound of an iterable of blocks of any length, or of a function of the number of samples wanted.

    A block is (samples, channels) or (samples,) int16 with one or two channels; None is silence.
    """

    def __init__(
        self, blocks: Iterable[Samples | None] | Callable[[int], Samples | None], sample_rate: int = 48000
    ) -> None:
        self.sample_rate = check_sample_rate(sample_rate)
        self._next = _reader(blocks, "blocks")
        self._left: Samples = np.zeros((0, 1), dtype=np.int16)

    def samples(self, count: int) -> Samples | None:
        blocks = [self._left]
        have = len(self._left)
        try:
            while have < count:
                given = self._next(count - have)
                if given is None:
                    break
                block = check_samples(given)
                if len(block) == 0:
                    break
                blocks.append(block)
                have += len(block)
        except EndOfSource:
            if have == 0:
                raise
        channels = max(block.shape[1] for block in blocks if len(block) or block is blocks[-1])
        joined = np.concatenate([_with_channels(block, channels) for block in blocks])
        self._left = joined[count:]
        return joined[:count] if have else None


def _with_channels(block: Samples, channels: int) -> Samples:
    return block if block.shape[1] == channels else np.repeat(block[:, :1], channels, axis=1)


def _reader(given: Any, what: str) -> Callable[[Any], Any]:
    """A function that gives the next item or raises `EndOfSource`."""
    if callable(given):
        function: Callable[[Any], Any] = given
        return function
    if not isinstance(given, Iterable) or isinstance(given, np.ndarray | str | bytes):
        raise InvalidArgument(
            f"{what} is an iterable of arrays or a function, not {type(given).__name__}.",
            ErrorCode.COMMON_ILLEGAL_PARAM,
        )
    items: Iterator[Any] = iter(given)

    def following(_: Any) -> Any:
        try:
            return next(items)
        except StopIteration:
            raise EndOfSource from None

    return following


def video_source(given: Any, fps: float | None = None) -> VideoSource | None:
    """A source as it is, None as None, anything else as `ArrayVideo`; raises `InvalidArgument`."""
    return given if given is None or isinstance(given, VideoSource) else ArrayVideo(given, fps)


def audio_source(given: Any, sample_rate: int = 48000) -> AudioSource | None:
    """A source as it is, None as None, anything else as `ArrayAudio`; raises `InvalidArgument`."""
    return given if given is None or isinstance(given, AudioSource) else ArrayAudio(given, sample_rate)


def check_pixels(pixels: Any) -> Pixels:
    """The picture, in memory as av wants it; raises `InvalidArgument` unless it is (H, W, 3) uint8."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InvalidArgument(
            f"A picture is a (H, W, 3) array of uint8, not {_shape(pixels)}.", ErrorCode.COMMON_ILLEGAL_PARAM
        )
    if min(pixels.shape[:2]) < 2 or max(pixels.shape[:2]) > 8192:
        raise InvalidArgument(
            f"A picture has 2 to 8192 pixels each way, not {_shape(pixels)}.", ErrorCode.COMMON_ILLEGAL_PARAM
        )
    return np.ascontiguousarray(pixels)


def check_samples(samples: Any) -> Samples:
    """The samples as (samples, channels); raises `InvalidArgument` unless they are int16 with 1 or 2 channels."""
    if isinstance(samples, np.ndarray) and samples.ndim == 1:
        samples = samples.reshape(-1, 1)
    if (
        not isinstance(samples, np.ndarray)
        or samples.dtype != np.int16
        or samples.ndim != 2
        or samples.shape[1] not in (1, 2)
    ):
        raise InvalidArgument(
            f"Sound is a (samples, 1 or 2) array of int16, not {_shape(samples)}.", ErrorCode.COMMON_ILLEGAL_PARAM
        )
    return samples


def check_fps(fps: float) -> float:
    """The frames/s; raises `InvalidArgument` unless they are over 0 and at most 120."""
    if not 0 < fps <= 120:
        raise InvalidArgument(f"fps is over 0 and at most 120, not {fps}.", ErrorCode.COMMON_ILLEGAL_PARAM)
    return fps


def check_sample_rate(sample_rate: int) -> int:
    """The samples/s; raises `InvalidArgument` unless they are 8000 to 192000."""
    if not 8000 <= sample_rate <= 192_000:
        raise InvalidArgument(f"The sample rate is 8000 to 192000, not {sample_rate}.", ErrorCode.COMMON_ILLEGAL_PARAM)
    return sample_rate


def _shape(given: Any) -> str:
    return f"{given.shape} {given.dtype}" if isinstance(given, np.ndarray) else type(given).__name__


def default_sources(channel: PublishChannel) -> tuple[VideoSource | None, AudioSource | None]:
    """What a channel captures where nobody says otherwise: MAIN a test pattern and a tone, AUX nothing."""
    return (TestPattern(), Tone()) if channel is PublishChannel.MAIN else (None, None)
