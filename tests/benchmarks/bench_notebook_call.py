"""How long until one sees and stops seeing each other, in JupyterLab and Chromium: medians of five.

python tests/benchmarks/bench_notebook_call.py [repetitions]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import Browser, async_playwright

from tests.browser import chromium
from tests.browser.lab import Lab
from tests.browser.notebook import CALL_CELL, Notebook

REPETITIONS = 5


async def measure_once(browser: Browser, lab: Lab, room_id: str, figures: dict[str, list[float]]) -> None:
    """One call of two people from Start call to Stop call."""

    async def ready(name: str) -> Notebook:
        path = lab.write_notebook(name, [CALL_CELL.format(room_id=room_id, user_id=name)])
        notebook = await Notebook.open(browser, lab, name, path)
        await notebook.run_cell(0)
        await notebook.call.root.wait_for()
        return notebook

    def note(what: str, since: float) -> None:
        figures.setdefault(what, []).append(time.perf_counter() - since)

    alice, bob = await asyncio.gather(ready("alice"), ready("bob"))
    await alice.call.press("Start call")
    await alice.call.wait_for_state("in_call")
    await alice.call.wait_for_own_picture()

    async def picture(person: Notebook, other: str) -> None:
        await person.call.wait_until_sees(other)
        note(f"first picture, {'newcomer' if person is bob else 'person in the call'}", pressed_at)

    pressed_at = time.perf_counter()
    await bob.call.press("Start call")
    await asyncio.gather(picture(bob, "alice"), picture(alice, "bob"))

    pressed_at = time.perf_counter()
    await bob.call.press("Stop call")
    await alice.call.wait_until_gone("bob")
    note("tile gone after Stop call", pressed_at)

    await asyncio.gather(alice.context.close(), bob.context.close())
    await lab.shutdown_kernels()


async def main(repetitions: int) -> None:
    executable = chromium.find()
    if executable is None:
        sys.exit("this benchmark needs Chromium: run `python -m tests.browser.chromium`")
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as home:
        lab = await Lab.start(Path(home))
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=executable, args=chromium.flags())
                for repetition in range(repetitions):
                    await measure_once(browser, lab, f"bench-{repetition}", figures)
                await browser.close()
        finally:
            await lab.aclose()

    print(f"{'':42} {'median':>8} {'best':>8} {'worst':>8}   (ms, {repetitions} calls)")
    for what, seconds in figures.items():
        values = [1000 * each for each in seconds]
        print(f"{what:42} {statistics.median(values):8.0f} {min(values):8.0f} {max(values):8.0f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS))
