"""Where the media of a live stream come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from zego_widget.forwarder import LayeredPublication, Publication
from zego_widget.model import PublishChannel

from .network_quality import Participant


class StreamPublisher(Participant, Protocol):
    """The user whose stream it is."""

    room_id: str

    @property
    def microphone_open(self) -> bool:
        """Whether it says that its microphone is on."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the media of a live stream come from."""

    audio: Publication | None
    video: Publication | LayeredPublication | None
    publisher: StreamPublisher
    channel: PublishChannel = PublishChannel.MAIN

    @property
    def is_person(self) -> bool:
        """Whether its sound is a person's: a shared screen does not speak."""
        return self.channel is PublishChannel.MAIN

    def sound_level(self, now: float) -> float | None:
        """0 to 100; None where the publisher does not tell (RFC 6464), or is muted, whatever it tells."""
        if self.audio is None or self.audio.audio_level is None:
            return None
        if self.is_person and not self.publisher.microphone_open:
            return None
        return self.audio.audio_level.at(now)


FindSource = Callable[[str], Source | None]
"""Gives the source of a live stream by its ID."""
