"""A hub with an app of its owner's, tokens for it, and people in its room "studio"."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import zego_widget as zego
from tests.hub.hub_process import PATIENCE, HubProcess
from tests.hub.whip.outsider import Outsider
from zego_widget.credentials import new_app
from zego_widget.testing.participant import Participant
from zego_widget.tokens import privilege_payload, sign

APP = new_app()
ROOM = "studio"


def token(user_id: str, room_id: str = ROOM, lifetime: int = 3600, now: float | None = None, **rights: Any) -> str:
    """A token for one room, with `publish` and more as in `privilege_payload`; it may log in."""
    payload = privilege_payload(room_id, **rights)
    return sign(APP.app_id, user_id, APP.server_secret, lifetime, payload, now=now)


class Studio:
    """One hub, outsiders who come over HTTP, and people on engines."""

    def __init__(self, hub: HubProcess) -> None:
        self.hub = hub
        self.closing = contextlib.AsyncExitStack()

    def whip(self, stream_id: str, room_id: str = ROOM) -> str:
        return f"{self.hub.url}/whip/{room_id}/{stream_id}"

    def whep(self, stream_id: str, room_id: str = ROOM) -> str:
        return f"{self.hub.url}/whep/{room_id}/{stream_id}"

    async def outsider(self, url: str, shown: str) -> Outsider:
        return await self.closing.enter_async_context(Outsider(url, shown))

    async def publisher(self, user_id: str = "obs", stream_id: str = "camera") -> Outsider:
        """Somebody whose stream is live over WHIP."""
        outsider = await self.outsider(self.whip(stream_id), token(user_id, publish=True))
        live = self.hub.status().streams
        await outsider.publish()
        async with asyncio.timeout(PATIENCE):
            while self.hub.status().streams == live:  # noqa: ASYNC110 - another process, which sends no event
                await asyncio.sleep(0.02)
        return outsider

    async def viewer(self, stream_id: str, user_id: str = "tv") -> Outsider:
        """Somebody who plays over WHEP."""
        outsider = await self.outsider(self.whep(stream_id), token(user_id))
        await outsider.play()
        return outsider

    async def participant(self, user_id: str = "ada", *, publishes: bool = False, plays: bool = False) -> Participant:
        """Somebody on an engine, who is told of users."""
        profile = zego.EngineProfile(APP.app_id, APP.app_sign, hub_url=self.hub.url, hub_secret=self.hub.secret)
        engine = zego.ExpressEngine(profile)
        self.closing.push_async_callback(engine.aclose)
        participant = Participant(engine, zego.User(user_id), ROOM, plays=plays)
        await participant.join(zego.RoomConfig(is_user_status_notify=True), publishes=publishes)
        return participant


@pytest.fixture
async def studio(start_hub: Callable[..., HubProcess]) -> AsyncIterator[Studio]:
    """A hub that soon notices who is gone; nobody is left on it."""
    hub = start_hub(apps=[APP], peer_timeout=3.0, connect_timeout=5.0)
    studio = Studio(hub)
    async with studio.closing:
        yield studio


@pytest.fixture(scope="module")
def shared_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One hub for all tests of a module that begin nothing which lasts."""
    with contextlib.closing(HubProcess(tmp_path_factory.mktemp("hub") / "runtime", apps=[APP])) as hub:
        yield Studio(hub)
