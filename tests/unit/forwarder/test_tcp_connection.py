"""A connection whose reader is slow keeps a bounded amount, on both event loops the hub may run on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from unittest.mock import Mock

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


@dataclass
class Scene:
    """A listener, its one connection, and the other end of that."""

    listener: TcpListener
    admitting: Admitting
    counters: Counters
    connection: TcpConnection
    client: socket.socket


def on_each_loop(scenario: Callable[[Scene], Awaitable[None]]) -> Callable[[str], None]:
    """A test that plays the scenario on both event loops."""

    def test(loop_name: str) -> None:
        factory = pytest.importorskip("uvloop").new_event_loop if loop_name == "uvloop" else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(play(scenario))

    test.__name__ = test.__qualname__ = scenario.__name__
    return pytest.mark.parametrize("loop_name", ["asyncio", "uvloop"])(test)


async def play(scenario: Callable[[Scene], Awaitable[None]]) -> None:
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
            await scenario(Scene(listener, admitting, counters, await admitting.connection, client))
    await listener.aclose()
    assert admitting.lost == [await admitting.connection]
    assert not listener._connections and not listener._by_peer


def waiting(connection: TcpConnection) -> int:
    assert connection._transport is not None
    return connection._transport.get_write_buffer_size()


@on_each_loop
async def test_media_that_a_slow_reader_has_no_room_for_are_dropped_whole(scene: Scene) -> None:
    sent = 0
    for _ in range(20):
        for _ in range(100):
            scene.connection.send_media(PACKET)
            sent += 1
            assert waiting(scene.connection) <= MEDIA_LIMIT + len(PACKET) + 2
        await asyncio.sleep(0)
    assert scene.counters.tcp_dropped_slow > 1000
    scene.connection.send(b"\x17 the last word")
    expected = (sent - scene.counters.tcp_dropped_slow) * (len(PACKET) + 2) + 2 + 15
    received = b""
    while len(received) < expected:
        received += await asyncio.get_running_loop().sock_recv(scene.client, 1 << 20)
    assert received.endswith(b"\x00\x0f\x17 the last word")
    assert received.count(b"\x04\xb0" + PACKET) == sent - scene.counters.tcp_dropped_slow
    scene.connection.send_media(PACKET)
    assert scene.counters.tcp_dropped_slow == 2000 - received.count(b"\x04\xb0" + PACKET)
    assert scene.counters.tcp_closed_slow == 0


@on_each_loop
async def test_a_connection_that_does_not_take_what_must_not_be_missed_ends(scene: Scene) -> None:
    for _ in range(SEND_LIMIT // len(PACKET) + 200):
        scene.connection.send(PACKET)
        if scene.connection._transport is not None:
            assert waiting(scene.connection) <= SEND_LIMIT + len(PACKET) + 2
    assert scene.counters.tcp_closed_slow == 1
    while not scene.admitting.lost:  # noqa: ASYNC110
        await asyncio.sleep(0)
    scene.connection.send(PACKET)
    scene.connection.send_media(PACKET)


@on_each_loop
async def test_a_slow_reader_does_not_keep_a_connection_that_was_hung_up(scene: Scene) -> None:
    for _ in range(400):
        scene.connection.send(PACKET)
    scene.listener.ignore(scene.admitting)  # type: ignore[arg-type]
    scene.listener.hang_up(scene.admitting)  # type: ignore[arg-type]
    while not scene.admitting.lost:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@on_each_loop
async def test_a_reader_that_says_goodbye_and_does_not_take_the_rest_is_gone(scene: Scene) -> None:
    for _ in range(400):
        scene.connection.send(PACKET)
    scene.client.shutdown(socket.SHUT_WR)
    while not scene.admitting.lost:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@on_each_loop
async def test_whoever_sends_many_frames_at_once_leaves_the_others_their_turns(scene: Scene) -> None:
    frames = [b"\x80" + number.to_bytes(2) for number in range(1000)]
    scene.connection.data_received(b"".join(map(framed, frames)))
    assert len(scene.admitting.received) == 32
    while len(scene.admitting.received) < len(frames):  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert scene.admitting.received == frames
    await asyncio.get_running_loop().sock_sendall(scene.client, framed(b"\x80 read again"))
    while scene.admitting.received[-1] != b"\x80 read again":  # noqa: ASYNC110
        await asyncio.sleep(0)


@on_each_loop
async def test_the_last_word_arrives_though_more_came_in_that_nobody_reads(scene: Scene) -> None:
    loop = asyncio.get_running_loop()
    scene.listener.ignore(scene.admitting)  # type: ignore[arg-type]
    scene.connection.data_received(b"\x00\x05\x80media" * 100)
    await loop.sock_sendall(scene.client, b"\x00\x05\x80media" * 100)
    scene.connection.send(b"\x15 goodbye")
    scene.listener.hang_up(scene.admitting)  # type: ignore[arg-type]
    received = b""
    while chunk := await loop.sock_recv(scene.client, 65536):
        received += chunk
    assert received == b"\x00\x09\x15 goodbye"
    assert scene.admitting.received == []


async def test_a_connection_that_is_accepted_while_the_listener_ends_is_ended_as_well() -> None:
    listener = TcpListener(Admitting(), Counters())
    await listener.listen(listening_socket("127.0.0.1", 0))
    transport = Mock()
    connection = TcpConnection(listener, Admitting())
    transport.get_extra_info.return_value = ("127.0.0.1", 4711)
    transport.abort.side_effect = lambda: asyncio.get_running_loop().call_soon(connection.connection_lost, None)
    asyncio.get_running_loop().call_soon(connection.connection_made, transport)
    await listener.aclose()
    assert transport.abort.called
    assert not listener._connections
    late = TcpConnection(listener, Admitting())
    late.connection_made(transport)
    assert transport.abort.call_count > 1
