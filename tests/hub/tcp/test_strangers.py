"""What strangers do at the media port's TCP side is counted, changes nothing and gets no answer (FAULTS 17, 18, 19)."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator

import pytest

from tests.hub.media.calls import Call, Seat, binding_request, dtls_nuisances, frames_keep_coming, until
from tests.hub.tcp.carrier import Caller
from zego_widget.forwarder import half_open
from zego_widget.forwarder.framing import MAX_FRAME
from zego_widget.model import PeerState


def right_check(seat: Seat) -> bytes:
    credentials = seat.peer.credentials
    return binding_request(f"{credentials.ufrag}:{seat.ice.local_username}", credentials.password.encode())


@contextlib.asynccontextmanager
async def caller_at(call: Call) -> AsyncIterator[Caller]:
    accepted = call.count("tcp_accepted")
    caller = await Caller.call(call.forwarder.port)
    try:
        await until(lambda: call.count("tcp_accepted") > accepted, "the connection")
        yield caller
    finally:
        await caller.aclose()


@contextlib.asynccontextmanager
async def admitted_at(call: Call, seat: Seat) -> AsyncIterator[Caller]:
    """A connection on which a right check of this participant was answered."""
    async with caller_at(call) as caller:
        caller.send(right_check(seat))
        assert (await caller.frame())[:2] == b"\x01\x01"
        yield caller


async def test_whatever_comes_first_and_is_no_check_ends_the_connection_without_an_answer(call: Call) -> None:
    alice, bob = await call.pair()
    first_frames = [b"", b"\x00", b"\x80" * 40, *dtls_nuisances()[:5], random.Random(6544).randbytes(MAX_FRAME)]
    for number, frame in enumerate(first_frames, 1):
        async with caller_at(call) as caller:
            caller.send(frame, right_check(alice))
            assert await caller.ended() == b""
            assert call.count("tcp_refused_stranger") == number
    await frames_keep_coming(bob)
    await alice.is_heard()
    assert call.count("dropped_malformed") == call.count("dropped_unauthenticated") == 0


async def test_a_check_with_wrong_credentials_ends_the_connection_without_an_answer(call: Call) -> None:
    alice, bob = await call.pair()
    ours, theirs, key = alice.peer.credentials.ufrag, alice.ice.local_username, alice.peer.credentials.password.encode()
    for request in (
        binding_request(f"{ours}:{theirs}", secrets.token_hex(16).encode()),
        binding_request(f"{ours}:{theirs}", None),
        binding_request(f"{secrets.token_hex(12)}:{theirs}", key),
        binding_request(f"{bob.peer.credentials.ufrag}:{theirs}", key),
        right_check(alice)[:-1],
    ):
        refused, dropped = call.count("tcp_refused_stranger"), call.count("dropped_ice")
        async with caller_at(call) as caller:
            caller.send(request)
            assert await caller.ended() == b""
        assert call.count("tcp_refused_stranger") == refused + 1
        assert call.count("dropped_ice") == dropped + 1
    await frames_keep_coming(bob)


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
async def test_another_protocol_ends_the_connection_at_its_first_bytes(call: Call, request_line: bytes) -> None:
    async with caller_at(call) as caller:
        caller.send_raw(request_line)
        assert await caller.ended() == b""
    assert call.count("tcp_refused_frame") == 1


async def test_a_connection_without_a_check_ends_after_a_while_and_others_stay(call: Call) -> None:
    alice = await call.join("alice", sends=True)
    async with caller_at(call) as silent, caller_at(call) as dribbling, admitted_at(call, alice) as admitted:
        dribbling.send_raw(right_check(alice)[:7])
        call.forwarder._endpoint.tick(asyncio.get_running_loop().time() + half_open.PATIENCE - 1)
        assert call.count("tcp_refused_silent") == 0
        call.forwarder._endpoint.tick(asyncio.get_running_loop().time() + half_open.PATIENCE)
        assert await silent.ended() == b""
        assert await dribbling.ended() == b""
        assert call.count("tcp_refused_silent") == 2
        admitted.send(right_check(alice))
        await admitted.frame()


async def test_a_check_that_comes_byte_by_byte_is_answered(call: Call) -> None:
    alice = await call.join("alice", sends=True)
    async with caller_at(call) as caller:
        check = right_check(alice)
        for byte in len(check).to_bytes(2) + check:
            caller.send_raw(bytes((byte,)))
            await asyncio.sleep(0)
        assert (await caller.frame())[:2] == b"\x01\x01"


async def test_a_crowd_of_silent_connections_keeps_nobody_out(call: Call) -> None:
    alice, bob = await call.pair()
    async with contextlib.AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(caller_at(call)) for _ in range(half_open.MOST_PER_SOURCE + 8)]
        for longest_waiting in crowd[:8]:
            assert await longest_waiting.ended() == b""
        assert call.count("tcp_refused_crowd") == 8
        admitted = await stack.enter_async_context(admitted_at(call, alice))
        await frames_keep_coming(bob)
        admitted.send(right_check(alice))
        await admitted.frame()


async def test_a_participant_has_few_connections_and_the_one_without_a_check_for_longest_goes(call: Call) -> None:
    alice, bob = await call.pair()
    async with contextlib.AsyncExitStack() as stack:
        many = [await stack.enter_async_context(admitted_at(call, alice)) for _ in range(8)]
        many[0].send(right_check(alice))
        await many[0].frame()
        await stack.enter_async_context(admitted_at(call, alice))
        await many[1].ended()
        many[0].send(right_check(alice))
        await many[0].frame()
    assert call.count("tcp_closed_surplus") == 1
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED


async def test_nobody_takes_over_the_connection_of_another_participant(call: Call) -> None:
    alice, bob = await call.pair()
    async with admitted_at(call, alice) as caller:
        dropped = call.count("dropped_ice")
        caller.send(right_check(bob))
        await until(lambda: call.count("dropped_ice") == dropped + 1, "the check")
        caller.send(right_check(alice))
        assert (await caller.frame())[:2] == b"\x01\x01"


async def test_what_a_participant_sends_is_counted_as_over_udp_and_only_too_long_a_frame_ends_it(call: Call) -> None:
    alice, bob = await call.pair()
    chance = random.Random(4571)
    async with admitted_at(call, alice) as caller:
        before = call.dropped()
        garbage = [b"", *(bytes((first,)) + chance.randbytes(30) for first in range(256) if not 20 <= first < 64)]
        caller.send(*garbage)
        await until(lambda: call.dropped() == before + len(garbage), "the garbage")
        caller.send(right_check(alice))
        assert (await caller.frame())[:2] == b"\x01\x01"
        caller.send_raw((MAX_FRAME + 1).to_bytes(2))
        assert await caller.ended() == b""
    assert call.count("tcp_refused_frame") == 1
    await frames_keep_coming(bob)
    await alice.is_heard()


async def test_a_flood_of_tiny_frames_is_counted_and_the_others_go_on(call: Call) -> None:
    alice, bob = await call.pair()
    async with admitted_at(call, alice) as caller:
        before = call.count("dropped_empty")
        caller.send_raw(bytes(2 * 100_000))
        await until(lambda: call.count("dropped_empty") == before + 100_000, "all of them")
        await frames_keep_coming(bob)


async def test_a_participant_that_leaves_is_not_heard_over_its_connections_any_more(call: Call) -> None:
    alice = await call.join("alice", sends=True)
    async with admitted_at(call, alice) as caller:
        alice.peer.close("the test wants it so")
        caller.send(right_check(alice))
        assert not (await caller.ended())[:4].endswith(b"\x01\x01")
