"""A kernel or an interpreter that ends during a call: it logs out, at once and quietly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.hub_process import PATIENCE, HubProcess
from tests.hub.kernel.conftest import sessions
from tests.hub.kernel.notebook_kernel import NotebookKernel, printed
from zego_widget.hub.settings import HubSettings

ROOT = Path(__file__).parents[3]
PROGRAM = """
import os, pathlib, sys, threading
import zego_widget.view_widget
zego_widget.view_widget.STATIC = pathlib.Path(os.environ["STATIC"])
alice, bob = (zego_widget.CallWidget(user_id=name) for name in ("alice", "bob"))
met = {each: threading.Event() for each in (alice, bob)}
for each in met:
    each.observe(lambda change: change["new"] and met[change["owner"]].set(), "users")
    each.start()
for event in met.values():
    assert event.wait(20)
print("in call", flush=True)
"""


@pytest.fixture
def environment(tmp_path: Path, runtime_dir: Path) -> dict[str, str]:
    static = tmp_path / "static"
    static.mkdir()
    (static / "widget.js").write_text("export default {}")
    (static / "widget.css").write_text("")
    return {**os.environ, "STATIC": str(static)}


@pytest.fixture
async def kernel(environment: dict[str, str]) -> AsyncIterator[NotebookKernel]:
    kernel = NotebookKernel()
    await kernel.start(ROOT, environment)
    yield kernel
    await kernel.aclose()


@pytest.mark.parametrize("ending", ["", "sys.exit(0)", "bob.close()", "bob.observe(lambda _: event.clear(), 'state')"])
async def test_an_interpreter_that_ends_logs_out_quietly(environment: dict[str, str], ending: str) -> None:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "default", "-W", "ignore::DeprecationWarning", "-c", PROGRAM + ending),
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(2 * PATIENCE):
        output, errors = await program.communicate()
    assert (program.returncode, output.decode(), errors.decode()) == (0, "in call\n", "")
    await sessions(0)


async def test_a_kernel_that_is_shut_down_logs_out_quietly(kernel: NotebookKernel) -> None:
    await kernel.run_cell(PROGRAM)
    await sessions(2)
    errors = await kernel.end()
    await sessions(0)
    assert [line for line in errors.splitlines() if "without encryption" not in line] == []


async def test_a_kernel_that_is_killed_while_a_cell_runs_leaves_the_room(
    runtime_dir: Path, kernel: NotebookKernel
) -> None:
    with contextlib.closing(HubProcess(runtime_dir, HubSettings(heartbeat_interval=1.0, heartbeat_timeout=4.0))):
        kernel.send_cell(PROGRAM + "import time\nwhile True: time.sleep(1)")
        await kernel.until(printed("in call"))
        await sessions(2)
        await kernel.manager.shutdown_kernel(now=True)
        await sessions(0)
