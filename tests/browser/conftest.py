"""One JupyterLab and one Chromium for all browser tests; a browser profile, a notebook and a kernel per person."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from . import chromium
from .lab import Lab
from .notebook import CALL_CELL, Notebook

ARTIFACTS = Path(__file__).with_name("artifacts")
HERE = Path(__file__).parent
FIGURE = "figure: "
"""How the property of a report begins that is a measured value; reports also come from other processes."""

OpenNotebook = Callable[..., Awaitable[Notebook]]
JoinCall = Callable[..., Awaitable[Notebook]]
RecordFigure = Callable[..., None]
Two = tuple[Notebook, Notebook]

_rooms = itertools.count(1)
_staying: list[Notebook] = []
"""People of all tests of the module that runs."""
_reports = pytest.StashKey[dict[str, pytest.TestReport]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            # Browser and server live in the session's loop, so their tests run there too.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    item.stash.setdefault(_reports, {})[report.when] = report
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = itertools.chain.from_iterable(terminalreporter.stats.values())
    figures = {
        (what, report.location[2]): value
        for report in reports
        for what, value in getattr(report, "user_properties", ())
        if what.startswith(FIGURE)
    }
    if figures:
        terminalreporter.section("figures of the browser tests")
        for (what, test), (value, unit) in figures.items():
            terminalreporter.line(f"{value:8.2f} {unit:<8} {what.removeprefix(FIGURE)}  ({test})")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """The JupyterLab server."""
    server = await Lab.start(tmp_path_factory.mktemp("lab"), spare=True)
    yield server
    await server.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The Chromium; fails, never skips, where there is none."""
    executable = chromium.find()
    if executable is None:
        pytest.fail("the browser tests need Chromium: run `python -m tests.browser.chromium`")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=executable, args=chromium.flags())
        yield running
        await running.close()


@pytest.fixture
def room_id(request: pytest.FixtureRequest) -> str:
    """A room that no other test uses."""
    return f"room-{next(_rooms)}"


@pytest.fixture
def record_figure(record_property: Callable[[str, object], None]) -> RecordFigure:
    """`record_figure(what, value, unit)`: keep a measured value for the summary; nothing is asserted."""

    def record(what: str, value: float, unit: str = "s") -> None:
        record_property(FIGURE + what, (value, unit))

    return record


@pytest_asyncio.fixture(loop_scope="session")
async def open_notebook(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[OpenNotebook]:
    """`await open_notebook("alice", [cell, ...])`: a new notebook of one person, open in a tab of their own.

    Pictures, consoles and the hub's log are kept in `artifacts/` when the test fails, also of who stays in the module.
    """
    opened: list[Notebook] = []

    async def open_one(name: str, cells: list[str] | None = None, *, path: str | None = None) -> Notebook:
        notebook = await Notebook.open(browser, lab, name, path or lab.write_notebook(name, cells or []))
        opened.append(notebook)
        return notebook

    log_start = len(lab.hub_log())
    yield open_one
    reports = request.node.stash.get(_reports, {})
    if any(report.failed for report in reports.values()):
        folder = ARTIFACTS / re.sub(r"\W+", "-", request.node.name)
        await asyncio.gather(*(notebook.save_artifacts(folder) for notebook in (*opened, *_staying)))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hub.log").write_text(lab.hub_log()[log_start:])
        (folder / "jupyterlab.log").write_text((lab.home / "jupyterlab.log").read_text(errors="replace"))
    await asyncio.gather(*(notebook.context.close() for notebook in opened))
    await lab.shutdown_kernels()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def open_to_stay(lab: Lab, browser: Browser) -> AsyncIterator[OpenNotebook]:
    """`await open_to_stay("alice", [cell, ...])`: as `open_notebook`, for people of all tests of a module.

    Each of these tests leaves them as it found them, and asks for `open_notebook`, too: it keeps what a failure shows.
    Tests of others come first in a module: a call that goes on meanwhile takes half a processor.
    """

    async def open_one(name: str, cells: list[str]) -> Notebook:
        path = lab.write_notebook(name, cells)
        lab.staying.add(path)
        notebook = await Notebook.open(browser, lab, name, path)
        _staying.append(notebook)
        return notebook

    yield open_one
    await asyncio.gather(*(notebook.context.close() for notebook in _staying))
    _staying.clear()
    lab.staying.clear()
    await lab.shutdown_kernels()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def call_to_stay(request: pytest.FixtureRequest, open_to_stay: OpenNotebook) -> Two:
    room_id = f"room-{next(_rooms)}"

    async def join(name: str, *cells: str) -> Notebook:
        return await _start_call(await _prepare_call(open_to_stay, room_id, name, *cells))

    alice, bob = await asyncio.gather(join("alice", *request.module.ALICES_CELLS), join("bob"))
    return alice, bob


@pytest_asyncio.fixture(loop_scope="session")
async def two(call_to_stay: Two, open_notebook: OpenNotebook) -> Two:
    """Alice, who has the cells of the module's ALICES_CELLS, and bob: in one call for all tests of the module."""
    alice, bob = call_to_stay
    await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
    return alice, bob


@pytest_asyncio.fixture(loop_scope="session")
async def ready_to_call(open_notebook: OpenNotebook, room_id: str) -> JoinCall:
    """`await ready_to_call("alice", more cells...)`: notebook open, its first cell run, the call drawn and idle."""

    async def prepare(name: str, *cells: str, room: str | None = None) -> Notebook:
        return await _prepare_call(open_notebook, room or room_id, name, *cells)

    return prepare


@pytest_asyncio.fixture(loop_scope="session")
async def join_call(ready_to_call: JoinCall) -> JoinCall:
    """`await join_call("alice", more cells...)`: as `ready_to_call`, then Start call and the state "in_call"."""

    async def join(name: str, *cells: str, room: str | None = None) -> Notebook:
        return await _start_call(await ready_to_call(name, *cells, room=room))

    return join


async def _prepare_call(opened: OpenNotebook, room_id: str, name: str, *cells: str) -> Notebook:
    notebook = await opened(name, [CALL_CELL.format(room_id=room_id, user_id=name), *cells])
    await notebook.run_cell(0)
    await notebook.call.root.wait_for()
    return notebook


async def _start_call(notebook: Notebook) -> Notebook:
    await notebook.call.press("Start call")
    await notebook.call.wait_for_state("in_call")
    return notebook
