"""Hostile RTP and RTCP of a participant, well encrypted, costs nothing but itself (FAULTS 32)."""

from __future__ import annotations

import asyncio

import pytest

from tests.hub.media import hostile_packets as hostile
from tests.hub.media.calls import Call, Seat, frames_keep_coming, until
from zego_widget.forwarder import peer
from zego_widget.forwarder.publication import SENDER_REPORT_INTERVAL, Publication
from zego_widget.forwarder.rtp import RtpHeader
from zego_widget.model import PeerState


async def everybody_goes_on(*seats: Seat) -> None:
    """Fail unless all viewers see more frames, and all are heard."""
    for seat in seats:
        if seat.page.frames:
            await frames_keep_coming(seat)
        await seat.is_heard()
        assert seat.peer.state is PeerState.CONNECTED


async def test_scenario_32_hostile_rtp_inside_valid_srtp_is_dropped_packet_by_packet(call: Call) -> None:
    alice, bob, mallory, carol = await call.with_an_offender()
    for what, packet, counter in hostile.hostile_rtp(mallory, hostile.UNKNOWN_SSRC):
        before = call.count(counter)
        mallory.send_rtp(packet)
        await until(lambda: call.count(counter) == before + 1, what)  # noqa: B023
    for what, datagram in hostile.malformed_rtp(hostile.UNKNOWN_SSRC):
        before = call.count("dropped_unauthenticated")
        mallory.send(datagram)
        await until(lambda: call.count("dropped_unauthenticated") == before + 1, what)  # noqa: B023
    await everybody_goes_on(alice, bob, mallory, carol)


async def test_scenario_32_hostile_rtcp_inside_valid_srtp_is_dropped_packet_by_packet(call: Call) -> None:
    alice, bob, mallory, carol = await call.with_an_offender()
    slot = bob.peer.viewer._slots[bob.peer.viewer.video_slots[0]]
    others = [alice.sent_ssrc("camera"), alice.sent_ssrc("microphone"), slot.rewriter.ssrc]
    for offender in (mallory, carol):
        for what, compound, malformed in hostile.hostile_rtcp(others):
            before = call.count("dropped_malformed")
            offender.send_rtcp(compound)
            await offender.is_heard()  # what came before a control message was processed before it
            assert call.count("dropped_malformed") == before + malformed, what
    await everybody_goes_on(alice, bob, mallory, carol)


async def test_scenario_32_nobody_asks_for_what_it_does_not_play_nor_ends_what_it_does_not_send(call: Call) -> None:
    alice, bob, mallory, carol = await call.with_an_offender()
    bobs = [
        bob.peer.viewer._slots[mid].rewriter.ssrc
        for mid in (*bob.peer.viewer.video_slots, *bob.peer.viewer.audio_slots)
    ]
    others = [alice.sent_ssrc("camera"), alice.sent_ssrc("microphone"), *bobs]
    camera = alice.peer.publisher.publication("camera")
    assert camera is not None
    for seat in (bob, carol):
        await seat.is_silent()  # their own reports would count
    effects = ("nacks_received", "packets_retransmitted", "reports_received", "key_frames_requested")
    before, foreign = [call.count(name) for name in effects], call.count("dropped_foreign_feedback")
    for offender in (mallory, carol):
        for ssrc in others:
            offender.send_rtcp(hostile.goodbye(ssrc))
            offender.send_rtcp(hostile.picture_loss(ssrc))
            offender.send_rtcp(hostile.full_intra_request(ssrc))
            offender.send_rtcp(hostile.nack(ssrc, (0, 0xFFFF), (1000, 0xFFFF)))
            offender.send_rtcp(hostile.sender_report(ssrc, 1, 1))
            offender.send_rtcp(hostile.report_block(ssrc))
            await offender.is_heard()
    assert [call.count(name) for name in effects] == before
    assert call.count("dropped_foreign_feedback") == foreign + 2 * 3 * len(others)
    assert camera.ssrc == others[0]
    await everybody_goes_on(alice, bob, mallory, carol)
    assert [call.count(name) for name in effects] == before
    for compound in (hostile.picture_loss, hostile.nack, hostile.report_block):
        bob.send_rtcp(compound(bobs[0]))  # his own, and so it has an effect
    await bob.is_heard()
    assert [now - then for now, then in zip([call.count(name) for name in effects], before, strict=True)] == [
        1,
        0,
        1,
        1,
    ]


