"""A hub in the test's process, and people made of `MediaPeer` that must leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.hub.media_python.people import Person
from zego_widget.forwarder import Forwarder
from zego_widget.hub.hub import Hub
from zego_widget.hub.settings import HubSettings


def sockets() -> int:
    """Open sockets of this process."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(descriptor.readlink()).startswith("socket:")
    return count


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    settings = HubSettings()
    forwarder = await Forwarder.open(peer_timeout=settings.peer_timeout, connect_timeout=settings.connect_timeout)
    hub = Hub(forwarder, settings, version="0.0.0")
    yield hub
    await hub.aclose("The test is over.")
    await forwarder.aclose()


@pytest.fixture
async def join(hub: Hub) -> AsyncIterator[Callable[..., Awaitable[Person]]]:
    """Let people join: `await join("alice")`. Fails if a task, thread or socket of them is left, or an exception."""
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(str(context)))
    tasks, threads, open_sockets = asyncio.all_tasks(), set(threading.enumerate()), sockets()
    async with contextlib.AsyncExitStack() as people:

        async def enter(user_id: str, **options: object) -> Person:
            return await people.enter_async_context(Person(hub, user_id, **options))  # type: ignore[arg-type]

        yield enter
    left = [thread.name for thread in threading.enumerate() if thread not in threads]
    assert not [name for name in left if not name.startswith("asyncio_")], "threads are left"
    await asyncio.sleep(0)
    gc.collect()
    await asyncio.sleep(0)
    names = ("zego_widget/media", "aiortc", "aioice")
    assert not [task for task in asyncio.all_tasks() - tasks if any(name in repr(task) for name in names)]
    assert sockets() == open_sockets
    assert not unhandled
