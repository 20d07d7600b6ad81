"""Scenarios, and the video and audio settings they stand for (ZEGO.md, sections 1.1 and 1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from ..errors import ErrorCode, InvalidArgument


class Scenario(IntEnum):
    """What the engine is used for (ZegoScenario); the first three are ZEGO's old ones and mean `DEFAULT`."""

    GENERAL = 0
    COMMUNICATION = 1
    LIVE = 2
    DEFAULT = 3
    STANDARD_VIDEO_CALL = 4
    HIGH_QUALITY_VIDEO_CALL = 5
    STANDARD_CHATROOM = 6
    HIGH_QUALITY_CHATROOM = 7
    BROADCAST = 8
    KARAOKE = 9
    STANDARD_VOICE_CALL = 10


class VideoConfigPreset(IntEnum):
    """Ready-made video settings (ZegoVideoConfigPreset)."""

    PRESET_180P = 0
    PRESET_270P = 1
    PRESET_360P = 2
    PRESET_540P = 3
    PRESET_720P = 4
    PRESET_1080P = 5


class AudioConfigPreset(IntEnum):
    """Ready-made audio settings (ZegoAudioConfigPreset)."""

    BASIC_QUALITY = 0
    STANDARD_QUALITY = 1
    STANDARD_QUALITY_STEREO = 2
    HIGH_QUALITY = 3
    HIGH_QUALITY_STEREO = 4


class AudioChannel(IntEnum):
    """Mono or stereo (ZegoAudioChannel)."""

    MONO = 1
    STEREO = 2


SIDES = (16, 4096)
MAX_FPS = 60
MAX_VIDEO_BITRATE = 20_000
AUDIO_BITRATES = (6, 510)


@dataclass(frozen=True, slots=True)
class VideoConfig:
    """What a channel captures and sends (ZegoVideoConfig): sizes in pixels, `bitrate` in kbit/s; 360P by default.

    Encoded width and height are even. Raises `InvalidArgument`: 1003002 for a bitrate out of range, else 1000017.
    """

    capture_width: int = 640
    capture_height: int = 360
    encode_width: int = 640
    encode_height: int = 360
    fps: int = 15
    bitrate: int = 600
    key_frame_interval: int = 2
    """Seconds, 2 to 5."""

    def __post_init__(self) -> None:
        sides = {
            "capture_width": self.capture_width,
            "capture_height": self.capture_height,
            "encode_width": self.encode_width,
            "encode_height": self.encode_height,
        }
        for name, side in sides.items():
            if not SIDES[0] <= side <= SIDES[1]:
                raise InvalidArgument(f"{name} must be {SIDES[0]} to {SIDES[1]} pixels, not {side}.")
            if name.startswith("encode") and side % 2:
                raise InvalidArgument(f"{name} must be even, not {side}.")
        if not 1 <= self.fps <= MAX_FPS:
            raise InvalidArgument(f"fps must be 1 to {MAX_FPS}, not {self.fps}.")
        if not 1 <= self.bitrate <= MAX_VIDEO_BITRATE:
            raise InvalidArgument(
                f"bitrate must be 1 to {MAX_VIDEO_BITRATE} kbit/s, not {self.bitrate}.",
                ErrorCode.PUBLISHER_BITRATE_INVALID,
            )
        if not 2 <= self.key_frame_interval <= 5:
            raise InvalidArgument(f"key_frame_interval must be 2 to 5 seconds, not {self.key_frame_interval}.")

    @classmethod
    def preset(cls, preset: VideoConfigPreset, *, portrait: bool = False) -> Self:
        """The settings of a preset; `portrait` exchanges width and height, as ZEGO does on phones."""
        width, height, fps, bitrate = _VIDEO[VideoConfigPreset(preset)]
        if portrait:
            width, height = height, width
        return cls(width, height, width, height, fps, bitrate)


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """How a channel's sound is sent (ZegoAudioConfig): `bitrate` in kbit/s; raises `InvalidArgument` (1000017)."""

    bitrate: int = 48
    channel: AudioChannel = AudioChannel.MONO

    def __post_init__(self) -> None:
        lowest, highest = AUDIO_BITRATES
        if not lowest <= self.bitrate <= highest:
            raise InvalidArgument(f"bitrate must be {lowest} to {highest} kbit/s, not {self.bitrate}.")

    @classmethod
    def preset(cls, preset: AudioConfigPreset) -> Self:
        """The settings of a preset."""
        bitrate, channel = _AUDIO[AudioConfigPreset(preset)]
        return cls(bitrate, channel)


