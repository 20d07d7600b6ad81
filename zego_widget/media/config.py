"""How a channel captures and encodes."""

from __future__ import annotations

from dataclasses import dataclass

from zego_widget.errors import ErrorCode, InvalidArgument


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """Size, frames/s and kbit/s of what a channel sends; the defaults are ZEGO's 360P preset.

    A picture of another size is fitted into `width` x `height`: it keeps its aspect ratio and is never enlarged.
    Raises `InvalidArgument` for odd or senseless numbers.
    """

    width: int = 640
    height: int = 360
    fps: int = 15
    bitrate: int = 600

    def __post_init__(self) -> None:
        for side in (self.width, self.height):
            if not 16 <= side <= 4096 or side % 2:
                raise InvalidArgument(
                    f"Width and height are even numbers from 16 to 4096, not {side}.", ErrorCode.COMMON_ILLEGAL_PARAM
                )
        if not 1 <= self.fps <= 60:
            raise InvalidArgument(f"fps is 1 to 60, not {self.fps}.", ErrorCode.COMMON_ILLEGAL_PARAM)
        if not 1 <= self.bitrate <= 50_000:
            raise InvalidArgument(
                f"The bitrate is 1 to 50000 kbit/s, not {self.bitrate}.", ErrorCode.PUBLISHER_BITRATE_INVALID
            )
