"""What is checked of an SCTP packet before aiortc sees it: shapes that cost its parser more than a packet may."""

from __future__ import annotations

from struct import Struct

_COMMON_HEADER_LENGTH = 12
_CHUNK = Struct("!BBH")
_PARAMETER = Struct("!HH")
_GAP = Struct("!HH")
_SACK = Struct("!LLHH")
_SACK_TYPE = 3
# chunk type -> where its parameters or error causes begin (RFC 9260, section 3.3; RFC 6525, section 3.1)
_PARAMETERS_AT = {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}

MAX_ACKNOWLEDGED = 4096
"""Packets that one SACK may acknowledge out of order; what waits in our send window is less."""


def is_digestible(packet: bytes) -> bool:
    """Whether aiortc can parse a packet in bounded time; says nothing of its checksum or sense.

    Its parser never gets past a parameter of length 0, and spells out every packet number of every gap block: 340
    blocks of 65535, which fit into one packet, keep it busy for a second.
    """
    position = _COMMON_HEADER_LENGTH
    while position + _CHUNK.size <= len(packet):
        kind, _, length = _CHUNK.unpack_from(packet, position)
        if length < _CHUNK.size:
            return False
        body = packet[position + _CHUNK.size : position + length]
        if kind in _PARAMETERS_AT and not _parameters_advance(body, _PARAMETERS_AT[kind]):
            return False
        if kind == _SACK_TYPE and _acknowledged(body) > MAX_ACKNOWLEDGED:
            return False
        position += length + -length % 4
    return True


def _parameters_advance(body: bytes, position: int) -> bool:
    while position + _PARAMETER.size <= len(body):
        length = _PARAMETER.unpack_from(body, position)[1]
        if length < _PARAMETER.size:
            return False
        position += length + -length % 4
    return True


def _acknowledged(body: bytes) -> int:
    if len(body) < _SACK.size:
        return 0
    gaps = _SACK.unpack_from(body)[2]
    ends = min(_SACK.size + gaps * _GAP.size, len(body) - _GAP.size + 1)
    blocks = (_GAP.unpack_from(body, position) for position in range(_SACK.size, ends, _GAP.size))
    return sum(max(0, end - start + 1) for start, end in blocks)
