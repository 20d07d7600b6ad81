"""Networks and processes that fail during a call: the people in it see "Reconnecting" over the last pictures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

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
        lab = await Lab.start(tmp_path_factory.mktemp("mending"), spare=True)
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


def hub_port(lab: Lab) -> int:
    """Where the kernels' links go."""
    info = lab.hub_info()
    assert info is not None
    port = urlsplit(info["url"]).port
    assert port is not None
    return port


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


async def test_signalling_that_drops_for_five_seconds_is_noticed_by_nobody(
    machine: tuple[Network, Lab, Notebook, Notebook], record_figure: RecordFigure
) -> None:
    network, lab, alice, bob = machine
    await see_each_other(alice, bob)
    before = (await lab.hub_status())["counters"]
    port = hub_port(lab)
    await asyncio.gather(alice.call.watch(["bob"]), bob.call.watch(["alice"]))
    with network.dropping(f"tcp dport {port}", f"tcp sport {port}"):
        await asyncio.sleep(5)  # the length of the fault
        assert await alice.call.state() == "in_call"
    await see_each_other(alice, bob)
    gap = max(await alice.call.longest_gap("bob"), await bob.call.longest_gap("alice"))
    record_figure("longest gap between frames while signalling was cut", gap)
    assert gap < 4
    counters = (await lab.hub_status())["counters"]
    assert counters["sessions_detached"] - before["sessions_detached"] <= 2
    await alice.call.wait_for_tiles(1)
    assert await alice.call.connections() == 1


async def test_another_address_is_followed_without_a_new_login(
    machine: tuple[Network, Lab, Notebook, Notebook], record_figure: RecordFigure
) -> None:
    network, lab, alice, bob = machine
    await see_each_other(alice, bob)
    streams = await alice.call.people()
    await alice.call.frame_rate("bob", frames=80)  # a call that has been going on
    await asyncio.gather(alice.call.watch(["bob"]), bob.call.watch(["alice"]))
    before = await alice.call.connections_made()
    network.change_address("198.51.100.3")
    await alice.page.wait_for_function("(before) => __probe.peers.length > before", arg=before)
    await see_each_other(alice, bob)
    gap = max(await alice.call.longest_gap("bob"), await bob.call.longest_gap("alice"))
    record_figure("longest gap between frames as the address changed", gap)
    assert gap < 10
    assert await alice.call.people() == streams
    await asyncio.gather(alice.call.wait_for_state("in_call"), bob.call.wait_for_state("in_call"))
    assert await alice.call.camera_requests() == 1
    assert (await lab.hub_status())["sessions"] == 2


async def test_after_twenty_seconds_without_any_network_everyone_is_back_once(
    machine: tuple[Network, Lab, Notebook, Notebook], record_figure: RecordFigure
) -> None:
    network, lab, alice, bob = machine
    await see_each_other(alice, bob)
    media = (await lab.hub_status())["media_port"]
    matches = [f"{way} {port}" for port in (media, hub_port(lab)) for way in ("tcp dport", "tcp sport")]
    with network.dropping(*matches, f"udp dport {media}", f"udp sport {media}"):
        await asyncio.gather(alice.call.wait_until_mending("bob"), bob.call.wait_until_mending("alice"))
        await asyncio.sleep(20)  # the length of the fault
        await asyncio.gather(alice.call.wait_until_mending("bob"), bob.call.wait_until_mending("alice"))
    back_at = time.perf_counter()
    await see_each_other(alice, bob)
    record_figure("pictures after everything was cut for 20 s", time.perf_counter() - back_at)
    await asyncio.gather(alice.call.wait_for_tiles(1), bob.call.wait_for_tiles(1))
    await asyncio.gather(alice.call.wait_for_state("in_call"), bob.call.wait_for_state("in_call"))
    assert await alice.call.open_cameras() == 1
    assert (await lab.hub_status())["sessions"] == 2


async def test_a_hub_that_is_killed_is_followed_by_another_with_everyone_in_it(
    machine: tuple[Network, Lab, Notebook, Notebook], record_figure: RecordFigure
) -> None:
    _, lab, alice, bob = machine
    await see_each_other(alice, bob)
    info = lab.hub_info()
    assert info is not None
    killed_at = time.perf_counter()
    os.kill(info["pid"], signal.SIGKILL)
    await asyncio.gather(alice.call.wait_until_mending("bob"), bob.call.wait_until_mending("alice"))
    record_figure("marked as reconnecting after the hub was killed", time.perf_counter() - killed_at)
    await see_each_other(alice, bob)
    record_figure("pictures after the hub was killed", time.perf_counter() - killed_at)
    await asyncio.gather(alice.call.wait_for_tiles(1), bob.call.wait_for_tiles(1))
    await asyncio.gather(alice.call.wait_for_state("in_call"), bob.call.wait_for_state("in_call"))
    now = lab.hub_info()
    assert now is not None
    assert now["pid"] != info["pid"]
    assert await alice.call.open_cameras() == 1


async def test_a_page_that_is_reloaded_while_its_connection_is_mended_takes_its_camera_along(
    machine: tuple[Network, Lab, Notebook, Notebook],
) -> None:
    network, lab, alice, bob = machine
    await see_each_other(alice, bob)
    await bob.save()
    port = (await lab.hub_status())["media_port"]
    with network.dropping(f"udp dport {port}", f"udp sport {port}", f"tcp dport {port}"):
        await bob.call.wait_for_state("reconnecting")
        await bob.reload()
        await bob.call.wait_for_open_cameras(1)
        assert await bob.call.state() == "connecting", "nothing has come from the hub"
    await see_each_other(alice, bob)
    await bob.call.wait_for_state("in_call")
    await asyncio.gather(alice.call.wait_for_tiles(1), bob.call.wait_for_tiles(1))
    assert await bob.call.camera_requests() == 1