async def test_scenario_32_media_that_cannot_be_sent_on_is_dropped_and_counted(call: Call) -> None:
    """SRTP takes less on the way out than on the way in; a packet of this length fits in, but not out again."""
    alice, bob, mallory, _ = await call.with_an_offender()
    opus = hostile.payload_type(mallory, "microphone", "opus")
    ssrc = mallory.sent_ssrc("microphone")
    session = hostile.spacious(mallory.dtls._tx_srtp)
    ahead = mallory.sequence_number("microphone") + 200
    for number, length in enumerate((1352, 1353, 1400, 1456, 1457, 1480)):
        before, forwarded = call.count("dropped_unsendable"), call.count("packets_forwarded")
        mallory.send(session.protect(hostile.rtp(ssrc, ahead + number, bytes(length - 12), payload_type=opus)))
        if length > 1456:
            await until(lambda: call.count("dropped_unsendable") == before + 1, f"a packet of {length} bytes")  # noqa: B023
        else:
            await until(lambda: call.count("packets_forwarded") > forwarded, f"a packet of {length} bytes")  # noqa: B023
    await frames_keep_coming(bob)
    await everybody_goes_on(alice, bob, mallory)


async def test_a_packet_that_fails_in_the_hub_takes_none_along_that_came_with_it(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await call.pair()
    ssrc, number = alice.sent_ssrc("microphone"), alice.sequence_number("microphone")
    opus = hostile.payload_type(alice, "microphone", "opus")
    packets = [hostile.rtp(ssrc, number + 200 + step, b"sound", payload_type=opus) for step in range(3)]
    publication = alice.peer.publisher.publication("microphone")
    assert isinstance(publication, Publication)
    receive = publication.receive
    taken: list[bytes] = []

    def failing(header: RtpHeader, packet: bytes, now: float) -> None:
        if packet is packets[1]:
            raise RuntimeError("a fault of ours")
        taken.append(packet)
        receive(header, packet, now)

    monkeypatch.setattr(publication, "receive", failing)
    monkeypatch.setattr(alice.peer._transport, "unprotect_rtp", lambda packet: packet)
    logged: list[str] = []
    monkeypatch.setattr(peer.logger, "exception", lambda text, *values: logged.append(text % values))
    before = call.count("dropped_malformed")
    alice.peer.receive_media(packets)
    assert logged == ["A packet of 17 bytes could not be processed"]
    assert taken == [packets[0], packets[2]]
    assert call.count("dropped_malformed") == before + 1
    monkeypatch.undo()
    await frames_keep_coming(bob)


async def test_scenario_32_many_sender_reports_in_one_packet_are_no_more_to_the_viewers_than_one(call: Call) -> None:
    _, bob, mallory, carol = await call.with_an_offender()
    reports: list[bytes] = []
    handle = carol.dtls._handle_rtcp_data

    async def noting(data: bytes) -> None:
        reports.append(data)
        await handle(data)

    carol.dtls._handle_rtcp_data = noting
    loop = asyncio.get_running_loop()
    began, storm = loop.time(), 100
    for _ in range(storm):
        mallory.send_rtcp(hostile.sender_report(mallory.sent_ssrc("camera"), 1, 1) * 40)
        await mallory.is_heard()
    await everybody_goes_on(bob, mallory, carol)
    # two sources, and Carol's own receiver reports are not among what she gets
    assert len(reports) <= 2 * (1 + (loop.time() - began) / SENDER_REPORT_INTERVAL)
