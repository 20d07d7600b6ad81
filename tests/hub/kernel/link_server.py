"""A server that behaves as the test says, well or badly, and what a link to it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from zego_widget import protocol, wire
from zego_widget.errors import ZegoError
from zego_widget.link import FindAddress, HubLink, standing_at
from zego_widget.retry import RetryPolicy

SECRET = "not-the-real-one"
WELCOME = protocol.Welcome(protocol.PROTOCOL_VERSION, "1.0", "session-1", 3600.0, 3600.0)
AT_ONCE = RetryPolicy((0.0,), later=0.01, jitter=0.0)
Script = Callable[[web.WebSocketResponse], Awaitable[None]]


@dataclass
class Address:
    url: str
    secret: str = SECRET


@dataclass
class Server:
    """One server; each link is run by `script` after the greeting."""

    script: Script
    welcome: protocol.Message | None = WELCOME
    heard: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    address: Address = field(default_factory=lambda: Address(""))

    async def take(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            raise web.HTTPForbidden
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert isinstance(wire.decode_client(await socket.receive_str()), protocol.Hello)
        if self.welcome is not None:
            await socket.send_str(wire.encode(self.welcome))
            await self.script(socket)
        await socket.close()
        return socket


async def listen(socket: web.WebSocketResponse) -> None:
    """Read until the client leaves, answer nothing."""
    async for _ in socket:
        pass


@dataclass
class Listener:
    events: list[protocol.HubMessage] = field(default_factory=list)
    closed: asyncio.Queue[ZegoError] = field(default_factory=asyncio.Queue)
    interrupted: asyncio.Queue[ZegoError] = field(default_factory=asyncio.Queue)
    resumed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def connect(
        self,
        address: Address,
        find: FindAddress | None = None,
        policy: RetryPolicy = AT_ONCE,
    ) -> HubLink:
        return await HubLink.connect(
            find or standing_at(address),
            client="test",
            on_event=self.events.append,
            on_closed=self.closed.put_nowait,
            on_interrupted=self.interrupted.put_nowait,
            on_resumed=self.resumed.release,
            policy=policy,
        )

    async def reason(self) -> ZegoError:
        async with asyncio.timeout(20):
            return await self.closed.get()


@contextlib.asynccontextmanager
async def servers() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    """`await start(script, welcome)` starts a server; afterwards all are gone, and so is every task of the test."""
    runners: list[web.AppRunner] = []

    async def start(script: Script = listen, welcome: protocol.Message | None = WELCOME) -> Server:
        server = Server(script, welcome)
        application = web.Application()
        application.router.add_get("/v1/link", lambda request: server.take(request))
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.address.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return server

    yield start
    for runner in runners:
        await runner.cleanup()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def answering(*answers: Callable[[int], protocol.Message | str]) -> Script:
    """Answer the requests one after the other; heartbeats are no requests."""

    async def script(socket: web.WebSocketResponse) -> None:
        remaining = list(answers)
        async for frame in socket:
            assert frame.type is WSMsgType.TEXT
            request = wire.decode_client(frame.data)
            if isinstance(request, protocol.Heartbeat):
                continue
            answer = remaining.pop(0)(request.request_id)  # type: ignore[union-attr]
            await socket.send_str(answer if isinstance(answer, str) else wire.encode(answer))

    return script


async def next_request(socket: web.WebSocketResponse) -> str:
    """What the client says next; heartbeats are no requests."""
    while True:
        text = await socket.receive_str()
        if not isinstance(wire.decode_client(text), protocol.Heartbeat):
            return text
