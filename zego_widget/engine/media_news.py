"""What an engine tells of its media, wherever they are."""

from __future__ import annotations

from ..errors import ErrorCode, ZegoError
from ..model import PublishChannel, UpdateType
from .core import Core
from .devices import AUDIO_KINDS, DeviceInfo, Kind


class MediaNews:
    """Makes events of the engine of what Python's peer and the pages tell."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def first_frame_received(self, stream_id: str, kind: str) -> None:
        """The first `audio` or `video` frame of a played stream."""
        self._core.emit(f"player_recv_{kind}_first_frame", stream_id)

    def first_frame_sent(self, channel: PublishChannel, kind: str) -> None:
        """The first `audio` or `video` frame of a channel."""
        if kind == "video":
            self._core.emit("publisher_captured_video_first_frame", channel)
        elif channel is PublishChannel.MAIN:
            self._core.emit("publisher_captured_audio_first_frame")

    def video_size_changed(self, stream_id: str, width: int, height: int) -> None:
        """A played stream has pictures of this size."""
        self._core.emit("player_video_size_changed", width, height, stream_id)

    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None:
        """A channel sends pictures of this size."""
        self._core.emit("publisher_video_size_changed", width, height, channel)

    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None:
        """A source in Python has no more to give, or failed."""
        if error is not None:
            code = error.code if isinstance(error, ZegoError) else ErrorCode.DEVICE_ERROR_TYPE_GENERIC
            info = f"The {kind} source of channel {channel.name} failed: {type(error).__name__}: {error}"
            self._core.emit("local_device_exception_occurred", code, channel, info)

    def device_failed(self, code: ErrorCode, channel: PublishChannel, info: str) -> None:
        """A camera, microphone or screen of the page that captures."""
        self._core.emit("local_device_exception_occurred", code, channel, info)

    def devices_changed(self, kind: Kind, update: UpdateType, device: DeviceInfo) -> None:
        """A device was plugged in or out."""
        if kind == "camera":
            self._core.emit("video_device_state_changed", update, device)
            return
        device_type = next(each for each, of_kind in AUDIO_KINDS.items() if of_kind == kind)
        self._core.emit("audio_device_state_changed", update, device_type, device)
