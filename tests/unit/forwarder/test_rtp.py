"""RTP headers: what is read, what is refused."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.forwarder.rtp import RtpParseError, extension_value, parse_header, payload_end


def packet(
    *,
    first: int = 0x80,
    second: int = 96,
    sequence_number: int = 1,
    timestamp: int = 2,
    ssrc: int = 3,
    rest: bytes = b"payload",
) -> bytes:
    return pack("!BBHII", first, second, sequence_number, timestamp, ssrc) + rest


def one_byte_extensions(*elements: tuple[int, bytes]) -> bytes:
    body = b"".join(bytes([number << 4 | len(value) - 1]) + value for number, value in elements)
    body += bytes(-len(body) % 4)
    return pack("!HH", 0xBEDE, len(body) // 4) + body


def two_byte_extensions(*elements: tuple[int, bytes]) -> bytes:
    body = b"".join(bytes([number, len(value)]) + value for number, value in elements)
    body += bytes(-len(body) % 4)
    return pack("!HH", 0x1000, len(body) // 4) + body


def test_a_plain_packet_is_read() -> None:
    header = parse_header(packet(second=0x80 | 111, sequence_number=65535, timestamp=0xFFFFFFFF, ssrc=0xDEADBEEF))
    assert header.marker
    assert not header.padding
    assert (header.payload_type, header.sequence_number) == (111, 65535)
    assert (header.timestamp, header.ssrc) == (0xFFFFFFFF, 0xDEADBEEF)
    assert header.payload_offset == 12


def test_the_payload_begins_after_contributing_sources_and_extensions() -> None:
    data = packet(first=0x92, rest=bytes(8) + one_byte_extensions((4, b"0")) + b"payload")
    assert data[parse_header(data).payload_offset :] == b"payload"


def test_padding_is_not_payload() -> None:
    data = packet(first=0xA0, rest=b"payload\x00\x00\x03")
    header = parse_header(data)
    assert data[header.payload_offset : payload_end(data, header)] == b"payload"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        packet()[:11],
        packet(first=0x40),
        packet(first=0x8F, rest=b"four"),
        packet(first=0x90, rest=b"\xbe\xde"),
        packet(first=0x90, rest=b"\xbe\xde\x00\x09four"),
        packet(first=0xA0, rest=b"pay\x05"),
    ],
    ids=["empty", "short", "version 1", "sources", "extension header", "extension body", "padding"],
)
def test_what_is_no_rtp_is_refused(data: bytes) -> None:
    with pytest.raises(RtpParseError):
        parse_header(data)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        header = parse_header(data)
    except RtpParseError:
        return
    assert header.payload_offset <= len(data)
    for number in range(1, 16):
        extension_value(data, number)


@pytest.mark.parametrize("extensions", [one_byte_extensions, two_byte_extensions])
def test_an_extension_is_found_by_its_number(extensions: type) -> None:
    data = packet(first=0x90, rest=extensions((1, b"\x7f"), (4, b"12"), (9, b"abc")) + b"payload")
    assert extension_value(data, 4) == b"12"
    assert extension_value(data, 9) == b"abc"
    assert extension_value(data, 5) is None


def test_an_extension_that_runs_over_its_block_is_not_read() -> None:
    data = packet(first=0x90, rest=pack("!HH", 0xBEDE, 1) + b"\x4f123" + b"payload")
    assert extension_value(data, 4) is None
