"""One in a browser's notebook, one in Python without a browser: they see and hear each other."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from playwright.async_api import expect

import zego_widget as zego
from zego_widget.hub.discovery import RUNTIME_DIR_VARIABLE
from zego_widget.testing.participant import Participant

from .conftest import JoinCall
from .lab import Lab


async def test_an_engine_in_python_and_a_notebook_see_and_hear_each_other(
    join_call: JoinCall, lab: Lab, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNTIME_DIR_VARIABLE, str(lab.home / "hub-runtime"))  # the same person's login
    alice = await join_call("alice")

    async with zego.ExpressEngine(zego.EngineProfile()) as engine:
        bob = Participant(engine, zego.User("bob"), room_id, plays=True)
        await bob.join(zego.RoomConfig(is_user_status_notify=True), publishes=True)

        await alice.call.wait_until_sees("bob")
        await alice.call.wait_until_hears("bob")
        assert await alice.call.frame_rate("bob", frames=20) > 5

        stream_id = (await bob.hears("room_stream_update")).streams[0].stream_id
        pictures = [frame.to_ndarray(format="rgb24") for frame in await bob.sees(stream_id, frames=10)]
        assert pictures[0].shape[2] == 3
        assert any(not np.array_equal(pictures[0], later) for later in pictures[1:]), "the picture stands still"
        async with asyncio.timeout(20):
            async for sound in engine.audio_frames(stream_id):
                if np.abs(sound.to_ndarray()).max() > 500:  # the fake microphone beeps once a second
                    break

        await alice.call.press("Mute microphone")
        await bob.hears("remote_mic_state_update", lambda event: event.state is zego.RemoteDeviceState.MUTE)
    await alice.call.wait_until_gone("bob")


async def test_names_are_shown_as_text(
    join_call: JoinCall, lab: Lab, room_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNTIME_DIR_VARIABLE, str(lab.home / "hub-runtime"))
    name = '<img src="x" onerror="window.ran = true">'
    views = (
        "import zego_widget as zego\n"
        "view = zego.VideoView()\n"
        'call.engine.start_playing_stream("mallory-stream", zego.Canvas(view))\nview'
    )
    alice = await join_call("alice", views)
    async with zego.ExpressEngine(zego.EngineProfile()) as engine:
        await engine.login_room(room_id, zego.User("mallory", name))
        await engine.start_publishing_stream("mallory-stream")
        await engine.send_broadcast_message(name, room_id)
        await alice.call.wait_until_sees(name)
        await alice.run_cell(1)
        await expect(alice.cell(1).locator(".jp-OutputArea")).to_contain_text(name)
    assert await alice.page.evaluate("window.ran") is None
