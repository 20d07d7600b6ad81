"""How loud the streams of each room are, and who speaks there: what pages are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from zego_widget.protocol import ActiveSpeaker as SpeakerMessage

from .active_speaker import ActiveSpeaker
from .one_by_one import Named, one_by_one
from .source import Source

PERIOD = 0.2
"""Seconds between two looks, and so between two messages to a page."""
STEP = 20
"""Levels are told in steps: what nobody can see is not worth a message."""

RoomKey = tuple[int, str]
"""App ID and room ID."""

NOBODY = SpeakerMessage(None, None)


@dataclass(frozen=True, slots=True)
class RoomSound:
    """How a room sounds now."""

    levels: Mapping[str, int]
    """Stream ID -> 0 to 100 in steps; what is silent, muted, or does not tell, is left out."""
    speaker: SpeakerMessage


SILENCE = RoomSound({}, NOBODY)


class Listener(Named, Protocol):
    """A session that is told."""

    def tell_sound(self, sounds: Mapping[RoomKey, RoomSound]) -> None:
        """Tell the pages of this session how its room sounds."""


class SoundLevels:
    """Looks at all rooms, and tells each session of its own."""

    def __init__(self) -> None:
        self._speakers: dict[RoomKey, ActiveSpeaker] = {}

    def tick(self, now: float, sources: Mapping[tuple[int, str], Source], sessions: Iterable[Listener]) -> None:
        """Look and tell; `sources` are all live streams by app ID and stream ID."""
        rooms: dict[RoomKey, dict[str, Source]] = {}
        for (app_id, stream_id), source in sources.items():
            rooms.setdefault((app_id, source.publisher.room_id), {})[stream_id] = source
        self._speakers = {room: self._speakers.get(room) or ActiveSpeaker() for room in rooms}
        sounds = {room: _sound(streams, self._speakers[room], now) for room, streams in rooms.items()}
        one_by_one(sessions, lambda session: session.tell_sound(sounds))


def _sound(streams: Mapping[str, Source], speaker: ActiveSpeaker, now: float) -> RoomSound:
    levels = {each: level for each, source in streams.items() if (level := source.sound_level(now)) is not None}
    people = {each: level for each, level in levels.items() if streams[each].is_person}
    speaks = speaker.look(people, now)
    return RoomSound(
        {each: STEP * int(level / STEP) for each, level in levels.items() if level >= STEP},
        NOBODY if speaks is None else SpeakerMessage(speaks, streams[speaks].publisher.user.user_id),
    )
