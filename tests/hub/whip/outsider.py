"""A WHIP and WHEP client written on nothing of ours: aiohttp and aiortc."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack, VideoStreamTrack

PATIENCE = 20.0
"""Seconds after which a test that waits for something fails."""
SDP = {"Content-Type": "application/sdp"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Outsider:
    """One peer connection and the HTTP requests around it. `async with` closes it, without a DELETE."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self.frames: Counter[str] = Counter()
        """Decoded frames by kind."""
        self.resource = ""
        self.etag = ""
        self.answer = ""
        self.edit_offer: Callable[[str], str] = str
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.pc = RTCPeerConnection(configuration)
        self._tracks: list[MediaStreamTrack] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()
        self.pc.on("track", self._receive)

    async def __aenter__(self) -> Outsider:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def publish(self, *kinds: str, connects: bool = True) -> None:
        """Send a green picture and silence, or only one of them; or take no notice of the answer."""
        for kind in kinds or ("audio", "video"):
            self._tracks.append(AudioStreamTrack() if kind == "audio" else VideoStreamTrack())
            self.pc.addTransceiver(self._tracks[-1], direction="sendonly")
        await self._post(connects=connects)

    async def play(self, direction: str = "recvonly") -> None:
        """Receive audio and video."""
        for kind in ("audio", "video"):
            self.pc.addTransceiver(kind, direction=direction)
        await self._post()

    async def offer(self, *kinds: str, direction: str = "sendonly") -> str:
        """An offer that nobody answers."""
        for kind in kinds or ("audio", "video"):
            self.pc.addTransceiver(kind, direction=direction)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def delete(self, token: str | None = None) -> int:
        """DELETE the resource; the status."""
        return await self.ask("DELETE", headers=bearer(self.token if token is None else token))

    async def ask(self, method: str, **options: Any) -> int:
        """A request to the resource; the status."""
        async with aiohttp.ClientSession() as http, http.request(method, self.resource, **options) as response:
            await response.read()
            return response.status

    async def sees(self, kind: str = "video", frames: int = 5) -> None:
        """Wait for as many more decoded frames."""
        wanted = self.frames[kind] + frames
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.frames[kind] >= wanted)

    async def vanish(self) -> None:
        """Send nothing any more, and say no goodbye."""
        transport = self.pc.getTransceivers()[0].sender.transport
        await transport.transport._connection.close()

    async def is_closed(self) -> None:
        """Wait until the other side has ended the connection."""
        async with asyncio.timeout(PATIENCE):
            while self.pc.connectionState not in ("closed", "failed"):
                changed = asyncio.Event()
                self.pc.once("connectionstatechange", changed.set)
                await changed.wait()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for track in self._tracks:
            track.stop()
        await self.pc.close()

    async def _post(self, *, connects: bool = True) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        async with (
            aiohttp.ClientSession(headers=bearer(self.token)) as http,
            http.post(self.url, data=self.edit_offer(self.pc.localDescription.sdp), headers=SDP) as response,
        ):
            self.answer = await response.text()
            assert response.status == 201, (response.status, self.answer)
            assert response.content_type == "application/sdp"
            self.etag = response.headers["ETag"]
            self.resource = str(response.url.join(aiohttp.client.URL(response.headers["Location"])))
        if connects:
            await self.pc.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))

    def _receive(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.ensure_future(self._count(track)))

    async def _count(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                self.frames[track.kind] += 1
                async with self._changed:
                    self._changed.notify_all()
