"""Whoever is on a hub that is stopped hears why: kernels over their links, pages over `control` (FAULTS 6)."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.hub.hub_process import HubProcess
from tests.hub.media.test_hub_process import BRIGHT, DARK, person
from tests.hub.peers import PATIENCE
from zego_widget import protocol
from zego_widget.errors import ErrorCode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_pages_in_a_call_hear_why_the_hub_ends(hub_process: HubProcess, number: int) -> None:
    async with person(hub_process, "alice", DARK) as alice, person(hub_process, "bob", BRIGHT) as bob:
        await asyncio.gather(alice.sees("bob-main", BRIGHT), bob.sees("alice-main", DARK))
        hub_process.process.send_signal(number)
        for page in (alice, bob):
            goodbye = await page.hears(protocol.Goodbye)
            assert goodbye.code == ErrorCode.HUB_STOPPING and "stopped" in goodbye.message
            async with asyncio.timeout(PATIENCE):
                await page.control_closed.wait()
        assert await asyncio.to_thread(hub_process.wait) == 0
    assert not (hub_process.directory / "hub.json").exists()
