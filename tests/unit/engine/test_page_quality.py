"""Quality and sound levels of what pages send and play, and of others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.engine.fakes import FakePage, FakeView, Subject, live_page
from tests.unit.kernel.scripted import BOB, BOBS, ROOM
from zego_widget import protocol
from zego_widget.engine import monitor
from zego_widget.engine.profile import Canvas
from zego_widget.engine.quality import Silence, StreamQualityLevel
from zego_widget.model import PublishChannel

EXCELLENT, MEDIUM = StreamQualityLevel.EXCELLENT, StreamQualityLevel.MEDIUM
DIE, UNKNOWN = StreamQualityLevel.DIE, StreamQualityLevel.UNKNOWN


class Time:
    """What a monitor and a page peer take for time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ticks = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        await self._ticks.acquire()
        self.now += seconds

    def pass_one(self) -> None:
        self._ticks.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(monitor, "asyncio", time)
    return time


@pytest.fixture
async def page(subject: Subject, time: Time) -> FakePage:
    subject.engine._parts.pages.reports._now = lambda: time.now
    return await live_page(subject, FakeView())


async def second(subject: Subject, time: Time, page: FakePage, *, reports: bool = True, **fields: Any) -> None:
    """One second, at whose end the page reports."""
    if reports:
        track = protocol.PageTrackStats(bytes=3000, packets=30, frames=45)
        lossy = protocol.PageTrackStats(packets=70, packets_lost=30, loss=0.3)
        stats: dict[str, Any] = {
            "rtt": 0.05,
            "main": protocol.PageStreamStats(track, track),
            "aux": None,
            "played": {BOBS.stream_id: protocol.PageStreamStats(track, lossy)},
        }
        await page.say(protocol.PageStats(page.page_id, **(stats | fields)))
    await subject.on_io(time.pass_one)


def levels(subject: Subject) -> list[tuple[StreamQualityLevel, StreamQualityLevel]]:
    return [(event.upstream, event.downstream) for event in subject.all("network_quality") if event.user_id is None]


async def test_streams_of_a_page_have_quality_by_the_same_arithmetic(
    subject: Subject, time: Time, page: FakePage
) -> None:
    for _ in range(6):
        await second(subject, time, page)
    sent = [event.quality for event in subject.all("publisher_quality_update")]
    assert [quality.video_send_fps for quality in sent] == [15, 0]
    assert (sent[0].rtt, sent[0].level, sent[0].total_send_bytes) == (50, EXCELLENT, 6000)
    received = [event.quality for event in subject.all("player_quality_update")]
    assert (received[0].packet_lost_rate, received[0].level) == (0.3, MEDIUM)
    assert levels(subject) == [(EXCELLENT, MEDIUM)] * 3


async def test_a_page_that_falls_silent_is_unknown_and_then_dead(subject: Subject, time: Time, page: FakePage) -> None:
    for _ in range(3):
        await second(subject, time, page)
    for _ in range(15):
        await second(subject, time, page, reports=False)
    assert levels(subject) == [(EXCELLENT, MEDIUM)] * 2 + [(UNKNOWN, UNKNOWN)] * 2 + [(DIE, DIE)] * 5
    assert subject.all("publisher_quality_update")[-1].quality.level is DIE
    assert subject.all("player_quality_update")[-1].quality.level is DIE
    assert len(subject.all("player_quality_update")) == 1 + 3
    await second(subject, time, page)
    await second(subject, time, page)
    assert levels(subject)[-1] == (EXCELLENT, MEDIUM)


async def test_a_page_that_never_reported_is_unknown(subject: Subject, time: Time, page: FakePage) -> None:
    for _ in range(12):
        await second(subject, time, page, reports=False)
    assert levels(subject) == [(UNKNOWN, UNKNOWN)] * 6
    assert not subject.all("publisher_quality_update")


async def test_nothing_is_told_while_no_page_is_connected(subject: Subject, time: Time, page: FakePage) -> None:
    await page.leave()
    for _ in range(6):
        await second(subject, time, page, reports=False)
    assert levels(subject) == []


