"""Who plays streams, in pages or in Python."""

from __future__ import annotations

from typing import Protocol


class Player(Protocol):
    """What is done to whoever plays: `media.played_streams.PlayedStreams` and `page_wishes.PlayedInPages` are such."""

    def mute_audio(self, stream_id: str, muted: bool) -> None: ...
    def mute_video(self, stream_id: str, muted: bool) -> None: ...
    def set_volume(self, volume: int, stream_id: str) -> None: ...
    def reset(self, stream_id: str) -> None: ...
