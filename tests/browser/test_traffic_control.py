"""Traffic control in a real browser: it knows what may give way, and sends no pictures below the least bitrate."""

from __future__ import annotations

import asyncio
import contextlib
import re

from playwright.async_api import expect

from tests.hub.loss.wire import Wire
from tests.netem import NetworkLink

from .conftest import JoinCall
from .notebook import PATIENCE
from .test_speakers import tile

TIMEOUT = 2 * PATIENCE * 1000

LEAST_CELL = "call.engine.set_min_video_bitrate_for_traffic_control(250).result()"

REDIRECT = """\
() => {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
    return set.call(this, { ...description, sdp: await redirected(description.sdp) });
  };
}"""

PREFERENCES = """\
() => __probe.openPeers().flatMap((peer) => peer.getTransceivers())
    .filter(({ sender }) => sender.track?.kind === "video")
    .map(({ sender }) => sender.getParameters().degradationPreference)"""


async def test_the_least_bitrate_stops_the_pictures_and_the_others_are_told(
    ready_to_call: JoinCall, join_call: JoinCall
) -> None:
    async with contextlib.AsyncExitStack() as wires:
        bob, alice = await asyncio.gather(join_call("bob"), ready_to_call("alice", LEAST_CELL))
        network = NetworkLink(1)
        wired: list[Wire] = []  # a connection on a bad network may be given up for another one on the same

        async def redirected(sdp: str) -> str:
            """The hub's answer, with a network between Alice and the hub."""
            found = re.search(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", sdp)
            assert found is not None
            wire = await wires.enter_async_context(Wire(int(found[1])))
            wired.append(wire)
            becomes(network)
            return wire.redirect(sdp)

        def becomes(link: NetworkLink) -> None:
            nonlocal network
            network = link
            for wire in wired:
                wire.up = link

        await alice.page.expose_function("redirected", redirected)
        await alice.page.evaluate(REDIRECT)
        await alice.run_cell(1)
        await alice.call.press("Start call")
        await alice.call.wait_for_state("in_call")
        await bob.call.wait_until_sees("alice")
        assert await alice.page.evaluate(PREFERENCES) == ["maintain-resolution"]

        becomes(NetworkLink(1, loss=0.35))
        note = tile(bob.call, "alice").locator(".zw-note")
        await expect(note).to_have_text("Camera off", timeout=TIMEOUT)
        notice = alice.call.root.locator(".zw-notice")
        await expect(notice).to_contain_text("Your connection is slow")

        becomes(NetworkLink(1))
        await expect(note).to_have_count(0, timeout=TIMEOUT)
        await bob.call.wait_until_sees("alice")
        await expect(notice).to_have_count(0)
