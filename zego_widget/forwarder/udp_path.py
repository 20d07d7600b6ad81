"""Ways out over the one UDP socket: what goes to one address within a turn of the loop goes in few calls.

A call of the kernel for each packet is most of what forwarding costs. Linux cuts one call's data into many datagrams
(UDP_SEGMENT, "generic segmentation offload"), all of one size but the last: packets of one frame are like that.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import Sequence
from struct import Struct

from .counters import Counters
from .ice import Address

_SOL_UDP, _UDP_SEGMENT = 17, 103  # of linux/udp.h; Python 3.11 does not name them
_SEGMENT_SIZE = Struct("=H")
_MOST_SEGMENTS = 48  # the kernel takes 64
_MOST_BYTES = 65_000
_BUSY = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS}


class UdpSender:
    """The socket as the paths use it, and those that have packets waiting for the end of this turn."""

    def __init__(self, sock: socket.socket, counters: Counters) -> None:
        self._socket = sock
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._waiting: list[UdpPath] = []
        self._segments = _takes_segments(sock)
        self._cuts: dict[int, list[tuple[int, int, bytes]]] = {}  # by size, of which there are no more than of lengths

    def send(self, packet: bytes, address: Address) -> None:
        """Send one packet now; what the socket does not take is dropped and counted."""
        try:
            self._socket.sendto(packet, address)
        except OSError:
            self._counters.dropped_congested += 1

    def expect(self, path: UdpPath) -> None:
        """Flush a path at the end of this turn of the loop."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(path)

    def send_all(self, packets: Sequence[bytes], address: Address) -> None:
        """Send packets in order, those of one size together."""
        count = len(packets)
        if count == 1 or not self._segments:
            for packet in packets:
                self.send(packet, address)
            return
        start = 0
        while start < count:
            size = len(packets[start])
            end, most = start + 1, min(count, start + max(1, min(_MOST_SEGMENTS, _MOST_BYTES // size)))
            while end < most and (length := len(packets[end])) <= size:
                end += 1
                if length < size:  # only the last one may be shorter
                    break
            if end == start + 1:
                self.send(packets[start], address)
            else:
                self._send_segments(packets if end - start == count else packets[start:end], size, address)
            start = end

    def _send_segments(self, packets: Sequence[bytes], size: int, address: Address) -> None:
        cut = self._cuts.get(size)
        if cut is None:
            cut = self._cuts[size] = [(_SOL_UDP, _UDP_SEGMENT, _SEGMENT_SIZE.pack(size))]
        try:
            self._socket.sendmsg(packets, cut, 0, address)
        except OSError as error:
            if error.errno in _BUSY:
                self._counters.dropped_congested += len(packets)
                return
            # an interface that cannot, or a packet longer than its MTU, which only goes out in fragments
            for packet in packets:
                self.send(packet, address)

    def flush(self) -> None:
        """Send what waits for whichever address."""
        waiting, self._waiting = self._waiting, []
        for path in waiting:
            path.flush()


class UdpPath:
    """A path to one address."""

    __slots__ = ("_packets", "_sender", "address")

    def __init__(self, sender: UdpSender, address: Address) -> None:
        self.address = address
        self._sender = sender
        self._packets: list[bytes] = []

    def send(self, packet: bytes) -> None:
        self._sender.send(packet, self.address)  # UDP promises nothing, and DTLS knows it

    def send_media(self, packet: bytes) -> None:
        packets = self._packets
        if not packets:
            self._sender.expect(self)
        packets.append(packet)
        if len(packets) == _MOST_SEGMENTS:
            self.flush()

    def send_burst(self, packets: Sequence[bytes]) -> None:
        if self._packets:
            self._packets += packets
            self.flush()
        else:
            self._sender.send_all(packets, self.address)

    def flush(self) -> None:
        """Send what waits."""
        packets = self._packets
        if packets:
            self._packets = []
            self._sender.send_all(packets, self.address)


def _takes_segments(sock: socket.socket) -> bool:
    """Whether the kernel knows UDP_SEGMENT; an older one would send it all as a single datagram."""
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(_SOL_UDP, _UDP_SEGMENT, 0)
    except OSError:
        return False
    return True
