"""VP8's payload descriptor (RFC 7741, section 4.2), kept continuous for a viewer whose source changes."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

_PICTURE_ID_MODULO = 1 << 15
_SHORT_PICTURE_ID_MODULO = 1 << 7
_TL0_MODULO = 1 << 8
_KEY_INDEX_MODULO = 1 << 5
_LONG = 0x8000

_WITH_PICTURE_ID = Struct("!BBH")
_WITH_EVERYTHING = Struct("!BBHBB")
_START_CODE = b"\x9d\x01\x2a"


class Descriptor(NamedTuple):
    """The descriptor of one packet; a field that is not there is None."""

    length: int
    first: int
    """The X, N, S and PID bits."""
    present: int
    """Which of the others are there: I, L, T and K bits."""
    picture_id: int | None
    is_long: bool
    """Whether the picture ID has 15 bits rather than 7."""
    tl0_index: int | None
    """TL0PICIDX: a running number of the frames of the lowest temporal layer."""
    indices: int | None
    """TID, Y and KEYIDX in one byte."""


_BARE = {first: Descriptor(1, first, 0, None, False, None, None) for first in range(128)}


def parse_descriptor(payload: bytes) -> Descriptor | None:
    """The descriptor a payload begins with, None where it is cut off."""
    picture_id = tl0_index = indices = None
    is_long = False
    try:
        first = payload[0]
        if first < 128:  # no extension
            return _BARE[first]
        present = payload[1]
        position = 2
        if present & 0x80:
            picture_id = payload[2]
            position = 3
            if picture_id & 0x80:
                is_long = True
                picture_id = (picture_id & 0x7F) << 8 | payload[3]
                position = 4
        if present & 0x40:
            tl0_index = payload[position]
            position += 1
        if present & 0x30:
            indices = payload[position]
            position += 1
    except IndexError:
        return None
    return Descriptor(position, first, present, picture_id, is_long, tl0_index, indices)


def key_frame_size(payload: bytes, descriptor: Descriptor) -> tuple[int, int] | None:
    """Width and height of the key frame that a packet begins, else None (RFC 6386, section 9.1)."""
    at = descriptor.length
    # S bit set and PID 0: the start of the first partition
    if (
        descriptor.first & 0x1F != 0x10
        or len(payload) < at + 10
        or payload[at] & 0x01
        or payload[at + 3 : at + 6] != _START_CODE
    ):
        return None
    width = int.from_bytes(payload[at + 6 : at + 8], "little") & 0x3FFF
    height = int.from_bytes(payload[at + 8 : at + 10], "little") & 0x3FFF
    return (width, height) if width and height else None


class DescriptorRewriter:
    """Makes one run of picture IDs, TL0PICIDX and KEYIDX out of the sources that a slot shows one after another."""

    def __init__(self) -> None:
        self._picture_id = 0
        self._tl0_index = 0
        self._key_index = 0
        self._picture_offset = 0
        self._tl0_offset = 0
        self._key_offset = 0
        self._started = False

    def start(self, descriptor: Descriptor) -> None:
        """Begin a new source with this packet; what it numbers goes on from where the last source ended."""
        picture_id, tl0_index, indices = descriptor.picture_id, descriptor.tl0_index, descriptor.indices
        if not self._started:  # as the first source counts
            self._started = True
            self._picture_id = (picture_id or 0) - 1
            self._tl0_index = (tl0_index or 0) - 1
            self._key_index = (indices or 0) - 1
        self._picture_offset = self._picture_id + 1 - (picture_id or 0)
        self._tl0_offset = self._tl0_index + 1 - (tl0_index or 0)
        self._key_offset = self._key_index + 1 - (indices or 0)

    def rewrite(self, descriptor: Descriptor) -> bytes:
        """The descriptor for the viewer, as long as the source's."""
        length, first, present, picture_id, is_long, tl0_index, indices = descriptor
        out = 0
        if picture_id is not None:
            modulo = _PICTURE_ID_MODULO if is_long else _SHORT_PICTURE_ID_MODULO
            out = (picture_id + self._picture_offset) % modulo
            ahead = (out - self._picture_id) % modulo
            if ahead < modulo >> 1:
                self._picture_id += ahead
        if tl0_index is None:
            if length == 4 and is_long and indices is None:
                return _WITH_PICTURE_ID.pack(first, present, out | _LONG)
        else:
            tl0_index = (tl0_index + self._tl0_offset) % _TL0_MODULO
            if (tl0_index - self._tl0_index) % _TL0_MODULO < _TL0_MODULO >> 1:
                self._tl0_index = tl0_index
        if indices is not None and present & 0x10:
            key_index = (indices + self._key_offset) % _KEY_INDEX_MODULO
            if (key_index - self._key_index) % _KEY_INDEX_MODULO < _KEY_INDEX_MODULO >> 1:
                self._key_index = key_index
            indices = indices & 0xE0 | key_index
        if length == 6 and tl0_index is not None and indices is not None:
            return _WITH_EVERYTHING.pack(first, present, out | _LONG, tl0_index, indices)
        if length == 1:
            return bytes((first,))
        return self._seldom(first, present, (out, is_long) if picture_id is not None else None, tl0_index, indices)

    @staticmethod
    def _seldom(
        first: int, present: int, picture: tuple[int, bool] | None, tl0_index: int | None, indices: int | None
    ) -> bytes:
        parts = bytearray((first, present))
        if picture is not None:
            number, is_long = picture
            parts += (number | _LONG).to_bytes(2) if is_long else bytes((number,))
        if tl0_index is not None:
            parts.append(tl0_index)
        if indices is not None:
            parts.append(indices)
        return bytes(parts)
