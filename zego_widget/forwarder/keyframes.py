"""Whether a packet begins a key frame, read from the payload's own header."""

from __future__ import annotations

from collections.abc import Iterator


def begins_vp8_key_frame(payload: bytes) -> bool:
    """VP8: first partition's start with the P bit of the frame tag clear (RFC 7741, sections 4.2 and 4.3)."""
    if not payload:
        return False
    descriptor = payload[0]
    if descriptor & 0x1F != 0x10:  # S bit set and PID 0
        return False
    position = 1
    if descriptor & 0x80:
        if len(payload) < 2:
            return False
        extended = payload[1]
        position = 2
        if extended & 0x80:  # PictureID, one or two bytes
            if len(payload) <= position:
                return False
            position += 2 if payload[position] & 0x80 else 1
        if extended & 0x40:  # TL0PICIDX
            position += 1
        if extended & 0x30:  # TID or KEYIDX
            position += 1
    return position < len(payload) and not payload[position] & 0x01


_H264_SPS = 7
_H264_IDR = 5
_H264_STAP_A = 24
_H264_FU_A = 28


def begins_h264_key_frame(payload: bytes) -> bool:
    """H.264: a sequence parameter set, or the first slice of an IDR picture; alone, aggregated or fragmented.

    (RFC 6184, section 5.) A delimiter or SEI may come before it, and x264 sends a picture in many slices.
    """
    if not payload:
        return False
    unit = payload[0] & 0x1F
    if unit == _H264_STAP_A:
        return any(_begins_idr(payload[at], payload, at + 1) for at in _aggregated(payload))
    if unit == _H264_FU_A:
        return len(payload) > 1 and bool(payload[1] & 0x80) and _begins_idr(payload[1], payload, 2)
    return _begins_idr(unit, payload, 1)


def has_h264_parameters(payload: bytes) -> bool:
    """Whether a packet of H.264 has the parameter set that its key frame is decoded with."""
    if not payload:
        return False
    unit = payload[0] & 0x1F
    if unit == _H264_STAP_A:
        return any(payload[at] & 0x1F == _H264_SPS for at in _aggregated(payload))
    return (payload[1] & 0x1F if unit == _H264_FU_A and len(payload) > 1 else unit) == _H264_SPS


def _begins_idr(header: int, payload: bytes, behind: int) -> bool:
    unit = header & 0x1F
    if unit == _H264_SPS:
        return True
    # first_mb_in_slice, which comes first, is 0: a single bit (H.264, sections 7.3.3 and 9.1)
    return unit == _H264_IDR and behind < len(payload) and bool(payload[behind] & 0x80)


def _aggregated(payload: bytes) -> Iterator[int]:
    """Where the units of a STAP-A begin."""
    at = 3
    while at < len(payload):
        yield at
        at += 2 + int.from_bytes(payload[at - 2 : at])
