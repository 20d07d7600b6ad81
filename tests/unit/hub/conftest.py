"""A hub without a network."""

import pytest

from tests.unit.hub.fakes import make_hub


@pytest.fixture
async def hub():
    hub = make_hub()
    yield hub
    await hub.aclose("The test is over.")
    assert hub.session_count == 0
    assert hub.rooms.room_ids == ()
    assert hub.sources == {}
    assert hub.calls.signed_in_count == 0
