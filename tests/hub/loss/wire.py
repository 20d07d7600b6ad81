"""A bad network between a participant and the hub, on loopback: a UDP proxy that both take for the other."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import Any

from tests.netem import NetworkLink

_CANDIDATES = re.compile(r"^a=candidate:.*\r\n", re.MULTILINE)


def is_rtp(datagram: bytes) -> bool:
    return len(datagram) > 12 and 128 <= datagram[0] <= 191 and not 192 <= datagram[1] <= 223


class Wire:
    """Carries datagrams both ways as its two links say; `async with` closes it."""

    def __init__(self, hub_port: int) -> None:
        self.up = NetworkLink(0)
        """From the participant to the hub."""
        self.down = NetworkLink(0)
        self.is_cut: Callable[[bytes], bool] = lambda _: False
        """Tells of a datagram to the hub whether it is lost, too."""
        self.is_lost: Callable[[bytes], bool] = lambda _: False
        """The same of what the hub sends."""
        self.from_hub: list[bytes] = []
        """RTP that the hub sent, before the network had it; headers are not encrypted."""
        self._hub = ("127.0.0.1", hub_port)
        self._loop = asyncio.get_running_loop()
        self._uplinks: dict[Any, asyncio.DatagramTransport] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._near: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Wire:
        self._near, _ = await self._loop.create_datagram_endpoint(
            lambda: _End(self._from_participant), local_addr=("127.0.0.1", 0), family=socket.AF_INET
        )
        self.port: int = self._near.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for transport in (*self._uplinks.values(), self._near):
            if transport is not None:
                transport.close()
        await asyncio.sleep(0)

    def redirect(self, answer: str) -> str:
        """The hub's answer with this wire in the place of the hub."""
        ours = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {self.port} typ host\r\n"
        return _CANDIDATES.sub("", answer).replace("a=end-of-candidates\r\n", ours + "a=end-of-candidates\r\n")

    def _from_participant(self, datagram: bytes, address: Any) -> None:
        if self.is_cut(datagram):
            return
        for arrival in self.up.carry(self._loop.time()):
            self._at(arrival, self._send_up, datagram, address)

    def _send_up(self, datagram: bytes, address: Any) -> None:
        transport = self._uplinks.get(address)
        if transport is not None:
            transport.sendto(datagram)
        else:  # lost, as it may be; it is an ICE check, which comes again
            task = asyncio.create_task(self._open_uplink(address))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open_uplink(self, address: Any) -> None:
        def from_hub(datagram: bytes, _: Any) -> None:
            if is_rtp(datagram):
                self.from_hub.append(datagram)
            if self.is_lost(datagram):
                return
            for arrival in self.down.carry(self._loop.time()):
                self._at(arrival, self._send_down, datagram, address)

        transport, _ = await self._loop.create_datagram_endpoint(lambda: _End(from_hub), remote_addr=self._hub)
        if address in self._uplinks:
            transport.close()
        else:
            self._uplinks[address] = transport

    def _send_down(self, datagram: bytes, address: Any) -> None:
        assert self._near is not None
        self._near.sendto(datagram, address)

    def _at(self, when: float, send: Callable[[bytes, Any], None], datagram: bytes, address: Any) -> None:
        if when <= self._loop.time():
            send(datagram, address)
            return

        def fire() -> None:
            self._timers.discard(timer)
            send(datagram, address)

        timer = self._loop.call_at(when, fire)
        self._timers.add(timer)


class _End(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, Any], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._receive(data, addr)
