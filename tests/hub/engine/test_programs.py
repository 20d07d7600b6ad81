"""Programs as people write them: the quick start, and one that forgets to say goodbye."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

QUICK_START = r"""
import threading

import zego_widget as zego

local_view = remote_view = None  # widgets, in a notebook
live = threading.Event()


class Handler(zego.EventHandler):
    def on_room_state_changed(self, reason, error_code, extended_data, room_id):
        print("room", reason.name, int(error_code), flush=True)

    def on_room_user_update(self, update_type, users, room_id): ...

    def on_room_stream_update(self, update_type, streams, extended_data, room_id):
        if update_type is zego.UpdateType.ADD:
            for stream in streams:
                engine.start_playing_stream(stream.stream_id, zego.Canvas(remote_view))

    def on_publisher_state_update(self, state, error_code, extended_data, stream_id):
        print("publisher", state.name, int(error_code), flush=True)
        if state is zego.PublisherState.PUBLISHING:
            live.set()

    def on_player_state_update(self, state, error_code, extended_data, stream_id): ...

    def on_network_quality(self, user_id, upstream, downstream): ...


profile = zego.EngineProfile(app_id=1234567890, app_sign="ab" * 32, scenario=zego.Scenario.DEFAULT)
engine = zego.ExpressEngine.create(profile, Handler())
engine.login_room(
    "room1",
    zego.User("user1"),
    zego.RoomConfig(is_user_status_notify=True, max_member_count=4),
    callback=lambda error_code, extended_data: print("login", int(error_code), flush=True),
)
engine.start_preview(zego.Canvas(local_view))
engine.start_publishing_stream("stream1")
engine.start_playing_stream("stream2")
assert live.wait(20)
"""
GOODBYE = r"""
engine.stop_publishing_stream()
engine.stop_preview()
engine.stop_playing_stream("stream2")
engine.logout_room()
zego.ExpressEngine.destroy(callback=lambda: print("destroyed", flush=True))
"""
TOLD = {
    "room": ["room LOGINING 0", "room LOGINED 0", "room LOGOUT 0"],
    "publisher": ["publisher PUBLISH_REQUESTING 0", "publisher PUBLISHING 0", "publisher NO_PUBLISH 0"],
    "login": ["login 0"],
}


@pytest.mark.parametrize(
    ("program", "last"),
    [(QUICK_START + GOODBYE, "destroyed"), (QUICK_START, "room LOGOUT 0")],
    ids=["the quick start", "no goodbye"],
)
def test_a_program_ends_by_itself_and_cleanly(runtime_dir: Path, program: str, last: str) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        cwd=root,
        env=os.environ
        | {
            "ZEGO_APP_ID": "1234567890",
            "ZEGO_APP_SIGN": "ab" * 32,
            "PYTHONWARNINGS": "default,ignore::DeprecationWarning",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for about, told in TOLD.items():
        assert [line for line in lines if line.startswith(about)] == told
    assert lines[-1] == last
    for word in ("Traceback", "never retrieved", "never awaited", "ResourceWarning", "was destroyed"):
        assert word not in done.stderr, done.stderr
