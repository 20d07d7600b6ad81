"""A source on its way into a send slot: read on a thread of its own, at its pace, only while somebody wants it."""

from __future__ import annotations

import asyncio
import fractions
import logging
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import av
import numpy as np
from aiortc import MediaStreamTrack

from .config import CaptureConfig
from .frame_queue import Consumers
from .frames import VideoFrame
from .levels import LevelMeter, amplified
from .pace import Pace, Thinning
from .sources import AudioSource, EndOfSource, Samples, VideoSource, check_pixels, check_samples

logger = logging.getLogger(__name__)

VIDEO_CLOCK = 90_000
SAMPLE_RATE = 48_000
AUDIO_FRAMES_PER_SECOND = 50
SAMPLES_PER_FRAME = SAMPLE_RATE // AUDIO_FRAMES_PER_SECOND
CLOSE_TIMEOUT = 2.0
"""Seconds that a source gets to finish what it is doing when capture ends."""

S = TypeVar("S", VideoSource, AudioSource)
F = TypeVar("F", av.VideoFrame, av.AudioFrame)


class Outlet(MediaStreamTrack, Generic[F]):
    """What a send slot sends in one connection: the newest `depth` captured frames, or nothing at all."""

    def __init__(self, kind: str, depth: int, on_sent: Callable[[F], None]) -> None:
        super().__init__()
        self.kind = kind
        self.frames_sent = 0
        self._frames: deque[F] = deque(maxlen=depth)
        self._there = asyncio.Event()
        self._on_sent: Callable[[F], None] = on_sent

    def offer(self, frame: F) -> None:
        """Send this frame next; the oldest that waits for the encoder is dropped."""
        self._frames.append(frame)
        self._there.set()

    async def recv(self) -> F:
        """Called by aiortc's sender. Never raises `MediaStreamError`, which would end the sender for good."""
        while not self._frames:
            self._there.clear()
            await self._there.wait()
        frame = self._frames.popleft()
        self.frames_sent += 1
        self._on_sent(frame)
        return frame


