"""Where UDP is dropped a real browser's call goes over TCP, and through a port forward as of `ssh -L` (FAULTS 15)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.hub.hub_process import PATIENCE, HubProcess
from tests.hub.tcp.browser_call import blank_page, chromium_running, person
from tests.hub.tcp.network import Network, needs_root
from tests.hub.tcp.port_forward import port_forward
from zego_widget.hub.settings import HubSettings

pytestmark = needs_root

CONNECTED_WITHIN = 5.0


@pytest.fixture
def network() -> Iterator[Network]:
    with contextlib.closing(Network()) as network:
        yield network


async def nothing_happens() -> None:
    pass


async def they_see_each_other(
    hub: HubProcess, page: Page, interrupt: Callable[[], Awaitable[None]] = nothing_happens
) -> tuple[float, str]:
    """Two people on one page; the longer of their times to connect, and what carries the second's media.

    The same two see each other again after an interruption.
    """
    async with person(hub, page, "alice") as alice, person(hub, page, "bob") as bob:
        seconds = max(await alice.connect(), await bob.connect())
        async with asyncio.timeout(PATIENCE):
            await alice.sees_somebody()
            await bob.sees_somebody()
            await interrupt()
            await alice.sees_somebody()
            await bob.sees_somebody()
        return seconds, await bob.transport()


async def test_where_udp_is_dropped_the_call_goes_over_tcp(
    network: Network, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    network.drop_udp()
    with network.entered(), contextlib.closing(HubProcess(tmp_path / "runtime")) as hub:
        async with chromium_running() as browser:
            seconds, transport = await they_see_each_other(hub, await blank_page(browser))
        counters = hub.status().counters
    record_property("connected over TCP, s", round(seconds, 2))
    assert transport == f"tcp 127.0.0.1:{hub.media_port}"
    assert seconds < CONNECTED_WITHIN
    assert counters["tcp_accepted"] >= 2
    assert counters["tcp_dropped_slow"] == counters["tcp_closed_slow"] == 0


async def test_where_udp_passes_it_is_preferred(network: Network, tmp_path: Path) -> None:
    with network.entered(), contextlib.closing(HubProcess(tmp_path / "runtime")) as hub:
        async with chromium_running() as browser:
            _, transport = await they_see_each_other(hub, await blank_page(browser))
    assert transport == f"udp 127.0.0.1:{hub.media_port}"


async def test_a_call_goes_through_a_port_forward_and_survives_that_it_is_interrupted(
    network: Network, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    near_port = 40404
    settings = HubSettings(public_addresses=(f"127.0.0.1:{near_port}",))
    with contextlib.closing(Network()) as far, far.entered():
        async with contextlib.AsyncExitStack() as stack:
            hub = stack.enter_context(contextlib.closing(HubProcess(tmp_path / "runtime", settings)))
            with network.entered():
                page = await blank_page(await stack.enter_async_context(chromium_running()))
            cut = await stack.enter_async_context(port_forward(network, near_port, far, hub.media_port))
            connections: list[int] = []

            async def interrupt() -> None:
                connections.append(hub.status().counters["tcp_accepted"])
                await cut()

            seconds, transport = await they_see_each_other(hub, page, interrupt)
            connections.append(hub.status().counters["tcp_accepted"])
    record_property("connected through a port forward, s", round(seconds, 2))
    assert transport == f"tcp 127.0.0.1:{near_port}"
    assert connections[1] >= connections[0] + 2  # the same peers connected again
    assert seconds < CONNECTED_WITHIN
