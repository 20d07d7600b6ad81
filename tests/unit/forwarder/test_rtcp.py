"""RTCP: reports and key-frame requests, there and back."""

from __future__ import annotations

import pytest
from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.forwarder import rtcp

REPORT = rtcp.SenderReport(
    ssrc=0x11223344, ntp_time=0x0123456789ABCDEF, rtp_timestamp=0xFFFFFFFE, packet_count=7, octet_count=4242
)
BLOCK = rtcp.ReportBlock(
    ssrc=9,
    fraction_lost=128,
    packets_lost=-2,
    highest_sequence=0x10005,
    jitter=77,
    last_report=0x456789AB,
    delay_since_last_report=65536,
)


def test_a_sender_report_is_read_back() -> None:
    assert rtcp.parse(rtcp.sender_report(REPORT, "hub")) == [REPORT]


def test_an_independent_parser_reads_our_sender_report() -> None:
    report, description = RtcpPacket.parse(rtcp.sender_report(REPORT, "hub"))
    assert isinstance(report, RtcpSrPacket)
    assert report.sender_info.ntp_timestamp == REPORT.ntp_time
    assert report.sender_info.rtp_timestamp == REPORT.rtp_timestamp
    assert isinstance(description, RtcpSdesPacket)
    assert description.chunks[0].items == [(1, b"hub")]


@pytest.mark.parametrize("cname", ["", "a", "abc", "abcd", "abcde", "x" * 64])
def test_every_length_of_cname_is_padded_to_words(cname: str) -> None:
    _, description = RtcpPacket.parse(rtcp.sender_report(REPORT, cname))
    assert isinstance(description, RtcpSdesPacket)
    assert description.chunks[0].items == [(1, cname.encode())]


def test_an_independent_parser_reads_our_receiver_report() -> None:
    report = RtcpPacket.parse(rtcp.receiver_report(5, [BLOCK], "hub"))[0]
    assert isinstance(report, RtcpRrPacket)
    (block,) = report.reports
    assert (block.ssrc, block.fraction_lost, block.packets_lost) == (9, 128, -2)
    assert (block.highest_sequence, block.jitter, block.lsr, block.dlsr) == (0x10005, 77, 0x456789AB, 65536)


def test_more_blocks_than_one_report_takes_make_two_reports() -> None:
    packets = RtcpPacket.parse(rtcp.receiver_report(5, [BLOCK] * 40, "hub"))
    assert [len(p.reports) for p in packets if isinstance(p, RtcpRrPacket)] == [31, 9]


def test_report_blocks_are_read_back() -> None:
    assert rtcp.parse(rtcp.receiver_report(5, [BLOCK] * 40, "hub")) == [BLOCK] * 40


def test_the_blocks_of_a_sender_report_of_another_writer_are_read() -> None:
    theirs = RtcpSrPacket(
        ssrc=REPORT.ssrc,
        sender_info=RtcpSenderInfo(REPORT.ntp_time, REPORT.rtp_timestamp, REPORT.packet_count, REPORT.octet_count),
        reports=[RtcpReceiverInfo(9, 128, -2, 0x10005, 77, 0x456789AB, 65536)],
    )
    assert rtcp.parse(bytes(theirs)) == [REPORT, BLOCK]


def test_a_picture_loss_names_its_stream() -> None:
    compound = rtcp.receiver_report(5, (), "hub") + rtcp.picture_loss(5, 0xAABBCCDD)
    assert rtcp.parse(compound) == [rtcp.KeyFrameRequest(0xAABBCCDD)]
    assert isinstance(RtcpPacket.parse(compound)[-1], RtcpPsfbPacket)


def test_a_full_intra_request_names_each_of_its_streams() -> None:
    entries = b"".join(ssrc.to_bytes(4) + bytes([1, 0, 0, 0]) for ssrc in (1, 2))
    fir = bytes([0x84, 206, 0, 6]) + (5).to_bytes(4) + bytes(4) + entries
    assert rtcp.parse(fir) == [rtcp.KeyFrameRequest(1), rtcp.KeyFrameRequest(2)]


def test_a_goodbye_is_passed_over() -> None:
    assert rtcp.parse(bytes([0x81, 203, 0, 1]) + (7).to_bytes(4)) == []


