"""A real peer without media: ICE checks and DTLS with the hub, over UDP alone or over TCP alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aioice import stun
from aiortc import RTCCertificate
from aiortc.sdp import SessionDescription

from ..errors import HubUnreachable, ZegoError
from ..forwarder.aiortc_transport import SecureTransport
from ..forwarder.counters import Counters
from ..forwarder.framing import Deframer, FrameTooLong, framed
from ..forwarder.ice import Address
from .media import PathFacts, Transport

CHECK_TIMEOUT = 5.0
HANDSHAKE_TIMEOUT = 8.0
_CHECK_INTERVAL = 0.1
_PRIORITY = 1862270975
_LABEL = "control"

AnswerTo = Callable[[str], Awaitable[str]]
"""Sends an SDP offer to the hub; the SDP of its answer. Raises `ZegoError`."""


class Lane(Protocol):
    """A way to one candidate."""

    def send(self, packet: bytes) -> None: ...
    def close(self) -> None: ...


async def probe(transport: Transport, answer_to: AnswerTo) -> PathFacts:
    """Connect a peer and take it down again; never raises for what the network or the hub does."""
    peer = _ProbePeer(transport)
    loop = asyncio.get_running_loop()
    began = loop.time()
    tried: tuple[str, ...] = ()
    answered: float | None = None
    reached = reason = ""
    try:
        candidates = peer.take(await answer_to(peer.offer()))
        if not candidates:
            raise HubUnreachable("the hub names none for it")
        tried = tuple(_spelled(each) for each in candidates)
        reached = _spelled(await peer.check(candidates))
        answered = loop.time() - began
        await peer.handshake()
        return PathFacts(transport, tried, answered, loop.time() - began, reached)
    except ZegoError as error:
        reason = error.message.rstrip(".")
    except TimeoutError:
        reason = "DTLS was not up in time" if answered is not None else "nothing came back"
    except OSError as error:
        # asyncio's own words have the address in them, which is told already
        reason = os.strerror(error.errno).lower() if error.errno else str(error) or type(error).__name__
    finally:
        await peer.aclose()
    return PathFacts(transport, tried, answered, None, reached, reason)


class _ProbePeer:
    """One offer, the checks of its candidates, and a handshake with the one that answers first."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._certificate = RTCCertificate.generateCertificate()
        self._ufrag, self._password = secrets.token_hex(4), secrets.token_hex(16)
        self._username = ""
        self._key = b""
        self._remote_dtls: Any = None
        self._lanes: list[Lane] = []
        self._secure: SecureTransport | None = None
        loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = loop.create_future()

    def offer(self) -> str:
        """A data channel and nothing else."""
        fingerprint = next(each.value for each in self._certificate.getFingerprints() if each.algorithm == "sha-256")
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE 0",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 0.0.0.0",
            "a=mid:0",
            f"a=ice-ufrag:{self._ufrag}",
            f"a=ice-pwd:{self._password}",
            f"a=fingerprint:sha-256 {fingerprint}",
            "a=setup:active",
            "a=sctp-port:5000",
        ]
        return "\r\n".join(lines) + "\r\n"

    def take(self, answer: str) -> list[Address]:
        """The candidates of our transport in the hub's answer."""
        media = SessionDescription.parse(answer).media[0]
        assert media.ice is not None, "an answer of the hub has ICE credentials"
        self._username = f"{media.ice.usernameFragment}:{self._ufrag}"
        self._key = str(media.ice.password).encode()
        self._remote_dtls = media.dtls
        return [(each.ip, each.port) for each in media.ice_candidates if each.protocol.lower() == self._transport]

    async def check(self, candidates: list[Address]) -> Address:
        """The candidate that gave the first authentic answer; raises TimeoutError and OSError."""
        attempts = [asyncio.ensure_future(self._check(each)) for each in candidates]
        failure: BaseException = TimeoutError()
        try:
            for attempt in asyncio.as_completed(attempts, timeout=CHECK_TIMEOUT):
                try:
                    return await attempt
                except OSError as error:  # TimeoutError of asyncio's among them
                    failure = error
        finally:
            for each in attempts:
                each.cancel()
            await asyncio.gather(*attempts, return_exceptions=True)
        raise failure

    async def handshake(self) -> None:
        """DTLS over the lane that answered; raises TimeoutError and OSError."""
        assert self._secure is not None
        running = asyncio.ensure_future(self._secure.run_handshake(self._remote_dtls, None, 0))
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                await self._connected
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def aclose(self) -> None:
        """End DTLS, then every socket."""
        if self._secure is not None:
            with contextlib.suppress(Exception):  # a handshake that was broken off
                await self._secure.aclose()
        if self._connected.done():
            self._connected.exception()
        for lane in self._lanes:
            lane.close()

    async def _check(self, candidate: Address) -> Address:
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def receive(packet: bytes) -> None:
            if packet and packet[0] < 4:
                if not answered.done() and self._is_answer(packet):
                    answered.set_result(None)
            elif secure is self._secure:
                secure.receive_dtls(packet)

        def lost(error: OSError) -> None:
            if not answered.done():
                answered.set_exception(error)
            elif secure is self._secure:
                self.transport_closed("the connection was closed")

        lane = await (_open_udp if self._transport == "udp" else _open_tcp)(candidate, receive, lost)
        self._lanes.append(lane)
        secure = SecureTransport(self._certificate, "client", lane.send, self, Counters(), _LABEL)
        while not answered.done():
            lane.send(self._request())
            await asyncio.wait([answered], timeout=_CHECK_INTERVAL)
        answered.result()
        self._secure = self._secure or secure
        return candidate

    def _request(self) -> bytes:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = self._username
        request.attributes["PRIORITY"] = _PRIORITY
        request.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self._key)
        request.add_fingerprint()
        return bytes(request)

    def _is_answer(self, packet: bytes) -> bool:
        try:
            message = stun.parse_message(packet)
            return message.message_class == stun.Class.RESPONSE and message.check_message_integrity(self._key)
        except (ValueError, KeyError, IndexError):
            return False

    # -- TransportEvents ------------------------------------------------------------------------------------

    def transport_connected(self) -> None:
        if not self._connected.done():
            self._connected.set_result(None)

    def transport_closed(self, reason: str) -> None:
        if not self._connected.done():
            self._connected.set_exception(ConnectionError(reason))

    def channel_opened(self) -> None:
        pass

    def channel_received(self, text: str) -> None:
        pass


