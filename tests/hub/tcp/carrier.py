"""Carries an aiortc participant's packets over TCP (RFC 4571), as aiortc itself knows UDP alone."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterator
from typing import Any

from tests.hub.peers import PATIENCE

_RECEIVE_BUFFER = 4096  # a reader that pauses is felt at once


class Carrier(asyncio.DatagramProtocol):
    """A UDP port beside the participant; every source has a TCP connection to the hub of its own. `async with`."""

    def __init__(self, hub_port: int, *, small_buffer: bool = False) -> None:
        self._hub_port = hub_port
        self._small_buffer = small_buffer
        self._udp: Any = None
        self._queues: dict[Any, asyncio.Queue[bytes]] = {}
        self._tasks: dict[Any, asyncio.Task[None]] = {}
        self._connections: dict[Any, _Connection] = {}
        self.opened = 0
        """TCP connections so far."""
        self.refuses = False
        """Whether connections that end stay ended."""

    async def __aenter__(self) -> Carrier:
        self._udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for connection in self._connections.values():
            connection.transport.abort()
        self._udp.close()

    def edit_answer(self, sdp: str) -> str:
        """The answer with this port instead of the hub's candidates."""
        port = self._udp.get_extra_info("sockname")[1]
        sdp = re.sub(r"a=candidate:\S+ 1 tcp [^\r]*\r\n", "", sdp)
        return re.sub(r"(a=candidate:\S+ 1 udp \d+ \S+) \d+", rf"\1 {port}", sdp)

    def break_connections(self) -> None:
        """End every connection; the next packet opens another, unless `refuses`."""
        for connection in self._connections.values():
            connection.transport.abort()

    def pause(self) -> None:
        """Read nothing from the hub any more."""
        for connection in self._connections.values():
            connection.transport.pause_reading()

    def resume(self) -> None:
        for connection in self._connections.values():
            connection.transport.resume_reading()

    def connection_made(self, transport: Any) -> None:
        self._udp = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if addr not in self._tasks:
            self._queues[addr] = asyncio.Queue()
            self._tasks[addr] = asyncio.create_task(self._carry(addr))
        self._queues[addr].put_nowait(data)

    async def _carry(self, addr: Any) -> None:
        queue = self._queues[addr]
        connection: _Connection | None = None
        while True:
            packet = await queue.get()
            if connection is None or connection.transport.is_closing():
                if connection is not None and self.refuses:
                    continue
                connection = self._connections[addr] = await self._connect(addr)
            connection.transport.write(len(packet).to_bytes(2) + packet)

    async def _connect(self, addr: Any) -> _Connection:
        sock = socket.socket()
        sock.setblocking(False)
        if self._small_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", self._hub_port))
        self.opened += 1
        _, connection = await loop.create_connection(lambda: _Connection(self._udp, addr), sock=sock)
        return connection


class _Connection(asyncio.Protocol):
    """Frames of the hub back to the participant."""

    transport: asyncio.Transport

    def __init__(self, udp: Any, addr: Any) -> None:
        self._udp = udp
        self._addr = addr
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for frame in self._frames():
            self._udp.sendto(frame, self._addr)

    def _frames(self) -> Iterator[bytes]:
        while len(self._buffer) >= 2 and len(self._buffer) >= (end := 2 + int.from_bytes(self._buffer[:2])):
            yield self._buffer[2:end]
            self._buffer = self._buffer[end:]


class Caller:
    """A bare TCP connection to the media port."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def call(cls, port: int) -> Caller:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, *frames: bytes) -> None:
        self._writer.write(b"".join(len(frame).to_bytes(2) + frame for frame in frames))

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def frame(self) -> bytes:
        """The next frame of the hub."""
        async with asyncio.timeout(PATIENCE):
            length = int.from_bytes(await self._reader.readexactly(2))
            return await self._reader.readexactly(length)

    async def ended(self) -> bytes:
        """Wait until the hub ends the connection; what it had sent before."""
        read = b""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while chunk := await self._reader.read(65536):
                    read += chunk
        return read

    async def aclose(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
