"""Capture without a connection: what is read, when, and that it ends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import av
import numpy as np
import pytest

from zego_widget import protocol as p
from zego_widget.errors import ErrorCode, InvalidArgument, ZegoError
from zego_widget.media.config import CaptureConfig
from zego_widget.media.peer import MediaPeer
from zego_widget.media.peer_events import MediaPeerEvents
from zego_widget.media.sources import ArrayVideo, EndOfSource, TestPattern, VideoSource
from zego_widget.model import PeerState, PublishChannel

PATIENCE = 20.0


class Events(MediaPeerEvents):
    def __init__(self) -> None:
        self.ended: asyncio.Queue[tuple[PublishChannel, str, Exception | None]] = asyncio.Queue()
        self.sizes: list[tuple[int, int]] = []

    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None:
        self.ended.put_nowait((channel, kind, error))

    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None:
        self.sizes.append((width, height))


async def no_hub(offer: p.Offer) -> p.Answer:
    raise ZegoError("There is no hub.", ErrorCode.HUB_UNREACHABLE)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def peer(events: Events) -> AsyncIterator[MediaPeer]:
    """A peer that leaves no task and no thread."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    async with MediaPeer(no_hub, events) as peer:
        yield peer
    assert not [task for task in asyncio.all_tasks() - tasks if "zego_widget" in repr(task.get_coro())]
    assert not [thread for thread in threading.enumerate() if thread not in threads and "asyncio" not in thread.name]


class Recorded(VideoSource):
    """Pictures of one brightness; says when it is read and closed."""

    def __init__(self, brightness: int = 0) -> None:
        self.reads = 0
        self.closed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._pixels = np.full((90, 160, 3), brightness, dtype=np.uint8)

    def picture(self, time: float, config: CaptureConfig) -> np.ndarray:
        self.reads += 1
        return self._pixels

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self.closed.set)


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


async def test_what_nobody_looks_at_is_not_captured(peer: MediaPeer) -> None:
    source = Recorded()
    peer.channels.set_capture(source, None)
    peer.channels.set_publishing(True)
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.reads == 0
    async with peer.channels.captured_frames() as frames:
        await soon(frames.get())
        assert source.reads > 0
    await soon(source.closed.wait())


async def test_the_preview_shows_the_pattern_in_order_and_size(peer: MediaPeer, events: Events) -> None:
    peer.channels.set_capture_config(CaptureConfig(320, 180, 30))
    async with peer.channels.captured_frames() as frames:
        seen = [await soon(frames.get()) for _ in range(5)]
    assert [TestPattern.read_number(frame.to_ndarray()) for frame in seen] == [0, 1, 2, 3, 4]
    assert events.sizes == [(320, 180)]
    times = [frame.time for frame in seen]
    assert times == sorted(times)


async def test_a_change_of_size_holds_at_once(peer: MediaPeer, events: Events) -> None:
    async with peer.channels.captured_frames(maxsize=1) as frames:
        assert (await soon(frames.get())).width == 640
        peer.channels.set_capture_config(CaptureConfig(160, 90, 30))
        while (await soon(frames.get())).width != 160:
            pass
    assert events.sizes == [(640, 360), (160, 90)]


async def test_another_source_takes_over_and_the_former_is_closed(peer: MediaPeer) -> None:
    dark, bright = Recorded(20), Recorded(200)
    peer.channels.set_capture(dark, None)
    async with peer.channels.captured_frames(maxsize=1) as frames:
        await soon(frames.get())
        peer.channels.set_capture(bright, None)
        await soon(dark.closed.wait())
        while (await soon(frames.get())).to_ndarray("gray").mean() < 150:
            pass


async def test_a_disabled_camera_is_released_and_an_enabled_one_read_again(peer: MediaPeer) -> None:
    source = Recorded()
    peer.channels.set_capture(source, None)
    async with peer.channels.captured_frames(maxsize=1) as frames:
        await soon(frames.get())
        peer.channels.enable_video(False)
        await soon(source.closed.wait())
        reads = source.reads
        peer.channels.enable_video(True)
        while source.reads == reads:
            await soon(frames.get())


async def test_who_looks_again_while_the_camera_is_being_released_gets_pictures(peer: MediaPeer) -> None:
    reading = 0

    class Slow(Recorded):
        def close(self) -> None:
            nonlocal reading
            reading += 1
            super().close()
            time.sleep(0.05)
            reading -= 1

        def picture(self, time: float, config: CaptureConfig) -> np.ndarray:
            assert reading == 0, "read while it is being closed"
            return super().picture(time, config)

    source = Slow()
    peer.channels.set_capture(source, None)
    for _ in range(3):
        source.closed.clear()
        async with peer.channels.captured_frames() as frames:
            await soon(frames.get())
        await soon(source.closed.wait())


