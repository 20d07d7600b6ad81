"""Engines that publish and play on a real hub, with decoded pictures and sound."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from tests.unit.engine.fakes import code_of
from zego_widget.engine.presets import VideoConfig, VideoConfigPreset
from zego_widget.engine.quality import StreamQualityLevel
from zego_widget.engine.states import PlayerState, PublisherState
from zego_widget.media.sources import TestPattern
from zego_widget.model import PublishChannel, RemoteDeviceState, UpdateType
from zego_widget.testing import LocalHub

MUTE, DISABLE, OPEN = RemoteDeviceState.MUTE, RemoteDeviceState.DISABLE, RemoteDeviceState.OPEN


async def test_a_stream_is_seen_heard_stopped_and_seen_again(lab: LocalHub) -> None:
    bob = await lab.participant("bob")
    await bob.engine.start_playing_stream("alice-stream")  # nobody publishes it yet
    alice = await lab.participant("alice", publishes=True)
    await bob.hears("player_state_update", lambda event: event.state is PlayerState.PLAYING)
    frames = await bob.sees("alice-stream", 10)
    numbers = [TestPattern.read_number(frame.to_ndarray(format="rgb24")) for frame in frames]
    assert numbers == sorted(set(numbers))
    assert frames[0].to_ndarray(format="rgb24").shape == (360, 640, 3)
    sound: Any = await anext(bob.engine.audio_frames("alice-stream"))
    assert sound.to_ndarray().dtype == np.int16
    assert sound.sample_rate == 48000
    await bob.hears("player_recv_video_first_frame")
    await bob.hears("player_recv_audio_first_frame")
    await bob.hears("player_video_size_changed", lambda event: (event.width, event.height) == (640, 360))
    await alice.hears("publisher_captured_video_first_frame")
    await alice.engine.stop_publishing_stream()
    gone = await bob.hears("room_stream_update", lambda event: event.update_type is UpdateType.DELETE)
    assert gone.extended_data["stream_delete_reason"][0]["code"] == 1
    await bob.hears("player_state_update", lambda event: event.error_code == 1004002)
    bob.forget()
    await alice.engine.start_publishing_stream("alice-stream")
    await bob.hears("player_state_update", lambda event: event.state is PlayerState.PLAYING)
    await bob.sees("alice-stream", 3)


async def test_a_stream_id_belongs_to_the_first(lab: LocalHub) -> None:
    await lab.participant("alice", publishes=True)
    bob = await lab.participant("bob")
    assert await code_of(bob.engine.start_publishing_stream("alice-stream")) == 1003028
    failed = await bob.hears("publisher_state_update", lambda event: event.error_code == 1003028)
    assert failed.state is PublisherState.NO_PUBLISH
    await bob.engine.start_publishing_stream("bob-stream")


async def test_camera_and_screen_go_at_once(lab: LocalHub) -> None:
    alice = await lab.participant("alice")
    bob = await lab.participant("bob", plays=True)
    white = np.full((180, 320, 3), 255, np.uint8)
    await alice.engine.set_capture_source(video=lambda time: white, channel=PublishChannel.AUX)
    await alice.engine.set_video_config(VideoConfig.preset(VideoConfigPreset.PRESET_180P), PublishChannel.AUX)
    await alice.engine.start_publishing_stream("camera")
    await alice.engine.start_publishing_stream("screen", PublishChannel.AUX)
    for stream_id in ("camera", "screen"):
        await bob.hears(
            "player_state_update",
            lambda event, stream_id=stream_id: event.stream_id == stream_id and event.state is PlayerState.PLAYING,
        )
    screen = (await bob.sees("screen", 2))[-1].to_ndarray(format="rgb24")
    assert screen.shape == (180, 320, 3)
    assert screen.mean() > 230
    camera = await bob.engine.take_play_stream_snapshot("camera")
    assert camera.shape == (360, 640, 3)
    assert camera.dtype == np.uint8
    own = await alice.engine.take_publish_stream_snapshot()
    assert own.shape == (360, 640, 3)


async def test_what_is_muted_and_closed_is_told_to_those_who_play_it(lab: LocalHub) -> None:
    alice = await lab.participant("alice")
    bob = await lab.participant("bob", plays=True)
    await alice.engine.enable_camera(False)
    await alice.engine.start_publishing_stream("s1")
    await bob.hears("remote_camera_state_update", lambda event: event.state is DISABLE)
    await alice.engine.mute_microphone(True)
    await bob.hears("remote_mic_state_update", lambda event: event.state is MUTE)
    bob.forget()
    await alice.engine.enable_camera(True)
    await alice.engine.mute_microphone(False)
    await bob.hears("remote_camera_state_update", lambda event: event.state is OPEN)
    heard = await bob.hears("remote_mic_state_update", lambda event: event.state is OPEN)
    assert heard.stream_id == "s1"
    await alice.engine.mute_publish_stream_video(True)
    await bob.hears("remote_camera_state_update", lambda event: event.state is MUTE)


async def test_quality_and_sound_levels_are_told(lab: LocalHub) -> None:
    alice = await lab.participant("alice", publishes=True)
    bob = await lab.participant("bob", plays=True)
    await bob.engine.start_sound_level_monitor()
    await alice.engine.start_sound_level_monitor(200)
    network = await bob.hears("network_quality", lambda event: event.downstream is not StreamQualityLevel.UNKNOWN)
    assert (network.user_id, network.upstream) == (None, StreamQualityLevel.UNKNOWN)
    played = await bob.hears("player_quality_update", lambda event: event.quality.video_recv_fps > 5)
    assert played.stream_id == "alice-stream"
    assert played.quality.video_kbps > 1
    published = await alice.hears("publisher_quality_update", lambda event: event.quality.video_send_fps > 5)
    assert published.stream_id == "alice-stream"
    assert published.quality.level is not StreamQualityLevel.UNKNOWN
    await alice.hears("captured_sound_level_update", lambda event: event.sound_level > 10)
    await bob.hears("remote_sound_level_update", lambda event: event.sound_levels.get("alice-stream", 0) > 10)
    await bob.engine.stop_sound_level_monitor()


async def test_slow_consumers_lose_the_oldest(lab: LocalHub) -> None:
    await lab.participant("alice", publishes=True)
    bob = await lab.participant("bob", plays=True)
    await bob.hears("player_state_update", lambda event: event.state is PlayerState.PLAYING)
    slow: Any = bob.engine.frames("alice-stream", maxsize=1)
    fast: Any = bob.engine.frames("alice-stream")
    first = TestPattern.read_number((await anext(slow)).to_ndarray(format="rgb24"))
    async with asyncio.timeout(20):
        async for frame in fast:
            if TestPattern.read_number(frame.to_ndarray(format="rgb24")) >= first + 10:
                break
    later = TestPattern.read_number((await anext(slow)).to_ndarray(format="rgb24"))
    assert later > first + 1
    await slow.aclose()
    await fast.aclose()
