"""What an engine is made with: profile, scenarios, presets; and the quality levels."""

from __future__ import annotations

from typing import Any

import pytest

from zego_widget.engine.presets import (
    AudioConfig,
    AudioConfigPreset,
    Scenario,
    VideoConfig,
    VideoConfigPreset,
    settings_of,
)
from zego_widget.engine.profile import EngineProfile
from zego_widget.engine.quality import StreamQualityLevel, play_quality, publish_quality, quality_level
from zego_widget.errors import InvalidArgument
from zego_widget.media.config import CaptureConfig
from zego_widget.media.stats import StreamStats, TrackStats

SIGN = "0123456789abcdefABCDEF" + "0" * 42


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"app_id": 0}, 1001000),
        ({"app_id": 1, "app_sign": SIGN[:-1]}, 1001001),
        ({"app_id": 1, "app_sign": SIGN + "0"}, 1001001),
        ({"app_id": 1, "app_sign": "g" * 64}, 1001002),
        ({"app_id": 1, "app_sign": None}, 1001003),
        ({"app_sign": SIGN}, 1001000),
        ({"app_id": 2**32}, 1000017),
        ({"app_id": -1}, 1000017),
        ({"hub_url": "http://127.0.0.1:1"}, 1000017),
    ],
)
def test_a_profile_that_cannot_be_has_its_code(fields: dict[str, Any], code: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        EngineProfile(**fields)
    assert caught.value.code == code


def test_a_profile_takes_an_app_sign_or_waits_for_tokens_and_shows_no_secret() -> None:
    assert EngineProfile(2**32 - 1, SIGN).scenario is Scenario.DEFAULT
    assert EngineProfile(1).app_sign == ""
    shown = repr(EngineProfile(1, SIGN, hub_url="http://127.0.0.1:1", hub_secret="s3cret"))
    assert SIGN not in shown
    assert "s3cret" not in shown


# ZEGO.md, section 1.1
PRESETS = [(320, 180, 300), (480, 270, 400), (640, 360, 600), (960, 540, 1200), (1280, 720, 1500), (1920, 1080, 3000)]


@pytest.mark.parametrize(("preset", "expected"), list(zip(VideoConfigPreset, PRESETS, strict=True)))
def test_video_presets_are_zegos(preset: VideoConfigPreset, expected: tuple[int, int, int]) -> None:
    width, height, bitrate = expected
    assert VideoConfig.preset(preset) == VideoConfig(width, height, width, height, 15, bitrate)
    portrait = VideoConfig.preset(preset, portrait=True)
    assert (portrait.encode_width, portrait.encode_height) == (height, width)
    CaptureConfig(width, height, 15, bitrate)


def test_the_default_is_360p() -> None:
    assert VideoConfig() == VideoConfig.preset(VideoConfigPreset.PRESET_360P)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"encode_width": 641}, 1000017),
        ({"encode_height": 14}, 1000017),
        ({"capture_width": 5000}, 1000017),
        ({"fps": 0}, 1000017),
        ({"fps": 61}, 1000017),
        ({"bitrate": 0}, 1003002),
        ({"bitrate": 20_001}, 1003002),
        ({"key_frame_interval": 1}, 1000017),
        ({"key_frame_interval": 6}, 1000017),
    ],
)
def test_a_video_config_that_cannot_be_has_its_code(fields: dict[str, int], code: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        VideoConfig(**fields)
    assert caught.value.code == code


@pytest.mark.parametrize("video", [VideoConfig(16, 16, 16, 16), VideoConfig(4096, 4096, 4096, 4096, 60, 20_000)])
def test_what_a_video_config_allows_can_be_captured(video: VideoConfig) -> None:
    CaptureConfig(video.encode_width, video.encode_height, video.fps, video.bitrate)


@pytest.mark.parametrize("scenario", list(Scenario))
def test_scenarios_have_zegos_pictures_and_cameras(scenario: Scenario) -> None:
    settings = settings_of(scenario)
    size = (settings.video.encode_width, settings.video.encode_height, settings.video.fps)
    better = {Scenario.HIGH_QUALITY_VIDEO_CALL, Scenario.BROADCAST}
    dark = {
        Scenario.STANDARD_CHATROOM,
        Scenario.HIGH_QUALITY_CHATROOM,
        Scenario.KARAOKE,
        Scenario.STANDARD_VOICE_CALL,
    }
    assert size == ((960, 540, 24) if scenario in better else (640, 360, 15))
    assert settings.camera is (scenario not in dark)


def test_audio_presets_are_zegos() -> None:
    bitrates = [(AudioConfig.preset(preset).bitrate, int(AudioConfig.preset(preset).channel)) for preset in range(5)]  # type: ignore[arg-type]
    assert bitrates == [(16, 1), (48, 1), (56, 2), (128, 1), (192, 2)]
    assert AudioConfig() == AudioConfig.preset(AudioConfigPreset.STANDARD_QUALITY)
    with pytest.raises(InvalidArgument):
        AudioConfig(5)


@pytest.mark.parametrize(
    ("rtt", "loss", "level"),
    [
        (0, 0, 0),
        (124, 0.083, 0),
        (125, 0, 1),
        (0, 0.084, 1),
        (344, 0.217, 1),
        (345, 0, 2),
        (0, 0.218, 2),
        (590, 0.355, 2),
        (591, 0, 3),
        (0, 0.356, 3),
    ],
)
def test_the_worse_of_round_trip_and_loss_decides_the_level(rtt: float, loss: float, level: int) -> None:
    assert quality_level(rtt, loss) == level


def test_quality_is_what_happened_between_two_looks() -> None:
    before = StreamStats(
        TrackStats(bytes=1000, packets=10, frames=10), TrackStats(bytes=10_000, packets=100, frames=30)
    )
    after = StreamStats(
        TrackStats(bytes=4000, packets=160, frames=160, frames_decoded=150),
        TrackStats(bytes=47_500, packets=190, frames=75, frames_decoded=45, packets_lost=10, loss=0.5),
    )
    played = play_quality(before, after, 3, 0.02)
    assert (played.video_recv_fps, played.video_decode_fps, played.video_kbps) == (15, 15, 100)
    assert (played.audio_recv_fps, played.audio_kbps) == (50, 8)
    assert (played.rtt, played.packet_lost_rate, played.level) == (20, 0.1, StreamQualityLevel.GOOD)
    assert (played.total_recv_bytes, played.audio_recv_bytes, played.video_recv_bytes) == (51_500, 4000, 47_500)
    published = publish_quality(before, after, 3, 0.02)
    assert (published.video_send_fps, published.video_kbps, published.packet_lost_rate) == (15, 100, 0.5)
    assert published.level is StreamQualityLevel.BAD


def test_the_first_look_counts_from_nothing_and_a_stream_that_came_back_too() -> None:
    stats = StreamStats(TrackStats(frames=150), TrackStats(frames=45))
    assert publish_quality(None, stats, 3, None).video_send_fps == 15
    assert publish_quality(None, stats, 3, None).level is StreamQualityLevel.UNKNOWN
    more = StreamStats(TrackStats(frames=900), TrackStats(frames=900))
    assert play_quality(more, stats, 3, 0.0).video_recv_fps == 15
