"""The viewer's stream is continuous, whatever the sources do."""

from __future__ import annotations

from itertools import pairwise
from struct import unpack
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.forwarder.codecs import Codec
from zego_widget.forwarder.rewriter import RtpRewriter
from zego_widget.forwarder.rtp import RtpHeader, extension_value, parse_header

CLOCK = 90000
VP8 = Codec("vp8", CLOCK, None, 96, {})


def header(sequence_number: int, timestamp: int, ssrc: int = 1, marker: int = 0, padding: int = 0) -> RtpHeader:
    return RtpHeader(padding, marker, 96, sequence_number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, 12)


class Out(NamedTuple):
    first: int
    second: int
    sequence_number: int
    timestamp: int
    ssrc: int


def out(rewritten: bytes | None) -> Out:
    assert rewritten is not None
    return Out(*unpack("!BBHII", rewritten))


def rewrite(stream: RtpRewriter, header: RtpHeader, payload_type: int, now: float) -> bytes | None:
    """One packet's header for the viewer, None where the packet is left out."""
    rewritten = stream.rewrite([(header, b"payload", VP8, None)], payload_type, now)
    assert [payload for _, payload in rewritten] in ([b"payload"], [])
    return rewritten[0][0] if rewritten else None


def rewriter(sequence_number: int = 99, timestamp: int = 5000) -> RtpRewriter:
    return RtpRewriter(0xCAFE, CLOCK, sequence_number=sequence_number, timestamp=timestamp)


def test_the_viewer_sees_its_own_ssrc_payload_type_and_numbers() -> None:
    stream = rewriter()
    first = header(40000, 700)
    stream.start(first, now=1.0)
    assert out(rewrite(stream, first, 120, 1.0)) == (0x80, 120, 100, 5000, 0xCAFE)
    assert out(rewrite(stream, header(40001, 3700, marker=0x80), 120, 1.1)) == (0x80, 0x80 | 120, 101, 8000, 0xCAFE)


def test_the_padding_bit_stays() -> None:
    stream = rewriter()
    stream.start(header(1, 1), now=0.0)
    assert out(rewrite(stream, header(1, 1, padding=0x20), 96, 0.0)).first == 0xA0


@pytest.mark.parametrize(
    ("start", "step", "expected"),
    [
        ((65534, 0), (0, 0), 102),
        ((65535, 0), (0, 0), 101),
        ((0, 0), (1, 0), 101),
        ((32767, 0), (32768, 0), 101),
    ],
)
def test_a_wrap_of_the_source_is_none_for_the_viewer(
    start: tuple[int, int], step: tuple[int, int], expected: int
) -> None:
    stream = rewriter()
    stream.start(header(*start), now=0.0)
    rewrite(stream, header(*start), 96, 0.0)
    assert out(rewrite(stream, header(*step), 96, 0.0)).sequence_number == expected


def test_the_viewers_own_numbers_wrap() -> None:
    stream = rewriter(sequence_number=65534, timestamp=0xFFFFFFFF)
    stream.start(header(10, 10), now=0.0)
    assert out(rewrite(stream, header(10, 10), 96, 0.0)).sequence_number == 65535
    second = out(rewrite(stream, header(11, 11), 96, 0.0))
    assert (second.sequence_number, second.timestamp) == (0, 0)


def test_a_loss_stays_a_gap_and_a_late_packet_fills_it() -> None:
    stream = rewriter()
    stream.start(header(10, 0), now=0.0)
    numbers = [out(rewrite(stream, header(n, 0), 96, 0.0)).sequence_number for n in (10, 13, 11, 14)]
    assert numbers == [100, 103, 101, 104]


def test_what_the_source_sent_before_its_first_forwarded_packet_stays_behind() -> None:
    stream = rewriter()
    stream.start(header(2, 0), now=0.0)
    rewrite(stream, header(2, 0), 96, 0.0)
    assert rewrite(stream, header(1, 0), 96, 0.0) is None
    assert rewrite(stream, header(65535, 0), 96, 0.0) is None