async def test_a_picture_that_a_source_gives_again_and_again_stays_its_own(peer: MediaPeer) -> None:
    class Same(VideoSource):
        frame = av.VideoFrame.from_ndarray(np.zeros((90, 160), np.uint8), format="gray").reformat(format="yuv420p")

        def picture(self, time: float, config: CaptureConfig) -> av.VideoFrame:
            return self.frame

    peer.channels.set_capture(Same(), None)
    async with peer.channels.captured_frames() as frames:
        first, second = await soon(frames.get()), await soon(frames.get())
    assert first.picture is not second.picture
    assert first.picture.pts < second.picture.pts
    assert Same.frame.pts is None


@pytest.mark.parametrize("kind", ["an iterable", "a function that calls next"])
async def test_the_end_of_a_source_is_told(peer: MediaPeer, events: Events, kind: str) -> None:
    pictures = iter([np.zeros((90, 160, 3), np.uint8)] * 3)
    peer.channels.set_capture(ArrayVideo(pictures if kind == "an iterable" else lambda _: next(pictures), fps=60), None)
    async with peer.channels.captured_frames():
        assert await soon(events.ended.get()) == (PublishChannel.MAIN, "video", None)


@pytest.mark.parametrize("mistake", [ZeroDivisionError("a bug"), "no picture"], ids=["raises", "wrong type"])
async def test_a_source_that_fails_is_told_and_disturbs_nothing(
    peer: MediaPeer, events: Events, mistake: object, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: float) -> object:
        if isinstance(mistake, Exception):
            raise mistake
        return mistake

    peer.channels.set_capture(ArrayVideo(fail), None)  # type: ignore[arg-type]
    async with peer.channels.captured_frames() as frames:
        channel, kind, error = await soon(events.ended.get())
        assert (channel, kind) == (PublishChannel.MAIN, "video")
        assert isinstance(error, InvalidArgument if isinstance(mistake, str) else ZeroDivisionError)
        assert "a video source failed" in caplog.text
        peer.channels.set_capture(TestPattern(), None)
        await soon(frames.get())


async def test_a_snapshot_is_the_picture_as_an_array(peer: MediaPeer) -> None:
    picture = await peer.channels.capture_snapshot(timeout=PATIENCE)
    assert (picture.shape, picture.dtype) == ((360, 640, 3), np.uint8)
    assert TestPattern.read_brightness(picture) == pytest.approx(110, abs=4)


async def test_a_snapshot_of_nothing_fails_with_zegos_codes(peer: MediaPeer) -> None:
    peer.channels.set_capture(None, None)
    with pytest.raises(ZegoError) as refusal:
        await peer.channels.capture_snapshot(timeout=0.01)
    assert refusal.value.code is ErrorCode.PUBLISHER_TAKE_PUBLISH_STREAM_SNAPSHOT_FAILED
    with pytest.raises(ZegoError) as refusal:
        await peer.played.snapshot("nothing", timeout=0.01)
    assert refusal.value.code is ErrorCode.PLAYER_TAKE_PLAY_STREAM_SNAPSHOT_FAILED


async def test_a_failed_offer_is_the_callers_error_and_leaves_nothing(peer: MediaPeer) -> None:
    with pytest.raises(ZegoError) as refusal:
        await peer.connect()
    assert refusal.value.code is ErrorCode.HUB_UNREACHABLE
    assert peer.state is PeerState.CLOSED
    assert await peer.stats() is not None


async def test_the_end_of_a_peer_ends_what_its_consumers_wait_for() -> None:
    peer = MediaPeer(no_hub)
    waiting = [
        asyncio.create_task(queue.get())
        for queue in (
            peer.played.frames("a"),
            peer.played.audio_frames("b"),
            peer.channels.captured_frames(PublishChannel.AUX),
        )
    ]
    await asyncio.sleep(0)
    await peer.aclose()
    await peer.aclose()
    assert await soon(asyncio.gather(*waiting)) == [None, None, None]
    assert await soon(peer.played.frames("late").get()) is None
    assert await soon(peer.channels.captured_frames().get()) is None
    with pytest.raises(ZegoError):
        await peer.connect()


async def test_a_source_that_never_returns_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck(_: float) -> np.ndarray:
        loop.call_soon_threadsafe(entered.set)
        release.wait(PATIENCE)
        raise EndOfSource

    peer = MediaPeer(no_hub)
    peer.channels.set_capture(ArrayVideo(stuck), None)
    async with peer.channels.captured_frames():
        await soon(entered.wait())
        await soon(peer.aclose())
    assert "does not return" in caplog.text
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("zego-widget"):
            await asyncio.to_thread(thread.join, PATIENCE)


async def test_what_is_no_longer_played_is_forgotten(peer: MediaPeer) -> None:
    for number in range(3):
        stream_id = f"bob-{number}"
        peer.played.mute_video(stream_id, True)
        peer.played.set_volume(20, stream_id)
        peer.played.reset(stream_id)
    assert not peer.played._played
    consumer = peer.played.frames("bob-3")
    peer.played.reset("bob-3")
    assert list(peer.played._played) == ["bob-3"]  # somebody still waits for it
    consumer.close()
