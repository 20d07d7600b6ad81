"""ICE-TCP, the passive side (RFC 6544): connections to the media port, with RFC 4571 framing."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from .counters import Counters
from .framing import Deframer, FrameTooLong, framed
from .half_open import HalfOpen
from .ice import Address
from .path import PathPeer

logger = logging.getLogger(__name__)

MEDIA_LIMIT = 256 << 10
"""Bytes that wait for a slow reader before its media are dropped: a large picture's key frame has room."""
ANSWER_LIMIT = MEDIA_LIMIT + (64 << 10)
"""Bytes that wait before answers to checks are dropped: they have room behind media, and whoever only asks fills it."""
SEND_LIMIT = MEDIA_LIMIT + (4 << 20)
"""Bytes that wait before the connection is ended; a control channel may have as much on its way."""
_UNSENT_IN_KERNEL = 64 << 10  # what waits shall wait here, where it is seen, and not in the system's buffer
_CONNECTIONS_PER_PEER = 8
_FRAMES_PER_TURN = 32  # then it is the others' turn
_GOODBYE = 0.3  # seconds that the last bytes of all have to leave


class PacketSorter(Protocol):
    """What is done with the packets of connections."""

    def check(self, datagram: bytes, path: TcpConnection, owner: PathPeer | None) -> PathPeer | None:
        """Answer an ICE check; the peer that it authenticates, None for whatever is no such check."""

    def receive(self, datagram: bytes, peer: PathPeer | None) -> None:
        """Take anything else than a check."""


class TcpListener:
    """The media port's TCP side; owns every connection."""

    def __init__(self, sorter: PacketSorter, counters: Counters) -> None:
        self._sorter = sorter
        self._counters = counters
        self._server: asyncio.Server | None = None
        self._half_open: HalfOpen[TcpConnection] = HalfOpen()
        self._connections: set[TcpConnection] = set()
        self._by_peer: dict[PathPeer, list[TcpConnection]] = {}
        self._closed = False
        self._empty = asyncio.Event()
        self._empty.set()

    async def listen(self, sock: socket.socket) -> None:
        """Accept connections at a bound socket, which is closed with the listener; raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TcpConnection(self, self._sorter), sock=sock, backlog=128)

    def tick(self, now: float) -> None:
        """End the connections on which no check has come in time, or of which there are too many."""
        for connection in self._half_open.crowding(now):
            self._counters.tcp_refused_crowd += 1
            connection.abort()
        for connection in self._half_open.overdue(now):
            self._counters.tcp_refused_silent += 1
            connection.abort()

    def ignore(self, peer: PathPeer) -> None:
        """Receive nothing more from a peer; it can still be told something."""
        for connection in self._by_peer.get(peer, ()):
            connection.ignore()

    def hang_up(self, peer: PathPeer) -> None:
        """End the connections of a peer, after what it was told last."""
        for connection in self._by_peer.pop(peer, ()):
            connection.close()

    async def aclose(self) -> None:
        """Stop listening and end every connection; returns when all are gone."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        await asyncio.sleep(0)  # what was being accepted has arrived by then
        for connection in list(self._connections):
            connection.close()
        await self._empty.wait()

    # -- what connections do --------------------------------------------------------------------------------

    @property
    def counters(self) -> Counters:
        return self._counters

    def arrived(self, connection: TcpConnection) -> None:
        self._connections.add(connection)
        self._empty.clear()
        if self._closed:
            connection.abort()
            return
        self._counters.tcp_accepted += 1
        now = asyncio.get_running_loop().time()
        if (leaver := self._half_open.arrive(connection, connection.address[0], now)) is not None:
            self._counters.tcp_refused_crowd += 1
            leaver.abort()

    def authenticated(self, connection: TcpConnection, peer: PathPeer) -> None:
        """A check of this peer came on a connection; the one without a check for longest makes room."""
        known = self._by_peer.setdefault(peer, [])
        if connection in known:
            known.remove(connection)
        elif len(known) >= _CONNECTIONS_PER_PEER:
            self._counters.tcp_closed_surplus += 1
            known.pop(0).abort()
        known.append(connection)
        self._half_open.leave(connection)

    def lost(self, connection: TcpConnection, peer: PathPeer | None) -> None:
        self._connections.discard(connection)
        self._half_open.leave(connection)
        if not self._connections:
            self._empty.set()
        if peer is not None:
            if connection in (known := self._by_peer.get(peer, [])):
                known.remove(connection)
                if not known:
                    del self._by_peer[peer]
            peer.path_lost(connection)


