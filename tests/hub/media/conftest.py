"""A forwarder in the test's event loop that must end as it began."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator

import pytest

from tests.hub.media.calls import Call, Stranger, call_on, stranger_at
from zego_widget.forwarder import Forwarder


@pytest.fixture
async def forwarder(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Forwarder]:
    """Fails the test if anything is left of the forwarder's peers, or an exception was logged or never retrieved."""
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(str(context)))
    tasks = asyncio.all_tasks()
    with caplog.at_level(logging.WARNING, "zego_widget"):
        forwarder = await Forwarder.open()
        yield forwarder
        await forwarder.aclose()
        gc.collect()
    assert forwarder.peer_count == 0
    endpoint = forwarder._endpoint
    assert not endpoint._by_ufrag and not endpoint._by_address and not endpoint._addresses
    own = {task for task in asyncio.all_tasks() - tasks if "zego_widget" in repr(task)}
    assert not own
    assert not unhandled
    assert not [record for record in caplog.records if record.name.startswith("zego_widget")]


@pytest.fixture
async def call(forwarder: Forwarder) -> AsyncIterator[Call]:
    async with call_on(forwarder) as call:
        yield call


@pytest.fixture
async def stranger(forwarder: Forwarder) -> AsyncIterator[Stranger]:
    with stranger_at(forwarder.port) as stranger:
        yield stranger
        assert stranger.received() == [], "the hub answered a stranger"
