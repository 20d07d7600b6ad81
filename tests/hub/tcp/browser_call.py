"""A call of a Chromium page without notebook or widget: the page makes the offers, the test plays the kernels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.browser import chromium
from tests.hub.hub_process import HubProcess, Link
from zego_widget import protocol as p
from zego_widget.model import RoomConfig, User

_PAGE = """() => {
window.open_peer = async (name) => {
  const pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  const control = pc.createDataChannel("control", { ordered: true });
  const canvas = document.createElement("canvas");
  const paint = () => {
    const context = canvas.getContext("2d");
    context.fillStyle = `hsl(${performance.now() % 360} 50% 50%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  setInterval(paint, 50);
  paint();
  const camera = pc.addTransceiver(canvas.captureStream(20).getTracks()[0], { direction: "sendonly" });
  pc.addTransceiver("audio", { direction: "recvonly" });
  const viewing = pc.addTransceiver("video", { direction: "recvonly" });
  await pc.setLocalDescription();
  window[name] = { pc, control, viewing };
  return { sdp: pc.localDescription.sdp, camera: camera.mid };
};
window.connect = async (name, sdp) => {
  const { pc, control } = window[name];
  const began = performance.now();
  const opened = new Promise((resolve) => { control.onopen = resolve; });
  await pc.setRemoteDescription({ type: "answer", sdp });
  await opened;
  return (performance.now() - began) / 1000;
};
window.decoded = async (name) => {
  const report = await window[name].viewing.receiver.getStats();
  for (const entry of report.values()) if (entry.type === "inbound-rtp") return entry.framesDecoded ?? 0;
  return 0;
};
window.transport = async (name) => {
  const report = await window[name].pc.getStats();
  for (const entry of report.values())
    if (entry.type === "transport" && entry.selectedCandidatePairId) {
      const pair = report.get(entry.selectedCandidatePairId);
      const remote = report.get(pair.remoteCandidateId);
      return `${remote.protocol} ${remote.address}:${remote.port}`;
    }
  return "";
};
}"""


@contextlib.asynccontextmanager
async def chromium_running() -> AsyncIterator[Browser]:
    """A Chromium in the network of the thread; fails where there is none."""
    executable = chromium.find()
    assert executable is not None, "this test needs Chromium: run `python -m tests.browser.chromium`"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=chromium.flags())
        try:
            yield browser
        finally:
            await browser.close()


async def blank_page(browser: Browser) -> Page:
    page = await browser.new_page()
    await page.evaluate(_PAGE)
    return page


class Person:
    """Someone logged in over a link, whose peer lives in the page under the same name."""

    def __init__(self, page: Page, name: str, link: Link) -> None:
        self._page = page
        self.name = name
        self._link = link

    async def login(self, hub: HubProcess, room_id: str = "demo") -> None:
        key = hub.key(self.name, room_id)
        await self._ask(p.LoginRoom(1, room_id, User(self.name, self.name), RoomConfig(), True, key))
        await self._ask(p.StartPublishing(2, f"{self.name}-main"))

    async def connect(self) -> float:
        """Offer and connect; the seconds from the answer to the open control channel."""
        offer = await self._page.evaluate("name => open_peer(name)", self.name)
        slots = p.SendSlots(camera=offer["camera"])
        answer = await self._ask(p.Offer(3, self.name, offer["sdp"], slots, capture="take"))
        assert isinstance(answer, p.Answer), answer
        seconds: float = await self._page.evaluate("([name, sdp]) => connect(name, sdp)", [self.name, answer.sdp])
        return seconds

    async def sees_somebody(self, frames: int = 10) -> None:
        """Wait until so many more pictures are decoded."""
        before = await self._page.evaluate("name => decoded(name)", self.name)
        await self._page.evaluate(
            """async ([name, frames]) => {
              while ((await decoded(name)) < frames) await new Promise((resolve) => setTimeout(resolve, 50));
            }""",
            [self.name, before + frames],
        )

    async def transport(self) -> str:
        """Protocol and address of the hub on the selected pair."""
        answer: str = await self._page.evaluate("name => transport(name)", self.name)
        return answer

    async def stay(self) -> None:
        while True:
            await self._link.send(p.Heartbeat())
            await asyncio.sleep(2.0)

    async def _ask(self, request: Any) -> p.HubMessage:
        await self._link.send(request)
        while True:
            message = await self._link.receive()
            if getattr(message, "request_id", None) == request.request_id:
                return message


@contextlib.asynccontextmanager
async def person(hub: HubProcess, page: Page, name: str) -> AsyncIterator[Person]:
    async with hub.greeted_link() as link:
        person = Person(page, name, link)
        await person.login(hub)
        staying = asyncio.create_task(person.stay())
        try:
            yield person
        finally:
            staying.cancel()
            await asyncio.gather(staying, return_exceptions=True)
