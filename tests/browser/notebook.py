"""Page objects: a notebook open in JupyterLab, and the call a person sees in it."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, expect

from .lab import Lab

PROBE = Path(__file__).with_name("probe.js")
PATIENCE = 30.0
"""Seconds after which a condition counts as never met; the conditions themselves are met within one or two."""

_workspaces = itertools.count(1)

CALL_CELL = """\
from zego_widget import CallWidget

call = CallWidget(room_id={room_id!r}, user_id={user_id!r})
call"""


@dataclass
class Notebook:
    """One person's browser tab with one notebook in it."""

    name: str
    lab: Lab
    path: str
    context: BrowserContext
    page: Page
    console: list[str] = field(default_factory=list)
    crashed: bool = False

    @classmethod
    async def open(cls, browser: Browser, lab: Lab, name: str, path: str, *, width: int = 1200) -> Notebook:
        """Open a notebook file in a browser profile of its own and wait until it is drawn."""
        context = await browser.new_context(viewport={"width": width, "height": 900})
        await context.add_init_script(path=PROBE)
        notebook = cls(name, lab, path, context, await context.new_page())
        await notebook._load()
        return notebook

    async def open_again(self) -> Notebook:
        """The same notebook, so the same kernel, in a second tab of the same browser profile."""
        second = Notebook(f"{self.name}-second-tab", self.lab, self.path, self.context, await self.context.new_page())
        await second._load()
        return second

    async def _load(self) -> None:
        self.page.on("console", self._keep_console)
        self.page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        self.page.on("dialog", lambda dialog: dialog.accept())
        # A workspace of its own: JupyterLab would otherwise reopen what another person had open.
        workspace = f"{self.name}-{next(_workspaces)}"
        await self.page.goto(f"{self.lab.url}lab/workspaces/{workspace}/tree/{self.path}?token={self.lab.token}")
        await self._wait_until_drawn()

    async def _wait_until_drawn(self) -> None:
        await self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=PATIENCE * 1000)

    def _keep_console(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")

    # -- cells -----------------------------------------------------------------------------------------------

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    async def wait_for_kernel(self, *states: str) -> None:
        """Wait until the status bar names the kernel and one of these states, "Idle" unless told."""
        shown = re.compile(rf"Python 3.*\| ({'|'.join(states or ('Idle',))})$")
        bar = self.page.locator(".jp-StatusBar-TextItem", has_text=shown)
        await bar.first.wait_for(timeout=PATIENCE * 1000)

    async def run_cell(self, index: int, *, wait: bool = True) -> None:
        """Run a cell as a person does, with Ctrl+Enter; `wait` until it has ended."""
        # A cell that is run before the kernel is connected is not run at all.
        await self.wait_for_kernel("Idle", "Busy")
        # Not the number tells that it ran: after a restart it is the same again.
        await self.page.evaluate("(index) => __probe.watchCell(index)", index)
        await self.cell(index).locator(".cm-content").click()
        await self.page.keyboard.press("Control+Enter")
        if wait:
            await self.wait_until_ran(index)

    async def wait_until_ran(self, index: int) -> None:
        """Wait until a cell that `run_cell` started has ended."""
        await self.page.wait_for_function("(index) => __probe.cellEnded(index)", arg=index, timeout=2 * PATIENCE * 1000)

    async def is_running(self, index: int) -> bool:
        return await self._prompt(index) == "[*]:"

    async def _prompt(self, index: int) -> str:
        return (await self.cell(index).locator(".jp-InputPrompt").inner_text()).strip()

    async def output_of(self, index: int) -> str:
        """The text of a cell's outputs."""
        return "\n".join(await self.cell(index).locator(".jp-OutputArea-output").all_inner_texts()).strip()

    async def save(self) -> None:
        """File > Save Notebook, outputs included."""
        await self._choose_from_menu("File", "Save Notebook")
        await self.page.locator(".jp-mod-dirty").wait_for(state="detached", timeout=PATIENCE * 1000)

    async def reload(self) -> None:
        """Reload the browser tab; the saved outputs, and with them the call, are drawn again."""
        await self.page.reload()
        await self._wait_until_drawn()

    async def close(self) -> None:
        """Close the browser tab, as a person does: the page hears of it."""
        await self.page.close(run_before_unload=False)

    async def crash(self) -> None:
        """End the tab's process, as when the browser is killed: the page says no goodbye."""
        async with self.page.expect_event("crash"):
            crash = asyncio.ensure_future(self.page.goto("chrome://crash"))
        # The navigation itself ends with an error, or never.
        crash.cancel()
        await asyncio.wait([crash])
        self.crashed = True

    async def clear_output(self, index: int) -> None:
        """Remove a cell's output, and with it the view of the call."""
        await self.cell(index).locator(".cm-content").click()
        await self._choose_from_menu("Edit", "Clear Cell Output")
        await self.cell(index).locator(".jp-OutputArea-output").first.wait_for(state="detached")

    async def move_cell_down(self, index: int) -> None:
        """Edit > Move Cell Down: its output is drawn anew."""
        await self.cell(index).locator(".cm-content").click()
        await self._choose_from_menu("Edit", "Move Cell Down")

    async def close_notebook(self) -> None:
        """File > Close Tab: the notebook goes, its kernel runs on."""
        await self._choose_from_menu("File", "Close Tab")
        await self.page.locator(".jp-Notebook").wait_for(state="detached", timeout=PATIENCE * 1000)

    async def choose_no_kernel(self) -> None:
        """Answer JupyterLab's question for a kernel with "No Kernel"."""
        await self.page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()

    # -- the kernel ------------------------------------------------------------------------------------------

    async def restart_kernel(self) -> None:
        """Kernel > Restart Kernel…, and yes."""
        await self._choose_from_menu("Kernel", "Restart Kernel…")
        await self.page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()

    async def _choose_from_menu(self, menu: str, item: str) -> None:
        await self.page.get_by_role("menuitem", name=menu, exact=True).click()
        label = self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{re.escape(item)}$"))
        await label.click()

    # -- the call --------------------------------------------------------------------------------------------

    @property
    def call(self) -> Call:
        return Call(self.page)

    def call_in_cell(self, index: int) -> Call:
        return Call(self.page, f".jp-Notebook .jp-CodeCell >> nth={index} >> ")

    async def save_artifacts(self, folder: Path) -> None:
        """Leave a picture and the console of this tab for whoever reads a failed test."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}-console.log").write_text("\n".join(self.console))
        if self.page.is_closed() or self.crashed:
            return
        try:
            await self.page.screenshot(path=folder / f"{self.name}.png", timeout=5000)
            dump = await self.page.evaluate("__probe.describe()")
            (folder / f"{self.name}-call.json").write_text(json.dumps(dump, indent=1))
        except Error as error:
            (folder / f"{self.name}-artifacts-error.txt").write_text(str(error))


@dataclass
class Call:
    """What a person sees of the call: states, tiles, buttons."""

    page: Page
    within: str = ""

    @property
    def root(self) -> Locator:
        return self.page.locator(f"{self.within}.jp-OutputArea [data-state]").first

    @property
    def status_line(self) -> Locator:
        return self.root.locator(".zw-header").get_by_role("status")

    def button(self, name: str) -> Locator:
        """The button with this accessible name."""
        return self.root.get_by_role("button", name=name, exact=True)

    async def press(self, name: str) -> None:
        await self.button(name).click(timeout=PATIENCE * 1000)

    async def wait_for_state(self, *states: str) -> None:
        """Wait until the root element's `data-state` is one of `states`."""
        await self.root.and_(self.page.locator(_any_of("data-state", states))).wait_for(timeout=PATIENCE * 1000)

    async def state(self) -> str | None:
        """The root element's `data-state` now."""
        return await self.root.get_attribute("data-state")

    async def wait_for_text(self, text: str) -> None:
        """Wait until the call shows a text anywhere."""
        await expect(self.root).to_contain_text(text, timeout=PATIENCE * 1000, ignore_case=True)

    async def text(self) -> str:
        return await self.root.inner_text()

    async def wait_for_own_picture(self) -> None:
        await self._until("__probe.isMoving('video[data-local]')", "the own tile never showed a moving picture")

    # -- the others ------------------------------------------------------------------------------------------

    async def people(self) -> list[str]:
        """Stream IDs of the remote tiles, sorted."""
        return sorted(await self.page.evaluate("__probe.streams()"))

    async def wait_for_tiles(self, count: int) -> list[str]:
        """Wait until exactly `count` remote tiles are shown; returns their stream IDs."""
        await self.page.wait_for_function(
            "(count) => __probe.streams().length === count", arg=count, timeout=PATIENCE * 1000
        )
        return await self.people()

    async def stream_of(self, user: str) -> str:
        """Wait for the tile that carries a user's name; returns its stream ID."""
        found = await self.page.wait_for_function("(user) => __probe.streamOf(user)", arg=user, timeout=PATIENCE * 1000)
        return str(await found.json_value())

    async def wait_until_sees(self, user: str) -> None:
        """Wait until a user's tile shows a moving picture."""
        await self._until(
            f"__probe.shows({json.dumps(user)})",
            f"no moving picture of {user}",
            f"__probe.describe({json.dumps(user)})",
        )

    async def wait_until_hears(self, user: str) -> None:
        """Wait until a user's sound arrives with energy in it."""
        await self._until(f"__probe.sounds({json.dumps(user)})", f"no sound of {user}")

    async def wait_for_silence_of(self, user: str) -> None:
        """Wait until a user's sound arrives with no energy in it."""
        await self._until(f"__probe.isSilent({json.dumps(user)})", f"{user} never fell silent")

    async def wait_until_gone(self, user: str) -> None:
        """Wait until no tile carries a user's name."""
        await self.page.wait_for_function("(user) => !__probe.streamOf(user)", arg=user, timeout=PATIENCE * 1000)

    async def frame_rate(self, user: str, *, frames: int = 60) -> float:
        """Frames per second decoded of a user's stream, over the next `frames` frames."""
        rate = await self.page.evaluate(
            "([user, frames, patience]) => __probe.frameRate(user, frames, patience)",
            [user, frames, PATIENCE * 1000],
        )
        assert rate is not None, f"fewer than {frames} frames of {user} were decoded in {PATIENCE:.0f} s"
        return float(rate)

    async def watch(self, users: Iterable[str]) -> None:
        """From now on note the moment of every frame shown of these users."""
        for user in users:
            await self.page.evaluate("(user) => __probe.watch(user)", user)

    async def longest_gap(self, user: str) -> float:
        """Seconds of the longest time without a new frame since `watch`."""
        return float(await self.page.evaluate("(user) => __probe.longestGap(user)", user)) / 1000

    # -- what is mended ---------------------------------------------------------------------------------------

    async def wait_until_mending(self, user: str) -> None:
        """Wait until a user's tile says "Reconnecting" over its last picture."""
        await self._until(
            f"__probe.isMending({json.dumps(user)})", f"the tile of {user} never said that it is being mended"
        )

    async def wait_until_whole(self) -> None:
        """Wait until no tile says "Reconnecting"."""
        await self._until("__probe.marks() === 0", "a tile went on saying that it is being mended")

    async def tile_boxes(self) -> list[list[int]]:
        """Width and height of each tile, in pixels."""
        boxes: list[list[int]] = await self.page.evaluate("__probe.tileBoxes()")
        return boxes

    # -- this tab's devices ----------------------------------------------------------------------------------

    async def camera_requests(self) -> int:
        """How often this page asked for a camera since it was loaded."""
        return int(await self.page.evaluate("__probe.cameraRequests"))

    async def open_cameras(self) -> int:
        """Camera tracks that are live now."""
        return int(await self.page.evaluate("__probe.openCameras()"))

    async def refuse_devices(self) -> None:
        """From now on the browser answers getUserMedia as if the person had said no."""
        await self.page.evaluate("() => { __probe.refuseDevices = true; }")

    async def lose_camera(self, error: str) -> None:
        """The camera's track ends, and from now on getUserMedia fails with a `DOMException` of this name."""
        await self.page.evaluate("(error) => __probe.loseCamera(error)", error)

    async def plug_camera(self) -> None:
        """The camera can be had again, and the browser says that its devices changed."""
        await self.page.evaluate("__probe.plugCamera()")

    async def free_camera(self) -> None:
        """The camera can be had again, which nothing tells."""
        await self.page.evaluate("() => { __probe.cameraFails = null; }")

    async def wait_for_open_cameras(self, count: int) -> None:
        """Wait until exactly so many camera tracks are live."""
        await self.page.wait_for_function(
            "(count) => __probe.openCameras() === count", arg=count, timeout=PATIENCE * 1000
        )

    async def wait_for_connections(self, count: int) -> None:
        """Wait until exactly so many WebRTC connections are not closed."""
        await self.page.wait_for_function(
            "(count) => __probe.openPeers().length === count", arg=count, timeout=PATIENCE * 1000
        )

    async def connections_made(self) -> int:
        """WebRTC connections that this page ever made."""
        return int(await self.page.evaluate("__probe.peers.length"))

    async def connections(self) -> int:
        """WebRTC connections of this page that are not closed."""
        return int(await self.page.evaluate("__probe.openPeers().length"))

    async def _until(self, condition: str, otherwise: str, describe: str = "__probe.describe()") -> Any:
        found = await self.page.evaluate(f"__probe.until(() => {condition}, {PATIENCE * 1000})")
        if not found:
            raise AssertionError(f"{otherwise}: {json.dumps(await self.page.evaluate(describe))}")
        return found


def _any_of(attribute: str, values: Iterable[str], element: str = "") -> str:
    return ", ".join(f'{element}[{attribute}="{value}"]' for value in values)
