"""A tile is sent the layer of the camera that fits it, and nothing while nobody can see it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from .conftest import JoinCall, RecordFigure
from .notebook import PATIENCE, Notebook

LARGE, SMALL = 640, 320
"""Widths of the layers of a camera of 640 x 360: Chromium sends no third one of a picture of that size."""

RECEIVED = """\
async () => {
  for (const peer of __probe.openPeers())
    for (const report of (await peer.getStats()).values())
      if (report.type === "inbound-rtp" && report.kind === "video" && report.frameWidth) return report;
  return null;
}"""

SENT = """\
async () => {
  const sent = {};
  for (const peer of __probe.openPeers())
    for (const report of (await peer.getStats()).values())
      if (report.type === "outbound-rtp" && report.rid) sent[report.rid] = report.framesSent ?? 0;
  return sent;
}"""


async def received(viewer: Notebook) -> dict[str, Any]:
    """The browser's statistics of the one picture that arrives."""
    return await viewer.page.evaluate(RECEIVED) or {}


async def until_received(viewer: Notebook, width: int) -> None:
    """Wait until pictures of this width arrive, and go on."""
    condition = f"async () => (await ({RECEIVED})())?.frameWidth === {width}"
    arrived = await viewer.page.evaluate(f"__probe.until({condition}, {PATIENCE * 1000})")
    assert arrived, (width, await received(viewer))
    before = (await received(viewer))["framesDecoded"]
    more = f"async () => (await ({RECEIVED})())?.framesDecoded > {before} + 10"
    assert await viewer.page.evaluate(f"__probe.until({more}, {PATIENCE * 1000})")


async def resize_call(viewer: Notebook, width: str) -> None:
    await viewer.page.evaluate(
        "(width) => { for (const root of document.querySelectorAll('.zw-root')) root.style.width = width; }", width
    )


async def sent_in(publisher: Notebook, seconds: float) -> dict[str, int]:
    """Frames sent by RID within a while."""
    before = await publisher.page.evaluate(SENT)
    await asyncio.sleep(seconds)
    after = await publisher.page.evaluate(SENT)
    return {rid: after[rid] - before.get(rid, 0) for rid in after}


async def test_a_tile_gets_the_layer_that_fits_it_and_nothing_out_of_sight(
    join_call: JoinCall, record_figure: RecordFigure
) -> None:
    alice, bob = await asyncio.gather(join_call("alice"), join_call("bob"))
    await asyncio.gather(bob.call.wait_until_sees("alice"), alice.call.wait_until_sees("bob"))
    started_at = time.perf_counter()
    await resize_call(bob, "1100px")
    await until_received(bob, LARGE)
    record_figure("large layer after the first picture", time.perf_counter() - started_at)

    await resize_call(bob, "300px")
    await until_received(bob, SMALL)
    # Nobody watches the large one any more: it is switched off at Alice's browser.
    async with asyncio.timeout(PATIENCE):
        while (sent := await sent_in(alice, 1.0))["h"]:
            assert sent["q"]
    assert sent["q"] > 5

    await resize_call(bob, "1100px")
    await until_received(bob, LARGE)

    await bob.page.evaluate("document.querySelector('.zw-root').style.display = 'none'")
    stopped = """async () => {
      const before = await (%s)();
      await new Promise((resolve) => setTimeout(resolve, 600));
      return (await (%s)()).packetsReceived === before.packetsReceived;
    }""" % (RECEIVED, RECEIVED)  # noqa: UP031
    assert await bob.page.evaluate(f"__probe.until({stopped}, {PATIENCE * 1000})")
    assert not await bob.page.evaluate("__probe.isSilent('alice')")

    await bob.page.evaluate("document.querySelector('.zw-root').style.display = ''")
    await until_received(bob, LARGE)
    await bob.call.wait_until_sees("alice")
