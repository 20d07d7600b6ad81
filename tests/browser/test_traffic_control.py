"""Traffic control in a real browser: what may give way is the browser's to know, and the least bitrate acts."""

from __future__ import annotations

from playwright.async_api import expect

from .conftest import JoinCall
from .notebook import PATIENCE
from .test_speakers import tile

TIMEOUT = PATIENCE * 1000

# No connection is found to be as wide as this within a test.
LEAST = """\
from zego_widget import VideoConfig

engine = call.engine
engine.set_video_config(VideoConfig(bitrate=20_000)).result()
engine.set_min_video_bitrate_for_traffic_control(20_000).result()"""
NO_LEAST = "engine.set_min_video_bitrate_for_traffic_control(0).result()"

PREFERENCES = """\
() => __probe.openPeers().flatMap((peer) => peer.getTransceivers())
    .filter(({ sender }) => sender.track?.kind === "video")
    .map(({ sender }) => sender.getParameters().degradationPreference)"""


async def test_the_least_bitrate_stops_the_pictures_and_the_others_are_told(join_call: JoinCall) -> None:
    alice = await join_call("alice", LEAST, NO_LEAST)
    bob = await join_call("bob")
    await bob.call.wait_until_sees("alice")
    assert await alice.page.evaluate(PREFERENCES) == ["maintain-resolution"]

    await alice.run_cell(1)
    note = tile(bob.call, "alice").locator(".zw-note")
    await expect(note).to_have_text("Camera off", timeout=2 * TIMEOUT)
    await expect(alice.call.root.locator(".zw-notice")).to_contain_text("Your connection is slow")
    assert not await bob.page.evaluate("__probe.isSilent('alice')")

    await alice.run_cell(2)
    await bob.call.wait_until_sees("alice")
    await expect(note).to_have_count(0)
    await expect(alice.call.root.locator(".zw-notice")).to_have_count(0)
