"""RTP headers as integers (RFC 3550, section 5.1; RFC 8285 for extensions)."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

FIXED_HEADER = Struct("!BBHII")
FIXED_HEADER_LENGTH = 12
VERSION_BITS = 0x80
PADDING_BIT = 0x20
EXTENSION_BIT = 0x10
MARKER_BIT = 0x80

SEND_TIME_EXTENSION = Struct("!II")
"""abs-send-time as the one extension, in the one-byte form: `ONE_BYTE_EXTENSION`, then ID, length and time."""
ONE_BYTE_EXTENSION = 0xBEDE0001
"""What stands before an extension of one word (RFC 8285, section 4.2)."""
SEND_TIME_UNIT = 1 << 18
"""Parts of a second in which abs-send-time counts, modulo 2^24."""

_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000
_EXTENSION_HEADER = Struct("!HH")


class RtpParseError(ValueError):
    """The bytes are no RTP packet; the only exception of this module."""


class RtpHeader(NamedTuple):
    """What forwarding needs of a header; the payload is `packet[payload_offset:]`, padding included."""

    padding: int
    """`PADDING_BIT` or 0."""
    marker: int
    """`MARKER_BIT` or 0."""
    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload_offset: int


def parse_header(packet: bytes) -> RtpHeader:
    """Parse the header of an RTP packet; raises `RtpParseError`."""
    if len(packet) < FIXED_HEADER_LENGTH:
        raise RtpParseError("shorter than an RTP header")
    first, second, sequence_number, timestamp, ssrc = FIXED_HEADER.unpack_from(packet)
    if first & 0xC0 != VERSION_BITS:
        raise RtpParseError("RTP version is not 2")
    offset = FIXED_HEADER_LENGTH + 4 * (first & 0x0F)
    if first & EXTENSION_BIT:
        if len(packet) < offset + 4:
            raise RtpParseError("header extension is truncated")
        offset += 4 + 4 * _EXTENSION_HEADER.unpack_from(packet, offset)[1]
    if len(packet) < offset:
        raise RtpParseError("header is longer than the packet")
    if first & PADDING_BIT and packet[-1] > len(packet) - offset:
        raise RtpParseError("padding is longer than the payload")
    return RtpHeader(first & PADDING_BIT, second & MARKER_BIT, second & 0x7F, sequence_number, timestamp, ssrc, offset)


def payload_end(packet: bytes, header: RtpHeader) -> int:
    """Where the payload ends and padding begins."""
    return len(packet) - packet[-1] if header.padding else len(packet)


def extension_value(packet: bytes, extension_id: int) -> bytes | None:
    """The value of one header extension of a packet that `parse_header` took, or None (RFC 8285, section 4)."""
    first = packet[0]
    if not first & EXTENSION_BIT:
        return None
    position = FIXED_HEADER_LENGTH + 4 * (first & 0x0F)
    profile, words = _EXTENSION_HEADER.unpack_from(packet, position)
    position += 4
    end = position + 4 * words
    if profile == _ONE_BYTE_PROFILE:
        return _one_byte_extension(packet, position, end, extension_id)
    if profile & 0xFFF0 == _TWO_BYTE_PROFILE:
        return _two_byte_extension(packet, position, end, extension_id)
    return None


def _one_byte_extension(packet: bytes, position: int, end: int, wanted: int) -> bytes | None:
    while position < end:
        head = packet[position]
        position += 1
        if head == 0:  # padding
            continue
        found, length = head >> 4, (head & 0x0F) + 1
        if found == 15 or position + length > end:
            return None
        if found == wanted:
            return packet[position : position + length]
        position += length
    return None


def _two_byte_extension(packet: bytes, position: int, end: int, wanted: int) -> bytes | None:
    while position + 1 < end:
        found, length = packet[position], packet[position + 1]
        if found == 0:  # padding
            position += 1
            continue
        position += 2
        if position + length > end:
            return None
        if found == wanted:
            return packet[position : position + length]
        position += length
    return None
