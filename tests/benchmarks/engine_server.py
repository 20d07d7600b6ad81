"""A forwarding engine in a process of its own, driven by JSON lines on standard input and output.

    {"offer": sdp, "camera": mid or null}   ->   {"answer": sdp}     a peer that publishes or plays
    {"connect": true}                       ->   {}                  every viewer plays the publisher
    {"cpu": true}                           ->   {"cpu": seconds}    CPU time of this process so far

python -m tests.benchmarks.engine_server zego_widget | media_relay
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, Protocol

import uvloop
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

from zego_widget.forwarder import Forwarder, Peer


class Engine(Protocol):
    async def answer(self, offer: str, camera: str | None) -> str: ...

    async def connect(self) -> None: ...

    async def aclose(self) -> None: ...


class ZegoWidget:
    """This project's forwarder."""

    def __init__(self) -> None:
        self._forwarder: Forwarder | None = None
        self._publisher: Peer | None = None
        self._viewers: list[Peer] = []

    async def answer(self, offer: str, camera: str | None) -> str:
        if self._forwarder is None:
            self._forwarder = await Forwarder.open()
        peer, answer = self._forwarder.answer(offer, {"camera": camera} if camera else {}, self)
        if camera:
            self._publisher = peer
        else:
            self._viewers.append(peer)
        return answer

    async def connect(self) -> None:
        assert self._publisher is not None
        publication = self._publisher.publication("camera")
        assert publication is not None
        for viewer in self._viewers:
            viewer.subscribe(viewer.video_slots[0], publication)

    async def aclose(self) -> None:
        if self._forwarder is not None:
            await self._forwarder.aclose()

    def peer_connected(self, peer: Peer) -> None: ...

    def control_opened(self, peer: Peer) -> None: ...

    def control_received(self, peer: Peer, text: str) -> None: ...

    def peer_closed(self, peer: Peer, reason: str) -> None: ...


class Relay:
    """aiortc's MediaRelay, as its examples use it: decodes once, encodes for every viewer."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._connections: list[RTCPeerConnection] = []
        self._source: MediaStreamTrack | None = None

    async def answer(self, offer: str, camera: str | None) -> str:
        connection = RTCPeerConnection()
        self._connections.append(connection)
        if camera:

            @connection.on("track")
            def on_track(track: MediaStreamTrack) -> None:
                self._source = track

        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if not camera:
            assert self._source is not None
            connection.addTrack(self._relay.subscribe(self._source))
        await connection.setLocalDescription(await connection.createAnswer())
        return connection.localDescription.sdp

    async def connect(self) -> None:
        """Viewers are subscribed by their answers."""

    async def aclose(self) -> None:
        for connection in self._connections:
            await connection.close()


async def serve(engine: Engine) -> None:
    """Answer the lines of standard input until it ends."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request: dict[str, Any] = json.loads(line)
        reply: dict[str, Any] = {}
        if "offer" in request:
            reply["answer"] = await engine.answer(request["offer"], request["camera"])
        elif "connect" in request:
            await engine.connect()
        else:
            reply["cpu"] = time.process_time()
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
    await engine.aclose()


if __name__ == "__main__":
    uvloop.run(serve(ZegoWidget() if sys.argv[1] == "zego_widget" else Relay()))
