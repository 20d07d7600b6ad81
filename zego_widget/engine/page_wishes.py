"""What an engine wants of its pages: what they capture and send, how they play, with which devices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import protocol
from ..model import PublishChannel, VideoMirrorMode
from .capture import CaptureSettings, ChannelSettings
from .player import Player
from .presets import AudioChannel

Shown = PublishChannel | str
"""What a view shows: the local preview of a channel, or a stream."""


@dataclass
class PageDeviceWishes:
    """What the device verbs chose."""

    camera_id: str = ""
    microphone_id: str = ""
    speaker_id: str = ""
    speaker_muted: bool = False
    mirror: VideoMirrorMode = VideoMirrorMode.ONLY_PREVIEW_MIRROR
    zoom: float = 1.0
    sound_period: int = 0


class PageWishes:
    """State, not messages: the trait `_media`, which every page follows, also one that comes later."""

    def __init__(self, capture: CaptureSettings, changed: Callable[[], None]) -> None:
        self._capture = capture
        self._changed = changed
        self.captures = True
        """False: Python captures."""
        self.devices = PageDeviceWishes()
        self.on_ended: list[Callable[[Shown], None]] = []
        """Called when a channel is neither sent nor shown any more, or a stream is played no more."""
        self.played = PlayedInPages(self._end, changed)
        self._previews: set[PublishChannel] = set()
        self._publishing: set[PublishChannel] = set()

    @property
    def media(self) -> protocol.PageMedia:
        """The trait `_media`."""
        devices = self.devices
        return protocol.PageMedia(
            captures=self.captures,
            main=self._channel(PublishChannel.MAIN),
            aux=self._channel(PublishChannel.AUX),
            played=self.played.told,
            camera_id=devices.camera_id,
            microphone_id=devices.microphone_id,
            speaker_id=devices.speaker_id,
            speaker_muted=devices.speaker_muted,
            capture_volume=self._capture.channels[PublishChannel.MAIN].volume,
            mirror=devices.mirror,
            zoom=devices.zoom,
            sound_period=devices.sound_period,
        )

    def _channel(self, channel: PublishChannel) -> protocol.PageChannel:
        settings: ChannelSettings = self._capture.channels[channel]
        video, audio = settings.video, settings.audio
        # The camera of the main channel is a trait of its own; a screen that is off is one that is not sent.
        off = channel is not PublishChannel.MAIN and not settings.camera
        return protocol.PageChannel(
            preview=channel in self._previews,
            publish=channel in self._publishing,
            audio=settings.microphone,
            audio_muted=settings.audio_muted,
            video_muted=settings.video_muted or off,
            width=video.encode_width,
            height=video.encode_height,
            fps=video.fps,
            video_kbps=video.bitrate,
            audio_kbps=audio.bitrate,
            stereo=audio.channel is AudioChannel.STEREO,
            traffic=settings.traffic.for_pages,
        )

    @property
    def publishing(self) -> frozenset[PublishChannel]:
        """Channels that are to be sent."""
        return frozenset(self._publishing)

    def wants(self, shown: Shown) -> bool:
        """Whether pages are to capture a channel, or play a stream."""
        if isinstance(shown, PublishChannel):
            return self.captures and shown in self._previews | self._publishing
        return shown in self.played.wanted

    def set_publishing(self, publishing: bool, channel: PublishChannel) -> None:
        """Whether a channel is sent."""
        self._wish(self._publishing, channel, publishing)

    def set_preview(self, preview: bool, channel: PublishChannel) -> None:
        """Whether a channel is shown to oneself."""
        self._wish(self._previews, channel, preview)

    def set_device(self, **wishes: Any) -> None:
        """Fields of `PageDeviceWishes`."""
        for name, value in wishes.items():
            setattr(self.devices, name, value)
        self._changed()

    def _end(self, shown: Shown) -> None:
        for ended in self.on_ended:
            ended(shown)

    def _wish(self, channels: set[PublishChannel], channel: PublishChannel, wanted: bool) -> None:
        if wanted:
            channels.add(channel)
        else:
            channels.discard(channel)
        if channel not in self._previews | self._publishing:
            self._end(channel)
        self._changed()


@dataclass
class _Settings:
    """How a stream is played; a volume of None is 100."""

    audio_muted: bool = False
    video_muted: bool = False
    volume: int | None = None


class PlayedInPages:
    """The streams that the engine plays, and how."""

    def __init__(self, ended: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._ended = ended
        self._changed = changed
        self._settings: dict[str, _Settings] = {}
        self.wanted: set[str] = set()
        """Streams that the engine plays."""

    @property
    def told(self) -> list[protocol.PagePlayed]:
        """As pages are told: what is not as usual."""
        return [
            protocol.PagePlayed(
                stream_id, played.audio_muted, played.video_muted, 100 if played.volume is None else played.volume
            )
            for stream_id, played in sorted(self._settings.items())
            if played != _Settings()
        ]

    def mute_audio(self, stream_id: str, muted: bool) -> None:
        """Play no sound of a stream."""
        self._settings.setdefault(stream_id, _Settings()).audio_muted = muted
        self._changed()

    def mute_video(self, stream_id: str, muted: bool) -> None:
        """Show no pictures of a stream."""
        self._settings.setdefault(stream_id, _Settings()).video_muted = muted
        self._changed()

    def set_volume(self, volume: int, stream_id: str) -> None:
        """0 to 200."""
        self._settings.setdefault(stream_id, _Settings()).volume = volume
        self._changed()

    def reset(self, stream_id: str) -> None:
        """A stream is played no more, and forgotten."""
        self._settings.pop(stream_id, None)
        self.wanted.discard(stream_id)
        self._ended(stream_id)
        self._changed()

    def bring_to(self, player: Player) -> None:
        """Have another play as the pages do."""
        for stream_id, played in self._settings.items():
            if played.audio_muted:
                player.mute_audio(stream_id, True)
            if played.video_muted:
                player.mute_video(stream_id, True)
            if played.volume is not None:
                player.set_volume(played.volume, stream_id)
