"""Which receive slots of one peer show which stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from zego_widget.protocol import PLAY_LIMIT


@dataclass(frozen=True, slots=True)
class Pair:
    """An audio and a video slot that show one stream together; None where the offer had fewer of a kind."""

    audio_mid: str | None
    video_mid: str | None


@dataclass(frozen=True, slots=True)
class SlotChange:
    """What changed: pairs that show nothing any more, then pairs that show another stream."""

    freed: tuple[Pair, ...]
    taken: tuple[tuple[str, Pair], ...]

    def __bool__(self) -> bool:
        return bool(self.freed or self.taken)


class Slots:
    """Receive slots in pairs: the i-th audio and the i-th video slot of the offer, at most `PLAY_LIMIT` of them."""

    def __init__(self, audio_mids: Iterable[str], video_mids: Iterable[str]) -> None:
        pairs = islice(zip_longest(audio_mids, video_mids), PLAY_LIMIT)
        self._shown: dict[Pair, str | None] = {Pair(audio_mid, video_mid): None for audio_mid, video_mid in pairs}

    @property
    def assigned(self) -> dict[str, Pair]:
        """Stream ID -> its pair, in slot order."""
        return {stream_id: pair for pair, stream_id in self._shown.items() if stream_id is not None}

    def show(self, wanted: Sequence[str]) -> SlotChange:
        """Show these streams as far as there are pairs; one that is shown already keeps its pair."""
        freed = tuple(pair for stream_id, pair in self.assigned.items() if stream_id not in wanted)
        for pair in freed:
            self._shown[pair] = None
        free = [pair for pair, stream_id in self._shown.items() if stream_id is None]
        shown = self.assigned
        waiting = [stream_id for stream_id in wanted if stream_id not in shown]
        taken = tuple(zip(waiting, free, strict=False))
        for stream_id, pair in taken:
            self._shown[pair] = stream_id
        return SlotChange(freed, taken)
