"""People of a real hub process with a room in which one of them has a narrow link."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar

from playwright.async_api import Page

from tests.hub.hub_process import HubProcess, Link
from tests.hub.layers.cameras import BRIGHTNESS, SIZES
from tests.hub.media.test_hub_process import ask, beat
from tests.hub.peers import PATIENCE, Participant
from tests.hub.tcp.network import Network
from zego_widget import protocol as p
from zego_widget.model import RoomConfig, User

NEAR = 14

P = TypeVar("P", bound=Participant)


@contextlib.asynccontextmanager
async def connected(
    hub: HubProcess, page: P, *, publishes: bool = False, network: Network | None = None
) -> AsyncIterator[P]:
    """Log in under the peer's ID, connect from this network, and keep the link to the hub alive; closes the peer."""
    async with hub.greeted_link() as link, page:
        name = page.peer_id
        await ask(link, p.LoginRoom(1, "demo", User(name, name), RoomConfig(), True, hub.key(name, "demo")))
        if publishes:
            await ask(link, p.StartPublishing(2, f"{name}-main"))
        with network.entered() if network else contextlib.nullcontext():  # its sockets are made with the offer
            offer = await page.offer(3, capture="take" if publishes else "never")
        answer = await ask(link, offer)
        assert isinstance(answer, p.Answer), answer
        await page.take_answer(answer.sdp)
        beats = asyncio.create_task(beat(link))
        try:
            await page.hears(p.RoomSnapshot)
            yield page
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)


class PageViewer:
    """A Chromium page that plays one stream of a camera in layers."""

    def __init__(self, page: Page, name: str) -> None:
        self._page = page
        self._name = name

    async def connect(self, hub: HubProcess, link: Link) -> None:
        name = self._name
        await ask(link, p.LoginRoom(1, "demo", User(name, name), RoomConfig(), True, hub.key(name, "demo")))
        sdp = (await self._page.evaluate("name => open_peer(name)", name))["sdp"]
        answer = await ask(link, p.Offer(2, name, sdp, capture="never"))
        assert isinstance(answer, p.Answer), answer
        await self._page.evaluate("([name, sdp]) => connect(name, sdp)", [name, answer.sdp])

    async def shows(self, layer: str) -> None:
        """Wait until pictures of this layer are decoded."""
        await self._page.evaluate(_SHOWS, [self._name, SIZES[layer][0], PATIENCE * 2])

    async def pictures(self) -> int:
        """How many were decoded."""
        number: int = await self._page.evaluate("name => decoded(name)", self._name)
        return number


_SHOWS = """async ([name, width, patience]) => {
  const until = performance.now() + 1000 * patience;
  const seen = async () => {
    for (const entry of (await window[name].viewing.receiver.getStats()).values())
      if (entry.type === "inbound-rtp") return entry.frameWidth;
  };
  while ((await seen()) !== width) {
    if (performance.now() > until) throw new Error(`waited in vain for a picture ${width} pixels wide`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}"""


class Viewer(Participant):
    """Plays one stream, and knows its layers by how bright they are."""

    def __init__(self, name: str, *, slots: int = 1) -> None:
        super().__init__(name, slots=slots, sends=())
        self.octets = 0
        """Of all media, as they came off the wire."""

    async def take_answer(self, sdp: str) -> None:
        dtls = self.pc.sctp.transport
        take = dtls._handle_rtp_data

        async def counted(data: bytes, arrival_time_ms: int) -> None:
            self.octets += len(data)
            await take(data, arrival_time_ms)

        dtls._handle_rtp_data = counted
        await super().take_answer(sdp)

    def mid(self, stream_id: str) -> str:
        slot = self.slot_of(stream_id)
        return slot.video_mid or "" if slot else ""

    def layer(self, stream_id: str) -> str | None:
        """The layer of the latest picture."""
        shown = self.brightness.get(self.mid(stream_id))
        return next((rid for rid, b in BRIGHTNESS.items() if shown is not None and abs(b - shown) < NEAR), None)

    def pictures(self, stream_id: str) -> int:
        """How many were decoded."""
        return self.frames[self.mid(stream_id)]

    def sounds(self, stream_id: str) -> int:
        """The same for sound, in frames of 20 ms."""
        slot = self.slot_of(stream_id)
        return self.frames[slot.audio_mid or ""] if slot else 0

    async def shows(self, stream_id: str, layer: str, more: int = 5) -> None:
        """Wait until this layer is shown, and goes on."""
        await self.until(lambda: self.layer(stream_id) == layer, f"layer {layer} of {stream_id}")
        before = self.pictures(stream_id)
        await self.until(lambda: self.pictures(stream_id) >= before + more, "more pictures")
