"""One SSRC that a publisher sends, from its first packet to its restart."""

from __future__ import annotations

from collections.abc import Iterator

from .codecs import Codec
from .delivery import Packets
from .history import LENGTHS, History, KeptPacket
from .receive_log import ReceiveLog
from .reception import Reception
from .vp8 import DescriptorRun

_LONGEST_BEGINNING = 8
"""Packets of parameter sets and the like that a picture may begin with."""


class Source:
    """What has come of a source: counted, logged, and kept for a while."""

    __slots__ = ("descriptors", "history", "log", "reception", "ssrc")

    def __init__(self, ssrc: int, kind: str, codec: Codec, before: Packets) -> None:
        """`before` are the totals to go on from: those of the source that this one follows."""
        self.ssrc = ssrc
        self.reception = Reception(ssrc, codec.clock_rate, before)
        self.log = ReceiveLog(asks=codec.nack)
        self.history = History(LENGTHS[kind])
        self.descriptors = DescriptorRun()

    def is_cut_off(self, packet: KeptPacket) -> bool:
        """Whether numbers before a packet are missing that may be of its picture."""
        number, timestamp = packet[0].sequence_number, packet[0].timestamp
        for back in range(1, _LONGEST_BEGINNING + 1):
            before = self.history.find((number - back) & 0xFFFF)
            if before is None:
                return True
            if before[0].timestamp != timestamp:
                return False
        return False

    def following(self, sequence_number: int) -> Iterator[KeptPacket]:
        """What came of the numbers behind this one (16 bits), in order."""
        return self.history.after(sequence_number, self.log.highest)
