"""RTCP packets that the forwarder reads and writes (RFC 3550, section 6; RFC 4585; RFC 5104)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct, unpack_from
from typing import NamedTuple

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206

GENERIC_NACK = 1
PICTURE_LOSS = 1
FULL_INTRA_REQUEST = 4
APPLICATION_FEEDBACK = 15

_MAX_BLOCKS = 31
_HEADER = Struct("!BBH")
_SENDER_INFO = Struct("!IQIII")
_BLOCK = Struct("!IB3sIIII")
_FEEDBACK = Struct("!II")
_NACK_ENTRY = Struct("!HH")
_MAX_NACK_ENTRIES = 256
_REMB = b"REMB"


class RtcpParseError(ValueError):
    """The bytes are no RTCP compound packet; the only exception of this module."""


class ReportBlock(NamedTuple):
    """One report block (RFC 3550, section 6.4.1); times in units of 1/65536 s."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_report: int
    delay_since_last_report: int


class SenderReport(NamedTuple):
    """Sender info: `ntp_time` is the 64-bit NTP time that `rtp_timestamp` stands for."""

    ssrc: int
    ntp_time: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int


class KeyFrameRequest(NamedTuple):
    """A PLI or FIR for the media stream `media_ssrc`."""

    media_ssrc: int


class BandwidthEstimate(NamedTuple):
    """A REMB: what can be received of all these SSRCs together, in bits per second."""

    bitrate: int
    media_ssrcs: tuple[int, ...]


class Nack(NamedTuple):
    """A generic NACK about the media stream `media_ssrc` (RFC 4585, section 6.2.1)."""

    media_ssrc: int
    entries: bytes

    def numbers(self) -> Iterator[int]:
        """The sequence numbers that are missed; they may be many."""
        for position in range(0, len(self.entries) - 3, _NACK_ENTRY.size):
            number, following = _NACK_ENTRY.unpack_from(self.entries, position)
            yield number
            while following:
                yield (number + (following & -following).bit_length()) & 0xFFFF
                following &= following - 1


def is_rtcp(packet: bytes) -> bool:
    """Whether a packet of an RTP/RTCP mux is RTCP (RFC 5761, section 4)."""
    return len(packet) > 1 and 192 <= packet[1] <= 223


Item = SenderReport | ReportBlock | KeyFrameRequest | Nack | BandwidthEstimate


def parse(compound: bytes) -> list[Item]:
    """What matters of a compound packet; raises `RtcpParseError`. Types we do not use are passed over."""
    found: list[Item] = []
    for packet_type, count, body in _packets(compound):
        if packet_type == SENDER_REPORT:
            if len(body) < _SENDER_INFO.size:
                raise RtcpParseError("sender report is truncated")
            found.append(SenderReport(*_SENDER_INFO.unpack_from(body)))
            found += _blocks(body, _SENDER_INFO.size, count)
        elif packet_type == RECEIVER_REPORT:
            found += _blocks(body, 4, count)
        elif packet_type == TRANSPORT_FEEDBACK:
            if len(body) < _FEEDBACK.size:
                raise RtcpParseError("feedback is truncated")
            if count == GENERIC_NACK:
                found.append(Nack(_FEEDBACK.unpack_from(body)[1], body[_FEEDBACK.size :]))
        elif packet_type == PAYLOAD_FEEDBACK:
            if len(body) < _FEEDBACK.size:
                raise RtcpParseError("feedback is truncated")
            if count == PICTURE_LOSS:
                found.append(KeyFrameRequest(_FEEDBACK.unpack_from(body)[1]))
            elif count == FULL_INTRA_REQUEST:  # each entry names its own stream (RFC 5104, section 4.3.1.1)
                for position in range(_FEEDBACK.size, len(body) - 7, 8):
                    found.append(KeyFrameRequest(_FEEDBACK.unpack_from(body, position)[0]))
            elif count == APPLICATION_FEEDBACK and body[_FEEDBACK.size : _FEEDBACK.size + 4] == _REMB:
                found.append(_bandwidth_estimate(body))
    return found


def _bandwidth_estimate(body: bytes) -> BandwidthEstimate:
    start = _FEEDBACK.size + len(_REMB)
    if len(body) < start + 4 or len(body) < start + 4 + 4 * body[start]:
        raise RtcpParseError("REMB is truncated")
    packed = int.from_bytes(body[start + 1 : start + 4])
    ssrcs = unpack_from(f"!{body[start]}I", body, start + 4)
    return BandwidthEstimate((packed & 0x3FFFF) << (packed >> 18), ssrcs)


