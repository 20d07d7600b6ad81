"""What the channels of an engine capture, kept while there is no media peer and applied to the one that comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..model import PublishChannel
from .presets import AudioConfig, Scenario, VideoConfig, settings_of
from .traffic_control import TrafficControl

if TYPE_CHECKING:
    from ..media.channels import Channels


@dataclass
class ChannelSettings:
    """One channel; `sources` is None until `set_capture_source` names some."""

    video: VideoConfig
    audio: AudioConfig
    camera: bool = True
    microphone: bool = True
    video_muted: bool = False
    audio_muted: bool = False
    volume: int = 100
    sources: tuple[Any, Any] | None = None
    traffic: TrafficControl = field(default_factory=TrafficControl)


@dataclass
class CaptureSettings:
    """All channels; the state that `apply` brings to those of a media peer."""

    scenario: Scenario
    microphone_muted: bool = False
    channels: dict[PublishChannel, ChannelSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.use(self.scenario)

    def use(self, scenario: Scenario) -> None:
        """Start again with the settings of a scenario; sources and what was muted stay."""
        self.scenario = scenario
        given = settings_of(scenario)
        for channel in PublishChannel:
            settings = self.channels.setdefault(channel, ChannelSettings(given.video, given.audio))
            settings.video, settings.audio = given.video, given.audio
            settings.camera = given.camera or channel is not PublishChannel.MAIN

    def apply(self, channels: Channels, channel: PublishChannel) -> None:
        """Bring everything but the sources of a channel."""
        from ..media.config import CaptureConfig

        settings = self.channels[channel]
        video = settings.video
        config = CaptureConfig(video.encode_width, video.encode_height, video.fps, video.bitrate)
        channels.set_capture_config(config, channel)
        channels.enable_video(settings.camera, channel)
        channels.enable_audio(settings.microphone, channel)
        channels.mute_video(settings.video_muted, channel)
        channels.mute_audio(settings.audio_muted or self.microphone_muted, channel)
        channels.set_capture_volume(settings.volume, channel)

    def apply_sources(self, channels: Channels, channel: PublishChannel) -> None:
        """Bring the sources of a channel, if some were named."""
        if (sources := self.channels[channel].sources) is not None:
            channels.set_capture(*sources, channel)

    def change_sources(self, channels: Channels, channel: PublishChannel) -> None:
        """Bring other sources; where none are named any more, those that a peer begins with."""
        from ..media.sources import default_sources

        video, audio = self.channels[channel].sources or default_sources(channel)
        channels.set_capture(video, audio, channel)
