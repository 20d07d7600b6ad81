"""A real browser on networks that lose a tenth both ways: it asks and is asked for what got lost (FAULTS 8)."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from playwright.async_api import Browser

from tests.hub.loss.wire import Wire
from tests.netem import NetworkLink
from zego_widget.forwarder import Forwarder, Peer

PATIENCE = 30.0
FRAMES = 120

CALL = """async () => {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  const publisher = new RTCPeerConnection();
  const sending = media.getTracks().map((track) => publisher.addTransceiver(track, { direction: "sendonly" }));
  const connect = async (connection, mids) => {
    await connection.setLocalDescription();
    const sdp = await answer(connection.localDescription.sdp, mids());
    await connection.setRemoteDescription({ type: "answer", sdp });
  };
  const slot = { audio: "microphone", video: "camera" };
  const mids = () => Object.fromEntries(sending.map(({ sender, mid }) => [slot[sender.track.kind], mid]));
  await connect(publisher, mids);
  const viewer = new RTCPeerConnection();
  const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true });
  video.srcObject = new MediaStream();
  document.body.append(video);
  viewer.addEventListener("track", ({ track }) => video.srcObject.addTrack(track));
  for (const kind of ["audio", "video", "video"]) viewer.addTransceiver(kind, { direction: "recvonly" });
  await connect(viewer, () => ({}));
  const report = async (connection, type) =>
    [...(await connection.getStats()).values()].find((r) => r.type === type && r.kind === "video");
  window.look = async () => ({
    sent: await report(publisher, "outbound-rtp"),
    seen: (await report(viewer, "inbound-rtp")) ?? {},
  });
}"""


class Listener:
    """Hears of peers and needs nothing of it."""

    def peer_connected(self, peer: Peer) -> None: ...

    def control_opened(self, peer: Peer) -> None: ...

    def control_received(self, peer: Peer, text: str) -> None: ...

    def peer_closed(self, peer: Peer, reason: str) -> None: ...


async def empty_page(request: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>call</title>", content_type="text/html")


async def test_a_browser_sees_nine_of_ten_frames_where_a_tenth_is_lost(browser: Browser) -> None:
    application = web.Application()
    application.router.add_get("/", empty_page)
    runner = web.AppRunner(application)
    await runner.setup()
    forwarder = await Forwarder.open()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with Wire(forwarder.port) as up, Wire(forwarder.port) as down:
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
            wires, peers = [up, down], list[Peer]()

            async def answer(sdp: str, mids: dict[str, str]) -> str:
                peer, text = forwarder.answer(sdp, mids, Listener())
                peers.append(peer)
                return wires[len(peers) - 1].redirect(text)

            async def until_seen(frames: int) -> dict[str, dict[str, Any]]:
                async with asyncio.timeout(PATIENCE):
                    while True:
                        stats: dict[str, dict[str, Any]] = await page.evaluate("look()")
                        if stats["seen"].get("framesDecoded", 0) >= frames:
                            return stats
                        await asyncio.sleep(0.1)

            await page.expose_function("answer", answer)
            await page.evaluate(CALL)
            sender, receiver = peers
            camera = sender.publisher.publication("camera")
            assert camera is not None
            receiver.viewer.subscribe(receiver.viewer.video_slots[0], camera)
            before = await until_seen(20)
            up.up, up.down, down.up, down.down = (NetworkLink(seed, delay=0.02, loss=0.1) for seed in range(4))
            after = await until_seen(20 + FRAMES)
            decoded = after["seen"]["framesDecoded"] - before["seen"]["framesDecoded"]
            encoded = after["sent"]["framesEncoded"] - before["sent"]["framesEncoded"]
            assert decoded >= 0.9 * encoded
            assert after["sent"]["nackCount"] > 0
            assert after["sent"]["retransmittedPacketsSent"] > 0
            assert after["seen"]["nackCount"] > 0
            assert after["seen"]["retransmittedPacketsReceived"] > 0
            await page.close()
    finally:
        await forwarder.aclose()
        await runner.cleanup()
