"""Tells quality and sound levels while something is published or played."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from ..errors import ErrorCode, InvalidArgument, ZegoError
from ..model import PublishChannel
from .core import Core
from .participation import Participation
from .playing import Playing
from .publishing import Publishing
from .quality import StreamQualityLevel, play_quality, publish_quality, quality_level
from .states import PlayerState, PublisherState

if TYPE_CHECKING:
    from ..media.stats import PeerStats

logger = logging.getLogger(__name__)

QUALITY_PERIOD = 3
"""Seconds between two reports about each stream."""
NETWORK_PERIOD = 2
"""Seconds between two reports about the network."""
SOUND_PERIODS = (100, 3000)
"""Milliseconds a sound level period may have."""


class Monitor:
    """Runs while the media peer is connected."""

    def __init__(self, core: Core, media: Participation, publishing: Publishing, playing: Playing) -> None:
        self._core = core
        self._media = media
        self._publishing = publishing
        self._playing = playing
        self._sound: asyncio.Task[None] | None = None
        media.while_connected = self._watch

    async def start_sound_levels(self, millisecond: int) -> None:
        """Tell sound levels (ZEGO startSoundLevelMonitor); again: with another period."""
        self._end_sound()
        self._sound = self._core.spawn(self._listen(millisecond / 1000))

    async def stop_sound_levels(self) -> None:
        """Tell no more (ZEGO stopSoundLevelMonitor)."""
        self._end_sound()

    def _end_sound(self) -> None:
        # At once: the next verb may come before this one is done.
        sound, self._sound = self._sound, None
        if sound is not None:
            sound.cancel()
            if (peer := self._media.peer_now) is not None:
                peer.monitor_sound_levels(False)

    async def _listen(self, period: float) -> None:
        while True:
            await asyncio.sleep(period)
            peer = self._media.peer_now
            if peer is None or not (self._publishing.publications or self._playing.played or self._publishing.previews):
                continue
            peer.monitor_sound_levels(True)
            self._core.emit("captured_sound_level_update", peer.capture_sound_level(PublishChannel.MAIN))
            if self._playing.played:
                self._core.emit("remote_sound_level_update", peer.sound_levels())

    async def _watch(self) -> None:
        earlier: PeerStats | None = None
        second = 0
        while True:
            await asyncio.sleep(1.0)
            second += 1
            if second % QUALITY_PERIOD and second % NETWORK_PERIOD:
                continue
            peer = self._media.peer_now
            assert peer is not None
            try:
                stats = await peer.stats()
            except ZegoError as error:
                logger.debug("No quality could be told: %s", error)
                continue
            if second % NETWORK_PERIOD == 0:
                self._tell_network(stats)
            if second % QUALITY_PERIOD == 0:
                self._tell_streams(earlier, stats)
                earlier = stats

    def _tell_streams(self, earlier: PeerStats | None, stats: PeerStats) -> None:
        for publication in self._publishing.publications:
            sent = stats.published.get(publication.channel)
            if sent is not None and publication.state is PublisherState.PUBLISHING:
                before = earlier.published.get(publication.channel) if earlier else None
                quality = publish_quality(before, sent, QUALITY_PERIOD, stats.rtt)
                self._core.emit("publisher_quality_update", quality, publication.stream_id)
        for played in self._playing.played:
            received = stats.played.get(played.stream_id)
            if received is not None and played.state is PlayerState.PLAYING:
                earlier_played = earlier.played.get(played.stream_id) if earlier else None
                arrived = play_quality(earlier_played, received, QUALITY_PERIOD, stats.rtt)
                self._core.emit("player_quality_update", arrived, played.stream_id)

    def _tell_network(self, stats: PeerStats) -> None:
        sent = [
            stats.published[each.channel].loss
            for each in self._publishing.publications
            if each.channel in stats.published
        ]
        received = [
            stats.played[each.stream_id].loss for each in self._playing.played if each.stream_id in stats.played
        ]
        if self._publishing.publications or self._playing.played:
            self._core.emit("network_quality", None, _level(stats.rtt, sent), _level(stats.rtt, received))


def check_sound_period(millisecond: int) -> None:
    """Raises `InvalidArgument` (1006031) for a period that is too short or too long."""
    shortest, longest = SOUND_PERIODS
    if not shortest <= millisecond <= longest:
        raise InvalidArgument(
            f"A sound level period has {shortest} to {longest} ms, not {millisecond}.",
            ErrorCode.DEVICE_SOULD_LEVEL_INTERVAL_INVALID,
        )


def _level(rtt: float | None, losses: list[float]) -> StreamQualityLevel:
    if rtt is None or not losses:
        return StreamQualityLevel.UNKNOWN
    return quality_level(rtt * 1000, max(losses))
