"""CPU time of the server process per forwarded packet, beside aiortc's MediaRelay, same clip, same clients.

One publisher (VP8, 640x360, 1.5 Mbit/s, 30 frames/s), viewers that count what they receive. The engines take
turns; the figure of a turn is the server's CPU time over the packets that reached the viewers.

python tests/benchmarks/bench_forwarding.py [repetitions] [seconds] [viewers]
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from tests.benchmarks.clip import ClipTrack, encode_clip

ENGINES = ("zego_widget", "media_relay")


class EngineProcess:
    """An engine in its own process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, engine: str) -> EngineProcess:
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.benchmarks.engine_server",
                engine,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=ROOT,
                limit=1 << 20,
            )
        )

    async def ask(self, **request: Any) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request).encode() + b"\n")
        await stdin.drain()
        reply: dict[str, Any] = json.loads(await stdout.readline())
        return reply

    async def aclose(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


class Client:
    """An aiortc peer that plays the clip or receives it."""

    def __init__(self, engine: EngineProcess) -> None:
        self._engine = engine
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.on("track", self._track)
        self._connection.on("connectionstatechange", self._state_changed)
        self._connected = asyncio.Event()
        self._drain: asyncio.Task[None] | None = None

    async def join(self, track: MediaStreamTrack | None) -> None:
        transceiver = (
            self._connection.addTransceiver(track, direction="sendonly")
            if track
            else self._connection.addTransceiver("video", direction="recvonly")
        )
        await self._connection.setLocalDescription(await self._connection.createOffer())
        camera = transceiver.mid if track else None
        reply = await self._engine.ask(offer=self._connection.localDescription.sdp, camera=camera)
        await self._connection.setRemoteDescription(RTCSessionDescription(reply["answer"], "answer"))
        await self._connected.wait()

    def _state_changed(self) -> None:
        if self._connection.connectionState == "connected":
            self._connected.set()

    def _track(self, track: MediaStreamTrack) -> None:
        async def drain() -> None:
            while True:
                await track.recv()

        self._drain = asyncio.create_task(drain())

    async def packets_received(self) -> int:
        stats = await self._connection.getStats()
        return sum(report.packetsReceived for report in stats.values() if report.type == "inbound-rtp")

    async def aclose(self) -> None:
        if self._drain:
            self._drain.cancel()
        await self._connection.close()


async def measure(engine: str, frames: list[bytes], seconds: float, viewers: int) -> tuple[float, float]:
    """CPU time in microseconds per forwarded packet, and packets forwarded per second."""
    process = await EngineProcess.start(engine)
    publisher, audience = Client(process), [Client(process) for _ in range(viewers)]
    try:
        await publisher.join(ClipTrack(frames))
        for viewer in audience:
            await viewer.join(None)
        await process.ask(connect=True)
        await asyncio.sleep(2.0)  # beyond start-up
        cpu = (await process.ask(cpu=True))["cpu"]
        packets = sum([await viewer.packets_received() for viewer in audience])
        await asyncio.sleep(seconds)
        cpu = (await process.ask(cpu=True))["cpu"] - cpu
        packets = sum([await viewer.packets_received() for viewer in audience]) - packets
    finally:
        await asyncio.gather(publisher.aclose(), *(viewer.aclose() for viewer in audience))
        await process.aclose()
    return cpu / max(1, packets) * 1e6, packets / seconds


async def main(repetitions: int, seconds: float, viewers: int) -> None:
    frames = encode_clip()
    figures: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    rates: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for _ in range(repetitions):
        for engine in ENGINES:
            cost, rate = await measure(engine, frames, seconds, viewers)
            figures[engine].append(cost)
            rates[engine].append(rate)
    print(f"1 publisher -> {viewers} viewers, {repetitions} runs of {seconds:g} s each")
    print(f"{'':14} {'us CPU/packet':>14} {'best':>8} {'worst':>8} {'packets/s':>10}")
    for engine in ENGINES:
        costs = figures[engine]
        rate = statistics.median(rates[engine])
        print(f"{engine:14} {statistics.median(costs):14.1f} {min(costs):8.1f} {max(costs):8.1f} {rate:10.0f}")
    ratio = statistics.median(r / z for z, r in zip(figures["zego_widget"], figures["media_relay"], strict=True))
    print(f"MediaRelay costs {ratio:.0f} times as much per forwarded packet (median of the runs' ratios)")


if __name__ == "__main__":
    given = [float(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*(int(given[0]) if given else 5, *(given[1:2] or [8.0]), int((given[2:3] or [3])[0]))))
