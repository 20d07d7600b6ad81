"""A hub, and a way to it that can be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.hub.hub_process import HubProcess
from tests.hub.resume.proxy import Proxy


@pytest.fixture
async def proxy(shared_hub: HubProcess) -> AsyncIterator[Proxy]:
    """Between a client and `shared_hub`."""
    async with Proxy(shared_hub.port, shared_hub.secret) as proxy:
        yield proxy
