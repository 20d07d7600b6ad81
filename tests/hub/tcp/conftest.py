"""The call of the media tests, whose forwarder must also end its TCP connections."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.hub.media.calls import Call, call_on
from tests.hub.media.conftest import clean_log
from zego_widget.forwarder import Forwarder

__all__ = ["clean_log"]


@pytest.fixture
async def forwarder(clean_log: None) -> AsyncIterator[Forwarder]:
    """Silent peers end after 2 s."""
    forwarder = await Forwarder.open(peer_timeout=2.0)
    yield forwarder
    await forwarder.aclose()
    assert forwarder.peer_count == 0
    tcp = forwarder._endpoint._tcp
    assert not tcp._connections and not tcp._by_peer and not len(tcp._half_open)


@pytest.fixture
async def call(forwarder: Forwarder) -> AsyncIterator[Call]:
    async with call_on(forwarder) as call:
        yield call
