"""How a socket of a link ends: with a word, without one, or with more to say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType, web

from tests.hub.kernel.link_server import WELCOME, Listener, listen
from zego_widget import link, protocol, wire


async def test_a_socket_that_is_closed_in_a_hurry_leaves_nothing_open(serve: Any) -> None:
    socket = await link.LinkSocket.open((await serve()).address, protocol.Hello(1, "test"))
    end = asyncio.create_task(socket.end())
    await asyncio.sleep(0)
    end.cancel()
    with pytest.raises(asyncio.CancelledError):
        await end
    assert socket._session.closed


async def test_a_socket_that_is_abandoned_lets_go_of_its_connection(serve: Any) -> None:
    """Else somebody reads of an unclosed connection in the notebook, whenever the garbage is collected."""
    heard: list[WSMessage] = []
    gone = asyncio.Event()

    async def until_it_is_gone(socket: web.WebSocketResponse) -> None:
        heard.append(await socket.receive())
        gone.set()

    socket = await link.LinkSocket.open((await serve(until_it_is_gone)).address, protocol.Hello(1, "test"))
    await socket.abandon()
    assert socket._socket._response.connection is None
    async with asyncio.timeout(20):
        await gone.wait()
    assert heard[0].type is not WSMsgType.CLOSE  # the hub waits for another


async def test_a_socket_that_takes_nothing_any_more_is_abandoned_at_once(serve: Any) -> None:
    """What is still to be sent must not keep the link from trying another socket."""
    server, over = await serve(), asyncio.Event()

    async def stop_reading(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_str(wire.encode(WELCOME))
        assert request.transport is not None
        request.transport.pause_reading()  # type: ignore[attr-defined]
        await over.wait()
        return socket

    server.take = stop_reading
    socket = await link.LinkSocket.open(server.address, protocol.Hello(1, "test"))
    sending = [asyncio.create_task(socket.send("x" * (1 << 20))) for _ in range(16)]
    await asyncio.sleep(0.1)
    assert not sending[-1].done()
    try:
        async with asyncio.timeout(10):
            await socket.abandon()
            await asyncio.gather(*sending, return_exceptions=True)
    finally:
        over.set()


async def test_the_hub_hears_of_the_end_also_where_it_says_something_itself(serve: Any) -> None:
    """Else the connection breaks before the hub has read of it, and it keeps the session for one who may return."""
    ends, codes = asyncio.Event(), asyncio.Queue[int | None]()

    async def talk(socket: web.WebSocketResponse) -> None:
        transport: Any = socket._req and socket._req.transport
        transport.pause_reading()
        await ends.wait()
        for _ in range(2):
            await socket.send_str(wire.encode(protocol.HeartbeatAck(0)))
        transport.resume_reading()
        await listen(socket)
        codes.put_nowait(socket.close_code)

    client = await Listener().connect((await serve(talk)).address)
    closing = asyncio.create_task(client.aclose())
    await asyncio.wait({closing}, timeout=0.1)
    ends.set()
    async with asyncio.timeout(20):
        assert await codes.get() == protocol.SESSION_ENDED
        await closing
