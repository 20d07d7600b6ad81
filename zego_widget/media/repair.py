"""What a receiver of pictures does about packets that do not come."""

from __future__ import annotations

from typing import Protocol

LOOK_INTERVAL = 0.1
"""Seconds between two looks."""
PATIENCE = 1.0
"""Seconds for which pictures wait for a packet; then they go on with a key frame."""
_ROUND_TRIPS = 3


class Buffer(Protocol):
    """Packets that wait for those before them."""

    def missing(self) -> list[int]:
        """Sequence numbers that others wait for, oldest first."""

    def release(self) -> None:
        """Hand on what waits for nothing any more."""

    async def ask_for(self, numbers: list[int]) -> None:
        """Send a NACK."""

    async def skip(self) -> None:
        """Forget what waits, and go on with a key frame."""


class Repair:
    """Asks for lost packets until they come, as a question or its answer may be lost as well."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._oldest: int | None = None
        self._missed_at = self._asked_at = 0.0

    async def look(self, now: float, round_trip: float | None) -> None:
        """Do what is due; `now` and `round_trip` are in seconds."""
        self._buffer.release()
        missing = self._buffer.missing()
        oldest = missing[0] if missing else None
        if oldest != self._oldest or oldest is None:
            self._oldest, self._missed_at, self._asked_at = oldest, now, now  # the receiver has just asked for it
            return
        an_answer_takes = round_trip or 0.0
        if now - self._missed_at >= max(PATIENCE, _ROUND_TRIPS * an_answer_takes):
            self._oldest = None
            await self._buffer.skip()
        elif now - self._asked_at >= an_answer_takes:
            self._asked_at = now
            await self._buffer.ask_for(missing)