def test_a_long_stream_is_never_mistaken_for_late_packets() -> None:
    stream = rewriter(sequence_number=0)
    stream.start(header(5, 0), now=0.0)
    for number in range(5, 5 + 3 * 65536, 7):
        assert out(rewrite(stream, header(number, 0), 96, 0.0)).sequence_number == (number - 4) % 65536


def test_a_new_source_follows_without_a_gap_and_as_much_later_as_it_came() -> None:
    stream = rewriter()
    stream.start(header(10, 1000), now=1.0)
    rewrite(stream, header(10, 1000), 96, 1.0)
    last = out(rewrite(stream, header(11, 4000), 96, 1.1))
    stream.start(header(50000, 77, ssrc=2), now=2.1)
    first = out(rewrite(stream, header(50000, 77, ssrc=2), 96, 2.1))
    assert first.sequence_number == last.sequence_number + 1
    assert first.timestamp == last.timestamp + CLOCK
    assert first.ssrc == last.ssrc


def test_a_new_source_at_the_same_moment_still_moves_on() -> None:
    stream = rewriter()
    stream.start(header(10, 1000), now=1.0)
    last = out(rewrite(stream, header(10, 1000), 96, 1.0))
    stream.start(header(10, 1000, ssrc=2), now=1.0)
    assert out(rewrite(stream, header(10, 1000, ssrc=2), 96, 1.0)).timestamp == last.timestamp + 1


def test_a_new_source_follows_the_highest_number_not_the_latest() -> None:
    stream = rewriter()
    stream.start(header(10, 0), now=0.0)
    for number in (10, 12, 11):
        rewrite(stream, header(number, 0), 96, 0.0)
    stream.start(header(7, 0, ssrc=2), now=0.0)
    assert out(rewrite(stream, header(7, 0, ssrc=2), 96, 0.0)).sequence_number == 103


def test_sender_reports_move_with_the_timestamps() -> None:
    stream = rewriter(timestamp=1000)
    stream.start(header(1, 0xFFFFFFF0), now=0.0)
    assert stream.rewrite_timestamp(0xFFFFFFF0) == 1000
    assert stream.rewrite_timestamp(0x10) == 1032


@given(
    st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 0xFFFFFFFF), st.integers(1, 400)), min_size=1, max_size=8),
    st.integers(0, 65535),
)
def test_any_row_of_sources_is_one_continuous_stream(sources: list[tuple[int, int, int]], sequence_number: int) -> None:
    stream = rewriter(sequence_number=sequence_number)
    now, seen = 0.0, []
    for ssrc, (number, timestamp, count) in enumerate(sources, start=1):
        stream.start(header(number, timestamp, ssrc), now)
        for index in range(count):
            seen.append(out(rewrite(stream, header(number + index, timestamp + 3000 * index, ssrc), 96, now)))
            now += 1 / 30
    for before, after in pairwise(seen):
        assert (after.sequence_number - before.sequence_number) % 65536 == 1
        assert 0 < (after.timestamp - before.timestamp) % (1 << 32) < CLOCK


@pytest.mark.parametrize(
    ("now", "send_time"), [(0.0, 0), (1.5, 3 << 17), (64 - 2**-18, 0xFFFFFF), (64.0, 0), (6400.25, 1 << 16)]
)
def test_a_viewer_who_takes_it_is_told_when_each_packet_was_sent(now: float, send_time: int) -> None:
    timed = RtpRewriter(0xCAFE, CLOCK, sequence_number=99, timestamp=5000, send_time_extension=3)
    timed.start(header(10, 7), now)
    for written, ssrc in ((rewrite(timed, header(10, 7), 96, now), 0xCAFE), (timed.header(0x80, 97, 1, 2, now, 9), 9)):
        assert written is not None
        parsed = parse_header(written)
        assert (parsed.ssrc, parsed.payload_offset) == (ssrc, len(written))
        assert extension_value(written, 3) == send_time.to_bytes(3)
