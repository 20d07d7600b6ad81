"""A cell that runs for long must not be felt in the call."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .conftest import JoinCall, RecordFigure


def sleep_until(over: Path, *, at_least: float = 0.0) -> str:
    """A cell that holds the kernel until a file is there, and for so many seconds in any case."""
    return f"""\
import pathlib, time
began = time.monotonic()
while time.monotonic() < began + {at_least} or not pathlib.Path({str(over)!r}).exists():
    time.sleep(0.1)"""


async def test_a_sleeping_kernel_keeps_both_directions_moving_and_sees_a_newcomer(
    join_call: JoinCall, record_figure: RecordFigure, tmp_path: Path
) -> None:
    over = tmp_path / "over"
    sleep = sleep_until(over, at_least=20.0)  # longer than a login lives of which nothing is heard
    state = "print(sorted(user.user_id for user in call.users))"
    alice, bob = await asyncio.gather(join_call("alice", sleep, state), join_call("bob"))
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))

    await alice.run_cell(1, wait=False)
    await asyncio.gather(alice.call.watch(["bob"]), bob.call.watch(["alice"]))
    rates = await asyncio.gather(alice.call.frame_rate("bob", frames=200), bob.call.frame_rate("alice", frames=200))
    assert await alice.is_running(1)

    carol = await join_call("carol")
    await asyncio.gather(alice.call.wait_until_sees("carol"), carol.call.wait_until_sees("alice"))
    assert await alice.is_running(1), "the newcomer has to appear while the cell still runs"
    over.touch()
    await alice.wait_until_ran(1)

    gaps = {
        "bob in the busy notebook": await alice.call.longest_gap("bob"),
        "the busy notebook's person elsewhere": await bob.call.longest_gap("alice"),
    }
    for direction, gap in gaps.items():
        record_figure(f"longest gap between frames of {direction}", gap)
    record_figure("frames of bob in the busy notebook", rates[0], "frames/s")
    record_figure("frames of the busy notebook's person elsewhere", rates[1], "frames/s")
    assert max(gaps.values()) < 5
    assert min(rates) > 10

    # Python catches up once the cell has ended.
    await alice.run_cell(2)
    assert await alice.output_of(2) == "['bob', 'carol']"


async def test_stop_call_works_while_the_kernel_sleeps(join_call: JoinCall, tmp_path: Path) -> None:
    over = tmp_path / "over"
    alice, bob = await asyncio.gather(join_call("alice", sleep_until(over)), join_call("bob"))
    await bob.call.wait_until_sees("alice")

    await alice.run_cell(1, wait=False)
    await alice.call.press("Stop call")
    await bob.call.wait_until_gone("alice")
    await alice.call.wait_for_state("idle")
    assert await alice.call.open_cameras() == 0
    assert await alice.is_running(1)
    over.touch()
