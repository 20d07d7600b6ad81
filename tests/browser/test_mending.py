"""Networks and processes that fail during a call: the people in it see "Reconnecting" over the last pictures."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.tcp.browser_call import chromium_running
from tests.hub.tcp.network import Network, needs_root

from .conftest import RecordFigure
from .lab import Lab
from .notebook import CALL_CELL, Notebook

pytestmark = needs_root


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def machine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Network, Lab, Notebook, Notebook]]:
    """A machine of its own with a JupyterLab and a browser, in which alice and bob are in a call."""
    with contextlib.closing(Network()) as network, network.entered():
        lab = await Lab.start(tmp_path_factory.mktemp("mending"))
        try:
            async with chromium_running() as browser:

                async def join(name: str) -> Notebook:
                    path = lab.write_notebook(name, [CALL_CELL.format(room_id="demo", user_id=name)])
                    notebook = await Notebook.open(browser, lab, name, path)
                    await notebook.run_cell(0)
                    await notebook.call.press("Start call")
                    await notebook.call.wait_for_state("in_call")
                    return notebook

                alice, bob = await asyncio.gather(join("alice"), join("bob"))
                yield network, lab, alice, bob
        finally:
            await lab.aclose()


async def see_each_other(alice: Notebook, bob: Notebook) -> None:
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
    await asyncio.gather(alice.call.wait_until_whole(), bob.call.wait_until_whole())


async def test_media_cut_off_are_mended_over_the_last_pictures(
    machine: tuple[Network, Lab, Notebook, Notebook], record_figure: RecordFigure
) -> None:
    network, lab, alice, bob = machine
    await see_each_other(alice, bob)
    status = await lab.hub_status()
    port = status["media_port"]
    boxes = await alice.call.tile_boxes()

    cut_at = time.perf_counter()
    with network.dropping(f"udp dport {port}", f"udp sport {port}", f"tcp dport {port}"):
        await asyncio.gather(alice.call.wait_until_mending("bob"), bob.call.wait_until_mending("alice"))
        record_figure("marked as reconnecting after media were cut", time.perf_counter() - cut_at)
        await alice.call.wait_for_state("reconnecting")
        record_figure("fresh offer after media were cut", time.perf_counter() - cut_at)
        await alice.call.wait_until_mending("bob")
        assert await alice.call.tile_boxes() == boxes
        await asyncio.sleep(max(0.0, cut_at + 12 - time.perf_counter()))  # the length of the fault
        await alice.call.wait_until_mending("bob")
    back_at = time.perf_counter()
    await see_each_other(alice, bob)
    record_figure("pictures after media came back", time.perf_counter() - back_at)
    await alice.call.wait_for_state("in_call")
    await alice.call.wait_for_tiles(1)
    assert await alice.call.tile_boxes() == boxes
    assert await alice.call.open_cameras() == 1
    assert await alice.call.connections() == 1
