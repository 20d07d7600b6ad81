"""Two engines in one Python program without a browser, on the hub that the first of them starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = r"""
import asyncio
import threading
import time

import psutil

import zego_widget as zego
from zego_widget.media.sources import TestPattern

told = {"alice": [], "bob": []}


class Handler(zego.EventHandler):
    def __init__(self, name):
        self.name = name

    def on_room_stream_update(self, update_type, streams, extended_data, room_id):
        if update_type is zego.UpdateType.ADD:
            for stream in streams:
                engines[self.name].start_playing_stream(stream.stream_id)

    def on_im_recv_broadcast_message(self, messages, room_id):
        told[self.name] += [message.message for message in messages]
        heard[self.name].set()


async def watch(engine, stream_id):
    numbers = []
    async for frame in engine.frames(stream_id):
        pixels = frame.to_ndarray(format="rgb24")
        assert pixels.shape == (360, 640, 3)
        numbers.append(TestPattern.read_number(pixels))
        if len(numbers) == 30:
            return numbers


async def talk():
    for name, engine in engines.items():
        config = zego.RoomConfig(is_user_status_notify=True, max_member_count=4)
        await engine.login_room("room1", zego.User(name), config)
    playing = {name: engine.events() for name, engine in engines.items()}
    for name, engine in engines.items():
        await engine.start_publishing_stream(f"{name}-1")
    for name, events in playing.items():
        async for event in events:
            if event.name == "player_state_update" and event.state is zego.PlayerState.PLAYING:
                break
    begin = time.monotonic()
    for numbers in await asyncio.gather(watch(engines["alice"], "bob-1"), watch(engines["bob"], "alice-1")):
        assert numbers == sorted(set(numbers)), numbers
    print("30 frames each way after", round(time.monotonic() - begin, 2), "s")
    for name, engine in engines.items():
        await engine.send_broadcast_message(f"hello from {name}", "room1")


profile = zego.EngineProfile()
heard = {"alice": threading.Event(), "bob": threading.Event()}
engines = {}
engines["alice"] = zego.ExpressEngine.create(profile, Handler("alice"))
engines["bob"] = zego.ExpressEngine(profile, Handler("bob"))
asyncio.run(talk())
assert all(event.wait(10) for event in heard.values())
assert told == {"alice": ["hello from bob"], "bob": ["hello from alice"]}, told
for engine in engines.values():
    engine.logout_room().result(10)
destroyed = threading.Event()
zego.ExpressEngine.destroy(callback=destroyed.set)
engines["bob"].close().result(10)
assert destroyed.wait(10)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(10)
        assert not thread.is_alive(), thread
assert psutil.Process().net_connections() == []
assert not zego.ExpressEngine._shared
print("done")
"""


def test_two_engines_in_one_program_which_ends_by_itself(runtime_dir: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PROGRAM],
        cwd=root,
        env=os.environ | {"PYTHONWARNINGS": "default,ignore::DeprecationWarning"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"
    for word in ("Traceback", "never retrieved", "never awaited", "ResourceWarning", "was destroyed"):
        assert word not in done.stderr, done.stderr
