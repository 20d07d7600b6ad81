"""DTLS, SRTP and SCTP of one peer, on aiortc.

This is the only module of the forwarder that reaches below aiortc's public names;
`tests/unit/forwarder/test_aiortc_seam.py` fails when a release changes what is used here. aiortc's own pump ends a
connection on the first exception; here every datagram that cannot be processed is dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import pylibsrtp
from aiortc import RTCCertificate, RTCDataChannel
from aiortc.rtcdtlstransport import RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from OpenSSL import SSL

from .counters import Counters
from .sctp import is_digestible
from .srtp import HeadAndPayload, Srtp

_QUEUED_DATAGRAMS = 128
_MAX_PACKET = 1456  # what UDP, IPv4 and an SRTP tag leave of a frame of Ethernet; GStreamer sends up to 1400
_ORIGINAL_NUMBER = 2  # bytes by which a packet is longer when it is sent again (RFC 4588, section 4)
_MAX_BUFFERED = 4 << 20  # what a newcomer to a full room is told at once is half of it
_MAX_WAITING = 2048  # aiortc sorts them again with every packet; our window of 1 MiB is some 900 full packets
_MAX_STREAMS = 64  # a page uses one
_MAX_SOURCES = 256  # libsrtp keeps a state for each SSRC for ever, and goes through all of them for every packet


class SecurityError(Exception):
    """The packet fails authentication, is a replay, or comes before the keys."""


class UnknownSource(Exception):
    """The packet is of one SSRC more than any peer needs."""


def _no_keys(packet: bytes) -> bytes:
    raise SecurityError("there are no keys, or none any more")


def _no_keys_for_any(packets: Iterable[HeadAndPayload]) -> list[bytes]:
    return []


class TransportEvents(Protocol):
    """What the owner of a `SecureTransport` is told."""

    def transport_connected(self) -> None:
        """DTLS is up, the peer's certificate matches its fingerprint, SRTP keys are there."""

    def transport_closed(self, reason: str) -> None:
        """The transport ended or could not be established."""

    def channel_opened(self) -> None:
        """The control channel is open."""

    def channel_received(self, text: str) -> None:
        """A message came over the control channel."""


