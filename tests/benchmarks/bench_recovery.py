"""How long until the picture is back after a fault: median and worst of five times each.

Two programs see each other, on machines of their own as far as the network goes (which needs root; without it only the
hub is killed). A fault strikes, and each program notes when pictures come. What counts is the end of the longest pause,
for whichever of the two waits longer; for signalling alone it is the pause itself, which a busy machine has without any
fault. Then two notebooks in a real
JupyterLab and Chromium see each other, and one is reloaded.

python tests/benchmarks/bench_recovery.py [repetitions]
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import Browser, async_playwright

from tests.browser import chromium
from tests.browser.lab import Lab
from tests.browser.notebook import CALL_CELL, Notebook
from tests.hub.engine.cable import AWAY, HOME, Cable
from tests.hub.engine.programs import Program
from tests.hub.hub_process import HubProcess, environment
from zego_widget.credentials import App
from zego_widget.hub import discovery
from zego_widget.hub.settings import HubSettings

REPETITIONS = 5
SIGNALLING_CUT, NETWORK_CUT = 5.0, 20.0
NETWORK = AWAY.rpartition(".")[0]
APP = App(1234567890, "ab" * 32)
ENOUGH = 30
"""Pictures after which a program sees well again."""
AFTERWARDS = 8.0
"""Seconds that are looked at after signalling is back: nothing may happen late."""

Strike = Callable[[], Awaitable[float]]
"""Lets the fault happen; the time from which on is counted."""


class Call:
    """Two programs that see each other."""

    def __init__(self, *programs: Program) -> None:
        self._programs = programs

    async def begins(self) -> None:
        await asyncio.gather(*(_pictures_after(each, 0.0) for each in self._programs))

    async def recovers(self, strike: Strike) -> float:
        """Seconds from the fault (or its end) until the longest pause of either program was over."""
        begun = time.monotonic()
        counted_from = await strike()
        await asyncio.gather(*(_pictures_after(each, counted_from) for each in self._programs))
        return max(_longest_pause(each, begun)[1] - counted_from for each in self._programs)

    async def pauses(self, strike: Strike) -> float:
        """Seconds of the longest pause of either program, from the fault until a while after its end."""
        begun = time.monotonic()
        await strike()
        await asyncio.sleep(AFTERWARDS)
        await asyncio.gather(*(_pictures_after(each, time.monotonic()) for each in self._programs))
        return max(end - start for start, end in (_longest_pause(each, begun) for each in self._programs))


def _times(program: Program) -> list[float]:
    return [line["at"] for line in program.all("picture")]


async def _pictures_after(program: Program, start: float) -> None:
    await program.until(lambda: sum(each > start for each in _times(program)) >= ENOUGH, "pictures came again")


def _longest_pause(program: Program, since: float) -> tuple[float, float]:
    times = [each for each in _times(program) if each > since - 1.0]
    return max(itertools.pairwise(times), key=lambda pause: pause[1] - pause[0])


@contextlib.asynccontextmanager
async def running(programs: Sequence[Program]) -> AsyncIterator[Call]:
    try:
        call = Call(*programs)
        await call.begins()
        yield call
    finally:
        for program in programs:
            program.kill()


class Wire:
    """A hub on one machine with bob, alice on another."""

    def __init__(self, cable: Cable, hub: HubProcess) -> None:
        self._cable = cable
        self._hub = hub
        self._address = AWAY
        self._numbers = itertools.count(10)

    async def leave_alone(self) -> float:
        await asyncio.sleep(SIGNALLING_CUT)
        return time.monotonic()

    async def cut_signalling(self) -> float:
        rule = f"tcp dport {self._hub.port} drop; tcp sport {self._hub.port} drop;"
        table = f"table inet cut {{ chain in {{ type filter hook input priority 0; {rule} }}; }}"
        with self._cable.away():
            _run("nft", "-f", "-", text=table)
        await asyncio.sleep(SIGNALLING_CUT)
        with self._cable.away():
            _run("nft", "delete", "table", "inet", "cut")
        return time.monotonic()

    async def cut_everything(self) -> float:
        self._cable.pull()
        await asyncio.sleep(NETWORK_CUT)
        self._cable.plug()
        return time.monotonic()

    async def change_address(self) -> float:
        former, self._address = self._address, f"{NETWORK}.{next(self._numbers)}"
        self._cable.move(former, self._address)
        return time.monotonic()


def _run(*command: str, text: str = "") -> None:
    subprocess.run(command, input=text, text=True, check=True)


async def over_a_wire(directory: Path, repetitions: int) -> dict[str, list[float]]:
    with contextlib.closing(Cable()) as cable:
        with cable.at_home():
            hub = HubProcess(directory, HubSettings(host="0.0.0.0", media_host=HOME), apps=[APP])
        try:
            ours = environment(hub.directory, TEST_HUB=f"http://{HOME}:{hub.port} {hub.secret}")
            arguments = ("--times", "--app", str(APP.app_id), APP.app_sign)
            with cable.away():
                alice = Program("alice", *arguments, **ours)
            with cable.at_home():
                bob = Program("bob", *arguments, **ours)
            wire = Wire(cable, hub)
            async with running([alice, bob]) as call:
                return {
                    "no fault": [await call.pauses(wire.leave_alone) for _ in range(repetitions)],
                    "signalling cut 5 s": [await call.pauses(wire.cut_signalling) for _ in range(repetitions)],
                    "everything cut 20 s": [await call.recovers(wire.cut_everything) for _ in range(repetitions)],
                    "network address changed": [await call.recovers(wire.change_address) for _ in range(repetitions)],
                }
        finally:
            hub.process.kill()
            hub.process.wait()


async def over_hubs(directory: Path, repetitions: int) -> dict[str, list[float]]:
    ours = environment(discovery.runtime_directory(directory))

    async def kill() -> float:
        address = discovery.read_address(directory)
        assert address is not None
        os.kill(address.pid, 9)
        return time.monotonic()

    try:
        async with running([Program(user_id, "--times", **ours) for user_id in ("alice", "bob")]) as call:
            return {"hub killed": [await call.recovers(kill) for _ in range(repetitions)]}
    finally:
        if (address := discovery.read_address(directory)) is not None:
            await discovery.ask(address, "POST", "/v1/stop")


async def in_browsers(home: Path, executable: str, repetitions: int) -> dict[str, list[float]]:
    """Two notebooks see each other, and one is reloaded; counted from the card that is drawn again, and from F5."""
    drawn, pressed = [], []
    lab = await Lab.start(home)
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=executable, args=chromium.flags())
            alice, bob = await asyncio.gather(*(_join(browser, lab, name) for name in ("alice", "bob")))
            await bob.save()
            for _ in range(repetitions):
                await asyncio.gather(alice.call.wait_until_sees("bob"), bob.call.wait_until_sees("alice"))
                pressed_at = time.monotonic()
                await bob.page.reload()
                await bob.call.root.wait_for(timeout=60_000)
                drawn_at = time.monotonic()
                await bob.call.wait_until_sees("alice")
                await alice.call.wait_until_sees("bob")
                drawn.append(time.monotonic() - drawn_at)
                pressed.append(time.monotonic() - pressed_at)
            await browser.close()
    finally:
        await lab.aclose()
    return {"browser reload": drawn, "  with JupyterLab's own": pressed}


async def _join(browser: Browser, lab: Lab, name: str) -> Notebook:
    path = lab.write_notebook(name, [CALL_CELL.format(room_id="recovery", user_id=name)])
    notebook = await Notebook.open(browser, lab, name, path)
    await notebook.run_cell(0)
    await notebook.call.root.wait_for()
    await notebook.call.press("Start call")
    await notebook.call.wait_for_state("in_call")
    return notebook


LIMITS: dict[str, float | None] = {
    "no fault": None,
    "signalling cut 5 s": 0.0,
    "everything cut 20 s": 5.0,
    "hub killed": 4.0,
    "browser reload": 3.0,
    "  with JupyterLab's own": None,
    "network address changed": 2.0,
}


async def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        found |= await over_hubs(Path(directory) / "hubs", repetitions)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            found |= await over_a_wire(Path(directory) / "wire", repetitions)
        if (executable := chromium.find()) is not None:
            home = Path(directory) / "lab"
            home.mkdir()
            found |= await in_browsers(home, executable, repetitions)
    print(f"{'':26}{'median':>8}{'worst':>8}{'aim':>8}   (s until the picture is back, {repetitions} times each)")
    for fault, aim in LIMITS.items():
        if fault in found:
            median, worst = statistics.median(found[fault]), max(found[fault])
            print(f"{fault:26}{median:8.2f}{worst:8.2f}{'' if aim is None else f'{aim:.1f}':>8}")


if __name__ == "__main__":
    asyncio.run(main())
