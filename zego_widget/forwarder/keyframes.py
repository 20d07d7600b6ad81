"""Whether a packet begins a key frame, read from the payload's own header."""

from __future__ import annotations


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
    """H.264: a parameter set or an IDR slice, alone, aggregated or fragmented (RFC 6184, section 5)."""
    if not payload:
        return False
    unit = payload[0] & 0x1F
    if unit in (_H264_SPS, _H264_IDR):
        return True
    if unit == _H264_STAP_A:
        return len(payload) > 3 and payload[3] & 0x1F in (_H264_SPS, _H264_IDR)
    if unit == _H264_FU_A:
        return len(payload) > 1 and bool(payload[1] & 0x80) and payload[1] & 0x1F == _H264_IDR
    return False
