"""A participant's packets come and go over TCP (RFC 6544), and change to UDP and back as checks nominate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.hub.media.calls import Call, Seat, binding_request, frames_keep_coming, until
from tests.hub.peers import PATIENCE
from tests.hub.tcp.carrier import Caller, Carrier
from zego_widget.forwarder import tcp
from zego_widget.model import PeerState


@pytest.fixture
async def carrier(call: Call) -> AsyncIterator[Carrier]:
    async with Carrier(call.forwarder.port) as carrier:
        yield carrier


async def join(call: Call, carrier: Carrier, name: str, *, sends: bool) -> Seat:
    seat = await call.invite(name, sends=sends, edit_answer=carrier.edit_answer)
    await asyncio.wait_for(seat.connected.wait(), PATIENCE)
    return seat


def nominating_check(seat: Seat) -> bytes:
    credentials = seat.peer.credentials
    username = f"{credentials.ufrag}:{seat.ice.local_username}"
    return binding_request(username, credentials.password.encode(), USE_CANDIDATE=None)


def is_media(frame: bytes) -> bool:
    return 128 <= frame[0] <= 191


async def test_picture_sound_and_words_pass_over_tcp_both_ways(call: Call, carrier: Carrier) -> None:
    alice = await join(call, carrier, "alice", sends=True)
    bob = await join(call, carrier, "bob", sends=False)
    call.play(bob, alice)
    await frames_keep_coming(bob)
    await alice.is_heard()
    bob.peer.send_control("x" * 60000)
    assert isinstance(alice.peer._path, tcp.TcpConnection)
    assert isinstance(bob.peer._path, tcp.TcpConnection)
    assert call.count("tcp_accepted") == carrier.opened >= 2
    assert call.count("tcp_dropped_slow") == call.dropped() == 0


async def test_over_tcp_and_udp_people_see_each_other(call: Call, carrier: Carrier) -> None:
    alice = await join(call, carrier, "alice", sends=True)
    bob = await call.join("bob", sends=False)
    call.play(bob, alice)
    await frames_keep_coming(bob)
    carol = await call.join("carol", sends=True)
    dave = await join(call, carrier, "dave", sends=False)
    call.play(dave, carol)
    await frames_keep_coming(dave)


async def test_a_peer_that_ends_takes_its_connection_along_after_the_goodbye(call: Call, carrier: Carrier) -> None:
    alice = await join(call, carrier, "alice", sends=True)
    alice.peer.close("the test wants it so")
    await asyncio.wait_for(alice.closed.wait(), PATIENCE)
    await until(lambda: alice.dtls.state == "closed", "the goodbye")
    connections = call.forwarder._endpoint._tcp._connections
    await until(lambda: not connections, "the end of the connection")


async def test_a_broken_connection_is_replaced_by_another(call: Call, carrier: Carrier) -> None:
    alice = await join(call, carrier, "alice", sends=True)
    bob = await join(call, carrier, "bob", sends=False)
    call.play(bob, alice)
    await frames_keep_coming(bob)
    opened = carrier.opened
    carrier.break_connections()
    for seat in (alice, bob):  # as a browser does: it connects again, and checks before anything else
        await reconnect(seat)
    await frames_keep_coming(bob)
    await alice.is_heard()
    assert carrier.opened > opened
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED


async def reconnect(seat: Seat) -> None:
    lost = seat.peer._path
    check = nominating_check(seat)
    async with asyncio.timeout(PATIENCE):
        while seat.peer._path is lost or seat.peer._path is None:
            seat.send(check)
            await asyncio.sleep(0.02)


async def test_a_connection_that_stays_broken_ends_the_peer_when_it_was_silent_for_long(
    call: Call, carrier: Carrier
) -> None:
    alice = await join(call, carrier, "alice", sends=True)
    carrier.refuses = True
    carrier.break_connections()
    await until(lambda: alice.peer._path is None, "the end of the connection")
    assert alice.peer.state is PeerState.CONNECTED
    await asyncio.wait_for(alice.closed.wait(), PATIENCE)
    assert alice.reasons == ["nothing was heard from it"]
    assert call.count("closed_silent") == 1


async def test_media_take_the_path_that_a_check_has_nominated_last(call: Call) -> None:
    alice, bob = await call.pair()
    caller = await Caller.call(call.forwarder.port)
    async with contextlib.aclosing(caller):
        before = bob.peer._path
        caller.send(nominating_check(bob))
        while not is_media(await caller.frame()):
            pass
        assert bob.peer._path is not before
        bob.send(nominating_check(bob))
        await frames_keep_coming(bob)
        assert not isinstance(bob.peer._path, tcp.TcpConnection)
        caller.send(nominating_check(bob))
        while not is_media(await caller.frame()):
            pass
    # The connection ends, and the next check decides, nominating or not.
    await until(lambda: bob.peer._path is None, "the end of the connection")
    bob.send(nominating_check(bob))
    await frames_keep_coming(bob)
    await alice.is_heard()


async def test_a_slow_readers_media_are_dropped_and_the_others_do_not_wait(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "MEDIA_LIMIT", 4096)
    async with Carrier(call.forwarder.port, small_buffer=True) as carrier:
        alice = await call.join("alice", sends=True)
        bob = await call.join("bob", sends=False)
        slow = await join(call, carrier, "slow", sends=False)
        call.play(bob, alice)
        call.play(slow, alice)
        await frames_keep_coming(slow)
        carrier.pause()
        await until(lambda: call.count("tcp_dropped_slow") > 20, "dropped packets")
        await frames_keep_coming(bob)
        assert slow.peer.state is PeerState.CONNECTED
        carrier.resume()
        await frames_keep_coming(slow)
        assert call.count("tcp_closed_slow") == 0


async def test_who_does_not_even_take_dtls_loses_the_connection(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "SEND_LIMIT", 4096)
    async with Carrier(call.forwarder.port, small_buffer=True) as carrier:
        slow = await join(call, carrier, "slow", sends=False)
        connection = slow.peer._path
        assert isinstance(connection, tcp.TcpConnection)
        carrier.refuses = True
        carrier.pause()
        async with asyncio.timeout(PATIENCE):
            while slow.peer._path is connection:
                connection.send(b"\x17" * 1200)
                await asyncio.sleep(0)
        assert call.count("tcp_closed_slow") == 1
        assert slow.peer.state is PeerState.CONNECTED
