"""What one channel of a user publishes, and whether others know of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from ..model import Stream


class PublishState(Enum):
    """RESERVED: the stream ID is taken, nothing is sent yet. LIVE: the others were told of the stream."""

    RESERVED = auto()
    LIVE = auto()


@dataclass(slots=True)
class Declared:
    """A stream declared by startPublishingStream."""

    stream: Stream
    state: PublishState = PublishState.RESERVED
