"""What a link leaves behind when it ends in the middle of something."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from zego_widget import protocol
from zego_widget.errors import HubUnreachable
from zego_widget.link import HubLink
from zego_widget.link_socket import LinkSocket
from zego_widget.way_out import WayOut


class StuckSocket:
    """Takes heartbeats; a request waits until the socket is closed."""

    welcome = protocol.Welcome(protocol.PROTOCOL_VERSION, "1", "session", 5, 15, "key")
    was_replaced = False
    way_out = WayOut("", 0)

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    async def send(self, text: str) -> None:
        if "heartbeat" not in text:
            await self._closed.wait()
            raise HubUnreachable("The connection to the hub was lost.")

    async def texts(self) -> AsyncIterator[str | None]:
        await self._closed.wait()
        return
        yield

    async def end(self) -> None:
        self._closed.set()


async def test_a_request_that_cannot_be_sent_before_the_link_ends_fails_once_and_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context["message"]))

    async def find() -> Any:
        return None

    async def opened(*_: Any) -> Any:
        return StuckSocket()

    monkeypatch.setattr("zego_widget.reconnection._open", opened)
    link = await HubLink.connect(find, client="tests", on_event=lambda event: None, on_closed=lambda error: None)
    request = asyncio.create_task(link.request(protocol.StopPlaying(0, "stream"), protocol.Done))
    await asyncio.sleep(0)
    await link.aclose()
    with pytest.raises(HubUnreachable, match="was closed"):
        await request
    del request, link  # which hold what was raised
    gc.collect()
    await asyncio.sleep(0)
    assert not unhandled


class BrokenSocket(StuckSocket):
    """Reading it fails as nothing should."""

    async def texts(self) -> AsyncIterator[str | None]:
        raise ZeroDivisionError
        yield

    @property
    def has_ended(self) -> bool:
        return self._closed.is_set()


async def test_a_link_that_fails_leaves_no_session_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pages would keep it in the room."""
    socket, closed = BrokenSocket(), asyncio.Event()

    async def find() -> Any:
        return None

    async def opened(*_: Any) -> Any:
        return socket

    monkeypatch.setattr("zego_widget.reconnection._open", opened)
    link = await HubLink.connect(
        find, client="tests", on_event=lambda event: None, on_closed=lambda error: closed.set()
    )
    async with asyncio.timeout(20):
        await closed.wait()
        await link._running
    assert socket.has_ended
    await link.aclose()


class TalkingSocket:
    """aiohttp's, of a hub that says something twice."""

    def __init__(self) -> None:
        self.frames_read = 0

    def __aiter__(self) -> TalkingSocket:
        return self

    async def __anext__(self) -> aiohttp.WSMessage:
        self.frames_read += 1
        if self.frames_read > 2:
            raise StopAsyncIteration
        return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, "something", None)

    async def close(self, *, code: int) -> None: ...

    def get_extra_info(self, name: str) -> None: ...


async def test_nobody_reads_a_socket_that_is_ended_but_who_ends_it() -> None:
    """The hub's answer is waited for by one of them only, and the other would let go of the connection before."""
    talking: Any = TalkingSocket()
    async with aiohttp.ClientSession() as session:
        socket = LinkSocket(session, talking, StuckSocket.welcome)
        texts = socket.texts()
        assert await anext(texts) == "something"
        await socket.end()
        assert [text async for text in texts] == []
    assert talking.frames_read == 1
