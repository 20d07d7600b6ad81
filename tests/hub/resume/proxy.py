"""A TCP connection to the hub that a test can hold up, cut or refuse; only signalling takes this way, media do not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Address:
    """Where the proxy listens, with the secret of the hub behind it."""

    url: str
    secret: str


class Proxy:
    """Passes bytes on, both ways, until it is told otherwise; `async with` listens and closes."""

    def __init__(self, hub_port: int, secret: str) -> None:
        self.address = Address("", secret)
        self.refused = asyncio.Semaphore(0)
        """Released for each connection that was refused."""
        self.taken = asyncio.Semaphore(0)
        """Released for each of the others, whether its bytes pass or are held."""
        self._hub_port = hub_port
        self._passing = _set_event()
        self._refusing = False
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        self.address.url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hold(self) -> None:
        """No byte passes on any connection, and nobody is told."""
        self._passing.clear()

    def freeze(self) -> Callable[[], None]:
        """The connections that there are fall silent, others pass; returns what lets the former go on."""
        frozen, self._passing = self._passing, _set_event()
        frozen.clear()
        return frozen.set

    def cut(self) -> None:
        """Reset every connection; what was held is lost."""
        for writer in self._connections:
            writer.transport.abort()
        self._connections.clear()

    def refuse(self) -> None:
        """Reset every connection, those to come as well."""
        self._refusing = True
        self.cut()

    def restore(self) -> None:
        """Pass everything again; connections that were held go on."""
        self._refusing = False
        self._passing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            self.refused.release()
            return
        self.taken.release()
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections.add(writer)
        passing, ends = self._passing, [writer]
        try:
            to_hub, from_hub = await asyncio.open_connection("127.0.0.1", self._hub_port)
            ends.append(from_hub)
            self._connections.add(from_hub)
            await asyncio.gather(self._pass(reader, from_hub, passing), self._pass(to_hub, writer, passing))
        except OSError:
            pass
        finally:
            for end in ends:
                end.transport.abort()
            self._connections.difference_update(ends)
            self._tasks.discard(task)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, passing: asyncio.Event) -> None:
        # The hub answers to its own name only.
        names = (f"127.0.0.1:{self._port}".encode(), f"127.0.0.1:{self._hub_port}".encode())
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await passing.wait()
                target.write(data.replace(*names) if data.startswith(b"GET ") else data)
                await target.drain()
        target.close()


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