class Capture(Generic[S, F]):
    """One kind of one channel. A source is read while `sending` (with an outlet) or somebody looks."""

    kind = ""
    depth = 1

    def __init__(self, on_ended: Callable[[str, Exception | None], None], now: Callable[[], float]) -> None:
        self.enabled = True
        self.muted = False
        self.sending = False
        self.outlet: Outlet[F] | None = None
        self.config = CaptureConfig()
        self._source: S | None = None
        self._on_ended = on_ended
        self._now = now
        self._epoch: float | None = None
        self._running: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def source(self) -> S | None:
        """What is captured; None after its end."""
        return self._source

    def set_source(self, source: S | None) -> None:
        """Capture something else."""
        if source is not self._source:
            self._stop()
            self._source = source

    def update(self) -> None:
        """Begin or end reading, as wanted; call it after every change of an attribute."""
        if not self._wanted():
            self._stop()
        elif self._running is None and self._source is not None:
            self._running = task = asyncio.get_running_loop().create_task(self._run(self._source, tuple(self._tasks)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End every task and thread; the source is closed."""
        self._source = None
        self._stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _wanted(self) -> bool:
        return self._source is not None and self.enabled and self.sending and self.outlet is not None

    def _elapsed(self) -> float:
        now = self._now()
        if self._epoch is None:
            self._epoch = now
        return now - self._epoch

    async def _run(self, source: S, before: tuple[asyncio.Task[None], ...]) -> None:
        if before:  # a device must be given back before it is opened again
            await asyncio.wait(before)
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"zego-widget-{self.kind}")
        error: Exception | None = None
        try:
            await self._read(source, thread)
        except EndOfSource:
            ended = self._give_up(source)
        except Exception as caught:
            logger.warning("a %s source failed: %s: %s", self.kind, type(caught).__name__, caught)
            ended, error = self._give_up(source), caught
        else:
            ended = False
        finally:
            if self._running is asyncio.current_task():
                self._running = None
            closing = asyncio.wrap_future(thread.submit(source.close))
            thread.shutdown(wait=False)
            await self._closed(closing, thread)
        if ended:
            self._on_ended(self.kind, error)

    def _give_up(self, source: S) -> bool:
        """Whether this source was still the one to capture; it is not any more."""
        current = self._source is source
        if current:
            self._source = None
        return current

    async def _closed(self, closing: asyncio.Future[None], thread: ThreadPoolExecutor) -> None:
        done, _ = await asyncio.wait([closing], timeout=CLOSE_TIMEOUT)
        if not done:
            logger.warning("a %s source does not return; its thread is left behind", self.kind)
            closing.add_done_callback(lambda future: future.cancelled() or future.exception())
            return
        thread.shutdown(wait=True)  # its last call is over, so that this returns at once
        if (error := closing.exception()) is not None:
            logger.warning("a %s source could not be closed: %s: %s", self.kind, type(error).__name__, error)

    @abstractmethod
    async def _read(self, source: S, thread: ThreadPoolExecutor) -> None:
        """Read until nobody wants it; raises `EndOfSource`."""


class VideoCapture(Capture[VideoSource, av.VideoFrame]):
    """Pictures: fitted into the configured size, timed by the clock, shown to those who look, sent unless muted."""

    kind = "video"

    def __init__(
        self,
        on_ended: Callable[[str, Exception | None], None],
        on_size: Callable[[int, int], None],
        now: Callable[[], float],
    ) -> None:
        super().__init__(on_ended, now)
        self.viewers: Consumers[VideoFrame] = Consumers()
        self._on_size = on_size
        self._size: tuple[int, int] | None = None
        self._last_pts = -1

    def _wanted(self) -> bool:
        return super()._wanted() or (self._source is not None and self.enabled and bool(self.viewers))

    async def _read(self, source: VideoSource, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        began = self._now()
        rate: float | None = None
        config: CaptureConfig | None = None
        while self._wanted():
            if config is not self.config or rate != (source.fps or self.config.fps):
                config = self.config
                rate = source.fps or config.fps
                pace, thinning = Pace(rate, self._now()), Thinning(rate, config.fps)
            number, delay = pace.take(self._now())
            await asyncio.sleep(delay)
            time = self._elapsed()
            wanted = thinning.passes(number)
            frame = await loop.run_in_executor(thread, _picture, source, self._now() - began, config, wanted)
            if frame is not None and wanted:
                self._show(frame, time)

    def _show(self, frame: av.VideoFrame, time: float) -> None:
        frame.pts = self._last_pts = max(int(time * VIDEO_CLOCK), self._last_pts + 1)
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        if self._size != (frame.width, frame.height):
            self._size = frame.width, frame.height
            self._on_size(*self._size)
        self.viewers.put(VideoFrame(time, frame))
        if self.sending and not self.muted and self.outlet is not None:
            self.outlet.offer(frame)


def _picture(source: VideoSource, time: float, config: CaptureConfig, wanted: bool) -> av.VideoFrame | None:
    """On the capture thread: a picture as the encoder takes it."""
    try:
        picture = source.picture(time, config)
    except StopIteration:  # of a `next`, and nothing that a future can hold
        raise EndOfSource from None
    if picture is None or not wanted:
        return None
    if not isinstance(picture, av.VideoFrame):
        picture = av.VideoFrame.from_ndarray(check_pixels(picture), format="rgb24")
    width, height = fitted(picture.width, picture.height, config)
    frame = picture.reformat(width=width, height=height, format="yuv420p")
    if frame is picture:  # it stays the source's, which may give it again
        frame = av.VideoFrame.from_ndarray(picture.to_ndarray(), format="yuv420p")
    return frame


def fitted(width: int, height: int, config: CaptureConfig) -> tuple[int, int]:
    """The size of a picture within the configured one: same aspect ratio, never enlarged, even numbers."""
    scale = min(1.0, config.width / width, config.height / height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


class AudioCapture(Capture[AudioSource, av.AudioFrame]):
    """Sound in frames of 20 ms, 48 kHz, two channels; silence while muted."""

    kind = "audio"
    depth = 5

    def __init__(self, on_ended: Callable[[str, Exception | None], None], now: Callable[[], float]) -> None:
        super().__init__(on_ended, now)
        self.volume = 100
        self._meter = LevelMeter()

    @property
    def level(self) -> float:
        """0 to 100, after volume; 0 while muted or not captured."""
        return 0.0 if self.muted or self._running is None else self._meter.level(self._now())

    async def _read(self, source: AudioSource, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        rate = source.sample_rate
        pace = Pace(AUDIO_FRAMES_PER_SECOND, self._now())
        first = int(self._elapsed() * AUDIO_FRAMES_PER_SECOND)
        to_48k = av.AudioResampler(format="s16", layout="stereo", rate=SAMPLE_RATE, frame_size=SAMPLES_PER_FRAME)
        skipped, given, last = 0, 0, -1
        while self._wanted():
            number, delay = pace.take(self._now())
            await asyncio.sleep(delay)
            count = rate * (number + 1) // AUDIO_FRAMES_PER_SECOND - rate * number // AUDIO_FRAMES_PER_SECOND
            block = await loop.run_in_executor(thread, _samples, source, count, self.volume)
            self._meter.add(block, self._now())
            if self.muted:
                block = np.zeros_like(block)
            skipped += number - last - 1
            last = number
            for frame in to_48k.resample(_audio_frame(block, rate)):
                frame.pts = (first + skipped + given) * SAMPLES_PER_FRAME
                frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
                given += 1
                if self.sending and self.outlet is not None:
                    self.outlet.offer(frame)


def _samples(source: AudioSource, count: int, volume: int) -> Samples:
    """On the capture thread: exactly `count` samples of two channels."""
    block = np.zeros((count, 2), dtype=np.int16)
    try:
        given = source.samples(count)
    except StopIteration:
        raise EndOfSource from None
    if given is not None:
        samples = check_samples(given)[:count]
        block[: len(samples)] = samples
    return amplified(block, volume)


def _audio_frame(block: Samples, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="s16", layout="stereo")
    frame.sample_rate = rate
    return frame
