"""Whoever asks in the cell what is wrong is told it of browser, kernel, hub and media, a sentence each."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from playwright.async_api import Locator, expect

from tests.hub.hub_process import HubProcess
from tests.hub.tcp.browser_call import chromium_running
from tests.hub.tcp.network import Network, needs_root
from zego_widget.hub.settings import HubSettings

from .conftest import JoinCall, OpenNotebook
from .notebook import PATIENCE, Notebook
from .test_blocked_networks import MEDIA_PORT, lab_running, ready

BUSY_CELL = "import time\ntime.sleep(3600)"
VIEW_CELL = """\
import zego_widget as zego

view, engine = zego.VideoView(), zego.ExpressEngine()
view"""
PREVIEW_CELL = "engine.start_preview(zego.Canvas(view))"


async def asked(notebook: Notebook) -> Locator:
    """The panel, once it has looked."""
    await notebook.call.press("What is wrong?")
    panel = notebook.call.root.get_by_role("region", name="What is wrong?")
    await expect(panel.get_by_role("listitem").first).to_be_visible(timeout=PATIENCE * 1000)
    return panel


async def sentences(panel: Locator, verdict: str) -> list[str]:
    """Of the findings with this verdict."""
    return await panel.locator(f'li[data-verdict="{verdict}"]').all_inner_texts()


async def test_a_refused_camera_is_what_is_wrong_and_all_else_works(ready_to_call: JoinCall) -> None:
    alice = await ready_to_call("alice")
    await alice.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await alice.call.refuse_devices()
    await alice.call.press("Start call")
    await alice.call.wait_for_state("in_call")

    panel = await asked(alice)
    await expect(panel.get_by_role("heading")).to_be_focused()
    await expect(panel.get_by_role("status")).to_have_text("A call can work, with limits: microphone, camera.")
    works = "\n".join(await sentences(panel, "ok"))
    for expected in ("page is secure", "kernel answers within", "A hub answers at", "clock", "over UDP to 127.0.0.1:"):
        assert expected in works, works
    assert not await sentences(panel, "broken")

    await panel.get_by_role("button", name="Copy report").click()
    await expect(panel.get_by_role("button", name="Copied")).to_be_visible()
    report = await alice.page.evaluate("navigator.clipboard.readText()")
    hub = alice.lab.hub_info()
    assert hub is not None
    assert "limited  camera: The browser has no permission" in report
    assert hub["secret"] not in report and alice.lab.token not in report

    await alice.page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(alice.call.button("What is wrong?")).to_be_focused()


async def test_a_view_without_its_camera_says_what_is_wrong_in_front_of_the_page(open_notebook: OpenNotebook) -> None:
    alice = await open_notebook("alice", [VIEW_CELL, PREVIEW_CELL])
    await alice.run_cell(0)
    await alice.call.refuse_devices()
    await alice.run_cell(1)
    panel = await asked(alice)
    await expect(panel.get_by_role("heading")).to_be_focused()
    await expect(panel.get_by_role("status")).to_have_text("A call can work, with limits: camera.")
    works = "\n".join(await sentences(panel, "ok"))
    for expected in ("page is secure", "kernel answers within"):
        assert expected in works, works
    (said,) = await sentences(panel, "limited")
    assert "The browser has no permission to use the camera." in said

    view, shown = await alice.call.root.bounding_box(), await panel.bounding_box()
    assert view is not None and shown is not None
    assert shown["width"] > view["width"], "the view is too small for it"
    await alice.page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(alice.call.button("What is wrong?")).to_be_focused()


async def test_while_a_cell_runs_the_kernel_still_says_what_it_sees(ready_to_call: JoinCall) -> None:
    alice = await ready_to_call("alice", BUSY_CELL)
    await alice.call.refuse_devices()
    await alice.call.press("Start call")
    await alice.call.wait_for_state("in_call")
    await alice.run_cell(1, wait=False)
    await alice.wait_for_kernel("Busy")
    panel = await asked(alice)
    works = "\n".join(await sentences(panel, "ok"))
    assert re.search(r"The kernel answers within \d+ ms", works), await panel.inner_text()


@needs_root
async def test_where_udp_is_dropped_the_menu_leads_to_what_limits_the_call(tmp_path: Path, room_id: str) -> None:
    with contextlib.closing(Network()) as network:
        network.drop_udp()
        with network.entered():
            async with lab_running(tmp_path) as lab, chromium_running() as browser:
                alice = await ready(browser, lab, "alice", room_id)
                await alice.call.press("Start call")
                await alice.call.wait_for_state("in_call")
                await alice.call.press("Choose devices")
                panel = await asked(alice)
                await expect(panel.get_by_role("status")).to_have_text("A call can work, with limits: media.")
                (said,) = await sentences(panel, "limited")
    assert "Media go over TCP to 127.0.0.1:" in said and "UDP" in said


@needs_root
async def test_where_nothing_passes_what_was_tried_is_what_is_wrong(tmp_path: Path, room_id: str) -> None:
    with contextlib.closing(Network()) as network, network.entered():
        async with lab_running(tmp_path) as lab, chromium_running() as browser:
            with contextlib.closing(HubProcess(lab.home / "hub-runtime", HubSettings(media_port=MEDIA_PORT))):
                network.drop_udp()
                network.drop_tcp(MEDIA_PORT)
                alice = await ready(browser, lab, "alice", room_id)
                await alice.call.press("Start call")
                await alice.call.wait_for_state("refused")
                panel = await asked(alice)
                (said,) = await sentences(panel, "broken")
                works = "\n".join(await sentences(panel, "ok"))
    assert f"tried UDP 127.0.0.1:{MEDIA_PORT}, TCP 127.0.0.1:{MEDIA_PORT}" in said and "zego-widget doctor" in said
    assert "A hub answers at" in works
