"""People without a browser: what they see and hear of one another through a real forwarder."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from tests.hub.media_python.people import Person, following
from tests.hub.peers import PATIENCE, Participant
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode, ZegoError
from zego_widget.hub.hub import Hub
from zego_widget.media.config import CaptureConfig
from zego_widget.media.connection import Connection
from zego_widget.media.frames import AudioFrame, VideoFrame
from zego_widget.media.sources import ArrayVideo, TestPattern, Tone
from zego_widget.media.stats import TrackStats
from zego_widget.model import PeerState, PublishChannel, RemoteDeviceState, StreamDeleteReason

Join = Callable[..., Awaitable[Person]]
MAIN, AUX = PublishChannel.MAIN, PublishChannel.AUX


def is_loud(frame: AudioFrame) -> bool:
    return int(np.abs(frame.to_ndarray().astype(int)).max()) > 3000


def is_silent(frame: AudioFrame) -> bool:
    return int(np.abs(frame.to_ndarray().astype(int)).max()) < 50


def has_brightness(brightness: int) -> Callable[[VideoFrame], bool]:
    return lambda frame: abs(TestPattern.read_brightness(frame.to_ndarray()) - brightness) < 10


async def test_two_people_see_each_others_moving_picture(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    for viewer, stream_id in ((bob, "alice-main"), (alice, "bob-main")):
        numbers = await viewer.sees_numbers(stream_id, 30)
        assert numbers == sorted(set(numbers))


async def test_two_people_hear_each_others_tone(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    alice.peer.channels.set_capture(None, Tone(1000))
    for viewer, stream_id, frequency in ((bob, "alice-main", 1000), (alice, "bob-main", 440)):
        async with asyncio.timeout(PATIENCE), viewer.peer.played.audio_frames(stream_id) as frames:
            while not is_loud(first := await following(frames)):
                pass
            sound = [first, *[await following(frames) for _ in range(10)]]
        assert {(frame.sample_rate, frame.to_ndarray().shape) for frame in sound} == {(48000, (960, 2))}
        assert np.diff([frame.time for frame in sound]).min() > 0
        wave = np.concatenate([frame.to_ndarray()[:, 0] for frame in sound[1:]]).astype(float)
        peak = np.abs(np.fft.rfft(wave)).argmax() * 48000 / len(wave)
        assert peak == pytest.approx(frequency, abs=25)


async def test_a_page_sees_and_hears_a_python_participant_and_the_other_way_round(hub: Hub, join: Join) -> None:
    alice = await join("alice")
    bob = Person(hub, "bob")
    async with Participant("page", slots=2, brightness=200) as page:
        await bob.client.connect(page, capture="take")
        await page.sees("alice-main", 115)
        await alice.sees("bob-main", lambda frame: abs(frame.to_ndarray("gray").mean() - 200) < 12)
        await alice.hears("bob-main", is_loud)


async def test_it_is_told_what_comes_and_in_which_size(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob", publishes=False)
    await bob.diary.has("played_streams_changed", frozenset({"alice-main"}))
    await bob.diary.has("first_frame_received", "alice-main", "audio")
    await bob.diary.has("first_frame_received", "alice-main", "video")
    await bob.diary.has("video_size_changed", "alice-main", 640, 360)
    for kind in ("audio", "video"):
        await alice.diary.has("first_frame_sent", MAIN, kind)
    alice.peer.channels.set_capture_config(CaptureConfig(320, 180, bitrate=900))
    await bob.diary.has("video_size_changed", "alice-main", 320, 180)
    frame = await bob.sees("alice-main", lambda frame: frame.width == 320)
    assert (frame.height, frame.to_ndarray().shape) == (180, (180, 320, 3))
    assert alice.peer.channels._channels[MAIN]._bitrate_set == 900
    told = [entry[0] for entry in bob.diary.entries]
    assert told.count("first_frame_received") == 2


# -- mute, devices, volume -----------------------------------------------------------------------------------------


async def device_states(viewer: Person, microphone: RemoteDeviceState, camera: RemoteDeviceState) -> None:
    await viewer.client.hears(
        p.StreamStateChanged, lambda m: (m.stream.microphone, m.stream.camera) == (microphone, camera)
    )


async def test_a_muted_microphone_is_silent_and_the_others_know(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    await bob.hears("alice-main", is_loud)
    alice.peer.channels.mute_audio(True)
    await device_states(bob, RemoteDeviceState.MUTE, RemoteDeviceState.OPEN)
    await bob.hears("alice-main", is_silent)
    assert alice.peer.channels.capture_sound_level() == 0
    bob.client.received.clear()
    alice.peer.channels.mute_audio(False)
    await device_states(bob, RemoteDeviceState.OPEN, RemoteDeviceState.OPEN)
    await bob.hears("alice-main", is_loud)


async def test_a_muted_camera_sends_nothing_and_comes_back(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    await bob.sees_numbers("alice-main", 1)
    alice.peer.channels.mute_video(True)
    await device_states(bob, RemoteDeviceState.OPEN, RemoteDeviceState.MUTE)
    sent = (await alice.peer.stats()).published[MAIN].video.frames
    async with alice.peer.channels.captured_frames() as preview:  # capture goes on
        for _ in range(5):
            await following(preview)
    assert (await alice.peer.stats()).published[MAIN].video.frames - sent <= 1
    alice.peer.channels.mute_video(False)
    numbers = await bob.sees_numbers("alice-main", 10)
    assert numbers == sorted(set(numbers))


async def test_who_joins_while_the_camera_is_off_sees_it_come_on(join: Join) -> None:
    alice = await join("alice")
    alice.peer.channels.enable_video(False)
    bob = await join("bob")
    await bob.diary.has("first_frame_received", "alice-main", "audio")
    assert ("first_frame_received", "alice-main", "video") not in bob.diary.entries
    alice.peer.channels.enable_video(True)
    await bob.sees_numbers("alice-main", 3)


async def test_without_a_camera_the_others_see_that_it_is_disabled(hub: Hub, join: Join) -> None:
    bob = await join("bob")
    alice = Person(hub, "alice")
    alice.peer.channels.set_capture(None, Tone())
    async with alice:
        update = await bob.client.hears(p.RoomStreamUpdate)
        assert update.streams[0].microphone is RemoteDeviceState.OPEN
        assert update.streams[0].camera is RemoteDeviceState.DISABLE
        await bob.hears("alice-main", is_loud)


async def test_volumes_and_levels_of_both_ends(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    bob.peer.played.monitor_sound_levels(True)

    async def level(condition: Callable[[float], bool]) -> None:
        async with asyncio.timeout(PATIENCE), bob.peer.played.audio_frames("alice-main") as frames:
            while not condition(bob.peer.played.sound_levels()["alice-main"]):
                await following(frames)

    await level(lambda level: 70 < level < 85)  # -13.5 dBFS
    await level(lambda _: 70 < alice.peer.channels.capture_sound_level() < 85)
    alice.peer.channels.set_capture_volume(0)
    await level(lambda level: level < 5)
    alice.peer.channels.set_capture_volume(200)
    await level(lambda level: 85 < level < 95)  # 6 dB more
    bob.peer.played.set_volume(0, "alice-main")
    await bob.hears("alice-main", is_silent)
    await level(lambda level: level > 85)  # what came is as loud as before
    bob.peer.played.set_volume(100, "alice-main")
    await bob.hears("alice-main", is_loud)


# -- consumers -----------------------------------------------------------------------------------------------------


async def test_a_snapshot_is_the_latest_picture(join: Join) -> None:
    await join("alice")
    bob = await join("bob")
    picture = await bob.peer.played.snapshot("alice-main", timeout=PATIENCE)
    assert (picture.shape, picture.dtype) == ((360, 640, 3), np.uint8)
    first = TestPattern.read_number(picture)
    assert TestPattern.read_number(await bob.peer.played.snapshot("alice-main", timeout=PATIENCE)) > first


async def test_a_slow_consumer_loses_the_oldest_and_nobody_else_loses_any(join: Join) -> None:
    await join("alice")
    bob = await join("bob")
    slow = bob.peer.played.frames("alice-main", maxsize=2)
    async with bob.peer.played.frames("alice-main", maxsize=100) as fast:
        seen = [TestPattern.read_number((await following(fast)).to_ndarray()) for _ in range(15)]
        assert seen == sorted(set(seen))
        assert fast.lost == 0
        assert (len(slow), slow.lost >= 12) == (2, True)
        kept = [TestPattern.read_number((await following(slow)).to_ndarray()) for _ in range(2)]
    assert kept[0] >= seen[-2]
    slow.close()


async def video_after(viewer: Person, frames: int) -> TrackStats:
    """What was counted of alice's pictures after so many more have come."""
    before = (await viewer.peer.stats()).played["alice-main"].video
    while (now := (await viewer.peer.stats()).played["alice-main"].video).frames < before.frames + frames:
        await viewer.hears("alice-main", is_loud)
    return now