class _DatagramPipe:
    """Stands where aiortc expects an ICE transport."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.role = "controlled"
        self.state = "completed"
        self._send_datagram = send
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUED_DATAGRAMS)

    def put(self, datagram: bytes) -> bool:
        try:
            self._queue.put_nowait(datagram)
        except asyncio.QueueFull:
            return False
        return True

    async def _recv(self) -> bytes:
        datagram = await self._queue.get()
        if datagram is None:
            raise ConnectionError
        return datagram

    async def _send(self, data: bytes) -> None:
        self._send_datagram(data)


class _GuardedReceiver:
    """Keeps from SCTP what would cost more than a packet may, and what it would have to store beyond measure."""

    def __init__(self, sctp: RTCSctpTransport, counters: Counters) -> None:
        self.sctp = sctp
        self._counters = counters

    async def _handle_data(self, data: bytes) -> None:
        if not is_digestible(data) or self._is_full():
            self._counters.dropped_malformed += 1
            return
        await self.sctp._handle_data(data)

    def _is_full(self) -> bool:
        """Whether it stores more than the window it advertised, or more pieces or streams than any page needs."""
        sctp = self.sctp
        streams = sctp._inbound_streams
        return (
            sctp._advertised_rwnd <= 0
            or len(sctp._sack_misordered) > _MAX_WAITING
            or max(len(streams), len(sctp._data_channels)) > _MAX_STREAMS
            or sum(len(stream.reassembly) for stream in streams.values()) > _MAX_WAITING
        )


class _Dtls(RTCDtlsTransport):
    """RTCDtlsTransport that survives what it cannot process; RTP never passes through it."""

    def __init__(self, pipe: _DatagramPipe, certificate: RTCCertificate, role: str, counters: Counters) -> None:
        super().__init__(pipe, [certificate])  # type: ignore[arg-type]
        self._set_role(role)
        self._counters = counters

    async def _recv_next(self) -> None:
        try:
            await super()._recv_next()
        except ConnectionError:
            raise
        except Exception:  # of OpenSSL, or of SCTP on hostile chunks
            self._counters.dropped_malformed += 1
        # a full queue is read without a pause, and what it says may be for everyone: their links need a turn to send
        await asyncio.sleep(0)
        # `asyncio.wait_for` of Python 3.11 forgets a cancellation that comes in the same moment as a datagram: then
        # nothing would end a handshake before OpenSSL does, minutes later
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError

    async def _send_data(self, data: bytes) -> None:
        # SCTP sends from tasks that nobody awaits; what it sends after the end of DTLS is lost like any datagram
        with contextlib.suppress(ConnectionError, SSL.Error):
            await super()._send_data(data)

    async def aclose(self) -> None:
        pump = self._task
        await self.stop()
        if pump is not None:
            await asyncio.gather(pump, return_exceptions=True)

    def _register_data_receiver(self, receiver: Any) -> None:
        super()._register_data_receiver(_GuardedReceiver(receiver, self._counters))

    def _unregister_data_receiver(self, receiver: Any) -> None:
        guard = self._data_receiver
        if isinstance(guard, _GuardedReceiver) and guard.sctp is receiver:
            super()._unregister_data_receiver(guard)


class SecureTransport:
    """DTLS-SRTP and the control data channel of one peer; datagrams in and out by calls."""

    def __init__(
        self,
        certificate: RTCCertificate,
        role: str,
        send: Callable[[bytes], None],
        events: TransportEvents,
        counters: Counters,
        channel_label: str,
    ) -> None:
        """`role` is ours: `server` waits for the peer's ClientHello, `client` sends one."""
        self._events = events
        self._counters = counters
        self._channel_label = channel_label
        self._pipe = _DatagramPipe(send)
        self._dtls = _Dtls(self._pipe, certificate, role, counters)
        self._dtls.on("statechange", self._dtls_changed)
        self._sctp: RTCSctpTransport | None = None
        self._channel: RTCDataChannel | None = None
        self._protect: Callable[[bytes], bytes] = _no_keys
        self.protect_burst: Callable[[Iterable[HeadAndPayload]], list[bytes]] = _no_keys_for_any
        """Encrypts RTP packets, each in two pieces; leaves out those that `protect_rtp` would refuse."""
        self._protect_rtcp: Callable[[bytes], bytes] = _no_keys
        self._unprotect: Callable[[bytes], bytes] = _no_keys
        self._unprotect_rtcp: Callable[[bytes], bytes] = _no_keys
        self._sources: set[bytes] = set()
        self._closed = False

    async def run_handshake(self, remote: RTCDtlsParameters, sctp_port: int | None, max_message_size: int) -> None:
        """Perform the handshake; returns when it succeeded or failed, the events say which."""
        await self._dtls.start(remote)
        if self._dtls.state != "connected":
            return
        inbound, outbound = Srtp(self._dtls._rx_srtp), Srtp(self._dtls._tx_srtp, _MAX_PACKET)
        self._unprotect, self._unprotect_rtcp = inbound.unprotect, inbound.unprotect_rtcp
        self._protect, self.protect_burst = outbound.protect, outbound.protect_all
        self._protect_rtcp = outbound.protect_rtcp
        self._events.transport_connected()
        if sctp_port is not None and not self._closed:
            self._sctp = RTCSctpTransport(self._dtls)
            self._sctp.on("datachannel", self._channel_announced)
            await self._sctp.start(RTCSctpCapabilities(maxMessageSize=max_message_size), sctp_port)

    def receive_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram from the peer's authenticated address."""
        if not self._pipe.put(datagram):
            self._counters.dropped_malformed += 1

    def unprotect_rtp(self, packet: bytes) -> bytes:
        """Authenticate and decrypt an SRTP packet; raises `SecurityError` and `UnknownSource`."""
        source = packet[8:12]
        if source not in self._sources:
            self._check_room()
        try:
            unprotected = self._unprotect(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise SecurityError(str(error)) from None
        self._sources.add(source)
        return unprotected

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Authenticate and decrypt an SRTCP packet; raises `SecurityError` and `UnknownSource`."""
        source = packet[4:8]
        if source not in self._sources:
            self._check_room()
        try:
            unprotected = self._unprotect_rtcp(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise SecurityError(str(error)) from None
        self._sources.add(source)
        return unprotected

    def _check_room(self) -> None:
        if len(self._sources) >= _MAX_SOURCES:
            raise UnknownSource

    def protect_rtp(self, packet: bytes) -> bytes:
        """Encrypt an RTP packet; raises `SecurityError` before the handshake and for what SRTP does not take.

        It takes no packet that is too long, nor one that is far behind others of its SSRC.
        """
        if len(packet) > _MAX_PACKET + _ORIGINAL_NUMBER:
            raise SecurityError("the packet is too long")
        try:
            return self._protect(packet)
        except pylibsrtp.Error as error:
            raise SecurityError(str(error)) from None

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Encrypt an RTCP packet; raises `SecurityError` before the handshake and for what SRTP does not take."""
        if len(packet) > _MAX_PACKET:
            raise SecurityError("the packet is too long")
        try:
            return self._protect_rtcp(packet)
        except pylibsrtp.Error as error:
            raise SecurityError(str(error)) from None

    def send_text(self, text: str) -> bool:
        """Send over the control channel; False when it is not open or the text cannot be sent.

        Whoever misses one message is out of step for good, so the transport is then reported as closed.
        """
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return False
        if channel.bufferedAmount + len(text) > _MAX_BUFFERED:
            return self._lost("it did not read what it was told")
        try:
            channel.send(text)
        except ValueError:  # longer than the `a=max-message-size` of the peer, or no Unicode
            return self._lost("a message was too long for it")
        return True

    def _lost(self, reason: str) -> bool:
        self._counters.closed_out_of_step += 1
        self._events.transport_closed(reason)
        return False

    async def aclose(self) -> None:
        """Say goodbye to the peer (SCTP ABORT, DTLS close_notify) and end every task and timer."""
        self._closed = True
        self._dtls.remove_all_listeners()
        if self._sctp is not None:
            self._sctp.remove_all_listeners()
            await self._sctp.stop()
        await self._dtls.aclose()
        self._protect = self._protect_rtcp = self._unprotect = self._unprotect_rtcp = _no_keys
        self.protect_burst = _no_keys_for_any

    def _dtls_changed(self) -> None:
        if self._dtls.state == "failed":
            self._counters.closed_handshake += 1
            self._events.transport_closed("the DTLS handshake failed")
        elif self._dtls.state == "closed":
            self._events.transport_closed("closed by the other side")

    def _channel_announced(self, channel: RTCDataChannel) -> None:
        if channel.label != self._channel_label or self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._channel_message)
        channel.on("close", self._channel_closed)
        self._events.channel_opened()

    def _channel_message(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._events.channel_received(message)
        else:
            self._counters.dropped_malformed += 1

    def _channel_closed(self) -> None:
        if not self._closed:
            self._events.transport_closed("the control channel was closed")
