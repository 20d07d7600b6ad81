"""Six people, a hub and a network that fail at random: in the end everyone sees everyone, and nothing is left over.

The seed and the schedule are printed. ZEGO_WIDGET_CHAOS is the length of the faults in seconds: some in the suite, 300
in `make bench`; with ZEGO_WIDGET_CHAOS_SEED another schedule, with ZEGO_WIDGET_CHAOS_BROWSER=1 a notebook takes part.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser import chromium
from tests.browser.lab import Lab
from tests.browser.notebook import CALL_CELL, Notebook
from tests.chaos.call import ChaosCall
from tests.chaos.firewall import Firewall
from tests.chaos.people import ROOM
from tests.chaos.schedule import schedule
from tests.hub.engine.test_hub_death import hubs_of
from tests.hub.hub_process import check_log
from tests.hub.tcp.browser_call import chromium_running
from tests.hub.tcp.network import Network, needs_root
from zego_widget.hub import discovery

SECONDS = float(os.environ.get("ZEGO_WIDGET_CHAOS", "40"))
SEED = int(os.environ.get("ZEGO_WIDGET_CHAOS_SEED", "5"))
BROWSER = os.environ.get("ZEGO_WIDGET_CHAOS_BROWSER", "0") == "1"
PROGRAMS = {"alice": ["alice"], "bob": ["bob"], "carol": ["carol"], "crowd": ["dave", "erin", "frank"]}
HUB_SLACK = 4
"""Threads of the hub's pool, which grows with use, and what is only just ending."""
PROGRAM_SLACK = 4
ARTIFACTS = Path(chromium.__file__).with_name("artifacts") / "chaos"

pytestmark = needs_root


@contextlib.asynccontextmanager
async def notebook(lab_home: Path) -> AsyncIterator[Notebook]:
    """Somebody in the call by a notebook, whose kernel has the hub of `lab_home`/hub-runtime."""
    lab = await Lab.start(lab_home, spare=True)
    try:
        async with chromium_running() as browser:
            path = lab.write_notebook("grace", [CALL_CELL.format(room_id=ROOM, user_id="grace")])
            grace = await Notebook.open(browser, lab, "grace", path)
            await grace.run_cell(0)
            await grace.call.press("Start call")
            await grace.call.wait_for_state("in_call")
            await grace.save()
            try:
                yield grace
            except BaseException:
                await grace.save_artifacts(ARTIFACTS)
                (ARTIFACTS / "hub.log").write_text(lab.hub_log())
                raise
    finally:
        await lab.aclose()


async def test_after_any_faults_everyone_sees_everyone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    directory = home / "hub-runtime"
    monkeypatch.setenv(discovery.RUNTIME_DIR_VARIABLE, str(directory))
    faults = schedule(SEED, SECONDS, PROGRAMS, page=BROWSER)
    print(f"seed {SEED}, {SECONDS:.0f} s", *faults, sep="\n")
    async with contextlib.AsyncExitStack() as stack:
        network = stack.enter_context(contextlib.closing(Network()))
        stack.enter_context(network.entered())
        page = await stack.enter_async_context(notebook(home)) if BROWSER else None
        call = ChaosCall(PROGRAMS, directory, Firewall(network), page)
        stack.callback(call.kill)
        call.start()
        await call.everyone_sees_everyone()
        everybody = await call.holds_exactly_everybody()
        levels = {name: program.last for name, program in call.programs.items()}

        await call.suffers(faults)

        await call.everyone_sees_everyone()
        await call.holds_exactly_everybody()
        await call.hub_is_at(
            lambda status: all(
                getattr(status.process, what) <= getattr(everybody.process, what) + HUB_SLACK
                for what in ("tasks", "threads", "file_descriptors")
            ),
            f"back at {everybody.process}",
        )
        for name, program in call.programs.items():
            for what in ("fds", "threads", "tasks"):
                level = levels[name][what] + PROGRAM_SLACK
                await program.until(lambda it=program, w=what, x=level: it.last[w] <= x, f"its {what} were {level}")
        address = discovery.read_address(directory)
        assert address is not None
        assert hubs_of(directory) == {address.pid}
        await call.end()
        if page is not None:
            await page.call.wait_for_tiles(0)
            await page.call.press("Stop call")
        await call.hub_is_at(lambda status: status.rooms == status.sessions == status.peers == 0, "empty")
        await discovery.ask(address, "POST", "/v1/stop")
        await call.has_no_process()
    check_log(directory)
    left = {path.name for path in directory.iterdir()}
    assert left <= {discovery.LOCK_FILE, discovery.LOG_FILE, f"{discovery.LOG_FILE}.old"}