async def test_nothing_is_decoded_that_nobody_consumes(join: Join) -> None:
    await join("alice")
    bob = await join("bob")
    await bob.diary.has("first_frame_received", "alice-main", "video")
    await bob.diary.has("first_frame_received", "alice-main", "audio")
    played = (await bob.peer.stats()).played["alice-main"]
    assert (played.audio.frames_decoded, played.video.frames_decoded) == (0, 0)
    await bob.sees_numbers("alice-main", 3)
    await bob.hears("alice-main", is_loud)
    assert (await bob.peer.stats()).played["alice-main"].video.frames_decoded >= 3
    on_their_way = await video_after(bob, 8)
    assert (await video_after(bob, 8)).frames_decoded == on_their_way.frames_decoded


async def test_an_iteration_that_is_broken_off_stops_decoding(join: Join) -> None:
    await join("alice")
    bob = await join("bob")
    async for _ in bob.peer.played.frames("alice-main"):
        break
    stream = bob.peer.played._played["alice-main"]
    assert not stream.wants("video")


async def test_a_played_stream_can_be_muted_by_kind(join: Join) -> None:
    await join("alice")
    bob = await join("bob")
    async with bob.peer.played.frames("alice-main") as frames:
        await following(frames)
        bob.peer.played.mute_video("alice-main", True)
        on_their_way = await video_after(bob, 8)
        assert (await video_after(bob, 8)).frames_decoded == on_their_way.frames_decoded
        while len(frames):
            await frames.get()
        bob.peer.played.mute_video("alice-main", False)
        await following(frames)


