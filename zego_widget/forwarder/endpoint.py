"""The hub's one UDP socket: sorts datagrams by their authenticated source (RFC 7983)."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Protocol, Self

from .counters import Counters
from .ice import Address, CheckAnswer, checked_ufrag, is_stun

logger = logging.getLogger(__name__)

_SOCKET_BUFFER = 4 << 20
_ADDRESSES_PER_PEER = 32  # a page checks from every network interface of its machine


class DatagramPeer(Protocol):
    """A peer as the endpoint sees it."""

    def receive_check(self, datagram: bytes, source: Address) -> CheckAnswer | None:
        """Answer an ICE check, None to drop it."""

    def receive_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram."""

    def receive_media(self, datagram: bytes) -> None:
        """Take an SRTP or SRTCP packet; it may be anything."""


class UdpEndpoint(asyncio.DatagramProtocol):
    """One UDP port for everyone.

    Nothing but an ICE check signed with a peer's password makes an address known, and datagrams of unknown
    addresses are dropped unseen: a stranger cannot reach DTLS or SRTP, nor learn that anyone is here.
    """

    def __init__(self, sock: socket.socket, counters: Counters) -> None:
        self._socket = sock
        self._counters = counters
        self._by_ufrag: dict[str, DatagramPeer] = {}
        self._by_address: dict[Address, DatagramPeer] = {}
        self._addresses: dict[DatagramPeer, list[Address]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.get_running_loop().create_future()
        host, port, *_ = sock.getsockname()
        self.host: str = host
        self.port: int = port

    @classmethod
    async def open(cls, host: str, port: int, counters: Counters) -> Self:
        """Bind the socket; raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
            sock.bind((host, port))
            endpoint = cls(sock, counters)
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: endpoint, sock=sock)
        except BaseException:
            sock.close()
            raise
        return endpoint

    def register(self, ufrag: str, peer: DatagramPeer) -> None:
        """Expect checks for `ufrag`."""
        self._by_ufrag[ufrag] = peer
        self._addresses[peer] = []

    def unregister(self, ufrag: str, peer: DatagramPeer) -> None:
        """Forget a peer and its addresses."""
        self._by_ufrag.pop(ufrag, None)
        for address in self._addresses.pop(peer, ()):
            del self._by_address[address]

    def send(self, datagram: bytes, address: Address) -> None:
        """Send now or never: what the socket does not take is dropped and counted."""
        try:
            self._socket.sendto(datagram, address)
        except OSError:
            self._counters.dropped_congested += 1

    async def aclose(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
            await self._closed

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)

    def error_received(self, exc: Exception) -> None:
        pass  # an ICMP error about one viewer's port; that viewer's silence ends it

    def datagram_received(self, data: bytes, addr: Address) -> None:
        peer = self._by_address.get(addr)
        if not data:
            self._counters.dropped_empty += 1
            return
        first = data[0]
        try:
            if 128 <= first <= 191:
                if peer is None:
                    self._counters.dropped_stranger += 1
                else:
                    peer.receive_media(data)
            elif first < 4:
                self._receive_stun(data, addr)
            elif peer is None:
                self._counters.dropped_stranger += 1
            elif 20 <= first <= 63:
                peer.receive_dtls(data)
            else:
                self._counters.dropped_malformed += 1
        except Exception:  # a fault of ours; it must not reach the loop, where it would end nothing but the log
            self._counters.dropped_malformed += 1
            logger.exception("A datagram of %d bytes could not be processed", len(data))

    def _receive_stun(self, datagram: bytes, address: Address) -> None:
        ufrag = checked_ufrag(datagram) if is_stun(datagram) else None
        peer = self._by_ufrag.get(ufrag) if ufrag else None
        if self._by_address.get(address, peer) is not peer:
            peer = None  # another live peer's address: whoever may forge it must not take it over
        answer = peer.receive_check(datagram, address) if peer else None
        if peer is None or answer is None:
            self._counters.dropped_ice += 1
            return
        if answer.succeeded:
            self._learn(peer, address)
        self.send(answer.response, address)

    def _learn(self, peer: DatagramPeer, address: Address) -> None:
        known = self._addresses[peer]
        if address in self._by_address:
            known.remove(address)  # to the end: it is the one without a check for longest that makes room
        elif len(known) >= _ADDRESSES_PER_PEER:
            del self._by_address[known.pop(0)]
        known.append(address)
        self._by_address[address] = peer
