"""The engine in a notebook: what a ZEGO developer writes, line by line, on `VideoView`s of one's own layout."""

from __future__ import annotations

import asyncio
import tempfile

from playwright.async_api import Locator, Page, expect

from .conftest import OpenNotebook
from .notebook import PATIENCE, Notebook

APP = """\
import os

# A hub of this test's own, which serves the app of the program below.
os.environ["ZEGO_WIDGET_RUNTIME_DIR"] = {runtime!r}
os.environ["ZEGO_APP_ID"] = "1234567890"
os.environ["ZEGO_APP_SIGN"] = "{app_sign}"
"""
VIEWS = """\
import threading

import ipywidgets

import zego_widget as zego

local_view, remote_view = zego.VideoView(), zego.VideoView()
ipywidgets.HBox([local_view, remote_view])"""
HANDLER = """\
class Handler(zego.EventHandler):
    def on_room_state_changed(self, reason, error_code, extended_data, room_id):
        heard.append((reason.name, int(error_code)))

    def on_room_user_update(self, update_type, users, room_id):
        heard.extend((update_type.name, user.user_id) for user in users)

    def on_room_stream_update(self, update_type, streams, extended_data, room_id):
        if update_type is zego.UpdateType.ADD:
            for stream in streams:
                engine.start_playing_stream(stream.stream_id, zego.Canvas(remote_view))

    def on_publisher_state_update(self, state, error_code, extended_data, stream_id):
        heard.append((state.name, int(error_code)))

    def on_player_state_update(self, state, error_code, extended_data, stream_id):
        heard.append((state.name, int(error_code)))

    def on_network_quality(self, user_id, upstream, downstream):
        qualities[user_id] = (upstream.name, downstream.name)
        if user_id is None and upstream is zego.StreamQualityLevel.EXCELLENT:
            told.set()


heard, qualities, told, destroyed = [], {}, threading.Event(), threading.Event()"""
PROFILE = """\
profile = zego.EngineProfile(app_id=1234567890, app_sign="{app_sign}", scenario=zego.Scenario.DEFAULT)
engine = zego.ExpressEngine.create(profile, Handler())
assert zego.ExpressEngine.shared() is engine"""
LOGIN = """\
engine.login_room("room1", zego.User("user{me}"), zego.RoomConfig(is_user_status_notify=True, max_member_count=4),
                  callback=lambda error_code, extended_data: heard.append(("login", int(error_code))))"""
PROGRAM = [
    APP,
    VIEWS,
    HANDLER,
    PROFILE,
    LOGIN,
    "engine.start_preview(zego.Canvas(local_view))",
    'engine.start_publishing_stream("stream{me}")',
    "told.wait(20); print(heard, qualities)",
    "engine.stop_publishing_stream(); engine.stop_preview(); engine.stop_playing_stream('stream{other}')",
    "engine.logout_room()",
    "zego.ExpressEngine.destroy(callback=lambda: destroyed.set())",
    "print(destroyed.wait(10), heard)",
]
CELLS = [
    "app",
    "views",
    "handler",
    "profile",
    "login",
    "preview",
    "publish",
    "told",
    "stop",
    "logout",
    "destroy",
    "end",
]


class Views:
    """The two views of the program, as a person sees them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        views = page.locator(".jp-OutputArea [data-zw-view]")
        self.local, self.remote = views.nth(0), views.nth(1)

    async def wait_for(self, view: Locator, shows: str) -> None:
        await expect(view).to_have_attribute("data-zw-view", shows, timeout=PATIENCE * 1000)


async def run(notebook: Notebook, *cells: str) -> None:
    for cell in cells:
        await notebook.run_cell(CELLS.index(cell))


def program(me: int, other: int, runtime: str) -> list[str]:
    names = {"runtime": runtime, "app_sign": "0123456789abcdef" * 4, "me": me, "other": other}
    cells = []
    for cell in PROGRAM:
        for name, value in names.items():
            cell = cell.replace(f"{{{name}!r}}", repr(value)).replace(f"{{{name}}}", str(value))
        cells.append(cell)
    return cells


async def test_the_program_of_a_zego_developer_runs_line_by_line(open_notebook: OpenNotebook) -> None:
    with tempfile.TemporaryDirectory() as runtime:
        one, two = await asyncio.gather(
            open_notebook("user1", program(1, 2, runtime)), open_notebook("user2", program(2, 1, runtime))
        )
        mine = Views(one.page)

        await run(one, "app", "views")
        await mine.wait_for(mine.local, "empty")
        await run(one, "handler", "profile", "login")
        assert await one.call.camera_requests() == 0
        await run(one, "preview")
        await mine.wait_for(mine.local, "local")
        await one.call.wait_for_own_picture()
        assert await one.call.connections() == 0, "a preview needs no connection"

        await run(one, "publish")
        await run(two, "app", "views", "handler", "profile", "login", "preview", "publish")
        await asyncio.gather(one.call.wait_until_sees("user2"), two.call.wait_until_sees("user1"))
        await asyncio.gather(one.call.wait_until_hears("user2"), two.call.wait_until_hears("user1"))
        await two.call.wait_for_own_picture()
        await mine.wait_for(mine.remote, "stream")
        assert await one.call.people() == ["stream2"]
        assert await two.call.people() == ["stream1"]
        for person in (one, two):
            assert await person.call.connections() == 1, "both views share one connection"
            assert await person.call.camera_requests() == 1

        await run(one, "told")
        told = await one.output_of(CELLS.index("told"))
        for what in ("('login', 0)", "('LOGINED', 0)", "('PUBLISHING', 0)", "('PLAYING', 0)", "('ADD', 'user2')"):
            assert what in told
        assert "None: ('EXCELLENT', " in told

        await run(one, "stop")
        await mine.wait_for(mine.local, "empty")
        await mine.wait_for(mine.remote, "empty")
        await one.page.wait_for_function("__probe.openCameras() === 0")
        # The program plays on: the stream is waited for, without a frozen face.
        await expect(Views(two.page).remote.locator("video")).to_be_hidden(timeout=PATIENCE * 1000)

        await run(one, "logout", "destroy", "end")
        await one.page.wait_for_function("__probe.openPeers().length === 0")
        end = await one.output_of(CELLS.index("end"))
        assert "('LOGOUT', 0)" in end
        assert end.startswith("True ")
        await run(two, "destroy", "end")
