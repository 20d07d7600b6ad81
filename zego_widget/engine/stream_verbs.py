"""The verbs of previewing and publishing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidArgument
from ..model import PublishChannel
from .monitor import check_sound_period
from .operation import Operation
from .parts import Verbs
from .presets import AudioConfig, Scenario, VideoConfig
from .profile import Canvas, member

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_VOLUME = 200


class PublishVerbs(Verbs):
    """Capturing and publishing: the main channel (camera) and the aux channel (screen) at once."""

    def start_publishing_stream(self, stream_id: str, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Publish a channel (ZEGO startPublishingStream); done when the others can see it.

        With views the camera is a page's: that is once a page which shows a view of this engine is connected.

        May be called while the login is under way. Fails with 1000002 without a login, 1000014 to 1000016 for an ID
        that cannot be, 1003023 while the channel publishes, 1003028 if the stream ID is taken, 1003072 without the
        right to publish.
        """
        work = self._parts.publishing.start(stream_id, member(PublishChannel, channel))
        return self._parts.core.verb("start_publishing_stream", work)

    def stop_publishing_stream(self, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Publish a channel no longer (ZEGO stopPublishingStream); nothing if it publishes nothing."""
        work = self._parts.publishing.stop(member(PublishChannel, channel))
        return self._parts.core.verb("stop_publishing_stream", work)

    def start_preview(
        self, canvas: Canvas | None = None, channel: PublishChannel = PublishChannel.MAIN
    ) -> Operation[None]:
        """Show what a channel captures on a canvas (ZEGO startPreview), before or while publishing it.

        From the first `VideoView` on a canvas on, this engine captures and plays in the pages that show it.
        """
        work = self._parts.publishing.start_preview(canvas or Canvas(), member(PublishChannel, channel))
        return self._parts.core.verb("start_preview", work)

    def stop_preview(self, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Show it no longer (ZEGO stopPreview)."""
        return self._parts.core.verb(
            "stop_preview", self._parts.publishing.stop_preview(member(PublishChannel, channel))
        )

    def set_capture_source(
        self,
        video: Any = None,
        audio: Any = None,
        channel: PublishChannel = PublishChannel.MAIN,
    ) -> Operation[None]:
        """Capture from these instead of a page's camera, or the test pattern with its tone; None captures nothing.

        `reset_capture_source` undoes it. `video`: a `media.sources.VideoSource`, an iterable of (H, W, 3) uint8 RGB
        arrays, or a function of the time in seconds that gives them. `audio`: an `AudioSource`, an iterable of
        (samples, channels) int16 arrays at 48 kHz, or a function of the number of samples wanted.
        """
        work = self._parts.publishing.set_sources(video, audio, member(PublishChannel, channel))
        return self._parts.core.verb("set_capture_source", work)

    def reset_capture_source(self, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Undo `set_capture_source`: capture from a page's camera again, or without pages the test pattern."""
        work = self._parts.publishing.reset_sources(member(PublishChannel, channel))
        return self._parts.core.verb("reset_capture_source", work)

    def set_room_scenario(self, scenario: Scenario) -> Operation[None]:
        """Start again with the settings of a scenario (ZEGO setRoomScenario); refused with 1000067 while logged in."""
        work = self._parts.publishing.set_scenario(member(Scenario, scenario))
        return self._parts.core.verb("set_room_scenario", work)

    def set_video_config(self, config: VideoConfig, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Size, frame rate and bitrate of a channel's pictures (ZEGO setVideoConfig), also while it is published.

        Python's own encoder keeps between 250 and 1500 kbit/s (VP8), and sends key frames on demand.
        """
        if not isinstance(config, VideoConfig):
            raise InvalidArgument(f"config is a VideoConfig, not {config!r}.")
        return self._change("set_video_config", channel, video=config)

    def get_video_config(self, channel: PublishChannel = PublishChannel.MAIN) -> VideoConfig:
        """What `set_video_config` set, or the scenario (ZEGO getVideoConfig)."""
        return self._parts.capture.channels[member(PublishChannel, channel)].video

    def set_audio_config(self, config: AudioConfig, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Bitrate and channels of a channel's sound (ZEGO setAudioConfig).

        Browsers follow it; Python's own encoder sends 96 kbit/s stereo whatever is asked.
        """
        if not isinstance(config, AudioConfig):
            raise InvalidArgument(f"config is an AudioConfig, not {config!r}.")
        return self._change("set_audio_config", channel, audio=config)

    def get_audio_config(self, channel: PublishChannel = PublishChannel.MAIN) -> AudioConfig:
        """What `set_audio_config` set, or the scenario (ZEGO getAudioConfig)."""
        return self._parts.capture.channels[member(PublishChannel, channel)].audio

    def mute_microphone(self, mute: bool) -> Operation[None]:
        """Send silence (ZEGO muteMicrophone); the others see device state MUTE."""
        return self._parts.core.verb("mute_microphone", self._parts.publishing.mute_microphone(bool(mute)))

    def is_microphone_muted(self) -> bool:
        """Whether `mute_microphone` muted it (ZEGO isMicrophoneMuted)."""
        return self._parts.capture.microphone_muted

    def enable_camera(self, enable: bool, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Open or close the camera (ZEGO enableCamera); closed, the others see device state DISABLE."""
        return self._change("enable_camera", channel, camera=bool(enable))

    def enable_audio_capture_device(self, enable: bool) -> Operation[None]:
        """Open or close the microphone (ZEGO enableAudioCaptureDevice); closed, the others see device state DISABLE."""
        return self._change("enable_audio_capture_device", PublishChannel.MAIN, microphone=bool(enable))

    def mute_publish_stream_video(self, mute: bool, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Send no pictures (ZEGO mutePublishStreamVideo); the others see device state MUTE."""
        return self._change("mute_publish_stream_video", channel, video_muted=bool(mute))

    def mute_publish_stream_audio(self, mute: bool, channel: PublishChannel = PublishChannel.MAIN) -> Operation[None]:
        """Send no sound (ZEGO mutePublishStreamAudio); the others see device state MUTE."""
        return self._change("mute_publish_stream_audio", channel, audio_muted=bool(mute))

    def set_capture_volume(self, volume: int) -> Operation[None]:
        """0 to 200, 100 leaves the sound as it is (ZEGO setCaptureVolume)."""
        return self._change("set_capture_volume", PublishChannel.MAIN, volume=check_volume(volume))

    def take_publish_stream_snapshot(
        self, channel: PublishChannel = PublishChannel.MAIN
    ) -> Operation[npt.NDArray[np.uint8]]:
        """A captured picture, (H, W, 3) uint8 RGB (ZEGO takePublishStreamSnapshot); fails with 1003030."""
        work = self._parts.publishing.snapshot(member(PublishChannel, channel))
        return self._parts.core.verb("take_publish_stream_snapshot", work)

    def start_sound_level_monitor(self, millisecond: int = 100) -> Operation[None]:
        """Tell sound levels every 100 to 3000 ms (ZEGO startSoundLevelMonitor); raises 1006031 for another period."""
        check_sound_period(millisecond)
        work = self._parts.monitor.start_sound_levels(millisecond)
        return self._parts.core.verb("start_sound_level_monitor", work)

    def stop_sound_level_monitor(self) -> Operation[None]:
        """Tell no more (ZEGO stopSoundLevelMonitor)."""
        return self._parts.core.verb("stop_sound_level_monitor", self._parts.monitor.stop_sound_levels())

    def _change(self, verb: str, channel: PublishChannel, **changes: Any) -> Operation[None]:
        work = self._parts.publishing.change(member(PublishChannel, channel), changes)
        return self._parts.core.verb(verb, work)


def check_volume(volume: int) -> int:
    """The volume; raises `InvalidArgument` unless it is 0 to 200."""
    if not 0 <= volume <= MAX_VOLUME:
        raise InvalidArgument(f"A volume is 0 to {MAX_VOLUME}, not {volume}.")
    return volume