@pytest.mark.parametrize(
    "compound",
    [
        b"\x80",
        bytes([0x40, 200, 0, 0]),
        bytes([0x80, 200, 0, 6]) + bytes(8),
        bytes([0x80, 200, 0, 1]) + bytes(4),
        bytes([0x81, 201, 0, 1]) + bytes(4),
        bytes([0x81, 205, 0, 1]) + bytes(4),
    ],
    ids=["header", "version", "length", "sender info", "report block", "transport feedback"],
)
def test_what_is_no_rtcp_is_refused(compound: bytes) -> None:
    with pytest.raises(rtcp.RtcpParseError):
        rtcp.parse(compound)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        rtcp.parse(data)
    except rtcp.RtcpParseError:
        pass


@pytest.mark.parametrize(("second", "expected"), [(191, False), (192, True), (200, True), (223, True), (224, False)])
def test_rtcp_is_told_from_rtp_by_its_second_byte(second: int, expected: bool) -> None:
    assert rtcp.is_rtcp(bytes([0x80, second])) is expected


@pytest.mark.parametrize(
    ("numbers", "entries"),
    [
        ([7], 1),
        ([7, 8, 23], 1),
        ([7, 24], 2),
        ([65530, 65535, 3], 2),
        ([1, 100, 101, 300], 3),
        (list(range(100, 600)), 30),
    ],
    ids=["one", "seventeen", "eighteen", "wrap", "three holes", "a burst"],
)
def test_a_nack_names_the_packets_that_are_missing(numbers: list[int], entries: int) -> None:
    compound = rtcp.receiver_report(5, (), "hub") + rtcp.generic_nack(5, 0xAABBCCDD, numbers)
    (nack,) = rtcp.parse(compound)
    assert isinstance(nack, rtcp.Nack)
    assert nack.media_ssrc == 0xAABBCCDD
    assert list(nack.numbers()) == numbers
    assert len(nack.entries) == 4 * entries
    theirs = RtcpPacket.parse(compound)[-1]
    assert isinstance(theirs, RtcpRtpfbPacket)
    assert theirs.lost == numbers


def test_a_nack_of_another_writer_is_read() -> None:
    theirs = RtcpRtpfbPacket(fmt=1, ssrc=5, media_ssrc=9, lost=[1, 2, 18, 40000])
    (nack,) = rtcp.parse(bytes(theirs))
    assert isinstance(nack, rtcp.Nack)
    assert list(nack.numbers()) == [1, 2, 18, 40000]


def test_a_nack_that_asks_for_everything_fits_a_packet() -> None:
    assert len(rtcp.generic_nack(5, 9, range(0, 65536, 20))) < 1300


def test_other_transport_feedback_is_passed_over() -> None:
    assert rtcp.parse(bytes([0x8F, 205, 0, 2]) + bytes(8)) == []


@pytest.mark.parametrize("bitrate", [0, 1, 100_000, (1 << 18) - 1, 1 << 18, 1_500_000, 20_000_000, 2**60])
def test_an_independent_parser_reads_our_bandwidth_estimate(bitrate: int) -> None:
    (packet,) = RtcpPacket.parse(rtcp.bandwidth_estimate(3, bitrate, [7, 9]))
    assert isinstance(packet, RtcpPsfbPacket)
    assert (packet.fmt, packet.ssrc, packet.media_ssrc) == (15, 3, 0)
    found, ssrcs = unpack_remb_fci(packet.fci)
    assert ssrcs == [7, 9]
    assert bitrate * (1 - 2**-17) <= found <= bitrate
    assert rtcp.parse(rtcp.bandwidth_estimate(3, bitrate, [7, 9])) == [rtcp.BandwidthEstimate(found, (7, 9))]


@pytest.mark.parametrize("cut", [4, 8, 12])
def test_a_bandwidth_estimate_that_names_more_than_it_has_is_no_rtcp(cut: int) -> None:
    whole = rtcp.bandwidth_estimate(3, 1000, [7, 9])
    short = whole[:2] + (len(whole) // 4 - 1 - cut // 4).to_bytes(2) + whole[4:-cut]
    with pytest.raises(rtcp.RtcpParseError):
        rtcp.parse(short)
