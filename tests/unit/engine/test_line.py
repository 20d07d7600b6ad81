"""The engine's link: one for all that hold it, and nothing left of one that was broken off."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from tests.unit.kernel.scripted import ScriptedHub
from zego_widget.engine.line import Line
from zego_widget.errors import HubUnreachable
from zego_widget.link import HubLink, standing_at


@dataclass(frozen=True)
class Address:
    url: str
    secret: str = "s3cret"


async def test_a_connection_that_is_broken_off_while_the_hub_is_silent_leaves_nothing() -> None:
    greeted, gone = asyncio.Event(), asyncio.Event()

    async def silent(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            greeted.set()  # and never answers
        gone.set()
        return socket

    app = web.Application()
    app.router.add_get("/v1/link", silent)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        address = Address(f"http://127.0.0.1:{runner.addresses[0][1]}")
        connecting = asyncio.create_task(
            HubLink.connect(standing_at(address), client="tests", on_event=lambda _: None, on_closed=lambda _: None)
        )
        async with asyncio.timeout(10):
            await greeted.wait()
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await gone.wait()
        del connecting
        gc.collect()  # an unclosed connection would say so here
    finally:
        await runner.cleanup()


async def test_a_link_is_shared_and_closed_after_the_last() -> None:
    hub = ScriptedHub()
    lost: list[Any] = []
    line = Line(hub.find, hub.connect, lambda event: None, lost.append)
    first, second = await asyncio.gather(line.hold("room"), line.hold("calls"))
    assert first is second
    await line.drop("room")
    await line.drop("room")
    assert not hub.link.closed
    await line.drop("calls")
    assert hub.link.closed
    assert await line.hold("room") is not first
    hub.link.lose(HubUnreachable("gone"))
    assert [error.message for error in lost] == ["gone"]
    await line.drop("room")
    assert len(hub.links) == 2


async def test_a_hub_that_is_not_there_is_tried_again_by_the_next() -> None:
    hub = ScriptedHub(unreachable=HubUnreachable("none"))
    line = Line(hub.find, hub.connect, lambda event: None, lambda error: None)
    with pytest.raises(HubUnreachable):
        await line.hold("room")
    hub.unreachable = None
    await line.hold("room")
    await line.drop("room")
    assert hub.link.closed