def _blocks(body: bytes, start: int, count: int) -> Iterator[ReportBlock]:
    if len(body) < start + count * _BLOCK.size:
        raise RtcpParseError("report block is truncated")
    for position in range(start, start + count * _BLOCK.size, _BLOCK.size):
        ssrc, fraction, lost, *rest = _BLOCK.unpack_from(body, position)
        yield ReportBlock(ssrc, fraction, int.from_bytes(lost, signed=True), *rest)


def _packets(compound: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = 0
    while position < len(compound):
        if len(compound) - position < _HEADER.size:
            raise RtcpParseError("RTCP header is truncated")
        first, packet_type, words = _HEADER.unpack_from(compound, position)
        if first >> 6 != 2:
            raise RtcpParseError("RTCP version is not 2")
        end = position + 4 + 4 * words
        if end > len(compound):
            raise RtcpParseError("RTCP packet is truncated")
        yield packet_type, first & 0x1F, compound[position + 4 : end]
        position = end


def sender_report(report: SenderReport, cname: str) -> bytes:
    """A compound of sender report and source description."""
    return _packet(SENDER_REPORT, 0, _SENDER_INFO.pack(*report)) + _source_description(report.ssrc, cname)


def receiver_report(ssrc: int, blocks: Sequence[ReportBlock], cname: str) -> bytes:
    """A compound of as many receiver reports as the blocks need, and a source description."""
    compound = b""
    for start in range(0, max(1, len(blocks)), _MAX_BLOCKS):
        part = blocks[start : start + _MAX_BLOCKS]
        body = ssrc.to_bytes(4) + b"".join(_pack_block(block) for block in part)
        compound += _packet(RECEIVER_REPORT, len(part), body)
    return compound + _source_description(ssrc, cname)


def picture_loss(sender_ssrc: int, media_ssrc: int) -> bytes:
    """A PLI (RFC 4585, section 6.3.1), to be appended to a report."""
    return _packet(PAYLOAD_FEEDBACK, PICTURE_LOSS, _FEEDBACK.pack(sender_ssrc, media_ssrc))


def bandwidth_estimate(sender_ssrc: int, bitrate: float, media_ssrcs: Sequence[int]) -> bytes:
    """A REMB (draft-alvestrand-rmcat-remb-03, section 2.2), to be appended to a report; bits per second."""
    mantissa, exponent = max(0, int(bitrate)), 0
    while mantissa >= 1 << 18:
        mantissa >>= 1
        exponent += 1
    ssrcs = media_ssrcs[:255]
    body = _FEEDBACK.pack(sender_ssrc, 0) + _REMB + (len(ssrcs) << 24 | exponent << 18 | mantissa).to_bytes(4)
    body += b"".join(ssrc.to_bytes(4) for ssrc in ssrcs)
    return _packet(PAYLOAD_FEEDBACK, APPLICATION_FEEDBACK, body)


def generic_nack(sender_ssrc: int, media_ssrc: int, numbers: Iterable[int]) -> bytes:
    """A generic NACK (RFC 4585, section 6.2.1), to be appended to a report; `numbers` (16 bits) in rising order.

    More than one packet can ask for is left out.
    """
    entries: list[list[int]] = []
    for number in numbers:
        ahead = number - entries[-1][0] if entries else 0
        if 1 <= ahead <= 16:  # aiortc does not read an entry that goes over a wrap
            entries[-1][1] |= 1 << (ahead - 1)
        else:
            entries.append([number, 0])
    body = b"".join(_NACK_ENTRY.pack(*entry) for entry in entries[:_MAX_NACK_ENTRIES])
    return _packet(TRANSPORT_FEEDBACK, GENERIC_NACK, _FEEDBACK.pack(sender_ssrc, media_ssrc) + body)


def _pack_block(block: ReportBlock) -> bytes:
    return _BLOCK.pack(
        block.ssrc,
        block.fraction_lost,
        (block.packets_lost & 0xFFFFFF).to_bytes(3),
        block.highest_sequence,
        block.jitter,
        block.last_report,
        block.delay_since_last_report,
    )


def _source_description(ssrc: int, cname: str) -> bytes:
    item = bytes((1, len(cname))) + cname.encode("ascii")
    chunk = ssrc.to_bytes(4) + item
    chunk += bytes(4 - len(chunk) % 4)
    return _packet(SOURCE_DESCRIPTION, 1, chunk)


def _packet(packet_type: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body
