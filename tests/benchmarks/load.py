"""A process of light peers, driven by JSON lines on standard input and output.

    {"offer": id, "send": [kind], "receive": [kind], "timed": bool}   ->   {"sdp": offer}
    {"accept": id, "sdp": answer}                                     ->   {}             when it is connected
    {"answer": id, "sdp": offer}                                      ->   {"sdp": answer}
    {"connected": id}                                                 ->   {}             when it is
    {"play": [id], "clip": path, "stamped": bool}                     ->   {}             they send from now on
    {"counts": true}                                                  ->   {"sent", "received", "lost", "delays"}
    {"close": [id]}                                                   ->   {}

Delays are those since the last question, in nanoseconds.

python -m tests.benchmarks.load
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks import clip
from tests.benchmarks.light_peer import LightPeer

_MOST_PLAYERS = 64
_AUDIO_INTERVAL = 0.02
_AUDIO_PAYLOAD = b"\x78" + os.urandom(79)  # 32 kbit/s of Opus


class Load:
    """The peers of this process."""

    def __init__(self) -> None:
        self._peers: dict[str, LightPeer] = {}
        self._players: list[asyncio.Task[None]] = []
        self._clock = ThreadPoolExecutor(_MOST_PLAYERS)

    async def take(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a line asks for."""
        if "offer" in request:
            peer = LightPeer(request["send"], request["receive"], measures_delay=request.get("timed", False))
            self._peers[request["offer"]] = peer
            return {"sdp": peer.offer()}
        if "accept" in request:
            await self._peers[request["accept"]].accept(request["sdp"])
        elif "answer" in request:
            peer = self._peers[request["answer"]] = LightPeer([], [], measures_delay=request.get("timed", False))
            return {"sdp": peer.answer(request["sdp"])}
        elif "connected" in request:
            await asyncio.wait_for(self._peers[request["connected"]].connected.wait(), 20)
        elif "play" in request:
            packets = clip.packets_of(clip.load(Path(request["clip"])))
            for number, name in enumerate(request["play"]):
                # nobody's camera waits for another's: frames of several people begin at different times
                phase = number / len(request["play"]) / clip.FRAME_RATE
                pictures = _endless(packets, number * clip.SECONDS / len(request["play"]))
                play = _play(self._peers[name], pictures, phase, self._clock, stamped=request.get("stamped", False))
                self._players.append(asyncio.create_task(play))
        elif "close" in request:
            await asyncio.gather(*(self._peers.pop(name).aclose() for name in request["close"]))
        else:
            return self._counts()
        return {}

    def _counts(self) -> dict[str, Any]:
        streams = [received for peer in self._peers.values() for received in peer.received.values()]
        delays = [delay for peer in self._peers.values() for delay in peer.delays]
        for peer in self._peers.values():
            peer.delays.clear()
        return {
            "sent": sum(track.packets for peer in self._peers.values() for track in peer.tracks),
            "received": sum(received.packets for received in streams),
            "lost": sum(received.lost for received in streams),
            "delays": delays,
        }

    async def aclose(self) -> None:
        """End everything."""
        for player in self._players:
            player.cancel()
        await asyncio.gather(*self._players, return_exceptions=True)
        self._clock.shutdown()
        await asyncio.gather(*(peer.aclose() for peer in self._peers.values()))


def _endless(packets: list[clip.Packet], offset: float) -> Iterator[tuple[float, int, clip.Packet]]:
    """The clip over and over from `offset` seconds on: when each packet is due, its timestamp, and the packet."""
    first = next((i for i, packet in enumerate(packets) if packet.due >= offset), 0)
    begin = packets[first].due
    for index in itertools.count(first):
        lap, position = divmod(index, len(packets))
        packet = packets[position]
        yield lap * clip.SECONDS + packet.due - begin, packet.timestamp + lap * clip.SECONDS * clip.CLOCK_RATE, packet


async def _play(
    peer: LightPeer, pictures: Iterator[tuple[float, int, clip.Packet]], phase: float, clock: Executor, *, stamped: bool
) -> None:
    """Send pictures on the camera, and sound on the microphone, `phase` seconds from now on.

    `clock` has a thread for each player: the loop's own timers, of whole milliseconds, would bring all into step.
    """
    loop = asyncio.get_running_loop()
    video = next((track for track in peer.tracks if track.kind == "video"), None)
    audio = next((track for track in peer.tracks if track.kind == "audio"), None)
    due, timestamp, packet = next(pictures)
    spoken = 0
    began = time.monotonic() + phase
    while True:
        now = time.monotonic() - began
        while video and due <= now:
            peer.send_rtp(video, timestamp, packet.marker, packet.payload, stamped=stamped)
            due, timestamp, packet = next(pictures)
        while audio and spoken * _AUDIO_INTERVAL <= now:
            peer.send_rtp(audio, spoken * 960, 0, _AUDIO_PAYLOAD, stamped=stamped)
            spoken += 1
        wait = min(due if video else math.inf, spoken * _AUDIO_INTERVAL if audio else math.inf)
        await loop.run_in_executor(clock, time.sleep, max(0.0, began + wait - time.monotonic()))


async def serve() -> None:
    """Answer the lines of standard input until it ends."""
    loop = asyncio.get_running_loop()
    load = Load()
    try:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            sys.stdout.write(json.dumps(await load.take(json.loads(line))) + "\n")
            sys.stdout.flush()
    finally:
        await load.aclose()


if __name__ == "__main__":
    uvloop.run(serve())
