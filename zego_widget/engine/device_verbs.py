"""The verbs about the devices of a browser."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import ErrorCode, InvalidArgument, ZegoError
from ..model import PublishChannel, VideoMirrorMode
from .devices import AUDIO_KINDS, AudioDeviceType, DeviceInfo, Devices, Kind
from .operation import Operation
from .pages import Pages
from .parts import Verbs
from .profile import member

T = TypeVar("T")


class DeviceVerbs(Verbs):
    """Camera, microphone and speaker of the page that captures.

    An engine without pages has no devices: lists are empty, and what only a browser can do fails with 1000006.
    """

    def get_video_device_list(self) -> Operation[list[DeviceInfo]]:
        """The cameras (ZEGO getVideoDeviceList); a browser names them once a person has allowed their use."""
        return self._parts.core.verb("get_video_device_list", self._listed("camera"))

    def get_audio_device_list(self, device_type: AudioDeviceType) -> Operation[list[DeviceInfo]]:
        """The microphones or speakers (ZEGO getAudioDeviceList), as `get_video_device_list`."""
        kind = AUDIO_KINDS[member(AudioDeviceType, device_type)]
        return self._parts.core.verb("get_audio_device_list", self._listed(kind))

    def use_video_device(self, device_id: str, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Capture from this camera (ZEGO useVideoDevice); "" is the browser's choice.

        Fails with 1006002 if there is no such camera, 1000006 for the aux channel, whose screen the person chooses.
        """
        main = member(PublishChannel, channel) is PublishChannel.MAIN
        return self._choose("use_video_device", "camera", device_id, "camera_id", possible=main)

    def use_audio_device(self, device_id: str, device_type: AudioDeviceType) -> Operation[None]:
        """Use this microphone or speaker (ZEGO useAudioDevice); "" is the browser's choice. 1006002: there is none."""
        kind = AUDIO_KINDS[member(AudioDeviceType, device_type)]
        return self._choose("use_audio_device", kind, device_id, f"{kind}_id")

    def mute_speaker(self, mute: bool) -> Operation[None]:
        """Play no sound at all (ZEGO muteSpeaker); fails with 1000006 without pages."""
        return self._in_pages("mute_speaker", lambda pages: pages.wishes.set_device(speaker_muted=bool(mute)))

    def is_speaker_muted(self) -> bool:
        """Whether `mute_speaker` muted it (ZEGO isSpeakerMuted)."""
        return self._parts.pages.wishes.devices.speaker_muted

    def set_video_mirror_mode(
        self, mode: VideoMirrorMode, channel: PublishChannel = PublishChannel.MAIN
    ) -> Operation[None]:
        """Who sees the camera of a page mirrored (ZEGO setVideoMirrorMode); fails with 1000006 for the aux channel."""
        wanted = member(VideoMirrorMode, mode)
        main = member(PublishChannel, channel) is PublishChannel.MAIN

        async def work() -> None:
            if not main:
                raise _unsupported("A screen is never mirrored.")
            self._parts.pages.wishes.set_device(mirror=wanted)

        return self._parts.core.verb("set_video_mirror_mode", work())

    def set_camera_zoom_factor(self, factor: float) -> Operation[None]:
        """Zoom, 1 to `get_camera_max_zoom_factor` (ZEGO setCameraZoomFactor); else 1006040, without pages 1000006."""
        if not isinstance(factor, int | float):
            raise InvalidArgument(f"A zoom factor is a number, not {factor!r}.")

        def zoom(pages: Pages) -> None:
            max_zoom = pages.reports.max_zoom
            if not 1.0 <= factor <= max_zoom:
                sentence = f"This camera's zoom factor is 1 to {max_zoom:g}, not {factor:g}."
                raise ZegoError(sentence, ErrorCode.DEVICE_ZOOM_FACTOR_INVALID)
            pages.wishes.set_device(zoom=float(factor))

        return self._in_pages("set_camera_zoom_factor", zoom)

    def get_camera_max_zoom_factor(self) -> Operation[float]:
        """Of the camera that is open, 1 without zoom (ZEGO getCameraMaxZoomFactor); 1000006 without pages."""
        return self._in_pages("get_camera_max_zoom_factor", lambda pages: pages.reports.max_zoom)

    async def _listed(self, kind: Kind) -> list[DeviceInfo]:
        return self._devices.of(kind)

    @property
    def _devices(self) -> Devices:
        pages = self._parts.pages
        return pages.reports.devices if pages.in_use else Devices()

    def _choose(self, verb: str, kind: Kind, device_id: str, wish: str, *, possible: bool = True) -> Operation[None]:
        if not isinstance(device_id, str):
            raise InvalidArgument(f"A device ID is a text, not {device_id!r}.")

        async def work() -> None:
            if not possible:
                raise _unsupported("The person chooses the screen.")
            self._devices.check(kind, device_id)
            self._parts.pages.wishes.set_device(**{wish: device_id})

        return self._parts.core.verb(verb, work())

    def _in_pages(self, verb: str, change: Callable[[Pages], T]) -> Operation[T]:
        async def work() -> T:
            if not self._parts.pages.in_use:
                raise _unsupported("This engine is shown in no page; put a VideoView on a canvas first.")
            return change(self._parts.pages)

        coroutine: Coroutine[Any, Any, T] = work()
        return self._parts.core.verb(verb, coroutine)


def _unsupported(sentence: str) -> ZegoError:
    return ZegoError(sentence, ErrorCode.COMMON_UNSUPPORTED_PLATFORM)
