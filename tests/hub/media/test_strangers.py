"""Datagrams of strangers at the media port change nothing and get no answer (FAULTS 17, 18, 19)."""

from __future__ import annotations

import asyncio

from tests.hub.media.calls import (
    BURST,
    SWEEP,
    Call,
    Stranger,
    datagram_sweep,
    dtls_nuisances,
    frames_keep_coming,
    until,
)
from tests.hub.peers import PATIENCE
from zego_widget.model import PeerState


async def test_an_empty_datagram_is_counted_and_changes_nothing(call: Call, stranger: Stranger) -> None:
    stranger.send(b"")
    await until(lambda: call.count("dropped_empty") == 1, "the first empty datagram")
    alice, bob = await call.pair()
    stranger.send(b"")
    await until(lambda: call.count("dropped_empty") == 2, "the second empty datagram")
    await frames_keep_coming(bob)
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED
    assert call.count("dropped_empty") == 2


async def test_an_empty_datagram_of_a_participant_is_counted_and_changes_nothing(call: Call) -> None:
    alice, bob = await call.pair()
    for seat in (alice, bob):
        seat.send(b"")
    await until(lambda: call.count("dropped_empty") == 2, "the empty datagrams")
    await frames_keep_coming(bob)
    await alice.is_heard()
    await bob.is_heard()
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED


async def test_dtls_of_a_stranger_is_dropped_before_during_and_after_the_handshake(
    call: Call, stranger: Stranger
) -> None:
    nuisances = dtls_nuisances()

    async def annoy(what: str) -> None:
        before = call.count("dropped_stranger")
        for nuisance in nuisances:
            stranger.send(nuisance)
        await until(lambda: call.count("dropped_stranger") >= before + len(nuisances), what)

    await annoy("the nuisances before")
    alice = await call.invite("alice", sends=True)
    assert alice.peer.state is PeerState.NEW
    await annoy("the nuisances before the first check")
    during = 0
    async with asyncio.timeout(PATIENCE):
        while alice.peer.state is not PeerState.CONNECTED:
            before = call.count("dropped_stranger")
            stranger.send(nuisances[during % len(nuisances)])
            while call.count("dropped_stranger") == before:  # noqa: ASYNC110
                await asyncio.sleep(0)
            during += alice.peer.state is PeerState.CONNECTING
    assert during > 0
    bob = await call.join("bob", sends=False)
    call.play(bob, alice)
    await frames_keep_coming(bob)
    await annoy("the nuisances after")
    await frames_keep_coming(bob)
    await alice.is_heard()
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED
    assert call.forwarder.peer_count == 2
    assert call.count("dropped_malformed") == 0  # none of it came as far as a participant's transport


async def test_datagrams_of_every_length_and_first_byte_are_counted_and_change_nothing(
    call: Call, stranger: Stranger
) -> None:
    alice, bob = await call.pair()
    before = call.dropped()
    sent = 0
    for datagram in datagram_sweep():
        stranger.send(datagram)
        sent += 1
        if sent % BURST == 0 or len(datagram) > 1000:
            await until(lambda: call.dropped() >= before + sent, f"{sent} dropped datagrams")  # noqa: B023
    await until(lambda: call.dropped() >= before + sent, f"{sent} dropped datagrams")
    assert sent == SWEEP
    assert call.dropped() == before + sent
    assert call.count("dropped_malformed") == call.count("dropped_unauthenticated") == 0
    await frames_keep_coming(bob)
    await alice.is_heard()
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED
