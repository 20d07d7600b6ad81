"""Who speaks in a room, told from the levels of its streams so that it does not flap."""

from __future__ import annotations

from collections.abc import Mapping

LOUD = 25.0
"""Level from which a stream counts as speech; a quiet room is below it."""
BEGINS = 0.6
"""Seconds that somebody is loud before he is the speaker: a door that slams is not."""
LOUDER = 10.0
"""How much louder than the speaker another must be to become it while both are loud."""
TAKES_OVER = 0.8
"""Seconds for which he must be that."""
PAUSE = 2.0
"""Seconds for which the speaker may be silent while nobody else speaks."""


class ActiveSpeaker:
    """The speaker of one room; the time is seconds of any one clock."""

    def __init__(self) -> None:
        self._speaker: str | None = None
        self._heard_at = 0.0
        # Stream ID -> since when it could become the speaker, without a break.
        self._challengers: dict[str, float] = {}

    def look(self, levels: Mapping[str, float], now: float) -> str | None:
        """The stream of the speaker, None in silence; `levels` has all streams that can speak, the muted left out."""
        level = levels.get(self._speaker) if self._speaker is not None else None
        if level is None:  # nobody, or one who has left or muted
            self._speaker = None
            bar, patience = LOUD, BEGINS
        elif level < LOUD:
            bar, patience = LOUD, BEGINS
        else:
            self._heard_at = now
            bar, patience = level + LOUDER, TAKES_OVER
        before = self._challengers
        self._challengers = {
            stream_id: before.get(stream_id, now)
            for stream_id, loud in levels.items()
            if loud >= bar and stream_id != self._speaker
        }
        ready = [stream_id for stream_id, since in self._challengers.items() if now - since >= patience]
        if ready:
            # Of equals the one who began first; before that, the one who came first.
            self._speaker = max(ready, key=lambda stream_id: (levels[stream_id], -self._challengers[stream_id]))
            self._heard_at = now
            self._challengers = {}
        elif now - self._heard_at >= PAUSE:
            self._speaker = None
        return self._speaker