class _Udp(asyncio.DatagramProtocol):
    """A socket that is connected to one candidate, so that the system tells when nobody listens there."""

    def __init__(self, receive: Callable[[bytes], None], lost: Callable[[OSError], None]) -> None:
        self._receive = receive
        self._lost = lost
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._receive(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self._lost(exc)

    def send(self, packet: bytes) -> None:
        self._transport.sendto(packet)

    def close(self) -> None:
        self._transport.close()


class _Tcp(asyncio.Protocol):
    """ICE-TCP, the active side (RFC 6544), with RFC 4571 framing."""

    def __init__(self, receive: Callable[[bytes], None], lost: Callable[[OSError], None]) -> None:
        self._receive = receive
        self._lost = lost
        self._deframer = Deframer()
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._deframer.feed(data)
        try:
            while (packet := self._deframer.take()) is not None:
                self._receive(packet)
        except FrameTooLong:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(ConnectionResetError("the connection was closed"))

    def send(self, packet: bytes) -> None:
        self._transport.write(framed(packet))

    def close(self) -> None:
        self._transport.close()


async def _open_udp(address: Address, receive: Callable[[bytes], None], lost: Callable[[OSError], None]) -> Lane:
    loop = asyncio.get_running_loop()
    _, lane = await loop.create_datagram_endpoint(lambda: _Udp(receive, lost), remote_addr=(address[0], address[1]))
    return lane


async def _open_tcp(address: Address, receive: Callable[[bytes], None], lost: Callable[[OSError], None]) -> Lane:
    loop = asyncio.get_running_loop()
    _, lane = await loop.create_connection(lambda: _Tcp(receive, lost), address[0], address[1])
    return lane


def _spelled(address: Address) -> str:
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
