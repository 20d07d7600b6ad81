"""Packets that no browser sends; every one of them is well encrypted, so that it reaches what parses it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

from pylibsrtp import ffi

from tests.hub.media.calls import Seat

ONE_BYTE, TWO_BYTE = 0xBEDE, 0x1000
UNKNOWN_SSRC = 0x0BADCAFE


def rtp(
    ssrc: int,
    sequence_number: int,
    payload: bytes = b"",
    *,
    payload_type: int = 96,
    timestamp: int = 0,
    extension: bytes | None = None,
    profile: int = ONE_BYTE,
    padding: bool = False,
) -> bytes:
    """An RTP packet (RFC 3550, section 5.1); the extension is filled up to whole words, padding is the payload's."""
    first = 0x80 | 0x20 * padding | 0x10 * (extension is not None)
    header = struct.pack("!BBHII", first, payload_type, sequence_number & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    if extension is not None:
        extension += bytes(-len(extension) % 4)
        header += struct.pack("!HH", profile, len(extension) // 4) + extension
    return header + payload


def rtcp(packet_type: int, count: int, body: bytes, *, words: int | None = None) -> bytes:
    """An RTCP packet (RFC 3550, section 6.1); `words` is the length it claims to have."""
    return struct.pack("!BBH", 0x80 | count, packet_type, len(body) // 4 if words is None else words) + body


def picture_loss(media_ssrc: int) -> bytes:
    return rtcp(206, 1, struct.pack("!II", UNKNOWN_SSRC, media_ssrc))


def full_intra_request(media_ssrc: int) -> bytes:
    return rtcp(206, 4, struct.pack("!IIII", UNKNOWN_SSRC, 0, media_ssrc, 1 << 24))


def nack(media_ssrc: int, *entries: tuple[int, int]) -> bytes:
    """A generic NACK for pairs of a sequence number and the mask of those that follow it."""
    body = b"".join(struct.pack("!HH", number & 0xFFFF, mask) for number, mask in entries)
    return rtcp(205, 1, struct.pack("!II", UNKNOWN_SSRC, media_ssrc) + body)


def goodbye(*ssrcs: int) -> bytes:
    return rtcp(203, len(ssrcs), b"".join(ssrc.to_bytes(4) for ssrc in ssrcs))


def sender_report(ssrc: int, ntp_time: int = 0, timestamp: int = 0) -> bytes:
    return rtcp(200, 0, struct.pack("!IQIII", ssrc, ntp_time, timestamp, 0, 0))


def report_block(ssrc: int) -> bytes:
    """A receiver report that everything was lost."""
    return rtcp(201, 1, struct.pack("!IIIIIII", UNKNOWN_SSRC, ssrc, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 1, 1))


def mid_extension(seat: Seat) -> int:
    """The number under which a participant sends MIDs."""
    found = re.search(r"a=extmap:(\d+) urn:ietf:params:rtp-hdrext:sdes:mid", seat.page.sdp)
    assert found
    return int(found[1])


def mid_element(seat: Seat, mid: str) -> bytes:
    """A MID as an element of a one-byte extension (RFC 8285, section 4.2)."""
    return bytes((mid_extension(seat) << 4 | len(mid) - 1,)) + mid.encode()


def payload_types(seat: Seat, slot: str) -> list[tuple[str, int]]:
    """What a participant offers on a send slot: names in lower case and payload types."""
    mid = seat.page._senders[slot].mid
    section = next(part for part in seat.page.sdp.split("\r\nm=") if f"a=mid:{mid}\r\n" in part)
    found = re.findall(r"a=rtpmap:(\d+) ([\w-]+)/", section)
    return [(name.lower(), int(number)) for number, name in found]


def payload_type(seat: Seat, slot: str, codec: str) -> int:
    """The first payload type of a codec."""
    return next(number for name, number in payload_types(seat, slot) if name == codec)


def spacious(session: Any) -> Any:
    """An SRTP session that also encrypts what pylibsrtp finds too long."""
    session._cdata = ffi.new("char[]", 4096)
    session._buffer = ffi.buffer(session._cdata)
    return session


def hostile_rtp(seat: Seat, ssrc: int) -> Iterator[tuple[str, bytes, str]]:
    """RTP with this SSRC, which no source has: what is wrong, the packet, the counter that it is dropped under.

    None of it makes the SSRC one of the participant's sources.
    """
    mid = mid_extension(seat)
    unknown = "dropped_unknown_source"
    for number, (what, extension, profile) in enumerate(
        [
            ("element that runs over its block", bytes((mid << 4 | 15, 0x30, 0, 0)), ONE_BYTE),
            ("element with the reserved number 15", bytes((0xF3, 0x30, 0x30, 0x30)), ONE_BYTE),
            ("nothing but padding", bytes(64), ONE_BYTE),
            ("two-byte element that runs over its block", bytes((mid, 255, 0x30, 0)), TWO_BYTE),
            ("two-byte element of no length", bytes((mid, 0, 0, 0)), TWO_BYTE),
            ("two-byte element without a length", bytes((0, 0, 0, mid)), TWO_BYTE),
            ("profile nobody knows", bytes((mid << 4, 0x30, 0, 0)), 0xABCD),
            ("MID that is no text", bytes((mid << 4 | 1, 0xFF, 0xFE, 0)), ONE_BYTE),
            ("MID that nothing has", bytes((mid << 4 | 2, 0x39, 0x39, 0x39)), ONE_BYTE),
            ("empty extension", b"", ONE_BYTE),
        ]
    ):
        yield what, rtp(ssrc, number, b"payload", extension=extension, profile=profile), unknown
    for number, (what, payload) in enumerate(
        [
            ("padding longer than the packet", b"\xff"),
            ("padding one byte longer than the payload", b"\0\0\0\5"),
            ("padding of a packet that has no payload", b""),
        ],
        100,
    ):
        yield what, rtp(ssrc, number, payload, padding=True), "dropped_malformed"
    yield "no payload", rtp(ssrc, 200), unknown
    yield "as long as SRTP takes", rtp(ssrc, 201, bytes(1340)), unknown


def malformed_rtp(ssrc: int) -> Iterator[tuple[str, bytes]]:
    """RTP that SRTP itself refuses to encrypt, and looks at before it authenticates: what is wrong, the datagram."""
    plain = rtp(ssrc, 1)
    yield "more contributing sources than bytes", b"\x8f" + plain[1:] + bytes(20)
    yield "extension that is not there", b"\x90" + plain[1:]
    yield "extension cut off within its length", b"\x90" + plain[1:] + b"\xbe\xde\0"
    yield "extension of 65535 words", b"\x90" + plain[1:] + b"\xbe\xde\xff\xff" + bytes(100)
    yield "contributing sources and extension", b"\x9f" + plain[1:] + bytes(62) + b"\xff\xff"
    yield "header alone", plain


def hostile_rtcp(ssrcs: list[int]) -> Iterator[tuple[str, bytes, bool]]:
    """RTCP about these SSRCs, which are others': what is wrong, the compound, whether it counts as malformed."""
    report = rtcp(201, 0, UNKNOWN_SSRC.to_bytes(4))
    four = UNKNOWN_SSRC.to_bytes(4)
    remb = four + bytes(4) + b"REMB"
    for what, compound in [
        ("longer than the packet", rtcp(201, 0, four, words=2)),
        ("longest", rtcp(201, 0, four, words=0xFFFF)),
        ("second packet cut off", report + b"\x80\xc9"),
        ("second packet longer than the compound", report + rtcp(206, 1, bytes(8), words=3)),
        ("second packet of version 0", report + b"\0\xc9\0\1" + four),
        ("31 report blocks of which there are none", rtcp(201, 31, four)),
        ("31 report blocks of which there is one", rtcp(201, 31, four + bytes(24))),
        ("sender report cut off", rtcp(200, 0, four + bytes(16))),
        ("sender report with a block too many", rtcp(200, 2, four + bytes(20 + 24))),
        ("picture loss without a stream", rtcp(206, 1, four)),
        ("NACK without a stream", rtcp(205, 1, four)),
        ("transport feedback without a stream", rtcp(205, 15, four)),
        ("intra request without a stream", rtcp(206, 4, four)),
    ]:
        yield what, compound, True
    yield "intra request with half an entry", rtcp(206, 4, four + bytes(4) + bytes(4)), False
    yield "NACK of nothing", rtcp(205, 1, four + ssrcs[0].to_bytes(4)), False
    yield "bandwidth of 255 streams of which there is one", rtcp(206, 15, remb + b"\xff\xff\xff\xff" + four), True
    yield "bandwidth of no stream", rtcp(206, 15, remb + b"\0\xff\xff\xff"), False
    yield "bandwidth cut off", rtcp(206, 15, remb), True
    yield "transport feedback of 65535 packets", rtcp(205, 15, four + four + b"\0\0\xff\xff" + bytes(8)), False
    runs = b"\0\0\xff\xff" + bytes(4) + b"\x3f\xff" * 200
    yield "transport feedback of runs that never end", rtcp(205, 15, four + four + runs), False
    yield "goodbye of 31 of which there is none", report + rtcp(203, 31, b""), False
    yield "goodbye with a reason longer than itself", rtcp(203, 1, four + b"\xffabc"), False
    yield "description with an item longer than itself", rtcp(202, 31, four + b"\1\xffab"), False
    yield "type nobody knows", rtcp(223, 31, four), False
    yield "extended report of no length", rtcp(207, 0, four + bytes(4)), False
    yield "300 packets of nothing", report + rtcp(204, 0, b"") * 300, False
    for ssrc in ssrcs:
        of = f" of {ssrc:08x}"
        yield "goodbye" + of, goodbye(ssrc), False
        yield "goodbye to all" + of, goodbye(*[ssrc] * 31), False
        yield "picture loss" + of, picture_loss(ssrc), False
        yield "intra request" + of, full_intra_request(ssrc), False
        yield "300 NACKs" + of, nack(ssrc, *[(number * 17, 0xFFFF) for number in range(300)]), False
        yield "sender report" + of, sender_report(ssrc, (1 << 64) - 1, (1 << 32) - 1), False
        yield "report block" + of, report_block(ssrc), False
