"""Who sends H.264 is seen by those whose browser shows it, and named as such in the tile of those whose does not."""

from __future__ import annotations

import asyncio

from playwright.async_api import expect

from .conftest import JoinCall
from .notebook import PATIENCE, Notebook
from .test_speakers import tile

TIMEOUT = PATIENCE * 1000

ONLY = """\
([direction, mimeType]) => {
  const createOffer = (RTCPeerConnection.prototype.__createOffer ??= RTCPeerConnection.prototype.createOffer);
  RTCPeerConnection.prototype.createOffer = function (...options) {
    for (const transceiver of this.getTransceivers()) {
      if (transceiver.receiver.track.kind !== "video" || transceiver.direction !== direction) continue;
      const side = direction === "sendonly" ? RTCRtpSender : RTCRtpReceiver;
      const known = side.getCapabilities("video").codecs;
      transceiver.setCodecPreferences(known.filter((codec) => codec.mimeType === mimeType));
    }
    return createOffer.apply(this, options);
  };
}"""


async def start(notebook: Notebook, direction: str = "", mime_type: str = "") -> None:
    """Start call, in a browser that sends (`sendonly`) or receives pictures in one codec only."""
    if direction:
        await notebook.page.evaluate(ONLY, [direction, mime_type])
    await notebook.call.press("Start call")
    await notebook.call.wait_for_state("in_call")


async def test_a_codec_that_a_browser_can_not_show_is_named_there_and_everybody_else_goes_on(
    ready_to_call: JoinCall,
) -> None:
    alice, bob, carol = await asyncio.gather(*(ready_to_call(name) for name in ("alice", "bob", "carol")))
    await asyncio.gather(start(alice, "sendonly", "video/H264"), start(bob, "recvonly", "video/VP8"), start(carol))
    await asyncio.gather(
        carol.call.wait_until_sees("alice"),
        carol.call.wait_until_sees("bob"),
        bob.call.wait_until_sees("carol"),
        alice.call.wait_until_sees("bob"),
    )
    held = tile(bob.call, "alice").get_by_role("status")
    await expect(held).to_have_text("alice sends H.264, which this browser can not show.", timeout=TIMEOUT)
    await expect(tile(bob.call, "alice").locator("video")).to_be_hidden()
    await expect(tile(bob.call, "carol").get_by_role("status")).to_be_empty()
    assert not await bob.page.evaluate("__probe.isSilent('alice')")

    await alice.call.press("Stop call")
    await alice.call.wait_for_state("idle")
    await alice.page.evaluate(ONLY, ["sendonly", "video/VP8"])
    await start(alice)
    await bob.call.wait_until_sees("alice")
    await expect(held).to_be_empty()
