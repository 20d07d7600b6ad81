"""Two people without a browser over real links, on a real hub process with its usual twelve slots."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.hub.hub_process import PATIENCE, HubProcess
from tests.hub.media_python.people import following
from zego_widget import protocol as p
from zego_widget.errors import ZegoError
from zego_widget.link import HubLink, standing_at
from zego_widget.media.peer import MediaPeer
from zego_widget.media.sources import TestPattern
from zego_widget.model import User


@contextlib.asynccontextmanager
async def participant(hub: HubProcess, user_id: str) -> AsyncIterator[MediaPeer]:
    """A user who is logged in and publishes `<user_id>-main`."""
    lost: list[ZegoError] = []
    login = p.LoginRoom(0, "demo", User(user_id), auto_play=True, credential=hub.key(user_id, "demo"))
    link = await HubLink.connect(standing_at(hub), client="tests", on_event=lambda _: None, on_closed=lost.append)
    try:
        await link.request(login, p.LoggedIn)
        await link.request(p.StartPublishing(0, f"{user_id}-main"), p.Done)
        async with MediaPeer(lambda offer: link.request(offer, p.Answer)) as peer:
            peer.channels.set_publishing(True)
            await peer.connect()
            yield peer
    finally:
        await link.aclose()
    assert not lost


async def test_thirty_pictures_each_way_and_nothing_is_left(hub_process: HubProcess) -> None:
    level = await hub_process.level()
    async with participant(hub_process, "alice") as alice, participant(hub_process, "bob") as bob:
        for viewer, stream_id in ((bob, "alice-main"), (alice, "bob-main")):
            played = viewer.played
            async with played.frames(stream_id, maxsize=30) as frames, played.audio_frames(stream_id) as sounds:
                numbers = [TestPattern.read_number((await following(frames)).to_ndarray()) for _ in range(30)]
                assert numbers == sorted(set(numbers))
                async with asyncio.timeout(PATIENCE):
                    while abs((await following(sounds)).to_ndarray()).max() < 3000:
                        pass
    await hub_process.is_back_at(level)
