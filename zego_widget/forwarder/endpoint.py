"""The hub's media port: sorts packets by their authenticated source (RFC 7983), UDP's and TCP's alike."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from .counters import Counters
from .ice import Address, checked_ufrag, is_stun
from .path import Path, PathPeer
from .tcp import TcpListener, listening_socket
from .udp_path import UdpPath, UdpSender

logger = logging.getLogger(__name__)

_Given = TypeVar("_Given")

_SOCKET_BUFFER = 4 << 20
_ADDRESSES_PER_PEER = 32  # a page checks from every network interface of its machine
_PORTS_TRIED = 16
_DATAGRAMS_PER_TURN = 16  # then it is the others' turn
_MOST_BYTES = 1 << 16


class Endpoint:
    """One port number for everyone, over UDP and TCP.

    Nothing but an ICE check signed with a peer's password makes an address or a connection known, and packets of
    others are dropped unseen: a stranger cannot reach DTLS or SRTP, nor learn that anyone is here.
    """

    def __init__(self, sock: socket.socket, counters: Counters) -> None:
        """Use `Endpoint.open`."""
        self._socket = sock
        self._udp = UdpSender(sock, counters)
        self._counters = counters
        self._by_ufrag: dict[str, PathPeer] = {}
        self._by_address: dict[Address, PathPeer] = {}
        self._addresses: dict[PathPeer, list[Address]] = {}
        self._loop = asyncio.get_running_loop()
        self._datagrams = _Datagrams(self._take)
        self._tcp = TcpListener(self, counters)
        host, port, *_ = sock.getsockname()
        self.host: str = host
        self.port: int = port

    @classmethod
    async def open(cls, host: str, port: int, counters: Counters) -> Self:
        """Bind both sockets; raises OSError."""
        udp, tcp = _sockets(host, port)
        endpoint = cls(udp, counters)
        try:
            await endpoint._read()
            await endpoint._tcp.listen(tcp)
        except BaseException:
            tcp.close()
            await endpoint.aclose()
            raise
        return endpoint

    async def _read(self) -> None:
        """Begin to read: what came together at once, for it is to leave together; asyncio takes one datagram a turn."""
        try:
            self._loop.add_reader(self._socket, self._readable)
        except NotImplementedError:  # Windows' own loop
            await self._loop.create_datagram_endpoint(lambda: self._datagrams, sock=self._socket)

    def register(self, ufrag: str, peer: PathPeer) -> None:
        """Expect checks for `ufrag`."""
        self._by_ufrag[ufrag] = peer
        self._addresses[peer] = []

    def unregister(self, ufrag: str, peer: PathPeer) -> None:
        """Forget a peer and its addresses; what it sends is dropped from now on."""
        self._by_ufrag.pop(ufrag, None)
        self._tcp.ignore(peer)
        for address in self._addresses.pop(peer, ()):
            del self._by_address[address]

    def hang_up(self, peer: PathPeer) -> None:
        """End the connections of a peer that was unregistered, and has been told all there is to tell."""
        self._tcp.hang_up(peer)

    def tick(self, now: float) -> None:
        """End connections that wait for too long."""
        self._tcp.tick(now)

    async def aclose(self) -> None:
        """Close both sockets and every connection."""
        await self._tcp.aclose()
        if self._datagrams.transport is not None:
            self._datagrams.transport.abort()
        else:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    # -- packets in -----------------------------------------------------------------------------------------

    def _readable(self) -> None:
        datagrams: list[tuple[bytes, Address]] = []
        with contextlib.suppress(OSError):  # nothing more waits
            for _ in range(_DATAGRAMS_PER_TURN):
                datagrams.append(self._socket.recvfrom(_MOST_BYTES))
        self._take(datagrams)

    def _take(self, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        bursts: dict[PathPeer, list[bytes]] = {}
        for data, address in datagrams:
            self._sort(data, address, bursts)
        for peer, packets in bursts.items():
            self._give(peer.receive_media, packets)

    def _sort(self, data: bytes, addr: Address, bursts: dict[PathPeer, list[bytes]]) -> None:
        peer = self._by_address.get(addr)
        first = data[0] if data else 0
        if peer is not None and 128 <= first <= 191:
            if peer in bursts:
                bursts[peer].append(data)
            else:
                bursts[peer] = [data]
        elif data and first < 4:
            checked = self.check(data, UdpPath(self._udp, addr), peer)
            if checked is not None:
                self._learn(checked, addr)
        else:
            self.receive(data, peer)

    def receive(self, datagram: bytes, peer: PathPeer | None) -> None:
        """Give DTLS, SRTP and SRTCP to the peer whose address or connection it came from; drop everything else."""
        if not datagram:
            self._counters.dropped_empty += 1
            return
        if peer is None:
            self._counters.dropped_stranger += 1
            return
        first = datagram[0]
        if 128 <= first <= 191:
            self._give(peer.receive_media, [datagram])
        elif 20 <= first <= 63:
            self._give(peer.receive_dtls, datagram)
        else:
            self._counters.dropped_malformed += 1

    def _give(self, take: Callable[[_Given], None], given: _Given) -> None:
        try:
            take(given)
        except Exception:  # a fault of ours; it must not reach the loop, where it would end nothing but the log
            self._counters.dropped_malformed += 1
            logger.exception("What a peer sent could not be processed")

    def check(self, datagram: bytes, path: Path, owner: PathPeer | None) -> PathPeer | None:
        """Answer an ICE check; returns the peer it authenticates, None for whatever is no such check.

        `owner` is the peer whose path it is already: nobody else takes that over, even who can forge its address.
        """
        ufrag = checked_ufrag(datagram) if is_stun(datagram) else None
        peer = self._by_ufrag.get(ufrag) if ufrag else None
        if owner is not None and owner is not peer:
            peer = None
        try:
            answer = peer.receive_check(datagram, path) if peer else None
        except Exception:
            answer = None
            logger.exception("A check of %d bytes could not be processed", len(datagram))
        if peer is None or answer is None:
            self._counters.dropped_ice += 1
            return None
        path.send(answer.response)
        return peer if answer.succeeded else None

    def _learn(self, peer: PathPeer, address: Address) -> None:
        known = self._addresses[peer]
        if address in self._by_address:
            known.remove(address)  # to the end: it is the one without a check for longest that makes room
        elif len(known) >= _ADDRESSES_PER_PEER:
            self._counters.dropped_addresses += 1
            del self._by_address[known.pop(0)]
        known.append(address)
        self._by_address[address] = peer


class _Datagrams(asyncio.DatagramProtocol):
    """Takes datagrams one by one, where the loop can not say that there are some."""

    def __init__(self, take: Callable[[Sequence[tuple[bytes, Address]]], None]) -> None:
        self.transport: Any = None
        self._take = take

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._take([(data, addr)])

    def error_received(self, exc: Exception) -> None:
        pass  # an ICMP error about one viewer's port; that viewer's silence ends it


def _sockets(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on the same port number, any free one for 0; raises OSError."""
    for attempt in range(_PORTS_TRIED):
        udp = _udp_socket(host, port)
        try:
            return udp, listening_socket(host, udp.getsockname()[1])
        except OSError as error:
            udp.close()
            if port or error.errno != errno.EADDRINUSE or attempt == _PORTS_TRIED - 1:
                raise
    raise AssertionError("unreachable")


def _udp_socket(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
