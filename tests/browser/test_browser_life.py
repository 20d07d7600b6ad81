"""What happens to browsers, tabs and cameras while a call goes on: no ghost tile, no camera left on, no leaked peer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator

import psutil
from playwright.async_api import Browser, expect

from tests.hub.tcp.browser_call import chromium_running

from .conftest import JoinCall, RecordFigure
from .lab import Lab
from .notebook import CALL_CELL, Notebook

STATE_CELL = "print(call.state)"
UNTIL_MUTED_CELL = """\
import threading

muted = threading.Event()
call.observe(lambda change: muted.set(), "microphone_muted")
print(call.microphone_muted or muted.wait(20))"""

LOSE_WHAT_IS_SAID = """() => {
  const { send } = WebSocket.prototype;
  const sockets = new Set();
  WebSocket.prototype.send = function (data) {
    if (!this.url.includes("/channels")) return send.call(this, data);
    sockets.add(this);
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    if (text.includes('"type":"offer"')) __probe.lostOffers += 1;
  };
  __probe.lostOffers = 0;
  __probe.findTheWay = () => {
    WebSocket.prototype.send = send;
    for (const socket of sockets) socket.close();
  };
}"""
"""What a page says to its kernel gets lost, as over a connection of before a sleep, until JupyterLab makes another."""


async def test_a_camera_that_goes_comes_back_by_itself(join_call: JoinCall, record_figure: RecordFigure) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await bob.call.wait_until_sees("alice")

    await alice.call.lose_camera("NotFoundError")
    await alice.call.wait_for_text("No camera is connected")
    await bob.call.wait_for_text("No camera")
    assert await alice.call.open_cameras() == 0
    plugged_at = time.perf_counter()
    await alice.call.plug_camera()
    await alice.call.wait_for_own_picture()
    await bob.call.wait_until_sees("alice")
    record_figure("picture elsewhere after the camera was plugged in", time.perf_counter() - plugged_at)

    await alice.call.lose_camera("NotReadableError")
    await alice.call.wait_for_text("in use by another program")
    free_at = time.perf_counter()
    await alice.call.free_camera()
    await bob.call.wait_until_sees("alice")
    record_figure("picture elsewhere after another program let go of the camera", time.perf_counter() - free_at)
    assert await alice.call.open_cameras() == 1
    assert await alice.call.connections() == 1


async def test_a_permission_that_is_taken_back_and_given_again(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await bob.call.wait_until_sees("alice")
    await alice.context.grant_permissions([])  # all others are denied by that
    await alice.call.wait_for_open_cameras(0)
    await alice.call.wait_for_text("no permission to use the camera")
    await bob.call.wait_for_text("No camera")
    await alice.call.wait_until_sees("bob")
    await alice.context.grant_permissions(["camera", "microphone"])
    await bob.call.wait_until_sees("alice")


async def test_a_page_that_is_not_secure_joins_as_a_viewer_and_says_why(
    lab: Lab, browser: Browser, join_call: JoinCall, room_id: str
) -> None:
    bob = await join_call("bob")
    path = lab.write_notebook("alice", [CALL_CELL.format(room_id=room_id, user_id="alice")])
    elsewhere = lab.elsewhere("notebook.test")
    alice = await Notebook.open(browser, elsewhere, "alice", path)
    try:
        assert not await alice.page.evaluate("isSecureContext")
        await alice.run_cell(0)
        await alice.call.press("Start call")
        await alice.call.wait_for_state("in_call")
        await alice.call.wait_until_sees("bob")
        await alice.call.wait_for_text("not secure")
        await bob.call.wait_for_text("alice")
    finally:
        await alice.context.close()


async def test_a_notebook_that_is_closed_and_an_output_that_is_cleared_end_the_call(join_call: JoinCall) -> None:
    alice, bob, carol = await asyncio.gather(join_call("alice"), join_call("bob"), join_call("carol", STATE_CELL))
    await asyncio.gather(*(alice.call.wait_until_sees(other) for other in ("bob", "carol")))

    await carol.clear_output(0)
    await alice.call.wait_until_gone("carol")
    await carol.call.wait_for_open_cameras(0)
    await carol.call.wait_for_connections(0)

    await bob.save()
    await bob.close_notebook()
    await alice.call.wait_until_gone("bob")
    await bob.call.wait_for_open_cameras(0)
    await bob.call.wait_for_connections(0)
    await alice.call.wait_for_tiles(0)
    await alice.call.wait_for_text("1 person")  # within the grace of a reload
    await carol.run_cell(1)
    assert (await carol.output_of(1)).strip() == "idle"


async def test_a_view_that_is_scrolled_out_of_sight_and_moved_goes_on(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice", *("# one\n" * 40 for _ in range(8))), join_call("bob"))
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
    await alice.cell(8).scroll_into_view_if_needed()
    await bob.call.watch(["alice"])
    await bob.call.frame_rate("alice", frames=40)
    assert await bob.call.longest_gap("alice") < 4
    assert await alice.call.open_cameras() == 1
    await alice.cell(0).scroll_into_view_if_needed()
    await alice.call.wait_until_sees("bob")
    await alice.move_cell_down(0)
    await alice.call.wait_until_sees("bob")
    await bob.call.wait_until_sees("alice")
    await bob.call.wait_for_tiles(1)
    assert await alice.call.camera_requests() == 1
    assert await alice.call.connections() == 1


async def test_a_browser_that_sleeps_longer_than_it_is_waited_for_is_back_when_it_wakes_up(
    lab: Lab, join_call: JoinCall, room_id: str, record_figure: RecordFigure
) -> None:
    alice = await join_call("alice")
    async with chromium_running() as browser:
        path = lab.write_notebook("bob", [CALL_CELL.format(room_id=room_id, user_id="bob")])
        bob = await Notebook.open(browser, lab, "bob", path)
        await bob.run_cell(0)
        await bob.call.press("Start call")
        await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
        async with asleep(browser):
            slept_at = time.perf_counter()
            await alice.call.wait_until_gone("bob")
            await alice.call.wait_for_text("1 person")
            record_figure("gone elsewhere after a browser fell asleep", time.perf_counter() - slept_at)
        woken_at = time.perf_counter()
        await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
        record_figure("pictures after a browser woke up", time.perf_counter() - woken_at)
        await asyncio.gather(alice.call.wait_for_tiles(1), bob.call.wait_for_tiles(1))
        assert await bob.page.evaluate("__probe.peers.length") <= 10
        assert await bob.call.connections() == 1
        assert await bob.call.open_cameras() == 1


async def test_an_offer_that_is_lost_on_its_way_to_the_kernel_is_made_again(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await alice.save()
    second = await alice.open_again()  # so that the kernel does not begin the call anew
    await second.call.wait_until_sees("bob")
    await alice.page.evaluate(LOSE_WHAT_IS_SAID)
    await alice.page.evaluate("__probe.openPeers()[0].close()")
    await alice.page.wait_for_function("__probe.lostOffers === 1")
    assert await alice.call.state() == "reconnecting"
    await alice.page.evaluate("__probe.findTheWay()")
    await alice.call.wait_for_state("in_call")
    await alice.call.wait_until_sees("bob")
    await asyncio.gather(alice.call.wait_for_tiles(1), bob.call.wait_for_tiles(1))
    assert await alice.call.connections() == 1


async def test_who_mutes_while_the_kernel_hears_nothing_stays_muted(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice", UNTIL_MUTED_CELL), join_call("bob"))
    await bob.call.wait_until_hears("alice")
    await alice.page.evaluate(LOSE_WHAT_IS_SAID)
    await alice.call.press("Mute microphone")
    await bob.call.wait_for_silence_of("alice")
    await alice.page.evaluate("__probe.findTheWay()")
    await alice.run_cell(1)
    assert await alice.output_of(1) == "True", "the page told the kernel again"
    await expect(alice.call.button("Unmute microphone")).to_be_visible()
    await bob.call.wait_for_silence_of("alice")


@contextlib.asynccontextmanager
async def asleep(browser: Browser) -> AsyncIterator[None]:
    """Stop every process of a browser, as a machine that sleeps does."""
    session = await browser.new_browser_cdp_session()
    found = await session.send("SystemInfo.getProcessInfo")
    (pid,) = [each["id"] for each in found["processInfo"] if each["type"] == "browser"]
    main = psutil.Process(pid)
    processes = [main, *main.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
