"""What tests of the engine and of the call share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.profile import EngineConfig


@pytest.fixture
def gives_up_at_once() -> Iterator[None]:
    """Engines that are made from now on try once to come back, at most."""
    ExpressEngine.set_engine_config(EngineConfig({"room_retry_time": "0", "av_retry_time": "0"}))
    yield
    ExpressEngine.set_engine_config(EngineConfig())
