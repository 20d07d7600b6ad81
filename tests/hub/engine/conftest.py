"""Engines on a hub in this process: our own tests use what we give to others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from zego_widget.testing import LocalHub, hub


@pytest.fixture
async def lab() -> AsyncIterator[LocalHub]:
    """A hub, and afterwards nobody is left on it."""
    async with hub() as lab:
        yield lab
        for engine in lab.engines:
            await engine.aclose()
        await lab.until(lambda status: status["rooms"] == status["peers"] == status["sessions"] == 0)
