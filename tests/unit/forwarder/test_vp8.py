"""A viewer's picture IDs, TL0PICIDX and KEYIDX run on without a gap, whatever sources follow each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.forwarder.vp8 import (
    Descriptor,
    DescriptorRewriter,
    DescriptorRun,
    Shift,
    key_frame_size,
    parse_descriptor,
)

SHORT, LONG = False, True


def packet(
    picture_id: int | None = None, is_long: bool = LONG, tl0: int | None = None, indices: int | None = None
) -> bytes:
    """A descriptor that begins a frame, and a byte of payload."""
    present = (0x80 if picture_id is not None else 0) | (0x40 if tl0 is not None else 0)
    present |= 0x30 if indices is not None else 0
    if not present:
        return b"\x10\x00"
    out = bytes((0x90, present))
    if picture_id is not None:
        out += (picture_id | 0x8000).to_bytes(2) if is_long else bytes((picture_id,))
    if tl0 is not None:
        out += bytes((tl0,))
    if indices is not None:
        out += bytes((indices,))
    return out + b"\x00"


def parsed(payload: bytes) -> Descriptor:
    descriptor = parse_descriptor(payload)
    assert descriptor is not None
    return descriptor


class Viewer:
    """Takes packets of one source after the other; says what numbers it sees."""

    def __init__(self) -> None:
        self.rewriter = DescriptorRewriter()

    def start(self, payload: bytes) -> Descriptor:
        self.run = DescriptorRun()
        self.rewriter.start(parsed(payload), self.run)
        return self.take(payload)

    def take(self, payload: bytes) -> Descriptor:
        self.run.sent(parsed(payload))
        shift = self.rewriter.shift
        return parsed(payload if shift is None else shift.applied(parsed(payload)) + b"\x00")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (packet(), (1, None, None, None)),
        (packet(5, SHORT), (3, 5, None, None)),
        (packet(0x7FFF, LONG), (4, 0x7FFF, None, None)),
        (packet(300, LONG, 7, 0xE3), (6, 300, 7, 0xE3)),
        (packet(None, LONG, 7, 0x23), (4, None, 7, 0x23)),
        (packet(90, SHORT, 1, 2), (5, 90, 1, 2)),
    ],
)
def test_every_form_of_descriptor_is_read(
    payload: bytes, expected: tuple[int, int | None, int | None, int | None]
) -> None:
    found = parsed(payload)
    assert (found.length, found.picture_id, found.tl0_index, found.indices) == expected


@pytest.mark.parametrize("payload", [b"", b"\x90", b"\x90\x80", b"\x90\x80\x80", b"\x90\xf0\x80\x01\x02"])
def test_a_descriptor_that_is_cut_off_is_none(payload: bytes) -> None:
    assert parse_descriptor(payload) is None


@given(st.binary(max_size=12))
def test_any_bytes_are_read_or_are_none_and_the_first_source_stays_as_it_is(payload: bytes) -> None:
    descriptor = parse_descriptor(payload)
    if descriptor is None:
        return
    assert DescriptorRewriter().start(descriptor, DescriptorRun()) is None
    assert Shift(0, 0, 0).applied(descriptor) == payload[: descriptor.length]


@pytest.mark.parametrize(
    ("last", "next_source"),
    [(10, 9000), (9000, 10), (0x7FFF, 5), (0x7FFE, 0x7FFF), (0, 0), (16384, 0)],
)
def test_a_new_source_goes_on_with_the_next_picture(last: int, next_source: int) -> None:
    viewer = Viewer()
    viewer.start(packet(last, LONG, 255, 31))
    first = viewer.start(packet(next_source, LONG, 77, 12))
    assert first.picture_id == (last + 1) % 0x8000
    assert first.tl0_index == 0
    assert (first.indices or 0) & 0x1F == 0
    second = viewer.take(packet((next_source + 1) % 0x8000, LONG, 78, 12))
    assert second.picture_id == (last + 2) % 0x8000
    assert second.tl0_index == 1


def test_the_packets_of_one_picture_keep_one_number() -> None:
    viewer = Viewer()
    viewer.start(packet(1))
    viewer.start(packet(500))
    assert [viewer.take(packet(number)).picture_id for number in (500, 500, 501, 501)] == [2, 2, 3, 3]


def test_a_late_packet_has_its_own_number_and_does_not_set_the_run_back() -> None:
    viewer = Viewer()
    viewer.start(packet(100))
    assert [viewer.take(packet(n)).picture_id for n in (103, 101, 102)] == [103, 101, 102]
    assert viewer.start(packet(5)).picture_id == 104


def test_numbers_wrap_with_the_source_and_with_the_viewer() -> None:
    viewer = Viewer()
    viewer.start(packet(0x7FFD))
    viewer.start(packet(0x7FFF))
    numbers = [viewer.take(packet((0x7FFF + n) % 0x8000)).picture_id for n in range(4)]
    assert numbers == [0x7FFE, 0x7FFF, 0, 1]


def test_sources_with_short_and_long_numbers_follow_each_other() -> None:
    viewer = Viewer()
    viewer.start(packet(126, SHORT))
    assert [viewer.take(packet(n, SHORT)).picture_id for n in (127, 0, 1)] == [127, 0, 1]
    first = viewer.start(packet(9000, LONG))
    assert (first.picture_id or 0) % 128 == 2
    following = viewer.start(packet(64, SHORT))
    assert following.picture_id == 3


def test_a_source_without_numbers_leaves_the_run_to_the_next() -> None:
    viewer = Viewer()
    viewer.start(packet(100))
    assert viewer.start(packet()).picture_id is None
    assert viewer.start(packet(7)).picture_id == 101


def test_layer_index_and_sync_bit_stay_the_sources() -> None:
    viewer = Viewer()
    viewer.start(packet(1, LONG, 1, 0xA1))
    assert (viewer.start(packet(9, LONG, 9, 0x69)).indices or 0) & 0xE0 == 0x60


def test_a_key_frame_tells_its_size() -> None:
    frame = bytes.fromhex("10 02 00 9d012a") + (640).to_bytes(2, "little") + (0x4000 | 360).to_bytes(2, "little")
    payload = packet(4)[:-1] + frame
    assert key_frame_size(payload, parsed(payload)) == (640, 360)
    delta = packet(4)[:-1] + b"\x11" + frame[1:]
    assert key_frame_size(delta, parsed(delta)) is None
    assert key_frame_size(payload[:9], parsed(payload)) is None
    continued = b"\x80" + payload[1:]
    assert key_frame_size(continued, parsed(continued)) is None


def test_what_a_source_sends_while_nobody_is_shown_it_is_no_gap() -> None:
    viewer = Viewer()
    viewer.start(packet(100))
    former = viewer.run
    viewer.rewriter.stop()
    former.sent(parsed(packet(20100)))
    assert viewer.start(packet(7)).picture_id == 101
