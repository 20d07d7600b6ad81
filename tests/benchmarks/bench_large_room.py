"""How soon 1,000 users hear of a newcomer (medians of five), and what memory each costs the hub.

All users are logged in to one room of one hub process over WebSockets of their own and asked for user updates. The
clients share one process and the machine with the hub, so the times include their reading.

python tests/benchmarks/bench_large_room.py [users] [repetitions]
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aiohttp

from tests.hub.hub_process import HubProcess
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.model import RoomConfig, User

USERS, REPETITIONS = 1000, 5
ROOM_ID = "large"
PATIENCE = 60.0
NEWCOMER = "newcomer-"


class Listener:
    """A user in the room, who notes when he hears that a newcomer came and went."""

    def __init__(self, hub: HubProcess, socket: aiohttp.ClientWebSocketResponse, user_id: str) -> None:
        self._hub = hub
        self._socket = socket
        self._user_id = user_id
        self._answered = asyncio.Event()
        self.heard_at: float | None = None
        self.heard = asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    async def login(self) -> None:
        await self._say(p.Hello(p.PROTOCOL_VERSION, "benchmark"))
        await self._ask(
            p.LoginRoom(1, ROOM_ID, User(self._user_id), RoomConfig(True), False, self._hub.key(self._user_id, ROOM_ID))
        )

    async def logout(self) -> None:
        await self._ask(p.LogoutRoom(2, ROOM_ID))

    async def beat(self) -> None:
        await self._say(p.Heartbeat())

    def listen_again(self) -> None:
        self.heard_at = None
        self.heard.clear()

    async def _ask(self, message: p.ClientMessage) -> None:
        self._answered.clear()
        await self._say(message)
        await asyncio.wait_for(self._answered.wait(), PATIENCE)

    async def _say(self, message: p.ClientMessage) -> None:
        await self._socket.send_str(wire.encode(message))

    async def _read(self) -> None:
        async for frame in self._socket:
            # Not decoded: half a million messages build the room, and the time is the hub's to spend.
            text: str = frame.data
            if text.startswith('{"type":"room_user_update"'):
                if NEWCOMER in text:
                    self.heard_at = time.perf_counter()
                    self.heard.set()
            elif '"request_id":' in text:
                self._answered.set()


class Crowd:
    """Listeners of one hub, kept alive."""

    def __init__(self, hub: HubProcess, session: aiohttp.ClientSession) -> None:
        self.listeners: list[Listener] = []
        self._hub = hub
        self._session = session
        self._beating = asyncio.create_task(self._beat())

    async def enter(self, user_id: str) -> Listener:
        socket = await self._session.ws_connect(self._hub.url + "/v1/link", max_msg_size=0)
        listener = Listener(self._hub, socket, user_id)
        self.listeners.append(listener)
        await listener.login()
        return listener

    async def aclose(self) -> None:
        self._beating.cancel()
        for listener in self.listeners:
            listener.reading.cancel()
        tasks = [self._beating, *(listener.reading for listener in self.listeners)]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            for listener in list(self.listeners):
                await listener.beat()
            await asyncio.sleep(2.0)


async def rss(hub: HubProcess) -> int:
    process = (await asyncio.to_thread(hub.status)).process
    return process.rss_bytes or 0


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[math.ceil(part * len(values)) - 1]


async def measure(hub: HubProcess, users: int, repetitions: int) -> tuple[list[list[float]], float, float]:
    """Seconds until each user heard of each newcomer; bytes per user; seconds per login while the room filled."""
    async with contextlib.AsyncExitStack() as closing:
        connector = aiohttp.TCPConnector(limit=0)
        session = await closing.enter_async_context(
            aiohttp.ClientSession(headers=hub.address.headers, connector=connector)
        )
        crowd = Crowd(hub, session)
        closing.push_async_callback(crowd.aclose)
        empty = await rss(hub)
        started_at = time.perf_counter()
        for number in range(users):
            await crowd.enter(f"user-{number}")
        per_login = (time.perf_counter() - started_at) / users
        per_user = (await rss(hub) - empty) / users
        told = []
        everyone = list(crowd.listeners)
        for repetition in range(repetitions):
            for came in (True, False):
                for listener in everyone:
                    listener.listen_again()
                since = time.perf_counter()
                if came:
                    newcomer = await crowd.enter(f"{NEWCOMER}{repetition}")
                else:
                    await newcomer.logout()
                await asyncio.wait_for(asyncio.gather(*(each.heard.wait() for each in everyone)), PATIENCE)
                if came:
                    told.append([each.heard_at - since for each in everyone if each.heard_at is not None])
            assert len(told[-1]) == users
        return told, per_user, per_login


async def main(users: int, repetitions: int) -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        contextlib.closing(HubProcess(Path(directory) / "runtime")) as hub,
    ):
        told, per_user, per_login = await measure(hub, users, repetitions)
    print(f"{users} users in one room, {repetitions} newcomers")
    for name, part in (("p50", 0.5), ("p99", 0.99), ("last", 1.0)):
        values = [1000 * percentile(each, part) for each in told]
        print(
            f"told of a newcomer, {name:5} {statistics.median(values):8.1f} ms"
            f"   (best {min(values):.1f}, worst {max(values):.1f})"
        )
    print(f"hub memory per user       {per_user / 1024:8.1f} KiB")
    print(f"login while it fills      {1000 * per_login:8.1f} ms")


if __name__ == "__main__":
    asyncio.run(main(*(int(given) for given in sys.argv[1:3] or (USERS, REPETITIONS))))
