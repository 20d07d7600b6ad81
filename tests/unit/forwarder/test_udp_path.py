"""Packets of one turn of the loop go out together and arrive one by one."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from zego_widget.forwarder.counters import Counters
from zego_widget.forwarder.udp_path import UdpPath, UdpSender

VIEWER = ("192.0.2.1", 5000)


@pytest.fixture
def viewer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        yield sock


class Wire:
    """A socket that notes its calls; `refuses` are errors for calls with more than one datagram."""

    def __init__(self, refuses: int = 0, full: bool = False) -> None:
        self.calls: list[list[bytes]] = []
        self._refuses = refuses
        self._full = full

    def setsockopt(self, *_: Any) -> None: ...

    def sendto(self, packet: bytes, address: Any) -> None:
        if self._full:
            raise BlockingIOError(errno.EAGAIN, "full")
        self.calls.append([packet])

    def sendmsg(self, packets: list[bytes], ancillary: list[Any], flags: int, address: Any) -> None:
        if self._full:
            raise BlockingIOError(errno.EAGAIN, "full")
        if self._refuses:
            raise OSError(self._refuses, "no segments here")
        self.calls.append(packets)


def packets(*lengths: int) -> list[bytes]:
    return [bytes([number]) * length for number, length in enumerate(lengths)]


async def sent(wire: Wire, *lengths: int) -> Counters:
    counters = Counters()
    path = UdpPath(UdpSender(wire, counters), VIEWER)  # type: ignore[arg-type]
    for packet in packets(*lengths):
        path.send_media(packet)
    await asyncio.sleep(0)
    return counters


@pytest.mark.parametrize("lengths", [[1200], [1200] * 5, [1100, 1101, 1101, 20, 20, 1200, 900], [1] * 200, [1400] * 60])
async def test_what_is_sent_arrives_as_it_is_and_in_order(viewer: socket.socket, lengths: list[int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        path = UdpPath(UdpSender(sock, Counters()), viewer.getsockname())
        for packet in packets(*lengths):
            path.send_media(packet)
        await asyncio.sleep(0)
    assert [viewer.recv(2048) for _ in lengths] == packets(*lengths)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux cuts segments")
@pytest.mark.parametrize(
    ("lengths", "calls"),
    [
        ([1200, 1200, 1200], [3]),
        ([1200, 1200, 700], [3]),  # the last of a frame
        ([1200, 700, 1200, 700], [2, 2]),
        ([700, 1200, 1200], [1, 2]),
        ([1200] * 48 + [1200], [48, 1]),
        ([1400] * 47, [46, 1]),  # one call takes 64 KiB
    ],
)
async def test_packets_of_one_size_go_in_one_call(lengths: list[int], calls: list[int]) -> None:
    wire = Wire()
    await sent(wire, *lengths)
    assert [len(call) for call in wire.calls] == calls
    assert [packet for call in wire.calls for packet in call] == packets(*lengths)


@pytest.mark.parametrize("error", [errno.EIO, errno.EINVAL, errno.EMSGSIZE])
async def test_an_interface_that_takes_no_segments_gets_packet_by_packet(error: int) -> None:
    wire = Wire(refuses=error)
    counters = await sent(wire, 1200, 1200, 700)
    assert wire.calls == [[packet] for packet in packets(1200, 1200, 700)]
    assert counters.dropped_congested == 0


async def test_what_a_full_socket_does_not_take_is_dropped_and_counted() -> None:
    counters = await sent(Wire(full=True), 1200, 1200, 700, 1200)
    assert counters.dropped_congested == 4


async def test_each_address_gets_its_own() -> None:
    wire = Wire()
    sender = UdpSender(wire, Counters())  # type: ignore[arg-type]
    alice, bob = UdpPath(sender, VIEWER), UdpPath(sender, ("192.0.2.2", 5000))
    for path in (alice, bob, alice):
        path.send_media(b"x" * 100)
    bob.send(b"at once")
    await asyncio.sleep(0)
    assert [b"".join(call) for call in wire.calls] == [b"at once", b"x" * 200, b"x" * 100]


async def test_a_burst_leaves_at_once_after_what_waited() -> None:
    wire = Wire()
    path = UdpPath(UdpSender(wire, Counters()), VIEWER)  # type: ignore[arg-type]
    path.send_media(b"report")
    path.send_burst(packets(1200, 1200))
    path.send_burst(packets(700))
    assert b"".join(b"".join(call) for call in wire.calls) == b"report" + b"".join(packets(1200, 1200) + packets(700))
    sent_at_once = len(wire.calls)
    await asyncio.sleep(0)
    assert len(wire.calls) == sent_at_once


async def test_a_long_burst_arrives_whole(viewer: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        path = UdpPath(UdpSender(sock, Counters()), viewer.getsockname())
        path.send_burst(packets(*[100] * 120))
    assert [viewer.recv(2048) for _ in range(120)] == packets(*[100] * 120)
