"""A link's queue: what a reader may leave unread, and what ends it."""

from __future__ import annotations

import asyncio

import pytest

from zego_widget.hub import link_socket
from zego_widget.hub.link_socket import LinkSocket
from zego_widget.hub.refusals import Refusals


class FakeSocket:
    """Takes what is sent, while it is `open`."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.open = asyncio.Event()
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def receive(self):
        await asyncio.Event().wait()

    async def send_str(self, text):
        await self.open.wait()
        self.sent.append(text)

    async def close(self, *, code, message):
        self.closed.set_result(code)


class FakeTransport:
    def abort(self):
        pass


@pytest.fixture
async def socket():
    return FakeSocket()


@pytest.fixture
async def link(socket):
    link = LinkSocket(socket, FakeTransport(), Refusals())
    running = asyncio.create_task(link.run(lambda: None, 60.0))
    yield link
    link.close(1000, "The test is over.")
    running.cancel()
    socket.open.set()
    await asyncio.gather(running, return_exceptions=True)
    await socket.closed


async def test_a_reader_hears_all_of_a_room_of_a_thousand_that_ends_at_once(link, socket):
    """Two messages for each who goes: a reader that had no turn to take one yet is not a slow one."""
    socket.open.set()
    texts = [str(number) for number in range(2000)]
    for text in texts:
        link.send(text)
    link.close(1000, "That was all.")
    assert await socket.closed == 1000
    assert socket.sent == texts


@pytest.mark.parametrize("size", [1, 10_000])
async def test_a_client_that_takes_nothing_is_closed(link, socket, size):
    for _ in range(link_socket.MAX_QUEUED_MESSAGES + 1):
        link.send("x" * size)
    socket.open.set()
    assert await socket.closed == 1008
