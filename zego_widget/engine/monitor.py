"""Tells quality and sound levels while something is published or played."""

from __future__ import annotations

import asyncio
import logging

from .. import protocol
from ..errors import ErrorCode, InvalidArgument, ZegoError
from ..model import PublishChannel
from .core import Core
from .participation import Participation
from .playing import Played, Playing
from .publishing import Publication, Publishing
from .quality import (
    DEAD_PLAYED,
    DEAD_PUBLISHED,
    Looks,
    PeerCounts,
    Silence,
    StreamQualityLevel,
    loss_of,
    play_quality,
    publish_quality,
    quality_level,
)
from .states import PlayerState, PublisherState

logger = logging.getLogger(__name__)

QUALITY_PERIOD = 3
"""Seconds between two reports about each stream."""
NETWORK_PERIOD = 2
"""Seconds between two reports about the network."""
SOUND_PERIODS = (100, 3000)
"""Milliseconds a sound level period may have."""

# What `Silence` knows of the network; no stream ID has a blank.
_DIRECTIONS = ("up stream", "down stream")


class Monitor:
    """Runs while anything of the engine is connected, in Python or in a page."""

    def __init__(self, core: Core, media: Participation, publishing: Publishing, playing: Playing) -> None:
        self._core = core
        self._media = media
        self._publishing = publishing
        self._playing = playing
        self._sound: asyncio.Task[None] | None = None
        media.while_connected = self._watch
        core.route(protocol.NetworkQualityUpdate, self._others)

    async def start_sound_levels(self, millisecond: int) -> None:
        """Tell sound levels (ZEGO startSoundLevelMonitor); again: with another period."""
        self._end_sound()
        self._media.pages.wishes.set_device(sound_period=millisecond)
        self._sound = self._core.spawn(self._listen(millisecond / 1000))

    async def stop_sound_levels(self) -> None:
        """Tell no more (ZEGO stopSoundLevelMonitor)."""
        self._end_sound()

    def _end_sound(self) -> None:
        # At once: the next verb may come before this one is done.
        sound, self._sound = self._sound, None
        if sound is not None:
            sound.cancel()
            self._media.pages.wishes.set_device(sound_period=0)
            if (peer := self._media.python.now) is not None:
                peer.played.monitor_sound_levels(False)

    async def _listen(self, period: float) -> None:
        while True:
            await asyncio.sleep(period)
            if self._publishing.publications or self._playing.played or self._publishing.previews:
                self._tell_sound()

    def _tell_sound(self) -> None:
        media, pages = self._media, self._media.pages
        peer = media.python.now
        if peer is not None:
            # Where pages play, Python need not decode what it does not give to anybody.
            peer.played.monitor_sound_levels(not pages.in_use)
        if not media.python_captures:
            self._core.emit("captured_sound_level_update", pages.reports.capture_sound_level())
        elif peer is not None:
            self._core.emit("captured_sound_level_update", peer.channels.capture_sound_level(PublishChannel.MAIN))
        if self._playing.played and (pages.in_use or peer is not None):
            levels = pages.reports.sound_levels() if pages.in_use or peer is None else peer.played.sound_levels()
            self._core.emit("remote_sound_level_update", levels)

    async def _watch(self) -> None:
        looks, silence = Looks(), Silence()
        second = 0
        while True:
            await asyncio.sleep(1.0)
            second += 1
            if second % QUALITY_PERIOD and second % NETWORK_PERIOD:
                continue
            try:
                stats = await self._media.stats()
            except ZegoError as error:
                logger.debug("No quality could be told: %s", error)
                continue
            publications, playing = self._live()
            streams = {each.stream_id for each in publications} | {each.stream_id for each in playing}
            sent = {each.stream_id for each in publications if each.channel in stats.published}
            looks.seen(second, streams, sent | (streams & stats.played.keys()))
            silence.keep(streams.union(_DIRECTIONS))
            if second % NETWORK_PERIOD == 0:
                self._tell_network(stats, silence)
            if second % QUALITY_PERIOD == 0:
                self._tell_streams(second, looks, stats, silence)

    def _live(self) -> tuple[list[Publication], list[Played]]:
        """What is published and played indeed."""
        published = [each for each in self._publishing.publications if each.state is PublisherState.PUBLISHING]
        return published, [each for each in self._playing.played if each.state is PlayerState.PLAYING]

    def _tell_streams(self, now: float, looks: Looks, stats: PeerCounts, silence: Silence) -> None:
        publications, playing = self._live()
        for publication in publications:
            stream_id = publication.stream_id
            sent = stats.published.get(publication.channel)
            if sent is not None:
                silence.heard(stream_id)
                before, seconds = looks.look(stream_id, now, sent)
                quality = publish_quality(before, sent, seconds, stats.rtt)
                self._core.emit("publisher_quality_update", quality, stream_id)
            elif silence.level(stream_id) is StreamQualityLevel.DIE:
                self._core.emit("publisher_quality_update", DEAD_PUBLISHED, stream_id)
        for played in playing:
            received = stats.played.get(played.stream_id)
            if received is not None:
                silence.heard(played.stream_id)
                before, seconds = looks.look(played.stream_id, now, received)
                arrived = play_quality(before, received, seconds, stats.rtt)
                self._core.emit("player_quality_update", arrived, played.stream_id)
            elif silence.level(played.stream_id) is StreamQualityLevel.DIE:
                self._core.emit("player_quality_update", DEAD_PLAYED, played.stream_id)

    def _others(self, event: protocol.NetworkQualityUpdate) -> None:
        for user in event.users:
            self._core.emit("network_quality", user.user_id, user.upstream, user.downstream)

    def _tell_network(self, stats: PeerCounts, silence: Silence) -> None:
        publications, played = self._publishing.publications, self._playing.played
        if not (publications or played):
            return
        sent = [stats.published[each.channel] for each in publications if each.channel in stats.published]
        received = [stats.played[each.stream_id] for each in played if each.stream_id in stats.played]
        levels = []
        for direction, counts in zip(_DIRECTIONS, (sent, received), strict=True):
            if counts and stats.rtt is not None:
                silence.heard(direction)
                levels.append(quality_level(stats.rtt * 1000, max(loss_of(each) for each in counts)))
            else:
                levels.append(silence.level(direction))
        self._core.emit("network_quality", None, *levels)


def check_sound_period(millisecond: int) -> None:
    """Raises `InvalidArgument` (1006031) for a period that is too short or too long."""
    shortest, longest = SOUND_PERIODS
    if not shortest <= millisecond <= longest:
        raise InvalidArgument(
            f"A sound level period has {shortest} to {longest} ms, not {millisecond}.",
            ErrorCode.DEVICE_SOULD_LEVEL_INTERVAL_INVALID,
        )
