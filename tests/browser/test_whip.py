"""Pages of another origin, with no code of ours in them: one publishes over WHIP, one plays over WHEP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page

from tests.hub.hub_process import PATIENCE, HubProcess
from zego_widget.credentials import new_app
from zego_widget.tokens import privilege_payload, sign

APP = new_app()
ROOM = "studio"

SCRIPT = """
async ({ url, token, publishes }) => {
  const pc = (window.pc = new RTCPeerConnection());
  const video = document.querySelector("video");
  if (publishes) {
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    for (const track of media.getTracks()) pc.addTransceiver(track, { direction: "sendonly" });
  } else {
    video.srcObject = new MediaStream();
    pc.ontrack = ({ track }) => video.srcObject.addTrack(track);
    for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
  }
  await pc.setLocalDescription();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
  const response = await fetch(url, { method: "POST", headers, body: pc.localDescription.sdp });
  const answer = await response.text();
  if (response.status !== 201) return [response.status, answer];
  window.resource = new URL(response.headers.get("Location"), url);
  await pc.setRemoteDescription({ type: "answer", sdp: answer });
  return [response.status, response.headers.get("ETag")];
}
"""
DELETE = """
async token => {
  const headers = { Authorization: `Bearer ${token}` };
  return (await fetch(window.resource, { method: "DELETE", headers })).status;
}
"""
PLAYED = """
async wanted => {
  for (;;) {
    const reports = [...(await window.pc.getStats()).values()].filter(report => report.type === "inbound-rtp");
    const video = reports.find(report => report.kind === "video");
    const audio = reports.find(report => report.kind === "audio");
    if ((video?.framesDecoded ?? 0) >= wanted && (audio?.packetsReceived ?? 0) >= wanted) return;
    await new Promise(done => setTimeout(done, 100));
  }
}
"""


def token(user_id: str) -> str:
    return sign(APP.app_id, user_id, APP.server_secret, 3600, privilege_payload(ROOM, publish=True))


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere() -> AsyncIterator[str]:
    """The address of a site that has nothing to do with the hub."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><video autoplay muted></video>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://localhost:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_pages_of_any_site_publish_and_play(browser: Browser, elsewhere: str, tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as closing:
        hub = closing.enter_context(contextlib.closing(HubProcess(tmp_path / "runtime", apps=[APP])))

        async def visitor(protocol: str, user_id: str) -> Page:
            context = await browser.new_context(permissions=["camera", "microphone"])
            closing.push_async_callback(context.close)
            page = await context.new_page()
            await page.goto(elsewhere)
            given = {"url": f"{hub.url}/{protocol}/{ROOM}/camera", "token": token(user_id)}
            status, said = await page.evaluate(SCRIPT, given | {"publishes": protocol == "whip"})
            assert status == 201, said
            assert said.startswith('"')
            return page

        publisher = await visitor("whip", "publisher")
        await publisher.wait_for_function("window.pc.connectionState === 'connected'")
        viewer = await visitor("whep", "viewer")
        async with asyncio.timeout(PATIENCE):
            await viewer.evaluate(PLAYED, 20)
        assert await viewer.evaluate("document.querySelector('video').videoWidth") > 0
        for page, user_id in ((viewer, "viewer"), (publisher, "publisher")):
            assert await page.evaluate(DELETE, token(user_id)) == 200
            assert await page.evaluate(DELETE, token(user_id)) == 404
        assert hub.status().sessions == 0
