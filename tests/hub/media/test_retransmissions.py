"""Requests for packets and packets sent again, as nobody honest would use them (FAULTS 32)."""

from __future__ import annotations

import asyncio

from tests.hub.media import hostile_packets as hostile
from tests.hub.media.calls import Call, Seat, frames_keep_coming, listen
from zego_widget.forwarder import retransmission
from zego_widget.model import PeerState

MARK = b"written by mallory"


def repair(seat: Seat, ssrc: int, number: int, payload: bytes) -> bytes:
    """A packet of a retransmission stream for the camera (RFC 4588, section 4)."""
    extension = hostile.mid_element(seat, seat.page._senders["camera"].mid)
    rtx = hostile.payload_type(seat, "camera", "rtx")
    return hostile.rtp(ssrc, number, payload, payload_type=rtx, extension=extension)


async def test_scenario_32_a_storm_of_nacks_is_answered_within_measure_and_costs_nobody_else(call: Call) -> None:
    _, bob, mallory, carol = await call.with_an_offender()
    rewriter = carol.peer.viewer._slots[carol.peer.viewer.video_slots[0]].rewriter
    loop = asyncio.get_running_loop()
    began, before, nacks = loop.time(), call.count("packets_retransmitted"), call.count("nacks_received")
    seen = bob.page.frames.total()
    storm = 400
    for turn in range(storm):
        latest = rewriter._highest
        carol.send_rtcp(hostile.nack(rewriter.ssrc, *((latest - back, 0xFFFF) for back in range(300))))
        if turn % 20 == 0:
            await carol.is_heard()
    await carol.is_heard()
    assert call.count("nacks_received") >= nacks + storm
    assert call.count("dropped_nacks") > storm // 2
    tokens = retransmission._TOKENS_PER_SECOND * (1 + loop.time() - began)
    sent = call.count("packets_retransmitted") - before
    assert 0 < sent <= tokens / (retransmission._SEND_COST + retransmission._LOOK_COST) + 1
    assert call.count("nacks_sent") == 0  # none of it reaches the publisher
    await frames_keep_coming(bob)
    assert bob.page.frames.total() > seen
    await frames_keep_coming(carol)
    await mallory.is_heard()


async def test_scenario_32_a_packet_sent_again_that_carries_nothing_is_dropped(call: Call) -> None:
    _, bob, mallory, carol = await call.with_an_offender()
    of_bob, of_carol = listen(bob), listen(carol)
    for number, payload in enumerate((b"", b"\0")):
        dropped = call.count("dropped_retransmission")
        mallory.send_rtp(repair(mallory, hostile.UNKNOWN_SSRC, number, payload))
        await mallory.is_heard()
        assert call.count("dropped_retransmission") == dropped + 1
    latest = mallory.sequence_number("camera")
    for number, behind in enumerate((0, 1, 600, 4000, 32768), 10):  # it came, it is too late, it is from nowhere
        dropped = call.count("dropped_duplicate")
        again = ((latest - behind) & 0xFFFF).to_bytes(2)
        mallory.send_rtp(repair(mallory, hostile.UNKNOWN_SSRC, number, again + MARK))
        await mallory.is_heard()
        assert call.count("dropped_duplicate") == dropped + 1, behind
    await frames_keep_coming(carol)
    await frames_keep_coming(bob)
    assert of_bob and of_carol
    assert not any(MARK in packet for packet in of_bob + of_carol)


async def test_scenario_33_a_packet_sent_again_repairs_nobody_elses_stream(call: Call) -> None:
    """Mallory repairs the sources of Alice, those that Bob gets, and numbers that she has yet to send."""
    alice, bob, mallory, carol = await call.with_an_offender()
    of_bob, of_carol = listen(bob), listen(carol)
    others = [
        *(alice.sent_ssrc(slot) for slot in ("camera", "microphone")),
        *(slot.rewriter.ssrc for slot in bob.peer.viewer._slots.values()),
        *(source.rtx_ssrc for source in bob.peer.viewer.slot_sources.values() if source.rtx_ssrc is not None),
    ]
    for ssrc in others:
        ahead = (mallory.sequence_number("camera") + 50) & 0xFFFF
        latest = alice.sequence_number("camera") & 0xFFFF
        for number, repaired in enumerate((ahead, latest, (latest + 1) & 0xFFFF)):
            mallory.send_rtp(repair(mallory, ssrc, number, repaired.to_bytes(2) + MARK))
            await mallory.is_heard()
    await frames_keep_coming(bob)
    await alice.is_heard()
    assert of_bob
    assert not any(MARK in packet for packet in of_bob)
    slots = {carol.peer.viewer._slots[mid].rewriter.ssrc for mid in carol.peer.viewer.video_slots}
    assert {int.from_bytes(packet[8:12]) for packet in of_carol if MARK in packet} <= slots
    assert mallory.peer.state is carol.peer.state is PeerState.CONNECTED
    await frames_keep_coming(carol)