async def test_frames_can_be_consumed_on_another_thread_with_a_loop_of_its_own(join: Join) -> None:
    await join("alice")
    bob = await join("bob")
    numbers: list[int] = []

    async def look() -> None:
        async with bob.peer.played.frames("alice-main") as frames:
            async for frame in frames:
                numbers.append(TestPattern.read_number(frame.to_ndarray()))
                if len(numbers) == 10:
                    return

    thread = threading.Thread(target=lambda: asyncio.run(asyncio.wait_for(look(), PATIENCE)))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert len(numbers) == 10
    assert numbers == sorted(set(numbers))


async def test_who_looks_before_a_stream_exists_sees_it_when_it_comes(join: Join) -> None:
    bob = await join("bob")
    async with bob.peer.played.frames("alice-main", maxsize=100) as frames:
        await join("alice")
        TestPattern.read_number((await following(frames)).to_ndarray())


# -- slots and channels --------------------------------------------------------------------------------------------


async def test_a_slot_that_shows_another_stream_mixes_nothing(join: Join) -> None:
    alice, carol = await join("alice"), await join("carol")
    alice.peer.channels.set_capture(TestPattern(40), Tone(500))
    carol.peer.channels.set_capture(TestPattern(200), Tone(2000))
    bob = await join("bob", publishes=False, slots=1, auto_play=False)
    brightness = {"alice-main": 40, "carol-main": 200}
    for stream_id in ("alice-main", "carol-main", "alice-main"):
        async with bob.peer.played.frames(stream_id, maxsize=100) as frames:
            bob.client.ask(p.StartPlaying, stream_id)
            seen = [TestPattern.read_brightness((await following(frames)).to_ndarray()) for _ in range(8)]
            assert seen == pytest.approx([brightness[stream_id]] * 8, abs=10)
            bob.client.ask(p.StopPlaying, stream_id)
            await bob.diary.finds(lambda _: not bob.peer.played.stream_ids, "nothing played")
    bob.peer.played.frames("another").close()
    assert not {"alice-main", "carol-main"} & set(bob.peer.played._played)  # nothing is kept of what nobody plays


