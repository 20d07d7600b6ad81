"""The hub's HTTP server: links, status and stop, WHIP and WHEP, on one TCP port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from .. import protocol
from ..errors import ErrorCode
from .connection import Connection, Doorstep
from .guard import guard, host_with_port, refusal
from .link_socket import LinkSocket, LinkWebSocket
from .refusals import Refusal
from .status import HubStatus, process_status
from .whip import WhipServer

if TYPE_CHECKING:
    from .hub import Hub
    from .settings import HubSettings

logger = logging.getLogger(__name__)

MAX_HEADER_BYTES = 8190
IDLE_TIMEOUT = 60.0
"""Seconds a connection that has shown the secret may wait with its next request."""


class HubServer:
    """Serves one hub on one listening socket."""

    def __init__(
        self,
        hub: Hub,
        settings: HubSettings,
        listener: socket.socket,
        *,
        secret: str,
        version: str,
        media_port: int,
        managed: bool = False,
        on_stop: Callable[[], None],
        on_status: Callable[[], None] = lambda: None,
    ) -> None:
        self._hub = hub
        self._settings = settings
        self._listener = listener
        self._version = version
        self._media_port = media_port
        self._managed = managed
        self._on_stop = on_stop
        self._on_status = on_status
        self._doorstep = Doorstep(settings.handshake_timeout, hub.refusals)
        self._refused: Counter[str] = Counter(refused_host=0, refused_origin=0, refused_secret=0, refused_token=0)
        self._links: set[asyncio.Task[Any]] = set()
        self._started_at = 0.0
        address, port = listener.getsockname()[:2]
        self.url = f"http://{host_with_port(_reachable(address), port)}"
        app = web.Application(middlewares=[guard(settings.host, port, secret, self._refused, self._admit)])
        app.router.add_route("GET", "/v1/link", self._link)
        app.router.add_route("GET", "/v1/status", self._status)
        app.router.add_route("POST", "/v1/stop", self._stop)
        app.router.add_routes(WhipServer(hub, self._refused, settings.handshake_timeout).routes)
        app.router.add_route("*", "/{path:.*}", self._not_found)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; returns when the first request can be answered."""
        loop = asyncio.get_running_loop()
        await self._runner.setup()
        server = self._runner.server
        assert server is not None

        def connection() -> Connection:
            return Connection(
                server,
                self._doorstep,
                loop=loop,
                access_log=None,
                keepalive_timeout=IDLE_TIMEOUT,
                lingering_time=0,
                auto_decompress=False,  # a small body that inflates would do so before anybody asked who sends it
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
            )

        self._server = await loop.create_server(connection, sock=self._listener, backlog=512)
        self._started_at = loop.time()

    async def aclose(self) -> None:
        """Stop listening and end every connection; the hub has said goodbye before."""
        if self._server is not None:
            self._server.close()
        if self._links:
            # Goodbyes are on their way; a client that does not take them is cut off after the grace of its link.
            await asyncio.wait(self._links, timeout=1.0)
        with contextlib.suppress(asyncio.TimeoutError):
            await self._runner.cleanup()

    def status(self) -> HubStatus:
        """What `/v1/status` answers."""
        counts = self._hub.status()
        turned_away = {"connections_turned_away": self._doorstep.turned_away}
        counters = {**counts["counters"], **self._refused, **turned_away}
        return HubStatus(
            url=self.url,
            media_port=self._media_port,
            pid=os.getpid(),
            version=self._version,
            protocol=protocol.PROTOCOL_VERSION,
            managed=self._managed,
            uptime=asyncio.get_running_loop().time() - self._started_at,
            rooms=counts["rooms"],
            sessions=counts["sessions"],
            streams=counts["streams"],
            peers=counts["peers"],
            packets_forwarded=counts["packets_forwarded"],
            connections=self._doorstep.connections,
            counters=counters,
            refusals=self._hub.refusals.as_dict(counters),
            process=process_status(),
            time=time.time(),
            network=counts["network"],
        )

    def _admit(self, request: web.Request) -> None:
        connection = request.protocol
        assert isinstance(connection, Connection)
        self._doorstep.admit(connection)

    async def _status(self, request: web.Request) -> web.Response:
        self._on_status()
        return web.Response(body=msgspec.json.encode(self.status()), content_type="application/json")

    async def _stop(self, request: web.Request) -> web.Response:
        logger.info("A client asks the hub to stop.")
        self._on_stop()
        return web.Response(status=202, text="{}", content_type="application/json")

    async def _not_found(self, request: web.Request) -> web.Response:
        self._hub.refusals.count(Refusal.HTTP_PATH)
        return refusal(404, ErrorCode.PROTOCOL_UNKNOWN_MESSAGE, "There is nothing here.")

    async def _link(self, request: web.Request) -> web.StreamResponse:
        websocket = LinkWebSocket()
        if not websocket.can_prepare(request):
            self._hub.refusals.count(Refusal.LINK_NO_WEBSOCKET)
            return refusal(400, ErrorCode.PROTOCOL_MALFORMED_MESSAGE, "A link is a WebSocket.")
        try:
            await websocket.prepare(request)
        except ConnectionError:  # the client has hung up; nobody hears the answer
            return web.Response(status=400)
        transport = request.transport
        task = asyncio.current_task()
        if transport is None or task is None:
            return websocket
        self._links.add(task)
        try:
            link = LinkSocket(websocket, transport, self._hub.refusals)
            await link.run(lambda text: self._hub.greet(link, text), self._settings.handshake_timeout)
        finally:
            self._links.discard(task)
        return websocket


def _reachable(address: str) -> str:
    """The address that clients on this machine use for what listens on `address`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
