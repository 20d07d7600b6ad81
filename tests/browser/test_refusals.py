"""What cannot be is said in words in the cell, and nobody else feels it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys

import nbformat

from .conftest import JoinCall, OpenNotebook
from .lab import Lab
from .notebook import CALL_CELL, Notebook

COLLECTING_CELL = """\
from zego_widget import CallWidget

call = CallWidget(room_id={room_id!r}, user_id="alice")
calls = [*globals().get("calls", []), call]
call"""


async def test_the_same_cell_run_twice_displaces_the_earlier_login(
    join_call: JoinCall, open_notebook: OpenNotebook, room_id: str
) -> None:
    earlier = "print(calls[0].state, '|', calls[0].error, int(calls[0].error_code))"
    bob, alice = await asyncio.gather(
        join_call("bob"), open_notebook("alice", [COLLECTING_CELL.format(room_id=room_id), earlier])
    )
    await alice.run_cell(0)
    await alice.call.press("Start call")
    await bob.call.wait_until_sees("alice")

    await alice.run_cell(0)
    await alice.call.press("Start call")
    await alice.call.wait_until_sees("bob")
    await bob.call.wait_until_sees("alice")
    await bob.call.wait_for_tiles(1)
    assert await alice.call.open_cameras() == 1

    await alice.run_cell(1)
    state, _, error = (await alice.output_of(1)).partition("|")
    assert state.strip() == "disconnected"
    assert "logged in" in error
    assert "1002050" in error


async def test_the_displaced_notebook_says_why(join_call: JoinCall, open_notebook: OpenNotebook, room_id: str) -> None:
    first, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await bob.call.wait_until_sees("alice")

    second = await open_notebook("other-alice", [CALL_CELL.format(room_id=room_id, user_id="alice")])
    await second.run_cell(0)
    await second.call.press("Start call")
    await second.call.wait_until_sees("bob")

    await first.call.wait_for_state("disconnected")
    await first.call.wait_for_text("1002050")
    await first.call.wait_for_tiles(0)
    assert await first.call.open_cameras() == 0
    await bob.call.wait_for_tiles(1)
    await bob.call.wait_until_sees("alice")


async def test_a_room_id_of_129_bytes_is_refused_in_words(
    join_call: JoinCall, open_notebook: OpenNotebook, room_id: str
) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    source = """\
from zego_widget import CallWidget

try:
    call = CallWidget(room_id="r" * 129, user_id="carol")
except ValueError as error:
    print(f"{type(error).__name__}: {error}")
else:
    display(call)"""
    carol = await open_notebook("carol", [source])
    await carol.run_cell(0)
    output = carol.cell(0).locator(".jp-OutputArea")
    await output.locator(":scope >> text=/InvalidArgument|Start call/").first.wait_for()
    if "InvalidArgument" not in await carol.output_of(0):
        await carol.call.press("Start call")
        await carol.call.wait_for_state("refused")
        await carol.call.wait_for_text("128")
    assert "Traceback" not in await carol.output_of(0)

    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))


async def test_a_refused_camera_lets_one_watch_and_says_so(join_call: JoinCall, ready_to_call: JoinCall) -> None:
    _, alice = await asyncio.gather(join_call("bob"), ready_to_call("alice"))
    await alice.call.refuse_devices()
    await alice.call.press("Start call")
    await alice.call.wait_for_state("in_call")
    await alice.call.wait_until_sees("bob")
    await alice.call.wait_until_hears("bob")
    await alice.call.wait_for_text("camera")
    text = (await alice.call.text()).lower()
    assert any(word in text for word in ("permission", "refused", "denied", "not allow")), text


async def test_saved_widget_state_without_a_kernel_never_asks_for_the_camera(
    lab: Lab, open_notebook: OpenNotebook, room_id: str
) -> None:
    path = _write_notebook_with_saved_call(lab, room_id, kernel=False)
    await lab.trust(path)
    reader = await open_notebook("reader", path=path)
    await reader.choose_no_kernel()
    # JupyterLab 4.6 draws no widget without a kernel; a later one may.
    await (
        reader.cell(0).locator(".jp-OutputArea-output", has_text=re.compile(r"Loading widget|Run this cell")).wait_for()
    )
    await _assert_that_nothing_joins(reader)


async def test_saved_widget_state_with_a_fresh_kernel_never_asks_for_the_camera(
    lab: Lab, open_notebook: OpenNotebook, room_id: str
) -> None:
    path = _write_notebook_with_saved_call(lab, room_id, kernel=True)
    await lab.trust(path)
    reader = await open_notebook("reader", path=path)
    await reader.wait_for_kernel()
    await reader.call.root.wait_for()
    await _assert_that_nothing_joins(reader)


async def test_an_untrusted_notebook_with_saved_widget_state_draws_no_call(
    lab: Lab, open_notebook: OpenNotebook, room_id: str
) -> None:
    reader = await open_notebook("reader", path=_write_notebook_with_saved_call(lab, room_id, kernel=True))
    await reader.wait_for_kernel()
    assert await reader.output_of(0) == "CallWidget()"
    await _assert_that_nothing_joins(reader)


async def _assert_that_nothing_joins(reader: Notebook) -> None:
    """Give a page that wants to join every chance, then see that it did not."""
    start = reader.call.button("Start call")
    if await start.count() and await start.is_enabled():
        await start.click()
    # What a live kernel answers within milliseconds has had its time after a second of frames.
    await reader.page.evaluate("__probe.until(() => __probe.cameraRequests || __probe.openPeers().length, 1500)")
    assert await reader.call.camera_requests() == 0
    assert await reader.call.connections() == 0


SAVED_STATE = """\
import json
from ipywidgets import Widget
from zego_widget import CallWidget

call = CallWidget(room_id={room_id!r}, user_id="alice")
call.set_trait("state", "in_call")
state = Widget.get_manager_state()  # with the layout it refers to
print(json.dumps([call.model_id, state]))
"""


def _write_notebook_with_saved_call(lab: Lab, room_id: str, *, kernel: bool) -> str:
    """A notebook as somebody else saved it, in the middle of a call, with the widget's state inside."""
    done = subprocess.run(
        [sys.executable, "-c", SAVED_STATE.format(room_id=room_id)], capture_output=True, text=True, check=True
    )
    model_id, state = json.loads(done.stdout)
    saved = {"widgets": {"application/vnd.jupyter.widget-state+json": state}}
    path = lab.write_notebook("saved", ["call"], metadata=saved)
    document = lab.read_notebook(path)
    if not kernel:
        del document.metadata["kernelspec"]
    view = {"model_id": model_id, "version_major": 2, "version_minor": 0}
    document.cells[0].execution_count = 1
    document.cells[0].outputs = [
        nbformat.v4.new_output(
            "execute_result",
            execution_count=1,
            data={"application/vnd.jupyter.widget-view+json": view, "text/plain": "CallWidget()"},
        )
    ]
    nbformat.write(document, lab.home / "notebooks" / path)
    return path