async def test_camera_and_screen_at_once(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob", slots=3)
    alice.peer.channels.set_capture(TestPattern(180), None, AUX)
    alice.peer.channels.set_publishing(True, AUX)
    alice.client.ask(p.StartPublishing, "alice-screen", AUX)
    await bob.sees("alice-screen", has_brightness(180))
    await bob.sees("alice-main", has_brightness(110))
    assert set(bob.peer.played.sound_levels()) == {"alice-main", "alice-screen"}
    published = (await alice.peer.stats()).published
    assert published[AUX].video.frames > 0
    assert published[AUX].audio.frames == 0


async def test_what_is_not_published_is_neither_captured_nor_sent(join: Join) -> None:
    alice = await join("alice")
    await alice.diary.has("first_frame_sent", MAIN, "video")
    pattern = TestPattern()
    alice.peer.channels.set_capture(pattern, None)
    alice.peer.channels.set_publishing(False)
    alice.client.ask(p.StopPublishing)
    assert (await alice.peer.stats()).published == {}
    for _ in range(5):
        await asyncio.sleep(0)
    assert pattern.number == 0


async def test_the_peer_that_takes_capture_ends_that_of_the_other(hub: Hub, join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    await bob.sees_numbers("alice-main", 1)
    async with Participant("page", slots=1, brightness=200) as page:
        await alice.client.connect(page, capture="take")
        await alice.diary.has("capture_changed", False)
        sent = (await alice.peer.stats()).published[MAIN].video.frames
        await bob.sees("alice-main", lambda frame: abs(frame.to_ndarray("gray").mean() - 200) < 12)
        await bob.diary.has("first_frame_received", "alice-main", "audio")
        async with bob.peer.played.frames("alice-main") as frames:
            for _ in range(10):
                await following(frames)
        assert not alice.peer.captures
        assert (await alice.peer.stats()).published[MAIN].video.frames <= sent + 1


# -- connections ---------------------------------------------------------------------------------------------------


async def test_consumers_and_sources_survive_another_connection(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    async with bob.peer.played.frames("alice-main", maxsize=1) as frames:
        await following(frames)
        first = bob.peer.peer_id
        await bob.peer.connect()
        assert bob.peer.peer_id != first
        assert bob.peer.state is PeerState.CONNECTED
        while len(frames):
            await frames.get()
        await following(frames)
    await alice.sees_numbers("bob-main", 3)


async def test_who_disconnects_says_goodbye(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    await alice.peer.disconnect()
    await bob.client.hears(
        p.RoomStreamUpdate,
        lambda m: m.stream_delete_reason == [p.StreamDeletion("alice-main", StreamDeleteReason.STOPPED)],
    )
    await bob.diary.has("played_streams_changed", frozenset())


async def test_a_connection_that_the_hub_closes_is_told_and_can_be_made_again(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    await bob.sees_numbers("alice-main", 1)
    alice.client.ask(p.ClosePeer, alice.peer.peer_id)
    await alice.diary.has("peer_state_changed", PeerState.CLOSED)
    assert not alice.peer.captures
    await alice.peer.connect()
    await bob.sees_numbers("alice-main", 3)


async def test_closing_while_it_connects_ends_the_attempt(hub: Hub, join: Join) -> None:
    await join("bob")
    alice = Person(hub, "alice")
    connecting = asyncio.create_task(alice.peer.connect())
    await alice.diary.has("peer_state_changed", PeerState.CONNECTING)
    await alice.peer.aclose()
    with pytest.raises(ZegoError) as refusal:
        await asyncio.wait_for(connecting, PATIENCE)
    assert refusal.value.code is ErrorCode.MEDIA_CONNECT_FAILED


@pytest.mark.parametrize("steps", [0, 1, 3, 10, 30, 60, 100, 200, 400])
async def test_an_attempt_that_is_cancelled_at_any_moment_leaves_nothing(hub: Hub, join: Join, steps: int) -> None:
    alice = Person(hub, "alice", slots=12)
    connecting = asyncio.create_task(alice.peer.connect())
    for _ in range(steps):
        await asyncio.sleep(0)
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    await alice.peer.aclose()
    assert alice.peer.state in (PeerState.CLOSED, PeerState.NEW)


@pytest.mark.parametrize("steps", [0, 1, 3, 10, 30, 60, 100, 200, 400])
async def test_an_attempt_that_is_broken_off_at_any_moment_leaves_nothing(hub: Hub, join: Join, steps: int) -> None:
    alice = Person(hub, "alice", slots=12)
    connecting = asyncio.create_task(alice.peer.connect())
    for _ in range(steps):
        await asyncio.sleep(0)
    await alice.peer.disconnect()
    await asyncio.wait_for(asyncio.gather(connecting, return_exceptions=True), PATIENCE)
    await alice.peer.aclose()


@pytest.mark.parametrize("steps", range(8))
async def test_an_attempt_that_is_broken_off_after_the_answer_leaves_nothing(hub: Hub, join: Join, steps: int) -> None:
    alice = Person(hub, "alice", slots=12)
    relay, leaving = alice._relay, []

    async def leave() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        await alice.peer.disconnect()

    async def relay_and_leave(offer: p.Offer) -> p.Answer:
        leaving.append(asyncio.ensure_future(leave()))
        return await relay(offer)

    alice.peer._send_offer = relay_and_leave
    with pytest.raises(ZegoError):
        await asyncio.wait_for(alice.peer.connect(), PATIENCE)
    await asyncio.gather(*leaving)
    await alice.peer.aclose()


async def test_of_two_attempts_at_once_the_later_one_counts(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    results = await asyncio.gather(alice.peer.connect(), alice.peer.connect(), return_exceptions=True)
    assert isinstance(results[0], ZegoError)
    assert results[1] is None
    await bob.sees_numbers("alice-main", 3)


@pytest.mark.parametrize("steps", range(5))
async def test_a_connection_that_comes_up_while_it_is_closed_leaves_nothing(
    hub: Hub, join: Join, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    alice = Person(hub, "alice")
    hear, leaving = Connection._message, []

    async def hear_later(connection: Connection, text: str) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        hear(connection, text)

    def hears(connection: Connection, text: str) -> None:
        if not leaving:
            leaving.append(asyncio.ensure_future(alice.peer.disconnect()))
        leaving.append(asyncio.ensure_future(hear_later(connection, text)))

    monkeypatch.setattr(Connection, "_message", hears)
    with pytest.raises(ZegoError):
        await asyncio.wait_for(alice.peer.connect(), PATIENCE)
    await asyncio.gather(*leaving)
    await alice.peer.aclose()


async def test_the_others_see_that_a_source_has_ended(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    alice.peer.channels.set_capture(ArrayVideo([TestPattern().draw(1, 320, 180)] * 3), Tone())
    await alice.diary.has("capture_ended", MAIN, "video", None)
    await device_states(bob, RemoteDeviceState.OPEN, RemoteDeviceState.DISABLE)


async def test_stats_say_what_flows(join: Join) -> None:
    alice, bob = await join("alice"), await join("bob")
    await alice.peer.stats()
    await bob.peer.stats()
    numbers = await bob.sees_numbers("alice-main", 15)
    received, sent = (await bob.peer.stats()).played["alice-main"], (await alice.peer.stats()).published[MAIN]
    for sent_track, received_track in ((sent.audio, received.audio), (sent.video, received.video)):
        # A frame counts when it is handed to the encoder: one may be in there.
        assert sent_track.frames > 1 and sent_track.packets >= sent_track.frames - 1
        assert 0 < received_track.frames <= sent_track.frames + 1
        assert sent_track.fps > 0 and received_track.fps > 0
        assert sent_track.kbps > 0 and received_track.kbps > 0
        assert 0 <= received_track.packets_lost <= sent_track.packets
    assert 0 <= received.loss < 1
    assert received.video.frames_decoded >= len(numbers)
    await bob.diary.finds(lambda entry: isinstance(entry[-1], p.HeartbeatAck), "an answer to a heartbeat")
    rtt = (await bob.peer.stats()).rtt
    assert rtt is not None and 0 < rtt < PATIENCE
