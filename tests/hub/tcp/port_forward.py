"""What `ssh -L` does, from one network to another."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.hub.tcp.network import Network


@contextlib.asynccontextmanager
async def port_forward(
    near: Network, near_port: int, far: Network, far_port: int
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """As `ssh -L near_port:127.0.0.1:far_port` on the near machine, with the far one as its host.

    Gives a function that ends the connections of now; others may come.
    """
    connections: list[asyncio.Task[None]] = []

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with far.entered():
            beyond = socket.create_connection(("127.0.0.1", far_port))
        far_reader, far_writer = await asyncio.open_connection(sock=beyond)
        for source, target in ((reader, far_writer), (far_reader, writer)):
            connections.append(asyncio.create_task(_copy(source, target)))

    with near.entered():
        listener = socket.create_server(("127.0.0.1", near_port))
    server = await asyncio.start_server(accepted, sock=listener)

    async def cut() -> None:
        ending, connections[:] = connections[:], []
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    try:
        yield cut
    finally:
        server.close()
        await cut()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
