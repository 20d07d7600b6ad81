"""What `aiortc_transport` uses below aiortc's public names, and that two of its transports work back to back.

Red after an update of aiortc: read what changed there, mend `aiortc_transport`, then the bound in pyproject.toml.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiortc import RTCCertificate, RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import SRTP_PROFILES, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    DataChunk,
    HeartbeatChunk,
    RTCSctpCapabilities,
    RTCSctpTransport,
    SackChunk,
)
from OpenSSL import SSL

from zego_widget.forwarder import rtcp
from zego_widget.forwarder.aiortc_transport import SecureTransport, SecurityError
from zego_widget.forwarder.counters import Counters
from zego_widget.forwarder.rtp import FIXED_HEADER

PATIENCE = 20.0
LABEL = "control"
SSRC = 0x1234


def parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


# -- names and signatures ----------------------------------------------------------------------------------------


def test_the_dtls_transport_has_what_we_override_and_call() -> None:
    assert parameters(RTCDtlsTransport.__init__) == ["self", "transport", "certificates"]
    for name, arguments in {
        "_recv_next": ["self"],
        "_send_data": ["self", "data"],
        "start": ["self", "remoteParameters"],
        "stop": ["self"],
    }.items():
        function = getattr(RTCDtlsTransport, name)
        assert inspect.iscoroutinefunction(function), name
        assert parameters(function) == arguments, name
    for name in ("_register_data_receiver", "_unregister_data_receiver"):
        function = getattr(RTCDtlsTransport, name)
        assert not inspect.iscoroutinefunction(function), name
        assert parameters(function) == ["self", "receiver"], name
    assert parameters(RTCDtlsTransport._set_role) == ["self", "role"]


def test_the_sctp_transport_has_what_we_call() -> None:
    assert inspect.iscoroutinefunction(RTCSctpTransport._handle_data)
    assert parameters(RTCSctpTransport._handle_data) == ["self", "data"]
    assert parameters(RTCSctpTransport.start) == ["self", "remoteCaps", "remotePort"]
    assert parameters(RTCSctpCapabilities) == ["maxMessageSize"]


async def test_a_new_transport_has_no_receiver_no_keys_and_no_task() -> None:
    dtls: Any = Side("server").transport._dtls
    assert dtls._data_receiver is None
    assert dtls._rx_srtp is None
    assert dtls._tx_srtp is None
    assert dtls._task is None
    assert dtls.state == "new"


# -- two transports back to back -----------------------------------------------------------------------------------


class Side:
    """One of two transports, and what it was told."""

    def __init__(self, role: str) -> None:
        self.counters = Counters()
        self.certificate = RTCCertificate.generateCertificate()
        self.other: Side | None = None
        self.channel: Any = None
        self.sent: list[bytes] = []
        self.before_each: list[bytes] = []
        self.connected = asyncio.Event()
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.transport = SecureTransport(self.certificate, role, self.send, self, self.counters, LABEL)

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)
        if self.other is not None:
            for nuisance in self.before_each:
                self.other.transport.receive_dtls(nuisance)
            self.other.transport.receive_dtls(datagram)

    async def shake_hands(
        self, sctp_port: int | None = None, max_message_size: int = 65536, *, expect: RTCCertificate | None = None
    ) -> None:
        assert self.other is not None
        certificate = expect or self.other.certificate
        remote = RTCDtlsParameters(fingerprints=certificate.getFingerprints())
        await self.transport.run_handshake(remote, sctp_port, max_message_size)

    @property
    def sctp(self) -> RTCSctpTransport:
        assert self.transport._sctp is not None
        return self.transport._sctp

    def transport_connected(self) -> None:
        self.connected.set()

    def transport_closed(self, reason: str) -> None:
        self.closed.set()

    def channel_opened(self) -> None:
        self.opened.set()

    def channel_received(self, text: str) -> None:
        self.messages.put_nowait(text)


async def soon(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, PATIENCE)


@contextlib.asynccontextmanager
async def two_sides(max_message_size: int = 65536) -> AsyncIterator[tuple[Side, Side]]:
    """A server and a client after the handshake; the client has opened the control channel."""
    server, client = Side("server"), Side("client")
    server.other, client.other = client, server
    try:
        await soon(asyncio.gather(server.shake_hands(5000, max_message_size), client.shake_hands(5000)))
        assert server.connected.is_set() and client.connected.is_set()
        client.channel = RTCDataChannel(client.sctp, RTCDataChannelParameters(label=LABEL))
        client.channel.on("message", client.channel_received)
        await soon(server.opened.wait())
        yield server, client
    finally:
        await server.transport.aclose()
        await client.transport.aclose()


async def exchange(server: Side, client: Side, text: str) -> None:
    """A control message each way."""
    client.channel.send(text)
    assert await soon(server.messages.get()) == text
    assert server.transport.send_text(text)
    assert await soon(client.messages.get()) == text


def rtp_packet(sequence_number: int, payload: bytes = b"payload") -> bytes:
    return FIXED_HEADER.pack(0x80, 96, sequence_number, 3000, SSRC) + payload


async def test_media_and_control_messages_pass_both_ways() -> None:
    async with two_sides() as (server, client):
        for sender, receiver in ((server, client), (client, server)):
            packet = rtp_packet(1)
            protected = sender.transport.protect_rtp(packet)
            assert protected != packet
            assert receiver.transport.unprotect_rtp(protected) == packet
            longest = rtp_packet(2, bytes(1456 - 12))
            assert receiver.transport.unprotect_rtp(sender.transport.protect_rtp(longest)) == longest
            again = rtp_packet(3, bytes(2 + 1456 - 12))  # the same over RTX
            assert receiver.transport.unprotect_rtp(sender.transport.protect_rtp(again)) == again
            compound = rtcp.picture_loss(SSRC, SSRC)
            assert receiver.transport.unprotect_rtcp(sender.transport.protect_rtcp(compound)) == compound
        await exchange(server, client, "good morning, 早上好")


async def test_a_replayed_forged_or_oversized_packet_is_a_security_error() -> None:
    async with two_sides() as (server, client):
        protected = client.transport.protect_rtp(rtp_packet(1))
        report = client.transport.protect_rtcp(rtcp.picture_loss(SSRC, SSRC))
        server.transport.unprotect_rtp(protected)
        server.transport.unprotect_rtcp(report)
        forged = protected[:-1] + bytes((protected[-1] ^ 1,))
        for packet in (protected, forged, b"", b"\x80", b"\x80" * 12, b"\x80" * 1501, b"\x80" * 65507):
            with pytest.raises(SecurityError):
                server.transport.unprotect_rtp(packet)
        for packet in (report, b"", b"\x80\xc9", b"\x80\xc9" * 6, b"\x80\xc9" * 30000):
            with pytest.raises(SecurityError):
                server.transport.unprotect_rtcp(packet)
        assert server.transport.unprotect_rtp(client.transport.protect_rtp(rtp_packet(2))) == rtp_packet(2)


async def test_what_cannot_be_protected_is_a_security_error() -> None:
    async with two_sides() as (server, _):
        with pytest.raises(SecurityError):
            server.transport.protect_rtp(rtp_packet(1, bytes(1500)))
        with pytest.raises(SecurityError):
            server.transport.protect_rtcp(rtcp.picture_loss(SSRC, SSRC) * 200)
        server.transport.protect_rtp(rtp_packet(20000))
        with pytest.raises(SecurityError):
            server.transport.protect_rtp(rtp_packet(10))
        with pytest.raises(SecurityError):
            server.transport.protect_rtp(b"\x90" + bytes(11))


async def test_before_the_handshake_everything_is_a_security_error() -> None:
    transport = Side("server").transport
    for method in (transport.protect_rtp, transport.protect_rtcp, transport.unprotect_rtp, transport.unprotect_rtcp):
        with pytest.raises(SecurityError):
            method(rtp_packet(1))
    assert not transport.send_text("hello")
    await transport.aclose()


GARBAGE = {
    "random bytes": bytes(range(20, 60)),
    "one byte": b"\x16",
    "handshake failure alert": bytes.fromhex("15fefd 0000 000000000009 0002 0228"),
    "close notify alert in the clear": bytes.fromhex("15fefd 0000 00000000000a 0002 0100"),
    "truncated ClientHello": bytes.fromhex("16fefd 0000 000000000000 0036 010000") + bytes(20),
    "change cipher spec": bytes.fromhex("14fefd 0000 000000000001 0001 01"),
    "application data of another epoch": bytes.fromhex("17fefd 0005 000000000001 0010") + bytes(16),
    "64 kB": b"\x16" * 65507,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_between_does_no_harm(garbage: bytes) -> None:
    async with two_sides() as (server, client):
        await exchange(server, client, "before")
        for side in (server, client):
            side.transport.receive_dtls(garbage)
        await exchange(server, client, "after")
        client_hello = first_flight()
        for side in (server, client):
            side.transport.receive_dtls(client_hello)
        await exchange(server, client, "after a ClientHello")
        assert server.transport._dtls.state == client.transport._dtls.state == "connected"
        assert not server.closed.is_set() and not client.closed.is_set()


def first_flight() -> bytes:
    """A ClientHello, as anybody can make one."""
    connection = SSL.Connection(RTCCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES))
    connection.set_connect_state()
    with contextlib.suppress(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(1500)


async def test_garbage_during_the_handshake_does_not_keep_it_from_completing() -> None:
    server, client = Side("server"), Side("client")
    server.other, client.other = client, server
    nuisances = [GARBAGE[name] for name in ("random bytes", "one byte", "application data of another epoch")]
    server.before_each = client.before_each = nuisances
    await soon(asyncio.gather(server.shake_hands(), client.shake_hands()))
    assert server.connected.is_set() and client.connected.is_set()
    await server.transport.aclose()
    await client.transport.aclose()


@pytest.mark.parametrize("deceived", ["server", "client"])
async def test_a_wrong_fingerprint_never_connects(deceived: str) -> None:
    sides = {"server": Side("server"), "client": Side("client")}
    sides["server"].other, sides["client"].other = sides["client"], sides["server"]
    victim = sides[deceived]
    wrong = RTCCertificate.generateCertificate()
    await soon(asyncio.gather(*(side.shake_hands(expect=wrong if side is victim else None) for side in sides.values())))
    assert not victim.connected.is_set()
    assert victim.closed.is_set()
    with pytest.raises(SecurityError):
        victim.transport.protect_rtp(rtp_packet(1))
    for side in sides.values():
        await side.transport.aclose()


# -- what stands between aiortc's pump and hostile input -----------------------------------------------------------


async def test_an_exception_of_sctp_does_not_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two_sides() as (server, client):
        reached = asyncio.Event()

        async def fail(data: bytes) -> None:
            reached.set()
            raise AssertionError("hostile chunk")

        with monkeypatch.context() as patch:
            patch.setattr(server.sctp, "_handle_data", fail)
            client.channel.send("lost at first")
            await soon(reached.wait())
        assert await soon(server.messages.get()) == "lost at first"  # SCTP sends it again
        assert server.counters.dropped_malformed >= 1
        await exchange(server, client, "after")


async def test_an_exception_of_dtls_does_not_end_the_connection() -> None:
    async with two_sides() as (server, client):
        pass_on = server.transport._pipe._send_datagram
        failed = asyncio.Event()

        def fail(datagram: bytes) -> None:
            failed.set()
            raise RuntimeError("the network is gone")

        server.transport._pipe._send_datagram = fail
        client.channel.send("acknowledged late")
        await soon(failed.wait())
        server.transport._pipe._send_datagram = pass_on
        assert await soon(server.messages.get()) == "acknowledged late"
        await exchange(server, client, "after")
        assert server.transport._dtls.state == "connected"


async def test_fragments_without_end_use_up_the_window_and_then_are_dropped() -> None:
    async with two_sides() as (server, client):
        window = server.sctp._advertised_rwnd
        chunk = DataChunk(flags=SCTP_DATA_FIRST_FRAG)
        chunk.tsn, chunk.stream_id, chunk.stream_seq, chunk.protocol = client.sctp._local_tsn, 0, 100, 51
        chunk.user_data = bytes(1000)
        await client.sctp._send_chunk(chunk)
        await until(lambda: server.sctp._advertised_rwnd == window - 1000)
        server.sctp._advertised_rwnd = 0
        dropped = server.counters.dropped_malformed
        await client.sctp._send_chunk(chunk)
        await until(lambda: server.counters.dropped_malformed == dropped + 1)


async def test_pieces_without_end_are_counted_and_dropped_however_small() -> None:
    async with two_sides() as (server, client):
        chunk = DataChunk(flags=3)  # first and last
        chunk.stream_id, chunk.stream_seq, chunk.protocol, chunk.user_data = 0, 100, 51, b""
        kept = []
        for number in range(3000):  # none of them uses any of the window
            chunk.tsn = (client.sctp._local_tsn + 2 * number + 2) % (1 << 32)
            await client.sctp._send_chunk(chunk)
            await asyncio.sleep(0)
            kept.append(len(server.sctp._sack_misordered))
        assert server.counters.dropped_malformed > 500 and kept[-1] == kept[-2] < 2100


async def test_channels_without_end_are_counted_and_dropped() -> None:
    async with two_sides() as (server, client):
        for _ in range(100):
            RTCDataChannel(client.sctp, RTCDataChannelParameters(label="other"))
        await until(lambda: server.counters.dropped_malformed > 0)
        assert len(server.sctp._data_channels) < 80


async def test_packets_that_would_keep_the_parser_busy_are_dropped() -> None:
    async with two_sides() as (server, client):
        sack = SackChunk()
        sack.cumulative_tsn = server.sctp._last_sacked_tsn
        sack.gaps = [(1, 65535)] * 300
        endless: Any = struct.pack("!BBHHH", HeartbeatChunk.type, 0, 8, 1, 0)  # a parameter of length 0
        await client.sctp._send_chunk(sack)
        await client.sctp._send_chunk(endless)
        await until(lambda: server.counters.dropped_malformed == 2)
        await exchange(server, client, "still here")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  - counters have no event
            await asyncio.sleep(0)


@pytest.mark.parametrize("text", ["too long", "\ud800"])
async def test_a_message_that_the_other_side_does_not_take_is_the_end(text: str) -> None:
    async with two_sides(max_message_size=5) as (server, client):
        await exchange(server, client, "short")
        assert not server.transport.send_text(text)
        assert server.closed.is_set()
        assert server.counters.closed_out_of_step == 1


async def test_who_does_not_read_is_at_the_end() -> None:
    async with two_sides() as (server, _):
        server.other = None  # nothing that is sent arrives any more
        text = "x" * 50_000
        sent = 0
        while server.transport.send_text(text):
            assert not server.closed.is_set()
            sent += 1
        assert sent > 40  # what a newcomer to a full room is told
        assert server.closed.is_set()
        assert server.counters.closed_out_of_step == 1


async def test_a_second_channel_and_binary_messages_are_not_listened_to() -> None:
    async with two_sides() as (server, client):
        others = [RTCDataChannel(client.sctp, RTCDataChannelParameters(label=label)) for label in (LABEL, "other")]
        await until(lambda: all(channel.readyState == "closed" for channel in others))
        client.channel.send(b"binary")
        await until(lambda: server.counters.dropped_malformed == 1)
        await exchange(server, client, "still here")


# -- ends -------------------------------------------------------------------------------------------------------------


async def test_the_other_side_is_told_of_the_end() -> None:
    async with two_sides() as (server, client):
        await server.transport.aclose()
        await soon(client.closed.wait())


async def test_nothing_is_left_after_the_end(caplog: pytest.LogCaptureFixture) -> None:
    unhandled: list[str] = []
    loop: Any = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unhandled.append(str(context)))
    tasks, timers = asyncio.all_tasks(), pending_timers(loop)
    with caplog.at_level(logging.WARNING):
        async with two_sides() as (server, client):
            await exchange(server, client, "hello")
            server.transport.send_text("never acknowledged")  # leaves timers running and a send under way
            server.other = client.other = None
            server.transport.send_text("never read")
        assert asyncio.all_tasks() == tasks
        await asyncio.sleep(0)
        assert pending_timers(loop) == timers
        gc.collect()
        await asyncio.sleep(0)
    assert not unhandled
    assert not caplog.records


async def test_a_message_in_the_moment_of_the_end_is_lost_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(str(context)))
    with caplog.at_level(logging.WARNING):
        async with two_sides() as (server, client):
            server.other = None
            await client.transport._dtls.stop()  # no SCTP ABORT, so that the server's channel stays open
            await soon(server.closed.wait())
            assert server.transport._dtls.state == "closed"
            server.transport.send_text("too late")
            server.transport.send_text("much too late")
            await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)
    assert not unhandled
    assert not caplog.records


@pytest.mark.parametrize("role", ["server", "client"])
async def test_nothing_is_left_of_a_handshake_that_nobody_answers(role: str) -> None:
    loop: Any = asyncio.get_running_loop()
    tasks, timers = asyncio.all_tasks(), pending_timers(loop)
    side = Side(role)
    parameters = RTCDtlsParameters(fingerprints=side.certificate.getFingerprints())
    handshake = asyncio.create_task(side.transport.run_handshake(parameters, 5000, 0))
    await asyncio.sleep(0)
    handshake.cancel()
    await asyncio.gather(handshake, return_exceptions=True)
    await side.transport.aclose()
    assert asyncio.all_tasks() == tasks
    assert pending_timers(loop) == timers
    assert bool(side.sent) == (role == "client")


@pytest.mark.parametrize("turns", range(5))
async def test_a_handshake_ends_at_once_also_in_the_moment_in_which_a_datagram_comes(turns: int) -> None:
    """`asyncio.wait_for` of Python 3.11 forgets that it was cancelled then."""
    side = Side("client")
    parameters = RTCDtlsParameters(fingerprints=side.certificate.getFingerprints())
    handshake = asyncio.create_task(side.transport.run_handshake(parameters, 5000, 0))
    for _ in range(5):
        await asyncio.sleep(0)
    assert side.sent  # and now it waits for an answer
    side.transport.receive_dtls(b"\x16\xfe\xfd" + bytes(10))
    for _ in range(turns):
        await asyncio.sleep(0)
    handshake.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    assert handshake.done()
    await asyncio.gather(handshake, return_exceptions=True)
    await side.transport.aclose()
    assert not side.closed.is_set()
    assert side.counters.closed_handshake == 0


def pending_timers(loop: Any) -> set[Any]:
    return {timer for timer in loop._scheduled if not timer.cancelled()}
