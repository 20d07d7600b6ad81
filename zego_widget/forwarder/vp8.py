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


class Shift(NamedTuple):
    """What is added to the numbers of one source."""

    picture_id: int
    tl0_index: int
    key_index: int

    def applied(self, descriptor: Descriptor) -> bytes:
        """The descriptor for the viewer, as long as the source's."""
        length, first, present, picture_id, is_long, tl0_index, indices = descriptor
        if picture_id is not None:
            picture_id = (picture_id + self.picture_id) % (_PICTURE_ID_MODULO if is_long else _SHORT_PICTURE_ID_MODULO)
            if length == 4 and is_long and tl0_index is None and indices is None:
                return _WITH_PICTURE_ID.pack(first, present, picture_id | _LONG)
        if tl0_index is not None:
            tl0_index = (tl0_index + self.tl0_index) % _TL0_MODULO
        if indices is not None and present & 0x10:
            indices = indices & 0xE0 | (indices + self.key_index) % _KEY_INDEX_MODULO
        if length == 6 and picture_id is not None and tl0_index is not None and indices is not None:
            return _WITH_EVERYTHING.pack(first, present, picture_id | _LONG, tl0_index, indices)
        parts = bytearray((first,) if length == 1 else (first, present))
        if picture_id is not None:
            parts += (picture_id | _LONG).to_bytes(2) if is_long else bytes((picture_id,))
        if tl0_index is not None:
            parts.append(tl0_index)
        if indices is not None:
            parts.append(indices)
        return bytes(parts)


class DescriptorRun:
    """The highest numbers that a source has sent, None before there were any."""

    __slots__ = ("_numbers", "key_index", "picture_id", "tl0_index")

    def __init__(self) -> None:
        self._numbers: tuple[object, ...] = ()
        self.picture_id: int | None = None
        self.tl0_index: int | None = None
        self.key_index: int | None = None

    def sent(self, descriptor: Descriptor) -> None:
        """Count a packet, which may be late."""
        numbers = descriptor[2:]
        if numbers == self._numbers:  # one more packet of the same picture
            return
        self._numbers = numbers
        present, picture_id, is_long, tl0_index, indices = numbers
        if picture_id is not None:
            modulo = _PICTURE_ID_MODULO if is_long else _SHORT_PICTURE_ID_MODULO
            self.picture_id = _later(self.picture_id, picture_id, modulo)
        if tl0_index is not None:
            self.tl0_index = _later(self.tl0_index, tl0_index, _TL0_MODULO)
        if indices is not None and present & 0x10:
            self.key_index = _later(self.key_index, indices & _KEY_INDEX_MODULO - 1, _KEY_INDEX_MODULO)


class DescriptorRewriter:
    """Makes one run of picture IDs, TL0PICIDX and KEYIDX out of the sources that a slot shows one after another."""

    def __init__(self) -> None:
        self.shift: Shift | None = None
        """What the viewer's numbers are of the present source's; None where they are the same."""
        self._source: DescriptorRun | None = None
        # Where the last source left the viewer's numbers.
        self._ended = DescriptorRun()

    def start(self, descriptor: Descriptor | None, source: DescriptorRun | None) -> Shift | None:
        """Begin a source with this packet; what it numbers goes on from where the last one ended."""
        self.stop()
        self._source, ended = source, self._ended
        shift = _NO_SHIFT
        if descriptor is not None:
            shift = Shift(
                _step(ended.picture_id, descriptor.picture_id),
                _step(ended.tl0_index, descriptor.tl0_index),
                _step(ended.key_index, descriptor.indices),
            )
        self.shift = None if shift == _NO_SHIFT else shift
        return self.shift

    def stop(self) -> None:
        """The source is shown no longer, whatever it goes on to send."""
        source, self._source = self._source, None
        shift = self.shift or _NO_SHIFT
        if source is None:
            return
        ended = self._ended
        if source.picture_id is not None:
            ended.picture_id = source.picture_id + shift.picture_id
        if source.tl0_index is not None:
            ended.tl0_index = source.tl0_index + shift.tl0_index
        if source.key_index is not None:
            ended.key_index = source.key_index + shift.key_index


_NO_SHIFT = Shift(0, 0, 0)


def _step(last: int | None, first: int | None) -> int:
    """What makes `first` the number after `last`."""
    return 0 if last is None or first is None else last + 1 - first


def _later(last: int | None, number: int, modulo: int) -> int:
    """The later of two numbers of a run that wraps."""
    if last is None:
        return number
    ahead = (number - last) % modulo
    return last + ahead if ahead < modulo >> 1 else last