class TcpConnection(asyncio.Protocol):
    """A path over TCP. Until an authentic check has come it is nobody's, and the first other frame ends it."""

    address: Address

    def __init__(self, listener: TcpListener, sorter: PacketSorter) -> None:
        self._listener = listener
        self._sorter = sorter
        self._counters = listener.counters
        self._deframer = Deframer()
        self._peer: PathPeer | None = None
        self._transport: asyncio.Transport | None = None
        self._writer: asyncio.Transport | None = None  # the transport as long as something may be written
        self._ending = False
        self._last_call: asyncio.TimerHandle | None = None

    # -- out ------------------------------------------------------------------------------------------------

    def send(self, packet: bytes) -> None:
        transport = self._writer
        if transport is None or transport.is_closing():
            return
        waiting = transport.get_write_buffer_size()
        if waiting > ANSWER_LIMIT and packet[0] < 4:  # STUN; the check comes again
            self._counters.tcp_dropped_slow += 1
            return
        if waiting > SEND_LIMIT:
            self._counters.tcp_closed_slow += 1
            self.abort()
            return
        transport.write(framed(packet))

    def send_media(self, packet: bytes) -> None:
        transport = self._writer
        if transport is None or transport.is_closing() or transport.get_write_buffer_size() > MEDIA_LIMIT:
            self._counters.tcp_dropped_slow += 1
            return
        transport.write(framed(packet))

    def send_burst(self, packets: Sequence[bytes]) -> None:
        for packet in packets:
            self.send_media(packet)

    def ignore(self) -> None:
        """Receive nothing more; what comes is read all the same, for unread bytes would take our last ones along."""
        self._ending = True

    def close(self) -> None:
        """End it after what is on its way, or soon where that is not taken; nothing is received any more."""
        transport = self._writer
        self._begin_to_end()
        if transport is not None and not transport.is_closing():
            try:
                transport.write_eof()
            except OSError:  # the other side has reset it, which is not told yet
                self.abort()

    def abort(self) -> None:
        """End it at once."""
        self._ending = True
        self._writer = None
        if self._transport is not None:
            self._transport.abort()

    def _begin_to_end(self) -> None:
        self._ending = True
        self._writer = None
        if self._transport is not None and self._last_call is None:
            self._last_call = asyncio.get_running_loop().call_later(_GOODBYE, self.abort)

    # -- in -------------------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        self._transport = self._writer = transport
        name = transport.get_extra_info("peername")
        if not name:  # it is gone already
            self.address = ("", 0)
            self._ending = True
        else:
            self.address = (name[0], name[1])
        self._listener.arrived(self)
        if self._ending:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = self._writer = None
        self._ending = True
        if self._last_call is not None:
            self._last_call.cancel()
        peer, self._peer = self._peer, None
        self._listener.lost(self, peer)

    def eof_received(self) -> None:
        self._begin_to_end()  # the transport closes once the other side has taken the rest, if it ever does

    def data_received(self, data: bytes) -> None:
        if not self._ending:
            self._deframer.feed(data)
            self._receive_frames()

    def _receive_frames(self) -> None:
        try:
            for _ in range(_FRAMES_PER_TURN):
                if self._ending or (frame := self._deframer.take()) is None:
                    break
                self._receive_frame(frame)
            else:
                self._rest()
        except FrameTooLong:
            self._counters.tcp_refused_frame += 1
            self.abort()

    def _rest(self) -> None:
        """Let others have a turn before the next frames, and read nothing meanwhile."""
        if self._transport is not None and not self._ending and not self._transport.is_closing():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._receive_frames()

    def _receive_frame(self, frame: bytes) -> None:
        if frame and frame[0] < 4:
            peer = self._sorter.check(frame, self, self._peer)
            if peer is not None:
                self._peer = peer
                self._listener.authenticated(self, peer)
        elif self._peer is not None:
            self._sorter.receive(frame, self._peer)
        if self._peer is None:
            self._counters.tcp_refused_stranger += 1
            self.abort()


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound TCP socket for `TcpListener.listen`; raises OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if (option := getattr(socket, "TCP_NOTSENT_LOWAT", None)) is not None:  # accepted sockets inherit it
            sock.setsockopt(socket.IPPROTO_TCP, option, _UNSENT_IN_KERNEL)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
