"""Packets on a byte stream, each behind its length (RFC 4571, section 2)."""

from __future__ import annotations

MAX_FRAME = 1500
"""Bytes of a packet at most: more than this no UDP datagram carries over the usual path in one piece."""


class FrameTooLong(Exception):
    """A length was announced that is no packet's; nothing behind it can be told apart any more."""


def framed(packet: bytes) -> bytes:
    """A packet behind its length."""
    return len(packet).to_bytes(2) + packet


class Deframer:
    """Cuts a stream into packets, whatever pieces it arrives in; keeps less than one packet beyond what it was fed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._position = 0

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        del self._buffer[: self._position]
        self._position = 0
        self._buffer += data

    def take(self) -> bytes | None:
        """The next packet, which may be empty; None if it is not complete. Raises `FrameTooLong`."""
        buffer, start = self._buffer, self._position + 2
        if len(buffer) < start:
            return None
        length = buffer[start - 2] << 8 | buffer[start - 1]
        if length > MAX_FRAME:
            raise FrameTooLong
        if len(buffer) < start + length:
            return None
        self._position = start + length
        return bytes(buffer[start : start + length])
