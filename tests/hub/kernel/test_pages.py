"""Calls and video views whose page is played by the testing kit."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import comm
import pytest

from tests.hub.kernel.notebook_kernel import NotebookKernel
from tests.unit.kernel.recorded_comm import RecordedComm
from zego_widget import Canvas, ErrorCode, PublisherState, RoomConfig, User, VideoView, ViewMode, view_widget
from zego_widget.model import RemoteDeviceState
from zego_widget.testing import LocalHub, Page, Recorder, hub

ROOT = Path(__file__).parents[3]
PROGRAM = """
import os, pathlib, asyncio
import zego_widget as zego
import zego_widget.view_widget
zego_widget.view_widget.STATIC = pathlib.Path(os.environ["STATIC"])
from zego_widget.testing import Page, hub

lab = hub()
lab.start()
bob = await lab.participant("bob", "room1", publishes=True)
local_view, remote_view = zego.VideoView(), zego.VideoView()

class Handler(zego.EventHandler):
    def on_room_stream_update(self, update_type, streams, extended_data, room_id):
        if update_type is zego.UpdateType.ADD:
            for stream in streams:
                engine.start_playing_stream(stream.stream_id, zego.Canvas(remote_view))

given = lab.profile()
profile = zego.EngineProfile(app_id=given.app_id, app_sign=given.app_sign, scenario=zego.Scenario.DEFAULT,
                             hub_url=given.hub_url, hub_secret=given.hub_secret)
engine = zego.ExpressEngine.create(profile, Handler())
logged_in = []
engine.login_room("room1", zego.User("user1"), zego.RoomConfig(is_user_status_notify=True, max_member_count=4),
                  callback=lambda error_code, extended_data: logged_in.append(error_code))
engine.start_preview(zego.Canvas(local_view))
publishing = engine.start_publishing_stream("stream1")
async with Page(local_view, remote_view) as page:
    await page.sees("bob-stream")
    await publishing
    await bob.hears("room_stream_update", lambda event: event.streams[0].stream_id == "stream1")
    bob.engine.start_playing_stream("stream1")
    await bob.sees("stream1")
    print(local_view._channel, remote_view.stream_id, local_view._call_id == remote_view._call_id,
          [int(each) for each in logged_in], lab.status()["peers"])
    engine.stop_publishing_stream(); engine.stop_preview(); engine.stop_playing_stream("bob-stream")
    await engine.logout_room()
    await page.until(lambda: not page.connected and remote_view._call_id == local_view._call_id == "")
ended = asyncio.Event()
loop = asyncio.get_running_loop()
zego.ExpressEngine.destroy(callback=lambda: loop.call_soon_threadsafe(ended.set))
await ended.wait()
await lab.__aexit__()
print("destroyed")
"""


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "widget.js").write_text("export default {}")
    (tmp_path / "widget.css").write_text("")
    monkeypatch.setattr(view_widget, "STATIC", tmp_path)
    return tmp_path


@pytest.fixture
async def lab(static: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalHub]:
    monkeypatch.setattr(comm, "create_comm", RecordedComm)
    async with hub() as lab:
        yield lab
        for widget in lab.widgets:
            widget.close()
        for engine in lab.engines:
            await engine.aclose()
        await lab.until(lambda status: status["rooms"] == status["peers"] == status["sessions"] == 0)
    for thread in threading.enumerate():
        if thread.name.startswith("zego-widget"):
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()


async def test_a_call_is_started_in_its_page_and_its_engine_gives_frames(lab: LocalHub) -> None:
    bob = await lab.participant("bob", publishes=True, plays=True)
    widget = lab.call_widget(user_id="alice")
    async with Page(widget) as page:
        page.press_start()
        await page.until(lambda: widget.state == "in_call")
        await page.sees(bob.stream_id)
        alices = (await bob.hears("room_stream_update", lambda event: event.streams)).streams[0].stream_id
        await bob.sees(alices)
        async for frame in widget.engine.frames(bob.stream_id):
            assert frame.to_ndarray(format="rgb24").ndim == 3
            break
        assert widget.state == "in_call" and lab.status()["peers"] == 3  # bob, the page, and Python beside it
        page.press_stop()
        await page.until(lambda: widget.state == "idle" and not page.connected)


async def test_a_switch_in_the_page_reaches_the_others(lab: LocalHub) -> None:
    bob = await lab.participant("bob", plays=True)
    widget = lab.call_widget(user_id="alice")
    async with Page(widget) as page:
        page.press_start()
        await page.until(lambda: widget.state == "in_call")
        await bob.hears("player_state_update", lambda event: event.state == 2)
        page.press_microphone(muted=True)
        await bob.hears("remote_mic_state_update", lambda event: event.state is RemoteDeviceState.MUTE)
        assert widget.microphone_muted and widget.engine.is_microphone_muted()


async def test_two_views_and_two_pages_of_one_engine(lab: LocalHub) -> None:
    bob = await lab.participant("bob", publishes=True)
    engine = lab.engine()
    told = Recorder(engine)
    local, remote = VideoView(), VideoView()
    await engine.start_preview(Canvas(local, ViewMode.ASPECT_FILL))
    await engine.login_room("demo", User("alice"), RoomConfig(is_user_status_notify=True))
    publishing = engine.start_publishing_stream("alices")
    await engine.start_playing_stream(bob.stream_id, Canvas(remote))
    async with Page(local, remote) as page, Page(remote) as second:
        await publishing
        await page.sees(bob.stream_id)
        await second.sees(bob.stream_id)
        await told.hears("publisher_state_update", lambda event: event.state is PublisherState.PUBLISHING)
        await told.hears("player_recv_video_first_frame")
        assert [page.peer.captures, second.peer.captures].count(True) == 1
        assert local._call_id == remote._call_id and lab.status()["peers"] == 3
    local.close()
    remote.close()


async def test_a_page_that_is_refused_says_why(lab: LocalHub) -> None:
    await lab.participant("bob", config=RoomConfig(max_member_count=1))
    widget = lab.call_widget(user_id="alice")
    async with Page(widget) as page:
        page.press_start()
        await page.until(lambda: widget.state == "refused")
        assert widget.error_code == ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER


async def test_the_program_of_two_video_views_runs_in_a_kernel(static: Path) -> None:
    kernel = NotebookKernel()
    await kernel.start(ROOT, {**os.environ, "STATIC": str(static)})
    try:
        said = await kernel.run_cell(PROGRAM)
        assert said.splitlines() == ["0 bob-stream True [0] 2", "destroyed"]
    finally:
        await kernel.aclose()