async def test_rates_are_over_the_time_that_passed(subject: Subject, time: Time, page: FakePage) -> None:
    def frames(number: int) -> dict[str, protocol.PageStreamStats]:
        return {BOBS.stream_id: protocol.PageStreamStats(video=protocol.PageTrackStats(frames=number))}

    for _ in range(8):
        await second(subject, time, page, played={})
    await second(subject, time, page, played=frames(20))  # it came a second ago
    for _ in range(3):
        await second(subject, time, page, reports=False)
    for _ in range(3):
        await second(subject, time, page, played=frames(20 + 6 * 15))
    received = [event.quality.video_recv_fps for event in subject.all("player_quality_update")]
    assert received == [20, 15]


def test_silence_counts_periods() -> None:
    silence = Silence()
    assert [silence.level("s") for _ in range(4)] == [UNKNOWN] * 4
    silence.heard("s")
    assert [silence.level("s") for _ in range(4)] == [UNKNOWN, UNKNOWN, DIE, DIE]
    silence.heard("s")
    assert silence.level("s") is UNKNOWN
    silence.keep(set())
    assert [silence.level("s") for _ in range(4)] == [UNKNOWN] * 4


async def test_the_network_of_others_is_told(subject: Subject, page: FakePage) -> None:
    users = [protocol.UserNetworkQuality(BOB.user_id, MEDIUM, EXCELLENT)]
    await subject.on_io(subject.link.on_event, protocol.NetworkQualityUpdate(ROOM, users))
    await subject.on_io(subject.link.on_event, protocol.NetworkQualityUpdate("another room", users))
    told = [(event.user_id, event.upstream, event.downstream) for event in subject.all("network_quality")]
    assert told == [(BOB.user_id, MEDIUM, EXCELLENT)]


async def test_sound_levels_come_from_the_page(subject: Subject, time: Time, page: FakePage) -> None:
    pages = subject.engine._parts.pages
    await subject.engine.start_sound_level_monitor(200)
    assert pages.view.media.sound_period == 200
    await page.say(protocol.PageSoundLevels(page.page_id, 40.0, {BOBS.stream_id: 20.0, "never played": 90.0}))
    await second(subject, time, page)
    await second(subject, time, page)
    assert subject.all("captured_sound_level_update")[-1].sound_level == 40.0
    assert subject.all("remote_sound_level_update")[-1].sound_levels == {BOBS.stream_id: 20.0}
    for _ in range(6):
        await second(subject, time, page)
    assert subject.all("captured_sound_level_update")[-1].sound_level == 0, "it fell silent"
    assert subject.all("remote_sound_level_update")[-1].sound_levels == {}
    await subject.engine.stop_sound_level_monitor()
    assert pages.view.media.sound_period == 0


async def test_python_listens_only_while_there_are_no_pages(subject: Subject, time: Time) -> None:
    subject.peer.channels.capture_sound_level = lambda channel: 5.0  # type: ignore[attr-defined]
    subject.peer.played.sound_levels = dict  # type: ignore[attr-defined]
    await subject.login()
    await subject.engine.start_publishing_stream("mine")
    await subject.engine.start_sound_level_monitor(200)
    for _ in range(2):
        await subject.on_io(time.pass_one)
    assert subject.peer.played.last("monitor_sound_levels") == (True,)
    await subject.engine.start_preview(Canvas(FakeView()))
    for _ in range(2):
        await subject.on_io(time.pass_one)
    assert subject.peer.played.last("monitor_sound_levels") == (False,)


async def test_a_screen_has_quality_of_its_own(subject: Subject, time: Time, page: FakePage) -> None:
    await subject.engine.start_publishing_stream("screen", PublishChannel.AUX)
    for _ in range(3):
        await second(subject, time, page, aux=protocol.PageStreamStats())
    told = [event.stream_id for event in subject.all("publisher_quality_update")]
    assert told == ["mine", "screen"]
