"""The latest packets of one source, for viewers who miss some of them."""

from __future__ import annotations

from collections.abc import Iterator

from .codecs import Codec
from .rtp import RtpHeader
from .vp8 import Descriptor

KeptPacket = tuple[RtpHeader, bytes, Codec, Descriptor | None]
"""Header and payload as the publisher sent them, the publisher's codec, and the descriptor of VP8."""

LENGTHS = {"video": 512, "audio": 512}
"""Packets kept, by kind: as many as may come late, so that none of these takes a newer one's place.

Powers of two, so that a wrap of the sequence numbers needs no care.
"""


class History:
    """A ring of packets, shared by all who play them."""

    def __init__(self, length: int) -> None:
        """`length` is a power of two."""
        self._mask = length - 1
        self._packets: list[KeptPacket | None] = [None] * length

    def keep(self, packet: KeptPacket) -> None:
        """Store a packet in place of the one that is `length` older."""
        self._packets[packet[0].sequence_number & self._mask] = packet

    def find(self, sequence_number: int) -> KeptPacket | None:
        """The packet of this number (16 bits), None if it never came or is too old."""
        packet = self._packets[sequence_number & self._mask]
        return packet if packet is not None and packet[0].sequence_number == sequence_number else None

    def after(self, sequence_number: int, end: int) -> Iterator[KeptPacket]:
        """What is kept of the numbers behind `sequence_number` up to `end`, in order."""
        for ahead in range(1, ((end - sequence_number) & 0xFFFF) + 1):
            packet = self.find((sequence_number + ahead) & 0xFFFF)
            if packet is not None:
                yield packet

    def clear(self) -> None:
        """Forget every packet."""
        self._packets = [None] * len(self._packets)
