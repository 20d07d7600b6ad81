"""A participant that asks again and again over TCP and reads no answer costs a bounded queue (FAULTS 13)."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.hub.media.calls import Call, binding_request, frames_keep_coming, until
from zego_widget.forwarder import tcp

BURST = 200


async def test_scenario_13_answers_that_nobody_reads_do_not_pile_up(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "ANSWER_LIMIT", 8192)
    alice, bob = await call.pair()
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", call.forwarder.port))
        credentials = bob.peer.credentials
        check = binding_request(f"{credentials.ufrag}:{bob.ice.local_username}", credentials.password.encode())
        await loop.sock_sendall(sock, (len(check).to_bytes(2) + check) * BURST)
        await until(lambda: call.forwarder._endpoint._tcp._by_peer, "the connection")
        (connection,) = call.forwarder._endpoint._tcp._by_peer[bob.peer]
        assert connection._writer is not None
        while call.count("tcp_dropped_slow") < 20 * BURST:
            await loop.sock_sendall(sock, (len(check).to_bytes(2) + check) * BURST)
            await asyncio.sleep(0)
            assert connection._writer.get_write_buffer_size() <= tcp.ANSWER_LIMIT + 200
        assert call.count("tcp_closed_slow") == 0
        await frames_keep_coming(bob)
        await alice.is_heard()
    await until(lambda: not call.forwarder._endpoint._tcp._by_peer, "the end of the connection")
    await bob.is_heard()
