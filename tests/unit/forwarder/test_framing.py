"""Packets behind their lengths come out whole, however the stream was cut."""

from __future__ import annotations

import random

import pytest

from zego_widget.forwarder.framing import MAX_FRAME, Deframer, FrameTooLong, framed

PACKETS = [b"a", b"", b"\x00\x01", bytes(range(256)) * 5, b"z" * MAX_FRAME, b"", b"end"]


def taken(deframer: Deframer) -> list[bytes]:
    packets = []
    while (packet := deframer.take()) is not None:
        packets.append(packet)
    return packets


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000, 1 << 20])
def test_packets_come_out_as_they_went_in(piece: int) -> None:
    stream = b"".join(map(framed, PACKETS))
    deframer, packets = Deframer(), []
    for start in range(0, len(stream), piece):
        deframer.feed(stream[start : start + piece])
        packets += taken(deframer)
    assert packets == PACKETS


def test_packets_may_be_taken_between_pieces_of_any_length() -> None:
    chance = random.Random(4571)
    sent = [chance.randbytes(chance.randrange(MAX_FRAME + 1)) for _ in range(200)]
    stream = b"".join(map(framed, sent))
    deframer, packets = Deframer(), []
    while stream:
        cut = chance.randrange(1, 4000)
        deframer.feed(stream[:cut])
        stream = stream[cut:]
        for _ in range(chance.randrange(4)):
            if (packet := deframer.take()) is not None:
                packets.append(packet)
    assert packets + taken(deframer) == sent


@pytest.mark.parametrize("length", [MAX_FRAME + 1, 0x4745, 0xFFFF])
def test_a_length_that_no_packet_has_is_refused_before_the_packet_comes(length: int) -> None:
    deframer = Deframer()
    deframer.feed(framed(b"first") + length.to_bytes(2))
    assert deframer.take() == b"first"
    with pytest.raises(FrameTooLong):
        deframer.take()


def test_what_was_taken_is_not_kept() -> None:
    deframer = Deframer()
    for _ in range(1000):
        deframer.feed(framed(b"x" * 1000) + b"\x00")
        assert len(taken(deframer)) == 1
        deframer.feed(b"\x00")
        assert taken(deframer) == [b""]
        assert len(deframer._buffer) < 2000
