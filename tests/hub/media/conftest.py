"""A forwarder in the test's event loop that must end as it began."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator

import pytest

from tests.hub.media.calls import Call, Stranger, call_on, stranger_at
from zego_widget.forwarder import Forwarder


class Warnings(logging.Handler):
    """What the package logs from WARNING on, in every phase of a test."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture
async def clean_log() -> AsyncIterator[None]:
    """Fails the test if the package logged a warning, or the event loop an exception that nobody retrieved."""
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(str(context)))
    warnings, logger = Warnings(), logging.getLogger("zego_widget")
    logger.addHandler(warnings)
    yield
    gc.collect()
    await asyncio.sleep(0)
    logger.removeHandler(warnings)
    assert not unhandled
    assert not warnings.texts


@pytest.fixture
async def forwarder(clean_log: None) -> AsyncIterator[Forwarder]:
    """Fails the test if anything is left of the forwarder's peers."""
    tasks = asyncio.all_tasks()
    forwarder = await Forwarder.open()
    yield forwarder
    await forwarder.aclose()
    assert forwarder.peer_count == 0
    endpoint = forwarder._endpoint
    assert not endpoint._by_ufrag and not endpoint._by_address and not endpoint._addresses
    own = {task for task in asyncio.all_tasks() - tasks if "zego_widget" in repr(task)}
    assert not own


@pytest.fixture
async def call(forwarder: Forwarder) -> AsyncIterator[Call]:
    async with call_on(forwarder) as call:
        yield call


@pytest.fixture
async def stranger(forwarder: Forwarder) -> AsyncIterator[Stranger]:
    with stranger_at(forwarder.port) as stranger:
        yield stranger
        assert stranger.received() == [], "the hub answered a stranger"
