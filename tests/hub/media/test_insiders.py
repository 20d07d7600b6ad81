"""Garbage and replays from a participant's own address harm nobody else, nor its own transport (FAULTS 18, 19, 35)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiortc.rtcsctptransport import DataChunk

from tests.hub.media.calls import BURST, Call, Seat, datagram_sweep, dtls_nuisances, frames_keep_coming, until
from tests.hub.peers import PATIENCE
from zego_widget.forwarder.rtcp import is_rtcp
from zego_widget.model import PeerState


async def test_garbage_of_a_participant_costs_only_the_garbage(call: Call) -> None:
    alice, bob = await call.pair()
    mallory = await call.join("mallory", sends=True)
    carol = await call.join("carol", sends=False)
    call.play(carol, mallory)
    await frames_keep_coming(carol)
    dropped, counted = call.dropped(), 0
    for number, datagram in enumerate(datagram_sweep(), 1):
        mallory.send(datagram)
        counted += not (datagram and 20 <= datagram[0] <= 63)  # what looks like DTLS is OpenSSL's to ignore
        if number % BURST == 0 or len(datagram) > 1000:
            await until(lambda: call.dropped() >= dropped + counted, f"{counted} dropped datagrams")  # noqa: B023
    await until(lambda: call.dropped() >= dropped + counted, f"{counted} dropped datagrams")
    await frames_keep_coming(bob)
    await frames_keep_coming(carol)
    for seat in (alice, bob, mallory, carol):
        await seat.is_heard()
        assert seat.peer.state is PeerState.CONNECTED


async def test_dtls_in_the_clear_does_not_end_an_established_connection(call: Call) -> None:
    alice, bob = await call.pair()
    for nuisance in dtls_nuisances():
        alice.send(nuisance)
        bob.send(nuisance)
        await asyncio.sleep(0)
    await frames_keep_coming(bob)
    await alice.is_heard()
    await bob.is_heard()
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED


async def test_more_dtls_than_can_be_processed_is_dropped_and_counted(call: Call) -> None:
    alice, bob = await call.pair()
    dropped = call.count("dropped_malformed")
    for _ in range(2000):
        alice.peer.receive_dtls(b"\x17" + bytes(40))  # faster than any socket: the event loop does not run meanwhile
    assert call.count("dropped_malformed") > dropped
    await frames_keep_coming(bob)
    await alice.is_heard()
    assert alice.peer.state is PeerState.CONNECTED


async def test_a_burst_of_control_messages_leaves_everybody_else_their_turn(call: Call) -> None:
    alice, _ = await call.pair()
    await alice.is_heard()
    burst = 100
    datagrams: list[bytes] = []
    sctp: Any = alice.page.channel.transport

    async def keep(data: bytes) -> None:
        datagrams.append(data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alice.dtls.transport, "_send", keep)
        for number in range(burst):
            chunk = DataChunk(flags=3)  # first and last
            chunk.tsn, chunk.stream_id = (sctp._local_tsn + number) % (1 << 32), alice.page.channel.id
            chunk.stream_seq = (sctp._outbound_stream_seq[chunk.stream_id] + number) % (1 << 16)
            chunk.protocol, chunk.user_data = 51, b"me, me, me"
            await sctp._send_chunk(chunk)
    for datagram in datagrams:
        alice.peer.receive_dtls(datagram)
    turns = 0
    async with asyncio.timeout(20):
        while alice.said.qsize() < burst:
            await asyncio.sleep(0)
            turns += 1
    assert turns >= burst / 2


def record_sent(seat: Seat) -> list[bytes]:
    """The SRTP packets that a participant sends from now on."""
    sent: list[bytes] = []
    transport: Any = seat.dtls.transport
    send = transport._send

    async def recording(data: bytes) -> None:
        if 128 <= data[0] <= 191 and not is_rtcp(data):
            sent.append(data)
        await send(data)

    transport._send = recording
    return sent


def count_received(seat: Seat) -> Counter[bytes]:
    """How often each SSRC and sequence number arrives at a participant from now on."""
    received: Counter[bytes] = Counter()
    transport: Any = seat.dtls.transport
    receive = transport._recv

    async def counting() -> bytes:
        data: bytes = await receive()
        if 128 <= data[0] <= 191 and not is_rtcp(data):
            received[data[2:4] + data[8:12]] += 1
        return data

    transport._recv = counting
    return received


async def test_a_replayed_packet_is_dropped_and_reaches_nobody_twice(call: Call) -> None:
    alice, bob = await call.pair()
    sent, received = record_sent(alice), count_received(bob)
    await frames_keep_coming(bob)
    replayed = sent[:20]
    assert len(replayed) == 20
    refused = call.count("dropped_unauthenticated")
    for packet in replayed:
        alice.send(packet)
    await until(lambda: call.count("dropped_unauthenticated") >= refused + len(replayed), "the replays")
    await frames_keep_coming(bob)
    assert len(received) > 20
    assert set(received.values()) == {1}
    assert call.count("dropped_unauthenticated") == refused + len(replayed)
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED


async def test_a_packet_that_was_changed_on_the_way_is_dropped(call: Call) -> None:
    alice, bob = await call.pair()
    sent = record_sent(alice)
    await frames_keep_coming(bob)
    refused = call.count("dropped_unauthenticated")
    assert len(sent) > 20
    for packet in sent[:20]:
        ahead = (int.from_bytes(packet[2:4]) + 500) % 65536  # a new sequence number, so that it is no replay
        alice.send(packet[:2] + ahead.to_bytes(2) + packet[4:])
    await until(lambda: call.count("dropped_unauthenticated") == refused + 20, "the changed packets")
    await frames_keep_coming(bob)
    assert alice.peer.state is PeerState.CONNECTED


async def test_media_of_one_participant_is_not_taken_from_the_address_of_another(call: Call) -> None:
    alice, bob = await call.pair()
    sent = record_sent(alice)
    await frames_keep_coming(bob)
    refused = call.count("dropped_unauthenticated")
    assert len(sent) > 20
    for packet in sent[:20]:
        bob.send(packet)
    await until(lambda: call.count("dropped_unauthenticated") == refused + 20, "the foreign packets")
    await frames_keep_coming(bob)
    assert bob.peer.state is PeerState.CONNECTED


async def test_a_publisher_whose_sequence_numbers_jump_harms_nobody_else(call: Call) -> None:
    """Each jump is a new beginning; the viewer's own numbers do not jump, so SRTP sends whatever follows."""
    _, bob = await call.pair()
    mallory = await call.join("mallory", sends=True)
    carol = await call.join("carol", sends=False)
    call.play(carol, mallory)
    sent = record_sent(mallory)
    await frames_keep_coming(carol)
    header = sent[-1][:12]
    session = mallory.dtls._tx_srtp
    known, unknown = header[1], 35
    unsendable, received = call.count("dropped_unsendable"), call.count("packets_received")
    for jump, payload_type in ((20000, known), (40000, known), (60000, unknown), (80000, known)):
        sequence_number = (int.from_bytes(header[2:4]) + jump) % 65536
        packet = header[:1] + bytes((payload_type,)) + sequence_number.to_bytes(2) + header[4:] + bytes(20)
        mallory.send(session.protect(packet))
    await until(lambda: call.count("packets_received") >= received + 4, "the packets that jump")
    assert call.count("dropped_unsendable") == unsendable
    await frames_keep_coming(bob)
    await mallory.is_heard()
    assert mallory.peer.state is carol.peer.state is PeerState.CONNECTED


async def test_who_misses_a_control_message_is_closed_and_nobody_else(call: Call) -> None:
    alice, bob = await call.pair()
    await alice.is_heard()
    await bob.is_heard()  # the channels are open
    for _ in range(100):  # faster than anyone reads: the event loop does not run meanwhile
        alice.peer.send_control("x" * 50_000)
    assert alice.peer.state is PeerState.CLOSED
    await asyncio.wait_for(alice.closed.wait(), PATIENCE)
    assert alice.reasons == ["it did not read what it was told"]
    assert call.count("closed_out_of_step") == 1
    await bob.is_heard()
    assert bob.peer.state is PeerState.CONNECTED
