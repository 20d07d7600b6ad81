"""Traffic control: what the page is asked for, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.fakes import FakeView, Subject, code_of, live_page
from zego_widget import TrafficControlFocusOnMode as Focus
from zego_widget import TrafficControlMinVideoBitrateMode as Mode
from zego_widget import TrafficControlProperty as Property
from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.profile import Canvas
from zego_widget.errors import InvalidArgument
from zego_widget.model import PublishChannel
from zego_widget.protocol import PageTraffic

AUX = PublishChannel.AUX


@pytest.fixture
async def view(subject: Subject) -> FakeView:
    """Of an engine that previews both channels."""
    view = FakeView()
    await subject.engine.start_preview(Canvas(view))
    return view


async def wanted(subject: Subject, view: FakeView, channel: PublishChannel = PublishChannel.MAIN) -> PageTraffic:
    """What the page is asked for now."""
    await subject.settle()
    return view.media.aux.traffic if channel is AUX else view.media.main.traffic


async def test_traffic_control_is_on_and_lowers_the_frame_rate_unless_told_otherwise(
    subject: Subject, view: FakeView
) -> None:
    assert await wanted(subject, view) == await wanted(subject, view, AUX) == PageTraffic(fps=True, resolution=False)
    await subject.engine.enable_traffic_control(True, Property.ADAPTIVE_FPS | Property.ADAPTIVE_RESOLUTION)
    assert await wanted(subject, view) == PageTraffic(fps=True, resolution=True)
    await subject.engine.enable_traffic_control(True, Property.ADAPTIVE_RESOLUTION, AUX)
    assert await wanted(subject, view, AUX) == PageTraffic(fps=False, resolution=True)
    await subject.engine.enable_traffic_control(True, Property.BASIC)
    assert await wanted(subject, view) == PageTraffic(fps=False, resolution=False)


async def test_least_values_reach_the_page_while_traffic_control_is_on(subject: Subject, view: FakeView) -> None:
    engine = subject.engine
    await engine.set_min_video_bitrate_for_traffic_control(150, Mode.ULTRA_LOW_FPS)
    await engine.set_min_video_fps_for_traffic_control(5)
    await engine.set_min_video_resolution_for_traffic_control(320, 180)
    least = PageTraffic(True, False, 150, True, 5, 320, 180)
    assert await wanted(subject, view) == least
    assert await wanted(subject, view, AUX) == PageTraffic()
    await engine.enable_traffic_control(False)
    assert await wanted(subject, view) == PageTraffic(fps=False, resolution=False)
    await engine.enable_traffic_control(True)
    assert await wanted(subject, view) == least


async def test_least_values_may_change_while_the_channel_publishes(subject: Subject) -> None:
    view = FakeView()
    await live_page(subject, view)
    await subject.engine.set_min_video_bitrate_for_traffic_control(200)
    assert (await wanted(subject, view)).min_kbps == 200
    await subject.engine.set_min_video_bitrate_for_traffic_control(0)
    assert await wanted(subject, view) == PageTraffic()


async def test_what_is_chosen_before_publishing_is_refused_while_it_lasts(subject: Subject) -> None:
    view = FakeView()
    await live_page(subject, view)
    engine = subject.engine
    assert await code_of(engine.enable_traffic_control(False)) == 1000066
    assert await code_of(engine.set_traffic_control_focus_on(Focus.FOUNS_ON_REMOTE)) == 1000066
    assert await wanted(subject, view) == PageTraffic()
    await engine.enable_traffic_control(False, channel=AUX)
    await engine.stop_publishing_stream()
    await engine.enable_traffic_control(False)
    await engine.set_traffic_control_focus_on(Focus.FOUNS_ON_REMOTE)
    assert await wanted(subject, view) == await wanted(subject, view, AUX) == PageTraffic(fps=False, resolution=False)


CANNOT_BE: list[tuple[Callable[[ExpressEngine], Any], int]] = [
    (lambda engine: engine.enable_traffic_control(True, 8), 1003005),
    (lambda engine: engine.enable_traffic_control(True, -1), 1003005),
    (lambda engine: engine.enable_traffic_control(True, 1.5), 1003005),
    (lambda engine: engine.enable_traffic_control(True, channel=9), 1000017),
    (lambda engine: engine.set_min_video_bitrate_for_traffic_control(-1), 1003002),
    (lambda engine: engine.set_min_video_bitrate_for_traffic_control(1_000_000), 1003002),
    (lambda engine: engine.set_min_video_bitrate_for_traffic_control(100, 2), 1000017),
    (lambda engine: engine.set_min_video_fps_for_traffic_control(-1), 1000017),
    (lambda engine: engine.set_min_video_fps_for_traffic_control(61), 1000017),
    (lambda engine: engine.set_min_video_resolution_for_traffic_control(-2, 180), 1000017),
    (lambda engine: engine.set_min_video_resolution_for_traffic_control(320, 5000), 1000017),
    (lambda engine: engine.set_traffic_control_focus_on(2), 1000017),
]


@pytest.mark.parametrize(("verb", "code"), CANNOT_BE)
async def test_traffic_control_that_cannot_be_has_its_code(
    subject: Subject, verb: Callable[[ExpressEngine], Any], code: int
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        verb(subject.engine)
    assert refused.value.code == code
