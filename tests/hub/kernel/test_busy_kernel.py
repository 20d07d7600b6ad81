"""A page and its widget talk to each other while a cell runs, in a real ipykernel with subshells."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.kernel.notebook_kernel import NotebookKernel, printed, ready_for, sets

ROOT = Path(__file__).parents[3]
MAKE_WIDGET = """
import os, time, zego_widget.view_widget
zego_widget.view_widget.STATIC = __import__("pathlib").Path(os.environ["STATIC"])
w = zego_widget.CallWidget(room_id="demo", user_id="alice")
print(w.model_id)
"""
# Runs until the test lets it end: nothing here depends on how long a cell blocks.
BLOCK = """
print("blocking", flush=True)
while not os.path.exists(os.environ["GO_ON"]):
    time.sleep(0.05)
"""


class BusyKernel(NotebookKernel):
    """A kernel whose hub cannot be started, so that a call is refused by its I/O thread at once."""

    async def begin(self, folder: Path) -> None:
        self.go_on = folder / "go-on"
        static = folder / "static"
        static.mkdir()
        (static / "widget.js").write_text("export default {}")
        (static / "widget.css").write_text("")
        open_to_all = folder / "open-to-all"
        open_to_all.mkdir()
        open_to_all.chmod(0o755)
        places = {"STATIC": str(static), "GO_ON": str(self.go_on), "ZEGO_WIDGET_RUNTIME_DIR": str(open_to_all)}
        await self.start(ROOT, {**os.environ, **places})

    async def block(self, before: str = "pass") -> str:
        """A cell that does something and then blocks; returns when it blocks."""
        self.go_on.unlink(missing_ok=True)
        cell = self.send_cell(before + BLOCK)
        await self.until(lambda message: printed("blocking")(message) and message["parent_header"]["msg_id"] == cell)
        return cell

    async def unblock(self, cell: str) -> None:
        assert self.is_running(cell)
        self.go_on.touch()
        await self.finish_cell(cell)


@pytest.fixture
async def kernel(tmp_path: Path) -> AsyncIterator[BusyKernel]:
    kernel = BusyKernel()
    await kernel.begin(tmp_path)
    yield kernel
    kernel.go_on.touch()
    await kernel.aclose()


@pytest.fixture
async def widget(kernel: BusyKernel) -> str:
    """The comm of a widget, made in a cell of its own."""
    return await kernel.run_cell(MAKE_WIDGET)


@pytest.fixture
async def subshell(kernel: BusyKernel) -> str:
    return await kernel.create_subshell()


async def test_a_page_is_greeted_while_a_cell_blocks(kernel: BusyKernel, widget: str, subshell: str) -> None:
    cell = await kernel.block()
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    await kernel.unblock(cell)


async def test_a_page_is_greeted_while_the_cell_that_made_the_widget_blocks(kernel: BusyKernel, subshell: str) -> None:
    cell = await kernel.block(MAKE_WIDGET)
    opened = [message["content"] for message in kernel.seen if message["msg_type"] == "comm_open"]
    widget = next(each["comm_id"] for each in opened if each["data"]["state"]["_model_module"] == "anywidget")
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    await kernel.unblock(cell)


async def test_a_trait_set_by_the_blocking_cell_does_not_delay_the_page(
    kernel: BusyKernel, widget: str, subshell: str
) -> None:
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    cell = await kernel.block("w.microphone_muted = True")
    await kernel.until(sets("microphone_muted", True))
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    await kernel.unblock(cell)


async def test_the_page_is_not_delayed_either_where_ipykernel_lacks_the_private_name(
    kernel: BusyKernel, subshell: str
) -> None:
    await kernel.run_cell("import zego_widget.comm_route as r; r.keep_address.__code__ = (lambda comm: None).__code__")
    widget = await kernel.run_cell(MAKE_WIDGET)
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    cell = await kernel.block("w.camera_enabled = False; w.start()")
    await kernel.until(sets("camera_enabled", False))
    await kernel.until(sets("state", "refused"))  # from a thread
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    await kernel.unblock(cell)


@pytest.mark.parametrize("greeted_before", [True, False])
async def test_start_call_is_handled_and_its_outcome_shown_while_a_cell_blocks(
    kernel: BusyKernel, widget: str, subshell: str, greeted_before: bool
) -> None:
    if greeted_before:
        await kernel.until(ready_for(kernel.hello(widget, subshell)))
    cell = await kernel.block()
    press_start = {"method": "custom", "content": {"type": "press_start", "page_id": "p"}}
    kernel.send_comm(widget, press_start, subshell)
    await kernel.until(sets("state", "connecting"))
    await kernel.until(sets("state", "refused"))  # from the I/O thread
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    await kernel.unblock(cell)
    assert "open to other users" in await kernel.run_cell("print(w.error)")


async def test_start_from_a_blocking_cell_does_not_delay_the_page(
    kernel: BusyKernel, widget: str, subshell: str
) -> None:
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    cell = await kernel.block("w.start()")
    await kernel.until(sets("state", "refused"))
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    await kernel.unblock(cell)


async def test_a_page_hears_its_own_switch_back_as_its_own(kernel: BusyKernel, widget: str, subshell: str) -> None:
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    cell = await kernel.block()
    request = kernel.send_comm(
        widget, {"method": "update", "state": {"camera_enabled": False}, "buffer_paths": []}, subshell
    )
    echo = await kernel.until(sets("camera_enabled", False, "echo_update"))
    assert echo["parent_header"]["msg_id"] == request
    await kernel.unblock(cell)
    assert await kernel.run_cell("print(w.camera_enabled)") == "False"


async def test_a_notebook_that_is_closed_and_opened_again_reaches_its_widget(
    kernel: BusyKernel, widget: str, subshell: str
) -> None:
    await kernel.until(ready_for(kernel.hello(widget, subshell)))
    await kernel.delete_subshell(subshell)
    another = await kernel.create_subshell()
    await kernel.until(ready_for(kernel.hello(widget, another)))


async def test_a_front_end_without_subshells_is_served_by_the_main_shell(kernel: BusyKernel, widget: str) -> None:
    await kernel.until(ready_for(kernel.hello(widget, None)))
    await kernel.run_cell("w.start()")
    await kernel.until(sets("state", "refused"))
    await kernel.until(ready_for(kernel.hello(widget, None)))
