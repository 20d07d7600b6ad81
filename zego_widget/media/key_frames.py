"""Key frames of complete encoded pictures, as a decoder gets them."""

from __future__ import annotations

import re
from struct import unpack_from

_START_CODE = re.compile(rb"\x00\x00\x01(.)", re.DOTALL)
_IDR, _PARAMETERS = 5, 7


def is_key_frame(codec: str, data: bytes) -> bool:
    """Whether decoding can begin with this picture of `VP8` (RFC 6386, 9.1) or `H264` (Annex B)."""
    if codec == "VP8":
        return len(data) >= 10 and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a"
    return any(match[1][0] & 0x1F in (_IDR, _PARAMETERS) for match in _START_CODE.finditer(data))


def picture_size(codec: str, data: bytes) -> tuple[int, int] | None:
    """Width and height in a VP8 key frame (RFC 6386, 9.1); None for anything else."""
    if codec != "VP8" or not is_key_frame(codec, data):
        return None
    width, height = unpack_from("<HH", data, 6)
    return width & 0x3FFF, height & 0x3FFF
