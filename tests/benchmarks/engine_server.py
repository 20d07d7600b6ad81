"""A forwarding engine in a process of its own, driven by JSON lines on standard input and output.

    {"join": id, "offer": sdp, "send": {slot: mid}}   ->   {"answer": sdp}     a peer that publishes or plays
    {"connect": true}                                 ->   {}                  everyone plays what the others publish
    {"counters": true}                                ->   {"counters": {name: count}}
    {"leave": id}                                     ->   {}
    {"level": true}                                   ->   {"tasks", "file_descriptors", "rss_bytes"}

python -m tests.benchmarks.engine_server zego_widget | media_relay
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import json
import os
import sys
from typing import Any, Protocol

import uvloop
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

from tests.benchmarks import isolation
from zego_widget.forwarder import Forwarder, Peer
from zego_widget.hub.status import process_status

_PROFILE = "BENCH_PROFILE"
"""Environment: a file that the profile of the engine is written to; it slows the engine down."""


class Engine(Protocol):
    async def answer(self, name: str, offer: str, send: dict[str, str]) -> str: ...

    async def connect(self) -> None: ...

    def counters(self) -> dict[str, int]: ...

    async def leave(self, name: str) -> None: ...

    async def aclose(self) -> None: ...


class ZegoWidget:
    """This project's forwarder."""

    def __init__(self) -> None:
        self._forwarder: Forwarder | None = None
        self._peers: dict[str, Peer] = {}
        self._slots: dict[str, tuple[str, ...]] = {}
        self._played: set[tuple[str, str, str]] = set()

    async def answer(self, name: str, offer: str, send: dict[str, str]) -> str:
        if self._forwarder is None:
            self._forwarder = await Forwarder.open(isolation.host())
        self._peers[name], answer = self._forwarder.answer(offer, send, self)
        self._slots[name] = tuple(send)
        return answer

    async def connect(self) -> None:
        for name, peer in self._peers.items():
            free = {"audio": iter(peer.viewer.audio_slots), "video": iter(peer.viewer.video_slots)}
            for other, sender in self._peers.items():
                for slot in self._slots[other] if other != name else ():
                    publication = sender.publisher.publication(slot)
                    assert publication is not None
                    mid = next(free[publication.kind], None)
                    if mid is not None and (name, other, slot) not in self._played:
                        self._played.add((name, other, slot))
                        peer.viewer.subscribe(mid, publication)

    def counters(self) -> dict[str, int]:
        return self._forwarder.counters() if self._forwarder else {}

    async def leave(self, name: str) -> None:
        self._peers.pop(name).close("it leaves")

    async def aclose(self) -> None:
        if self._forwarder is not None:
            await self._forwarder.aclose()

    def peer_connected(self, peer: Peer) -> None: ...

    def control_opened(self, peer: Peer) -> None: ...

    def control_received(self, peer: Peer, text: str) -> None: ...

    def peer_closed(self, peer: Peer, reason: str) -> None: ...


class Relay:
    """aiortc's MediaRelay, as its examples use it: decodes once, encodes for every viewer; one camera."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._connections: dict[str, RTCPeerConnection] = {}
        self._source: MediaStreamTrack | None = None

    async def answer(self, name: str, offer: str, send: dict[str, str]) -> str:
        connection = self._connections[name] = RTCPeerConnection()
        if send:

            @connection.on("track")
            def on_track(track: MediaStreamTrack) -> None:
                self._source = track

        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        if not send:
            assert self._source is not None
            connection.addTrack(self._relay.subscribe(self._source))
        await connection.setLocalDescription(await connection.createAnswer())
        return connection.localDescription.sdp

    async def connect(self) -> None:
        """Viewers are subscribed by their answers."""

    def counters(self) -> dict[str, int]:
        return {}

    async def leave(self, name: str) -> None:
        await self._connections.pop(name).close()

    async def aclose(self) -> None:
        for connection in self._connections.values():
            await connection.close()


async def serve(engine: Engine) -> None:
    """Answer the lines of standard input until it ends."""
    loop = asyncio.get_running_loop()
    gc.collect()
    gc.freeze()  # as the hub does when it is ready
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request: dict[str, Any] = json.loads(line)
        reply: dict[str, Any] = {}
        if "join" in request:
            reply["answer"] = await engine.answer(request["join"], request["offer"], request["send"])
        elif "connect" in request:
            await engine.connect()
        elif "leave" in request:
            await engine.leave(request["leave"])
        elif "level" in request:
            gc.collect()
            level = process_status()
            reply = {"tasks": level.tasks, "file_descriptors": level.file_descriptors, "rss_bytes": level.rss_bytes}
        else:
            reply["counters"] = engine.counters()
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
    await engine.aclose()


def main() -> None:
    engine = ZegoWidget() if sys.argv[1] == "zego_widget" else Relay()
    profile = os.environ.get(_PROFILE)
    if not profile:
        uvloop.run(serve(engine))
        return
    with cProfile.Profile() as profiler:
        uvloop.run(serve(engine))
    profiler.dump_stats(profile)


if __name__ == "__main__":
    main()
