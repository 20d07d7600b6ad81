"""Files, streams and devices that `av` can open, as sources."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, Literal, TypeVar

import av
import numpy as np

from zego_widget.errors import ErrorCode, InvalidArgument

from .config import CaptureConfig
from .sources import AudioSource, EndOfSource, Samples, VideoSource

TOLERANCE = 0.001
"""Seconds that a picture may come before its time."""

F = TypeVar("F", av.VideoFrame, av.AudioFrame)


class _Track(Generic[F]):
    """Decodes one kind of a container, opened when first read."""

    def __init__(self, file: Any, kind: Literal["audio", "video"], loop: bool, options: dict[str, Any]) -> None:
        self._file = file
        self._kind = kind
        self._loop = loop
        self._options = options
        self._container: Any = None
        self._frames: Iterator[F] = iter(())

    def next(self) -> tuple[F, bool]:
        """The next frame and whether it is the first since the beginning; raises `EndOfSource`."""
        fresh = self._container is None
        if fresh:
            self._open()
        frame = next(self._frames, None)
        if frame is None and self._loop and not fresh:
            self.close()
            fresh = True
            self._open()
            frame = next(self._frames, None)
        if frame is None:
            raise EndOfSource
        return frame, fresh

    def close(self) -> None:
        container, self._container = self._container, None
        self._frames = iter(())
        if container is not None:
            container.close()

    def _open(self) -> None:
        self._container = av.open(self._file, **self._options)
        streams = self._container.streams.video if self._kind == "video" else self._container.streams.audio
        if not streams:
            self.close()
            raise InvalidArgument(f"{self._file!r} has no {self._kind}.", ErrorCode.COMMON_ILLEGAL_PARAM)
        self._frames = self._container.decode(streams[0])


class _ContainerSource(Generic[F]):
    _kind: Literal["audio", "video"]

    def __init__(
        self,
        file: str,
        *,
        format: str | None = None,  # noqa: A002 - as av has it
        options: dict[str, str] | None = None,
        loop: bool = False,
    ) -> None:
        """`file`, `format` and `options` are those of `av.open`; `loop` begins again at the end.

        The container is open only while it is captured; a file begins anew whenever capture does.
        """
        self._track: _Track[F] = _Track(file, self._kind, loop, {"format": format, "options": options or {}})
        self._reset()

    def close(self) -> None:
        self._track.close()
        self._reset()

    @abstractmethod
    def _reset(self) -> None: ...


class ContainerVideo(_ContainerSource[av.VideoFrame], VideoSource):
    """The pictures of a file or device, shown at the times that it gives them."""

    _kind = "video"

    def _reset(self) -> None:
        self._begin: float | None = None
        self._origin = 0.0
        self._waiting: av.VideoFrame | None = None

    def picture(self, time: float, config: CaptureConfig) -> av.VideoFrame | None:
        newest = None
        while True:
            if self._waiting is None:
                try:
                    self._waiting, fresh = self._track.next()
                except EndOfSource:
                    if newest is None:
                        raise
                    return newest
                if fresh:
                    self._begin, self._origin = None, self._waiting.time or 0.0
                    if newest is not None:  # the last one before the loop; the first one comes next time
                        return newest
            if self._begin is None:
                self._begin = time
            if (self._waiting.time or 0.0) - self._origin > time - self._begin + TOLERANCE:
                return newest
            newest, self._waiting = self._waiting, None


class ContainerAudio(_ContainerSource[av.AudioFrame], AudioSource):
    """The sound of a file or device, at 48 kHz."""

    _kind = "audio"
    sample_rate = 48000

    def _reset(self) -> None:
        self._resampler = av.AudioResampler(format="s16", layout="stereo", rate=self.sample_rate)
        self._left: Samples = np.zeros((0, 2), dtype=np.int16)

    def samples(self, count: int) -> Samples:
        blocks, have = [self._left], len(self._left)
        try:
            while have < count:
                frame, fresh = self._track.next()
                if fresh:
                    self._resampler = av.AudioResampler(format="s16", layout="stereo", rate=self.sample_rate)
                for resampled in self._resampler.resample(frame):
                    blocks.append(resampled.to_ndarray().astype(np.int16, copy=False).reshape(-1, 2))
                    have += len(blocks[-1])
        except EndOfSource:
            if have == 0:
                raise
        joined = np.concatenate(blocks)
        self._left = joined[count:]
        return joined[:count]
