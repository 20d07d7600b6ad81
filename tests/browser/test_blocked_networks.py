"""Where UDP is dropped, where the notebook is on another machine, and where nothing passes at all (FAULTS 15)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.hub.hub_process import HubProcess
from tests.hub.tcp.browser_call import chromium_running
from tests.hub.tcp.network import Network, needs_root
from tests.hub.tcp.port_forward import port_forward
from zego_widget.hub.settings import HubSettings

from .conftest import RecordFigure
from .lab import Lab
from .notebook import CALL_CELL, Notebook

pytestmark = needs_root

MEDIA_PORT = 40404
WAITING_CELL = """\
import asyncio
while call.state == "connecting":
    await asyncio.sleep(0.05)
print(call.state, call.error)"""

VIEW_CELL = """\
import zego_widget as zego

view, engine = zego.VideoView(), zego.ExpressEngine()
engine.login_room({room_id!r}, zego.User("alice"))
engine.start_preview(zego.Canvas(view))
engine.start_publishing_stream("alices")
view"""


@pytest.fixture
def network() -> Iterator[Network]:
    """The machine of the browser."""
    with contextlib.closing(Network()) as network:
        yield network


@contextlib.asynccontextmanager
async def lab_running(home: Path, *, spare: bool = True) -> AsyncIterator[Lab]:
    """A JupyterLab in the network of the thread."""
    lab = await Lab.start(home / "lab", spare=spare)
    try:
        yield lab
    finally:
        await lab.aclose()


async def ready(browser: Browser, lab: Lab, name: str, room_id: str, *cells: str) -> Notebook:
    path = lab.write_notebook(name, [CALL_CELL.format(room_id=room_id, user_id=name), *cells])
    notebook = await Notebook.open(browser, lab, name, path)
    await notebook.run_cell(0)
    await notebook.call.root.wait_for()
    return notebook


async def call_of_two(browser: Browser, lab: Lab, room_id: str) -> float:
    """Two people see each other; the seconds from the second's Start call to being in the call."""
    alice, bob = await asyncio.gather(*(ready(browser, lab, name, room_id) for name in ("alice", "bob")))
    await alice.call.press("Start call")
    await alice.call.wait_for_state("in_call")
    pressed_at = time.perf_counter()
    await bob.call.press("Start call")
    await bob.call.wait_for_state("in_call")
    connected = time.perf_counter() - pressed_at
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
    return connected


async def test_where_udp_is_dropped_the_call_goes_over_tcp(
    network: Network, tmp_path: Path, room_id: str, record_figure: RecordFigure
) -> None:
    network.drop_udp()
    with network.entered():
        async with lab_running(tmp_path) as lab, chromium_running() as browser:
            connected = await call_of_two(browser, lab, room_id)
            counters = (await lab.hub_status())["counters"]
    record_figure("in the call after Start call, UDP dropped", connected)
    assert connected < 5
    assert counters["tcp_accepted"] >= 2
    assert counters["tcp_dropped_slow"] == 0


async def test_a_notebook_of_another_machine_is_in_the_call_through_its_port_forwards(
    network: Network, tmp_path: Path, room_id: str, record_figure: RecordFigure
) -> None:
    settings = HubSettings(media_port=MEDIA_PORT, public_addresses=("127.0.0.1",))
    with contextlib.closing(Network()) as machine, machine.entered():
        async with contextlib.AsyncExitStack() as stack:
            lab = await stack.enter_async_context(lab_running(tmp_path, spare=False))
            hub = stack.enter_context(contextlib.closing(HubProcess(lab.home / "hub-runtime", settings)))
            with network.entered():
                browser = await stack.enter_async_context(chromium_running())
            lab_port = int(re.findall(r":(\d+)/", lab.url)[0])
            for port in (lab_port, MEDIA_PORT):  # ssh -L 8888:127.0.0.1:8888 -L 40404:127.0.0.1:40404 machine
                await stack.enter_async_context(port_forward(network, port, machine, port))
            connected = await call_of_two(browser, lab, room_id)
            counters = hub.status().counters
    record_figure("in the call after Start call, through a port forward", connected)
    assert connected < 5
    assert counters["tcp_accepted"] >= 2


async def test_where_nothing_passes_the_widget_says_what_it_tried_and_what_helps(
    network: Network, tmp_path: Path, room_id: str
) -> None:
    settings = HubSettings(media_port=MEDIA_PORT)
    with network.entered():
        async with lab_running(tmp_path) as lab, chromium_running() as browser:
            with contextlib.closing(HubProcess(lab.home / "hub-runtime", settings)):
                network.drop_udp()
                network.drop_tcp(MEDIA_PORT)
                alice = await ready(browser, lab, "alice", room_id, WAITING_CELL)
                await alice.call.press("Start call")
                await alice.call.wait_for_state("refused")
                said = await alice.call.text()
                assert await alice.call.open_cameras() == 0
                assert await alice.call.connections() == 0
                await alice.run_cell(1)
                assert (await alice.output_of(1)).startswith("refused No media connection")
                assert await alice.call.text() == said  # Python gives up later, and knows less
    assert f"tried UDP 127.0.0.1:{MEDIA_PORT}, TCP 127.0.0.1:{MEDIA_PORT}" in said
    assert f"ssh -L {MEDIA_PORT}:127.0.0.1:{MEDIA_PORT}" in said
    assert "--public-address 127.0.0.1" in said


async def test_a_view_that_got_no_connection_gets_one_once_it_is_tried_again(
    network: Network, tmp_path: Path, room_id: str
) -> None:
    settings = HubSettings(media_port=MEDIA_PORT)
    with network.entered():
        async with lab_running(tmp_path) as lab, chromium_running() as browser:
            with contextlib.closing(HubProcess(lab.home / "hub-runtime", settings)):
                path = lab.write_notebook("alice", [VIEW_CELL.format(room_id=room_id)])
                alice = await Notebook.open(browser, lab, "alice", path)
                with network.dropping(f"udp dport {MEDIA_PORT}", f"tcp dport {MEDIA_PORT}"):
                    await alice.run_cell(0)
                    await alice.call.wait_for_state("refused")
                await alice.call.press("Try again")
                await alice.call.wait_for_state("in_call")
                await alice.call.wait_for_own_picture()
                status = await lab.hub_status()
    assert status["streams"] == 1
