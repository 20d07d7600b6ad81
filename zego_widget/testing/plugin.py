"""Fixtures that pytest finds by itself: `zego_hub` and `zego_engine`. Nothing is loaded before one is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..engine.engine import ExpressEngine
    from .local_hub import LocalHub


@pytest.fixture
def zego_hub() -> Iterator[LocalHub]:
    """A hub in this process, ended after the test together with all engines it made."""
    from .local_hub import LocalHub

    with LocalHub() as hub:
        yield hub


@pytest.fixture
def zego_engine(zego_hub: LocalHub) -> Callable[..., ExpressEngine]:
    """Makes engines on `zego_hub`: `zego_engine(handler, scenario=...)`; they are closed after the test."""

    def make(handler: Any = None, **fields: Any) -> ExpressEngine:
        return zego_hub.engine(handler, **fields)

    return make
