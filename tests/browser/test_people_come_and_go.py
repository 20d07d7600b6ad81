"""A third person joins; people leave by button, by closing the tab, by losing their kernel."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import psutil

from .conftest import JoinCall, RecordFigure
from .notebook import PATIENCE

PID_CELL = "import os; print(os.getpid())"


async def test_a_third_notebook_appears_everywhere_and_stop_call_removes_it(
    join_call: JoinCall, record_figure: RecordFigure
) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    carol = await join_call("carol")
    people = {"alice": alice, "bob": bob, "carol": carol}
    for name, person in people.items():
        await asyncio.gather(*(person.call.wait_until_sees(other) for other in people if other != name))
        await person.call.wait_for_tiles(2)

    pressed_at = time.perf_counter()
    await carol.call.press("Stop call")
    await asyncio.gather(alice.call.wait_until_gone("carol"), bob.call.wait_until_gone("carol"))
    record_figure("tile gone elsewhere after Stop call", time.perf_counter() - pressed_at)

    await carol.call.wait_for_state("idle")
    await carol.call.wait_for_tiles(0)
    assert await carol.call.open_cameras() == 0
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))


async def test_a_person_who_stopped_can_start_again(join_call: JoinCall) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await alice.call.wait_until_sees("bob")

    await bob.call.press("Stop call")
    await alice.call.wait_until_gone("bob")
    await bob.call.press("Start call")
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
    await alice.call.wait_for_tiles(1)


async def test_closing_the_tab_removes_the_tile_elsewhere(join_call: JoinCall, record_figure: RecordFigure) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await alice.call.wait_until_sees("bob")

    closed_at = time.perf_counter()
    await bob.close()
    await alice.call.wait_until_gone("bob")
    record_figure("tile gone elsewhere after the tab was closed", time.perf_counter() - closed_at)


async def test_a_tab_killed_without_goodbye_is_gone_elsewhere(join_call: JoinCall, record_figure: RecordFigure) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await alice.call.wait_until_sees("bob")

    killed_at = time.perf_counter()
    await bob.crash()
    await alice.call.wait_until_gone("bob")
    record_figure("tile gone elsewhere after the tab was killed", time.perf_counter() - killed_at)


async def test_killing_the_kernel_removes_the_tile_elsewhere(join_call: JoinCall, record_figure: RecordFigure) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob", PID_CELL))
    await alice.call.wait_until_sees("bob")
    await bob.run_cell(1)
    pid = int(await bob.output_of(1))

    killed_at = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    await alice.call.wait_until_gone("bob")
    record_figure("tile gone elsewhere after the kernel was killed", time.perf_counter() - killed_at)

    await bob.call.wait_for_state("disconnected")
    record_figure("said in the notebook after its kernel was killed", time.perf_counter() - killed_at)
    await bob.call.wait_for_text("kernel")
    await bob.call.wait_for_tiles(0)
    assert await bob.call.open_cameras() == 0
    await bob.call.wait_for_connections(0)


async def test_a_restarted_kernel_is_said_and_running_the_cell_again_rejoins(
    join_call: JoinCall, record_figure: RecordFigure
) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob", PID_CELL))
    await bob.call.wait_until_sees("alice")
    await bob.run_cell(1)
    process = psutil.Process(int(await bob.output_of(1)))

    restarted_at = time.perf_counter()
    await bob.restart_kernel()
    await bob.call.wait_for_state("disconnected")
    record_figure("said in the notebook after its kernel was restarted", time.perf_counter() - restarted_at)
    await bob.call.wait_for_tiles(0)
    assert await bob.call.open_cameras() == 0
    await bob.call.wait_for_connections(0)
    await alice.call.wait_until_gone("bob")
    await asyncio.to_thread(process.wait, PATIENCE)  # and with it its ports

    await bob.run_cell(0)
    await bob.call.press("Start call")
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
    await alice.call.wait_for_tiles(1)