@dataclass(frozen=True, slots=True)
class ScenarioSettings:
    """What a scenario starts with."""

    video: VideoConfig
    audio: AudioConfig
    camera: bool
    """Whether the camera is on from the start."""


def settings_of(scenario: Scenario) -> ScenarioSettings:
    """What a scenario starts with; ZEGO publishes sizes, frame rates and cameras, the bitrates are ours."""
    return _SCENARIOS[Scenario(scenario)]


# width, height, frames/s, kbit/s
_VIDEO = {
    VideoConfigPreset.PRESET_180P: (320, 180, 15, 300),
    VideoConfigPreset.PRESET_270P: (480, 270, 15, 400),
    VideoConfigPreset.PRESET_360P: (640, 360, 15, 600),
    VideoConfigPreset.PRESET_540P: (960, 540, 15, 1200),
    VideoConfigPreset.PRESET_720P: (1280, 720, 15, 1500),
    VideoConfigPreset.PRESET_1080P: (1920, 1080, 15, 3000),
}
_AUDIO = {
    AudioConfigPreset.BASIC_QUALITY: (16, AudioChannel.MONO),
    AudioConfigPreset.STANDARD_QUALITY: (48, AudioChannel.MONO),
    AudioConfigPreset.STANDARD_QUALITY_STEREO: (56, AudioChannel.STEREO),
    AudioConfigPreset.HIGH_QUALITY: (128, AudioChannel.MONO),
    AudioConfigPreset.HIGH_QUALITY_STEREO: (192, AudioChannel.STEREO),
}
_360P = VideoConfig.preset(VideoConfigPreset.PRESET_360P)
_540P_24 = VideoConfig(960, 540, 960, 540, 24, 1800)
_STANDARD = AudioConfig.preset(AudioConfigPreset.STANDARD_QUALITY)
_HIGH = AudioConfig.preset(AudioConfigPreset.HIGH_QUALITY)
_HIGH_STEREO = AudioConfig.preset(AudioConfigPreset.HIGH_QUALITY_STEREO)

_SCENARIOS = {
    Scenario.GENERAL: ScenarioSettings(_360P, _STANDARD, camera=True),
    Scenario.COMMUNICATION: ScenarioSettings(_360P, _STANDARD, camera=True),
    Scenario.LIVE: ScenarioSettings(_360P, _STANDARD, camera=True),
    Scenario.DEFAULT: ScenarioSettings(_360P, _STANDARD, camera=True),
    Scenario.STANDARD_VIDEO_CALL: ScenarioSettings(_360P, _STANDARD, camera=True),
    Scenario.HIGH_QUALITY_VIDEO_CALL: ScenarioSettings(_540P_24, _STANDARD, camera=True),
    Scenario.STANDARD_CHATROOM: ScenarioSettings(_360P, _STANDARD, camera=False),
    Scenario.HIGH_QUALITY_CHATROOM: ScenarioSettings(_360P, _HIGH, camera=False),
    Scenario.BROADCAST: ScenarioSettings(_540P_24, _HIGH, camera=True),
    Scenario.KARAOKE: ScenarioSettings(_360P, _HIGH_STEREO, camera=False),
    Scenario.STANDARD_VOICE_CALL: ScenarioSettings(_360P, _STANDARD, camera=False),
}
