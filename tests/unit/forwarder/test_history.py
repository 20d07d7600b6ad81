"""The latest packets of a source are found by their numbers, older ones are not."""

from __future__ import annotations

import pytest

from zego_widget.forwarder.codecs import Codec
from zego_widget.forwarder.history import LENGTHS, History
from zego_widget.forwarder.receive_log import WINDOW
from zego_widget.forwarder.rtp import RtpHeader

VP8 = Codec("vp8", 90000, None, 96, {})


def kept(*numbers: int, length: int = 8) -> History:
    history = History(length)
    for number in numbers:
        history.keep((RtpHeader(0, 0, 96, number & 0xFFFF, 0, 1, 12), b"%d" % number, VP8))
    return history


def payload(history: History, number: int) -> bytes | None:
    found = history.find(number)
    return found[1] if found else None


def test_as_many_as_fit_are_found_and_older_ones_are_not() -> None:
    history = kept(*range(20))
    assert [payload(history, number) for number in (11, 12, 19, 20)] == [None, b"12", b"19", None]


def test_a_wrap_of_the_numbers_changes_nothing() -> None:
    history = kept(*range(65530, 65540))
    assert [payload(history, number) for number in (65531, 65532, 65535, 0, 3)] == [
        None,
        b"65532",
        b"65535",
        b"65536",
        b"65539",
    ]


def test_what_never_came_is_not_found() -> None:
    assert payload(kept(1, 3), 2) is None


def test_what_follows_a_packet_comes_in_order_without_the_holes() -> None:
    history = kept(65534, 0, 65535, 2)
    assert [packet[1] for packet in history.after(65534, 2)] == [b"65535", b"0", b"2"]
    assert list(history.after(2, 2)) == []


def test_nothing_is_found_after_it_was_cleared() -> None:
    history = kept(1, 2)
    history.clear()
    assert payload(history, 1) is payload(history, 2) is None


def test_lengths_divide_the_range_of_the_numbers() -> None:
    assert all((1 << 16) % length == 0 for length in LENGTHS.values())


@pytest.mark.parametrize("length", LENGTHS.values())
def test_what_is_late_but_taken_does_not_take_the_place_of_what_is_newer(length: int) -> None:
    assert length > WINDOW
