"""A link's queue: what a reader may leave unread, and what ends it."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import WSMessage, WSMsgType

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


class BrokenSocket:
    """Takes nothing any more, and still has two messages after the first: one now, one when it is `let_on`."""

    def __init__(self):
        self._unread = ["hello", "one", "two"]
        self.has_failed = asyncio.Event()
        self.let_on = asyncio.Event()

    async def receive(self):
        if len(self._unread) == 1:
            await self.let_on.wait()
        if not self._unread:
            return WSMessage(WSMsgType.CLOSED, None, None)
        return WSMessage(WSMsgType.TEXT, self._unread.pop(0), None)

    async def send_str(self, text):
        self.has_failed.set()
        raise ConnectionResetError


class AnsweringSession:
    """Answers each message."""

    def __init__(self, link):
        self.link = link
        self.received = []

    def receive(self, text):
        self.received.append(text)
        self.link.send("answer")
        return 0.0

    def link_closed(self, socket, *, may_return):
        pass


async def test_what_a_broken_socket_still_has_is_for_nobody_once_another_goes_on():
    """The client says it again over the other one: it would be done twice."""
    socket = BrokenSocket()
    link = LinkSocket(socket, FakeTransport(), Refusals())
    session = AnsweringSession(link)
    running = asyncio.create_task(link.run(lambda text: session, 60.0))
    await socket.has_failed.wait()
    await asyncio.sleep(0)
    link.close(4001, "Another socket goes on with this session.")
    socket.let_on.set()
    await running
    assert session.received == ["one"]
