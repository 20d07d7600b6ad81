"""One SSRC that a publisher sends, from its first packet to its restart."""

from __future__ import annotations

from collections.abc import Iterator

from .codecs import Codec
from .delivery import Packets
from .history import LENGTHS, History, KeptPacket
from .receive_log import ReceiveLog
from .reception import Reception
from .vp8 import DescriptorRun


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

    def following(self, sequence_number: int) -> Iterator[KeptPacket]:
        """What came of the numbers behind this one (16 bits), in order."""
        return self.history.after(sequence_number, self.log.highest)
