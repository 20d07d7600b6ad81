"""A connection whose reader is slow keeps a bounded amount, on both event loops the hub may run on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from zego_widget.forwarder.counters import Counters
from zego_widget.forwarder.framing import framed
from zego_widget.forwarder.path import PathPeer
from zego_widget.forwarder.tcp import MEDIA_LIMIT, SEND_LIMIT, TcpConnection, TcpListener, listening_socket

PACKET = b"\x80" + bytes(1199)
PATIENCE = 20.0


class Admitting:
    """Takes the first frame for a check of its one peer."""

    def __init__(self) -> None:
        self.connection: asyncio.Future[TcpConnection] = asyncio.get_running_loop().create_future()
        self.received: list[bytes] = []
        self.lost: list[object] = []

    def check(self, datagram: bytes, path: TcpConnection, owner: PathPeer | None) -> PathPeer | None:
        if not self.connection.done():
            self.connection.set_result(path)
        return self  # type: ignore[return-value]

    def receive(self, datagram: bytes, peer: PathPeer | None) -> None:
        self.received.append(datagram)

    def path_lost(self, path: object) -> None:
        self.lost.append(path)


Scenario = Callable[[TcpListener, Admitting, Counters, TcpConnection, socket.socket], Awaitable[None]]


def play(loop_name: str, scenario: Scenario) -> None:
    """Run a scenario with a listener, its one connection, and the other end of that."""
    factory = pytest.importorskip("uvloop").new_event_loop if loop_name == "uvloop" else asyncio.new_event_loop

    async def run() -> None:
        counters, admitting = Counters(), Admitting()
        listener = TcpListener(admitting, counters)
        sock = listening_socket("127.0.0.1", 0)
        await listener.listen(sock)
        with socket.socket() as client:
            client.setblocking(False)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, sock.getsockname())
            await loop.sock_sendall(client, b"\x00\x01\x00")
            async with asyncio.timeout(PATIENCE):
                await scenario(listener, admitting, counters, await admitting.connection, client)
        await listener.aclose()
        assert admitting.lost == [await admitting.connection]
        assert not listener._connections and not listener._by_peer

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run())


def waiting(connection: TcpConnection) -> int:
    assert connection._transport is not None
    return connection._transport.get_write_buffer_size()


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_media_that_a_slow_reader_has_no_room_for_are_dropped_whole(loop_name: str) -> None:
    async def scenario(
        listener: TcpListener, _: Admitting, counters: Counters, connection: TcpConnection, client: socket.socket
    ) -> None:
        sent = 0
        for _ in range(20):
            for _ in range(100):
                connection.send_media(PACKET)
                sent += 1
                assert waiting(connection) <= MEDIA_LIMIT + len(PACKET) + 2
            await asyncio.sleep(0)
        assert counters.tcp_dropped_slow > 1000
        connection.send(b"\x17 the last word")
        expected = (sent - counters.tcp_dropped_slow) * (len(PACKET) + 2) + 2 + 15
        received = b""
        while len(received) < expected:
            received += await asyncio.get_running_loop().sock_recv(client, 1 << 20)
        assert received.endswith(b"\x00\x0f\x17 the last word")
        assert received.count(b"\x04\xb0" + PACKET) == sent - counters.tcp_dropped_slow
        connection.send_media(PACKET)
        assert counters.tcp_dropped_slow == 2000 - received.count(b"\x04\xb0" + PACKET)
        assert counters.tcp_closed_slow == 0

    play(loop_name, scenario)


def test_a_connection_that_does_not_take_what_must_not_be_missed_ends(loop_name: str) -> None:
    async def scenario(
        listener: TcpListener, admitting: Admitting, counters: Counters, connection: TcpConnection, _: socket.socket
    ) -> None:
        for _ in range(SEND_LIMIT // len(PACKET) + 200):
            connection.send(PACKET)
            if connection._transport is not None:
                assert waiting(connection) <= SEND_LIMIT + len(PACKET) + 2
        assert counters.tcp_closed_slow == 1
        while not admitting.lost:  # noqa: ASYNC110
            await asyncio.sleep(0)
        connection.send(PACKET)
        connection.send_media(PACKET)

    play(loop_name, scenario)


def test_a_slow_reader_does_not_keep_a_connection_that_was_hung_up(loop_name: str) -> None:
    async def scenario(
        listener: TcpListener, admitting: Admitting, counters: Counters, connection: TcpConnection, _: socket.socket
    ) -> None:
        for _ in range(400):
            connection.send(PACKET)
        listener.ignore(admitting)  # type: ignore[arg-type]
        listener.hang_up(admitting)  # type: ignore[arg-type]
        while not admitting.lost:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    play(loop_name, scenario)


def test_a_reader_that_says_goodbye_and_does_not_take_the_rest_is_gone(loop_name: str) -> None:
    async def scenario(
        _: TcpListener, admitting: Admitting, counters: Counters, connection: TcpConnection, client: socket.socket
    ) -> None:
        for _ in range(400):
            connection.send(PACKET)
        client.shutdown(socket.SHUT_WR)
        while not admitting.lost:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    play(loop_name, scenario)


def test_whoever_sends_many_frames_at_once_leaves_the_others_their_turns(loop_name: str) -> None:
    async def scenario(
        _: TcpListener, admitting: Admitting, counters: Counters, connection: TcpConnection, client: socket.socket
    ) -> None:
        frames = [b"\x80" + number.to_bytes(2) for number in range(1000)]
        connection.data_received(b"".join(map(framed, frames)))
        assert len(admitting.received) == 32
        while len(admitting.received) < len(frames):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert admitting.received == frames
        await asyncio.get_running_loop().sock_sendall(client, framed(b"\x80 read again"))
        while admitting.received[-1] != b"\x80 read again":  # noqa: ASYNC110
            await asyncio.sleep(0)

    play(loop_name, scenario)


def test_the_last_word_arrives_though_more_came_in_that_nobody_reads(loop_name: str) -> None:
    async def scenario(
        listener: TcpListener, admitting: Admitting, _: Counters, connection: TcpConnection, client: socket.socket
    ) -> None:
        loop = asyncio.get_running_loop()
        listener.ignore(admitting)  # type: ignore[arg-type]
        connection.data_received(b"\x00\x05\x80media" * 100)
        await loop.sock_sendall(client, b"\x00\x05\x80media" * 100)
        connection.send(b"\x15 goodbye")
        listener.hang_up(admitting)  # type: ignore[arg-type]
        received = b""
        while chunk := await loop.sock_recv(client, 65536):
            received += chunk
        assert received == b"\x00\x09\x15 goodbye"
        assert admitting.received == []

    play(loop_name, scenario)
