"""Which streams of its room a session plays."""

from __future__ import annotations

from collections.abc import Sequence

from zego_widget.errors import ErrorCode, Refused
from zego_widget.protocol import PLAY_LIMIT


class Playlist:
    """All live streams (auto play) but those stopped by hand, or the ones asked for by name."""

    def __init__(self, *, auto_play: bool) -> None:
        self._auto_play = auto_play
        # Insertion order is the order of asking.
        self._asked: dict[str, None] = {}
        self._stopped: set[str] = set()
        # Who spoke last is last.
        self._spoke: dict[str, None] = {}

    def start(self, stream_id: str) -> None:
        """Play a stream, now or as soon as it is live; refused with 1004010 beyond `PLAY_LIMIT` streams."""
        self._stopped.discard(stream_id)
        if self._auto_play or stream_id in self._asked:
            return
        if len(self._asked) >= PLAY_LIMIT:
            raise Refused(f"At most {PLAY_LIMIT} streams can be played at once.", ErrorCode.PLAYER_COUNT_EXCEED)
        self._asked[stream_id] = None

    def stop(self, stream_id: str, live: Sequence[str]) -> None:
        """Play a stream no longer; refused with 1004011 if it was not played."""
        played = self.wanted(live) if self._auto_play else self._asked
        if stream_id not in played:
            raise Refused("This stream is not being played.", ErrorCode.PLAYER_STREAM_WAS_NOT_PLAYED)
        if self._auto_play:
            self._stopped.add(stream_id)
        else:
            del self._asked[stream_id]

    def spoke(self, stream_id: str) -> bool:
        """Its user speaks; True if other streams may be wanted now."""
        if not self._auto_play or next(reversed(self._spoke), None) == stream_id:
            return False
        self._spoke.pop(stream_id, None)
        self._spoke[stream_id] = None
        return True

    def wanted(self, live: Sequence[str]) -> list[str]:
        """What to play of the live streams, at most `PLAY_LIMIT`: who spoke latest, and then first come first."""
        # A stream that was stopped by hand and went away counts as new when it comes back.
        self._stopped.intersection_update(live)
        if self._auto_play:
            wanted = [stream_id for stream_id in live if stream_id not in self._stopped]
            self._spoke = {stream_id: None for stream_id in self._spoke if stream_id in live}
            latest = [stream_id for stream_id in self._spoke if stream_id in wanted][-PLAY_LIMIT:]
            silent = [stream_id for stream_id in wanted if stream_id not in latest]
            chosen = {*latest, *silent[: PLAY_LIMIT - len(latest)]}
            wanted = [stream_id for stream_id in wanted if stream_id in chosen]
        else:
            wanted = [stream_id for stream_id in live if stream_id in self._asked]
        return wanted[:PLAY_LIMIT]
