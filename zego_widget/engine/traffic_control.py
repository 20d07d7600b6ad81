"""What may be lowered when there is no room for a channel's pictures (ZEGO.md, section 10, traffic control)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from ..errors import ErrorCode, InvalidArgument
from ..protocol import PageTraffic
from .presets import MAX_FPS, MAX_VIDEO_BITRATE, SIDES


class TrafficControlProperty(IntFlag):
    """What adapts besides the bitrate of the pictures (ZegoTrafficControlProperty); to be combined with `|`."""

    BASIC = 0
    ADAPTIVE_FPS = 1
    ADAPTIVE_RESOLUTION = 2
    ADAPTIVE_AUDIO_BITRATE = 4


class TrafficControlMinVideoBitrateMode(IntEnum):
    """What is sent below the least bitrate (ZegoTrafficControlMinVideoBitrateMode)."""

    NO_VIDEO = 0
    ULTRA_LOW_FPS = 1
    """At most 2 frames per second."""


class TrafficControlFocusOnMode(IntEnum):
    """Whose network counts (ZegoTrafficControlFocusOnMode, with ZEGO's spelling)."""

    FOUNS_ON_LOCAL_ONLY = 0
    FOUNS_ON_REMOTE = 1


@dataclass(frozen=True, slots=True)
class TrafficControl:
    """How one channel adapts."""

    enabled: bool = True
    adapts: TrafficControlProperty = TrafficControlProperty.ADAPTIVE_FPS
    min_kbps: int = 0
    """Least bitrate of the pictures; 0: none. So below."""
    below: TrafficControlMinVideoBitrateMode = TrafficControlMinVideoBitrateMode.NO_VIDEO
    min_fps: int = 0
    min_width: int = 0
    min_height: int = 0
    focus_on: TrafficControlFocusOnMode = TrafficControlFocusOnMode.FOUNS_ON_LOCAL_ONLY

    @property
    def for_pages(self) -> PageTraffic:
        """What a page has to do; while it is off, nothing adapts but what a browser does by itself."""
        if not self.enabled:
            return PageTraffic(fps=False, resolution=False)
        return PageTraffic(
            fps=TrafficControlProperty.ADAPTIVE_FPS in self.adapts,
            resolution=TrafficControlProperty.ADAPTIVE_RESOLUTION in self.adapts,
            min_kbps=self.min_kbps,
            ultra_low_fps=self.below is TrafficControlMinVideoBitrateMode.ULTRA_LOW_FPS,
            min_fps=self.min_fps,
            min_width=self.min_width,
            min_height=self.min_height,
        )


def check_property(value: int) -> TrafficControlProperty:
    """The properties; raises `InvalidArgument` (1003005) for what is no combination of them."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 7:
        names = ", ".join(each.name or "" for each in (TrafficControlProperty.BASIC, *TrafficControlProperty))
        raise InvalidArgument(f"{value!r} is no combination of {names}.", ErrorCode.PUBLISHER_TRAFFIC_MODE_INVALID)
    return TrafficControlProperty(value)


def check_min_bitrate(kbps: int) -> int:
    """The bitrate; raises `InvalidArgument` (1003002) unless it is 0 (none) or one that a channel may have."""
    if not 0 <= kbps <= MAX_VIDEO_BITRATE:
        sentence = f"The least bitrate is 0 (none) to {MAX_VIDEO_BITRATE} kbit/s, not {kbps}."
        raise InvalidArgument(sentence, ErrorCode.PUBLISHER_BITRATE_INVALID)
    return kbps


def check_min_fps(fps: int) -> int:
    """The frame rate; raises `InvalidArgument` (1000017) unless it is 0 (none) to `MAX_FPS`."""
    if not 0 <= fps <= MAX_FPS:
        raise InvalidArgument(f"The least fps is 0 (none) to {MAX_FPS}, not {fps}.")
    return fps


def check_min_size(width: int, height: int) -> tuple[int, int]:
    """Width and height; raises `InvalidArgument` (1000017) unless both are 0 (none) to what a channel may have."""
    for side in (width, height):
        if not 0 <= side <= SIDES[1]:
            raise InvalidArgument(f"The least width and height are 0 (none) to {SIDES[1]} pixels, not {side}.")
    return width, height
