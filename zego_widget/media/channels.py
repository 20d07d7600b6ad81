"""The publish channels of a peer: what each captures, and whether it is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpSender

from zego_widget.errors import ErrorCode
from zego_widget.model import PublishChannel, RemoteDeviceState

from .capture import Outlet
from .channel import Channel, ChannelEvents
from .config import CaptureConfig
from .frame_queue import FrameQueue
from .frames import VideoFrame
from .levels import check_volume
from .snapshot import next_picture
from .sources import AudioSource, VideoSource, default_sources
from .stats import StreamStats


class Channels:
    """Captures what is sent or looked at, and nothing else; outlives connections."""

    def __init__(
        self, events: ChannelEvents, tell_devices: Callable[[RemoteDeviceState, RemoteDeviceState], None]
    ) -> None:
        """`tell_devices` hears what the others are to be told of microphone and camera."""
        self._tell_devices = tell_devices
        self._captures = False
        self._closed = False
        told = _FromChannel(events, self._changed)
        self._channels = {name: Channel(name, told, time.monotonic) for name in PublishChannel}
        for name, channel in self._channels.items():
            video, audio = default_sources(name)
            channel.video.set_source(video)
            channel.audio.set_source(audio)

    # -- capture ----------------------------------------------------------------------------------------------

    def set_capture(
        self,
        video: VideoSource | None,
        audio: AudioSource | None,
        channel: PublishChannel = PublishChannel.MAIN,
    ) -> None:
        """What a channel captures from now on; None is no camera or no microphone.

        The former sources are closed. A channel begins with its `default_sources`.
        """
        self._channels[channel].video.set_source(video)
        self._channels[channel].audio.set_source(audio)
        self._changed(channel)

    def set_capture_config(self, config: CaptureConfig, channel: PublishChannel = PublishChannel.MAIN) -> None:
        """Size, fps and bitrate from now on; size and fps hold at once, the bitrate as `codec_seam` says."""
        self._channels[channel].config = config

    def set_publishing(self, publishing: bool, channel: PublishChannel = PublishChannel.MAIN) -> None:
        """Whether a channel is sent. What is neither sent nor looked at (`captured_frames`) is not captured either."""
        self._channels[channel].publishing = publishing
        self._update()

    def mute_video(self, muted: bool, channel: PublishChannel = PublishChannel.MAIN) -> None:
        """A muted channel sends no pictures at all; the others hear of device state MUTE."""
        self._channels[channel].video.muted = muted
        self._changed(channel)

    def mute_audio(self, muted: bool, channel: PublishChannel = PublishChannel.MAIN) -> None:
        """A muted channel sends silence; the others hear of device state MUTE."""
        self._channels[channel].audio.muted = muted
        self._changed(channel)

    def enable_video(self, enabled: bool, channel: PublishChannel = PublishChannel.MAIN) -> None:
        """A disabled camera is not read; the others hear of device state DISABLE."""
        self._channels[channel].video.enabled = enabled
        self._changed(channel)

    def enable_audio(self, enabled: bool, channel: PublishChannel = PublishChannel.MAIN) -> None:
        """A disabled microphone is not read; the others hear of device state DISABLE."""
        self._channels[channel].audio.enabled = enabled
        self._changed(channel)

    def set_capture_volume(self, volume: int, channel: PublishChannel = PublishChannel.MAIN) -> None:
        """0 to 200, 100 leaves the samples as they are; raises `InvalidArgument`."""
        self._channels[channel].audio.volume = check_volume(volume)

    def captured_frames(
        self, channel: PublishChannel = PublishChannel.MAIN, maxsize: int = 8
    ) -> FrameQueue[VideoFrame]:
        """The pictures of a channel before they are encoded (the local preview); captures while it is open."""
        queue = self._channels[channel].video.viewers.add(maxsize)
        if self._closed:
            queue.end()
        else:
            self._update()
        return queue

    async def capture_snapshot(
        self, channel: PublishChannel = PublishChannel.MAIN, timeout: float = 5.0
    ) -> npt.NDArray[np.uint8]:
        """The next captured picture, (H, W, 3) RGB; raises `ZegoError` (1003030) when none comes."""
        code = ErrorCode.PUBLISHER_TAKE_PUBLISH_STREAM_SNAPSHOT_FAILED
        return await next_picture(self.captured_frames(channel, 1), timeout, code)

    def capture_sound_level(self, channel: PublishChannel = PublishChannel.MAIN) -> float:
        """0 to 100 (`levels`), after capture volume; 0 while muted."""
        return self._channels[channel].audio.level

    # -- for the peer -----------------------------------------------------------------------------------------

    @property
    def devices(self) -> tuple[RemoteDeviceState, RemoteDeviceState]:
        """What the others are told of microphone and camera."""
        return self._channels[PublishChannel.MAIN].devices

    def new_tracks(self) -> dict[str, Outlet[Any]]:
        """The tracks of another connection, by send slot; nothing is sent on them before `attach`."""
        return {slot: track for channel in self._channels.values() for slot, track in channel.new_tracks().items()}

    def attach(self, senders: Mapping[str, RTCRtpSender]) -> None:
        """The connection of the newest tracks is up; call `send` next."""
        for channel in self._channels.values():
            channel.attach(senders)

    def detach(self) -> None:
        """The connection is gone."""
        for channel in self._channels.values():
            channel.detach()

    def send(self, captures: bool) -> None:
        """Send what is published, if this peer is the one of its session that captures."""
        self._captures = captures
        self._update()

    async def stats(self) -> dict[PublishChannel, StreamStats]:
        """Counts of every published channel since the connection began."""
        return {name: await channel.stats() for name, channel in self._channels.items() if channel.publishing}

    async def aclose(self) -> None:
        """End capture."""
        self._closed = True
        await asyncio.gather(*(channel.aclose() for channel in self._channels.values()))

    def _changed(self, channel: PublishChannel) -> None:
        self._update()
        if channel is PublishChannel.MAIN:
            self._tell_devices(*self.devices)

    def _update(self) -> None:
        for channel in self._channels.values():
            channel.update(captures=self._captures)


class _FromChannel:
    """The `ChannelEvents` of each channel: a source that ends is a device that the others see disabled."""

    def __init__(self, events: ChannelEvents, changed: Callable[[PublishChannel], None]) -> None:
        self.first_frame_sent = events.first_frame_sent
        self.capture_size_changed = events.capture_size_changed
        self._events = events
        self._changed = changed

    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None:
        self._changed(channel)
        self._events.capture_ended(channel, kind, error)
