"""The verbs of traffic control."""

from __future__ import annotations

from typing import Any

from ..model import PublishChannel
from .operation import Operation
from .parts import Verbs
from .profile import member
from .traffic_control import (
    TrafficControlFocusOnMode,
    TrafficControlMinVideoBitrateMode,
    TrafficControlProperty,
    check_min_bitrate,
    check_min_fps,
    check_min_size,
    check_property,
)


class TrafficVerbs(Verbs):
    """What a channel's pictures give up when the network has no room for them. Pages follow it; where Python captures,
    nothing of it acts: its encoders keep to bitrates of their own.
    """

    def enable_traffic_control(
        self,
        enable: bool,
        property: TrafficControlProperty = TrafficControlProperty.ADAPTIVE_FPS,  # noqa: A002 (ZEGO's name)
        channel: PublishChannel = PublishChannel.MAIN,
    ) -> Operation[None]:
        """Whether and what adapts (ZEGO enableTrafficControl); on by default, with ADAPTIVE_FPS.

        Before publishing: 1000066 while the channel publishes. Raises 1003005 for a property that is none. A browser
        always adapts the bitrate of pictures, and never that of sound.
        """
        changes = {"enabled": bool(enable), "adapts": check_property(property)}
        return self._traffic("enable_traffic_control", channel, changes, before_publishing=True)

    def set_min_video_bitrate_for_traffic_control(
        self,
        bitrate: int,
        mode: TrafficControlMinVideoBitrateMode = TrafficControlMinVideoBitrateMode.NO_VIDEO,
        channel: PublishChannel = PublishChannel.MAIN,
    ) -> Operation[None]:
        """What becomes of the pictures while there is no room for `bitrate` kbit/s (0: there always is).

        (ZEGO setMinVideoBitrateForTrafficControl.) With NO_VIDEO none are sent, and the others see device state MUTE;
        with ULTRA_LOW_FPS two per second at most. While traffic control is off nothing. Raises 1003002 for a bitrate
        that no channel may have.
        """
        kbps = check_min_bitrate(bitrate)
        changes = {"min_kbps": kbps, "below": member(TrafficControlMinVideoBitrateMode, mode)}
        return self._traffic("set_min_video_bitrate_for_traffic_control", channel, changes)

    def set_min_video_fps_for_traffic_control(
        self, fps: int, channel: PublishChannel = PublishChannel.MAIN
    ) -> Operation[None]:
        """How low ADAPTIVE_FPS may go, 0: as the browser thinks best (ZEGO setMinVideoFpsForTrafficControl)."""
        return self._traffic("set_min_video_fps_for_traffic_control", channel, {"min_fps": check_min_fps(fps)})

    def set_min_video_resolution_for_traffic_control(
        self, width: int, height: int, channel: PublishChannel = PublishChannel.MAIN
    ) -> Operation[None]:
        """How small ADAPTIVE_RESOLUTION may make the picture (ZEGO setMinVideoResolutionForTrafficControl).

        In pixels; 0 and 0: as the browser thinks best.
        """
        min_width, min_height = check_min_size(width, height)
        changes = {"min_width": min_width, "min_height": min_height}
        return self._traffic("set_min_video_resolution_for_traffic_control", channel, changes)

    def set_traffic_control_focus_on(
        self, mode: TrafficControlFocusOnMode, channel: PublishChannel = PublishChannel.MAIN
    ) -> Operation[None]:
        """Whose network counts (ZEGO setTrafficControlFocusOn); 1000066 while the channel publishes.

        It changes nothing here: a publisher minds its own network, and the hub sends each viewer what fits that
        viewer's, whichever mode is set.
        """
        changes = {"focus_on": member(TrafficControlFocusOnMode, mode)}
        return self._traffic("set_traffic_control_focus_on", channel, changes, before_publishing=True)

    def _traffic(
        self, verb: str, channel: PublishChannel, changes: dict[str, Any], *, before_publishing: bool = False
    ) -> Operation[None]:
        work = self._parts.publishing.change_traffic(
            member(PublishChannel, channel), changes, before_publishing=before_publishing
        )
        return self._parts.core.verb(verb, work)
