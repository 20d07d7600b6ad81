"""What a link leaves behind when it ends in the middle of something."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from zego_widget import protocol
from zego_widget.errors import HubUnreachable
from zego_widget.link import HubLink


class StuckSocket:
    """Takes heartbeats; a request waits until the socket is closed."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    async def send_str(self, text: str) -> None:
        if "heartbeat" not in text:
            await self._closed.wait()
            raise ConnectionResetError

    def __aiter__(self) -> StuckSocket:
        return self

    async def __anext__(self) -> Any:
        await self._closed.wait()
        raise StopAsyncIteration

    async def close(self) -> None:
        self._closed.set()


async def test_a_request_that_cannot_be_sent_before_the_link_ends_fails_once_and_silently() -> None:
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context["message"]))
    socket: Any = StuckSocket()
    welcome = protocol.Welcome(protocol.PROTOCOL_VERSION, "1", "session", 5, 15)
    link = HubLink(socket, socket, welcome, lambda event: None, lambda error: None)
    request = asyncio.create_task(link.request(protocol.StopPlaying(0, "stream"), protocol.Done))
    await asyncio.sleep(0)
    await link.aclose()
    with pytest.raises(HubUnreachable, match="was closed"):
        await request
    del request, link  # which hold what was raised
    gc.collect()
    await asyncio.sleep(0)
    assert not unhandled
