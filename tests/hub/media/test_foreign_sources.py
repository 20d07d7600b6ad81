"""Sources that a participant makes up are few, and show nobody anything under another's name (FAULTS 33)."""

from __future__ import annotations

import pytest

from tests.hub.media import hostile_packets as hostile
from tests.hub.media.calls import BURST, Call, frames_keep_coming, listen
from zego_widget.forwarder import aiortc_transport, publisher
from zego_widget.model import PeerState

SPRAYED = 1000
MARK = b"written by mallory"
UNKNOWN = "dropped_unknown_source"


@pytest.mark.parametrize("named", [False, True], ids=["without a MID", "with a MID"])
async def test_scenario_33_sprayed_sources_fill_no_table(call: Call, named: bool) -> None:
    alice, bob, mallory, _ = await call.with_an_offender()
    camera = mallory.page._senders["camera"].mid
    extension = hostile.mid_element(mallory, camera) if named else None
    vp8 = hostile.payload_type(mallory, "camera", "vp8")
    received, sources, dropped = listen(bob), len(mallory.peer.publisher._by_ssrc), call.count(UNKNOWN)
    for number in range(SPRAYED):
        ssrc = 0x10000000 + number
        mallory.send_rtp(hostile.rtp(ssrc, 1, MARK, payload_type=vp8, extension=extension))
        mallory.send_rtcp(hostile.rtcp(201, 0, (0x20000000 + number).to_bytes(4)))
        if number % BURST == 0:
            await mallory.is_heard()
    await mallory.is_heard()
    assert len(mallory.peer.publisher._by_ssrc) == sources + (publisher._LEARNED_SOURCES if named else 0)
    assert len(mallory.peer._transport._sources) == aiortc_transport._MAX_SOURCES
    # what SRTP let in is dropped, too, except of the few that were learned
    expected = 2 * SPRAYED - aiortc_transport._MAX_SOURCES // 2
    assert call.count(UNKNOWN) >= dropped + expected - (publisher._LEARNED_SOURCES if named else 0)
    await frames_keep_coming(bob)
    assert received
    assert not any(MARK in packet for packet in received)
    await alice.is_heard()
    assert mallory.peer.state is PeerState.CONNECTED


async def test_scenario_33_who_has_sprayed_sources_is_still_seen(call: Call) -> None:
    _, bob, mallory, carol = await call.with_an_offender()
    opus = hostile.payload_type(mallory, "microphone", "opus")
    for number in range(SPRAYED):
        mallory.send_rtp(hostile.rtp(0x10000000 + number, 1, MARK, payload_type=opus))
        if number % BURST == 0:
            await mallory.is_heard()
    await frames_keep_coming(carol)
    await frames_keep_coming(bob)


async def test_scenario_33_a_payload_type_of_another_section_is_no_way_in(call: Call) -> None:
    """Sound on the camera's source, pictures on the microphone's, and types that nobody offered."""
    _, bob, mallory, carol = await call.with_an_offender()
    camera, microphone = (
        [number for _, number in hostile.payload_types(mallory, slot)] for slot in ("camera", "microphone")
    )
    received = listen(carol), listen(bob)
    offered = {*camera, *microphone}
    foreign = [number for number in range(128) if number not in offered and not 64 <= number < 96]  # those are RTCP's
    for slot, types in (("camera", [*microphone, *foreign]), ("microphone", [*camera, *foreign])):
        ssrc, ahead = mallory.sent_ssrc(slot), mallory.sequence_number(slot) + 5000
        for number, payload_type in enumerate(types):
            dropped = call.count(UNKNOWN)
            mallory.send_rtp(hostile.rtp(ssrc, ahead + number, MARK, payload_type=payload_type))
            await mallory.is_heard()
            assert call.count(UNKNOWN) == dropped + 1, (slot, payload_type)
    await frames_keep_coming(bob)
    await mallory.is_heard()
    assert not any(MARK in packet for packets in received for packet in packets)


async def test_scenario_33_the_mid_and_ssrc_of_another_name_nothing_but_ones_own(call: Call) -> None:
    """Mallory names the sections and sources of Alice and Bob; what that makes hers is shown as hers alone."""
    alice, bob, mallory, carol = await call.with_an_offender()
    opus = hostile.payload_type(mallory, "microphone", "opus")
    received = listen(bob), listen(carol)
    mids = [
        *alice.peer.publisher._by_mid,
        *bob.peer.viewer.video_slots,
        *bob.peer.viewer.audio_slots,
        *mallory.peer.viewer.video_slots,
    ]
    ssrcs = [
        *(alice.sent_ssrc(slot) for slot in ("camera", "microphone")),
        *(
            bob.peer.viewer._slots[mid].rewriter.ssrc
            for mid in (*bob.peer.viewer.video_slots, *bob.peer.viewer.audio_slots)
        ),
    ]
    sources = [alice.sent_ssrc(slot) for slot in ("camera", "microphone")]
    for ssrc in ssrcs:
        for number, mid in enumerate(dict.fromkeys(mids)):
            extension = hostile.mid_element(mallory, mid)
            mallory.send_rtp(hostile.rtp(ssrc, number, MARK, payload_type=opus, extension=extension))
    await mallory.is_heard()
    assert [alice.sent_ssrc(slot) for slot in ("camera", "microphone")] == sources
    await frames_keep_coming(bob)
    of_bob, of_carol = received
    assert of_bob
    assert not any(MARK in packet for packet in of_bob)
    slots = {carol.peer.viewer._slots[mid].rewriter.ssrc for mid in carol.peer.viewer.audio_slots}
    assert {int.from_bytes(packet[8:12]) for packet in of_carol if MARK in packet} <= slots
    await frames_keep_coming(carol)
