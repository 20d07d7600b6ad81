"""One WebRTC connection of a session, made of Python: captures, sends, receives and hands out frames."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from zego_widget import protocol
from zego_widget.errors import ErrorCode, ZegoError
from zego_widget.model import PeerState, PublishChannel

from .channel import Channel
from .config import CaptureConfig
from .connection import CONNECT_TIMEOUT, Connection, SendOffer
from .frame_queue import FrameQueue
from .frames import AudioFrame, VideoFrame
from .levels import check_volume
from .playback import Played
from .sources import AudioSource, TestPattern, Tone, VideoSource
from .stats import PeerStats, StreamStats

logger = logging.getLogger(__name__)

KINDS = ("audio", "video")


class MediaPeerEvents:
    """What a `MediaPeer` tells; override what you need. All calls come on the peer's loop and must not block."""

    def peer_state_changed(self, state: PeerState, reason: str) -> None:
        """The connection came up or ended; after CLOSED `connect` may be called again."""

    def capture_changed(self, captures: bool) -> None:
        """Whether this peer is the one of its session that captures."""

    def control_received(self, message: protocol.ControlMessage) -> None:
        """Any message of the hub on `control`, after the peer itself followed it."""

    def played_streams_changed(self, stream_ids: frozenset[str]) -> None:
        """These streams have a receive slot now."""

    def first_frame_received(self, stream_id: str, kind: str) -> None:
        """The first complete `audio` or `video` frame of a played stream came (decoded or not)."""

    def video_size_changed(self, stream_id: str, width: int, height: int) -> None:
        """A played stream has pictures of this size from now on (read from VP8 key frames without decoding)."""

    def first_frame_sent(self, channel: PublishChannel, kind: str) -> None:
        """The first `audio` or `video` frame of a channel went to its encoder."""

    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None:
        """A channel sends pictures of this size from now on."""

    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None:
        """A source has no more to give (`error` is None) or raised."""


class MediaPeer:
    """A participant's media. Build it, `set_publishing`, `connect`; `aclose` ends every task, thread and socket of it.

    Unless told otherwise all methods belong to the loop that runs `connect`. `frames`, `audio_frames` and iteration
    over what they return work from any thread and any loop, also before a stream comes and across reconnects.
    Encoding uses the default executor of the loop, which outlives the peer; whoever owns the loop ends it.
    """

    def __init__(
        self,
        send_offer: SendOffer,
        events: MediaPeerEvents | None = None,
        *,
        peer_id: str | None = None,
        slots: int = protocol.PLAY_LIMIT,
    ) -> None:
        """`slots` is the number of streams that can be played at once."""
        self._send_offer = send_offer
        self._events = events or MediaPeerEvents()
        self._slots = slots
        self._name = (peer_id or f"python-{secrets.token_hex(4)}")[:48]
        self._connects = 0
        self._connection: Connection | None = None
        self._state = PeerState.NEW
        self._captures = False
        self._closed = False
        self._closing: set[asyncio.Task[None]] = set()
        told = _Told(self)
        self._channels = {name: Channel(name, _ChannelLink(self, told), time.monotonic) for name in PublishChannel}
        self._channels[PublishChannel.MAIN].video.set_source(TestPattern())
        self._channels[PublishChannel.MAIN].audio.set_source(Tone())
        self._told = told
        # Guards the two below, which `frames` reads on other threads.
        self._lock = threading.Lock()
        self._played: dict[str, Played] = {}
        self._shown: frozenset[str] = frozenset()
        self._play_volume = 100
        self._monitors = False

    # -- connection -------------------------------------------------------------------------------------------

    @property
    def peer_id(self) -> str:
        """ID of the present connection; every `connect` uses another one."""
        return f"{self._name}-{self._connects}"

    @property
    def state(self) -> PeerState:
        """Of the present connection."""
        return self._state

    @property
    def captures(self) -> bool:
        """Whether this peer is the one of its session that captures."""
        return self._captures

    @property
    def played_streams(self) -> frozenset[str]:
        """Streams that have a receive slot now."""
        return self._shown

    async def connect(self, capture: protocol.CaptureWish = "take", timeout: float = CONNECT_TIMEOUT) -> None:
        """Offer a fresh connection and wait until it is up and `RoomSnapshot` came.

        What is captured, published, muted and consumed stays as it is. Raises what `send_offer` raises, and
        `HubUnreachable` (MEDIA_CONNECT_FAILED) when no media connection comes about within `timeout` seconds.
        """
        while self._connection is not None or self._closing:  # also that of somebody else who waited here
            await self.disconnect()
        if self._closed:
            raise ZegoError("This peer was closed for good.", ErrorCode.MEDIA_CONNECT_FAILED)
        self._connects += 1
        tracks = {slot: track for channel in self._channels.values() for slot, track in channel.new_tracks().items()}
        self._connection = connection = Connection(self.peer_id, tracks, self._slots, _Link(self))
        self._become(PeerState.CONNECTING)
        try:
            microphone, camera = devices = self._channels[PublishChannel.MAIN].devices
            await connection.open(self._send_offer, capture, microphone, camera, timeout)
        except BaseException as error:
            await self._end(connection)
            if self._connection is connection:
                self._forget(str(error) or type(error).__name__)
            raise
        if self._connection is not connection:
            raise ZegoError("The connection was closed again at once.", ErrorCode.MEDIA_CONNECT_FAILED)
        for channel in self._channels.values():
            channel.attach(connection.senders)
        self._become(PeerState.CONNECTED)
        self._update()
        if devices != self._channels[PublishChannel.MAIN].devices:
            self._tell_devices()

    async def disconnect(self) -> None:
        """Close the connection, if there is one; sources and consumers stay."""
        connection = self._connection
        if connection is not None:
            self._forget("closed here")
            await self._end(connection)
        if self._closing:
            await asyncio.wait(self._closing)

    async def aclose(self) -> None:
        """End everything; idempotent. Consumers see the end of their frames."""
        self._closed = True
        await self.disconnect()
        await asyncio.gather(*(channel.aclose() for channel in self._channels.values()))
        with self._lock:
            played = list(self._played.values())
            self._played.clear()
        for stream in played:
            stream.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # -- capture ----------------------------------------------------------------------------------------------

    def set_capture(
        self,
        video: VideoSource | None,
        audio: AudioSource | None,
        channel: PublishChannel = PublishChannel.MAIN,
    ) -> None:
        """What a channel captures from now on; None is no camera or no microphone.

        The former sources are closed. By default MAIN has `TestPattern()` and `Tone()`, AUX nothing.
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
        return await _snapshot(self.captured_frames(channel, 1), timeout, code)

    def capture_sound_level(self, channel: PublishChannel = PublishChannel.MAIN) -> float:
        """0 to 100 (`levels`), after capture volume; 0 while muted."""
        return self._channels[channel].audio.level

    # -- playing ----------------------------------------------------------------------------------------------

    def frames(self, stream_id: str, maxsize: int = 8) -> FrameQueue[VideoFrame]:
        """Decoded pictures of a played stream: `async for frame in peer.frames(...)`; close it when done.

        A consumer that is slow loses the oldest; `lost` of the queue counts them. Thread-safe.
        """
        with self._lock:
            queue = self._stream(stream_id).pictures.add(maxsize)
        if self._closed:
            queue.end()
        return queue

    def audio_frames(self, stream_id: str, maxsize: int = 50) -> FrameQueue[AudioFrame]:
        """Decoded sound of a played stream in frames of 20 ms, 48 kHz, two channels. Thread-safe."""
        with self._lock:
            queue = self._stream(stream_id).sounds.add(maxsize)
        if self._closed:
            queue.end()
        return queue

    async def snapshot(self, stream_id: str, timeout: float = 5.0) -> npt.NDArray[np.uint8]:
        """The next picture of a played stream, (H, W, 3) RGB; raises `ZegoError` (1004030) when none comes."""
        code = ErrorCode.PLAYER_TAKE_PLAY_STREAM_SNAPSHOT_FAILED
        return await _snapshot(self.frames(stream_id, 1), timeout, code)

    def mute_played_video(self, stream_id: str, muted: bool) -> None:
        """Hand out (and decode) no pictures of this stream."""
        with self._lock:
            self._stream(stream_id).muted["video"] = muted

    def mute_played_audio(self, stream_id: str, muted: bool) -> None:
        """Hand out (and decode) no sound of this stream."""
        with self._lock:
            self._stream(stream_id).muted["audio"] = muted

    def set_play_volume(self, volume: int, stream_id: str | None = None) -> None:
        """0 to 200 for one stream, or for all that have no volume of their own; raises `InvalidArgument`."""
        check_volume(volume)
        with self._lock:
            if stream_id is not None:
                self._stream(stream_id).volume = volume
                return
            self._play_volume = volume
            for played in self._played.values():
                played.default_volume = volume

    def reset_played(self, stream_id: str) -> None:
        """Take back what was muted or made louder of one stream, and forget it where it is not played."""
        with self._lock:
            if (played := self._played.get(stream_id)) is not None:
                played.muted = {"audio": False, "video": False}
                played.volume = None
            self._prune()

    def monitor_sound_levels(self, enabled: bool) -> None:
        """Decode the sound of every played stream for `sound_levels`, whether or not it is consumed."""
        with self._lock:
            self._monitors = enabled
            for played in self._played.values():
                played.monitored = enabled

    def sound_levels(self) -> dict[str, float]:
        """Played stream -> 0 to 100, before play volume; 0 for what is not decoded at the moment."""
        with self._lock:
            return {stream_id: self._played[stream_id].level for stream_id in self._shown}

    # -- quality ----------------------------------------------------------------------------------------------

    async def stats(self) -> PeerStats:
        """Counts of every published channel and played stream; rates are over the time since the last call."""
        connection = self._connection
        if connection is None or self._state is not PeerState.CONNECTED:
            return PeerStats()
        for slot in connection.slots.values():
            slot.count_packets()
        now = time.monotonic()
        with self._lock:
            streams = {stream_id: self._played[stream_id].counters for stream_id in self._shown}
        played = {
            stream_id: StreamStats(counters["audio"].stats(now), counters["video"].stats(now))
            for stream_id, counters in streams.items()
        }
        published = {name: await channel.stats() for name, channel in self._channels.items() if channel.publishing}
        return PeerStats(connection.rtt, published, played)

    # -- inside -----------------------------------------------------------------------------------------------

    def _control_received(self, connection: Connection, message: protocol.ControlMessage) -> None:
        if connection is not self._connection:
            return
        match message:
            case protocol.RoomSnapshot():
                self._set_captures(message.captures)
                self._show(connection, message.slots)
            case protocol.SlotsChanged():
                self._show(connection, message.slots)
            case protocol.CaptureChanged():
                self._set_captures(message.captures)
        self._told.control_received(message)

    def _connection_lost(self, connection: Connection, reason: str) -> None:
        if connection is not self._connection:
            return
        self._forget(reason)
        self._close(connection)

    def _close(self, connection: Connection) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(connection.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task

    async def _end(self, connection: Connection) -> None:
        """Close a connection whatever happens to whoever waits for that: half closed it would keep its sockets."""
        await asyncio.shield(self._close(connection))

    def _forget(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        for channel in self._channels.values():
            channel.detach()
        self._set_captures(False)
        self._become(PeerState.CLOSED, reason)  # first: that nothing arrives any more is no news of the streams
        if connection is not None:
            self._show(connection, [])

    def _become(self, state: PeerState, reason: str = "") -> None:
        self._state = state
        logger.info("peer %s: %s%s", self.peer_id, state, f", {reason}" if reason else "")
        self._told.peer_state_changed(state, reason)

    def _set_captures(self, captures: bool) -> None:
        changed = captures != self._captures
        self._captures = captures
        self._update()
        if changed:
            self._told.capture_changed(captures)

    def _update(self) -> None:
        for channel in self._channels.values():
            channel.update(captures=self._captures)

    def _changed(self, channel: PublishChannel) -> None:
        self._update()
        if channel is PublishChannel.MAIN:
            self._tell_devices()

    def _tell_devices(self) -> None:
        if self._connection is not None:
            microphone, camera = self._channels[PublishChannel.MAIN].devices
            self._connection.say(protocol.SetDeviceState(microphone, camera))

    def _show(self, connection: Connection, assignments: list[protocol.SlotAssignment]) -> None:
        before = self._shown
        with self._lock:
            wanted: dict[str, Played] = {}
            self._shown = frozenset(assignment.stream_id for assignment in assignments)
            for assignment in assignments:
                played = self._stream(assignment.stream_id)
                wanted |= {mid: played for mid in (assignment.audio_mid, assignment.video_mid) if mid is not None}
            self._prune()
        for mid, slot in connection.slots.items():
            slot.show(wanted.get(mid))
        if self._shown != before:
            self._told.played_streams_changed(self._shown)

    def _prune(self) -> None:
        """With the lock held: forget streams that nobody plays, consumes or has set anything for."""
        for stream_id, played in list(self._played.items()):
            if stream_id not in self._shown and played.idle:
                del self._played[stream_id]

    def _stream(self, stream_id: str) -> Played:
        """With the lock held: what is known of a stream."""
        played = self._played.get(stream_id)
        if played is None:
            self._prune()
            self._played[stream_id] = played = Played(stream_id, self._told, time.monotonic)
            played.default_volume, played.monitored = self._play_volume, self._monitors
        return played


class _Link:
    """A `ConnectionOwner` that hands on to its peer."""

    def __init__(self, peer: MediaPeer) -> None:
        self.control_received = peer._control_received
        self.connection_lost = peer._connection_lost


class _ChannelLink:
    """The `ChannelEvents` of a peer: a source that ends is a device that the others see disabled."""

    def __init__(self, peer: MediaPeer, told: _Told) -> None:
        self.first_frame_sent = told.first_frame_sent
        self.capture_size_changed = told.capture_size_changed
        self._peer = peer
        self._told = told

    def capture_ended(self, channel: PublishChannel, kind: str, error: Exception | None) -> None:
        self._peer._changed(channel)
        self._told.capture_ended(channel, kind, error)


class _Told(MediaPeerEvents):
    """Hands events on to the peer's owner, and no exception back."""

    def __init__(self, peer: MediaPeer) -> None:
        events = peer._events

        def guarded(name: str) -> Callable[..., None]:
            def tell(*arguments: Any) -> None:
                try:
                    getattr(events, name)(*arguments)
                except Exception:
                    logger.exception("a handler of %s failed", name)

            return tell

        for name in vars(MediaPeerEvents):
            if not name.startswith("_"):
                setattr(self, name, guarded(name))


async def _snapshot(queue: FrameQueue[VideoFrame], timeout: float, code: ErrorCode) -> npt.NDArray[np.uint8]:
    async with queue:
        try:
            async with asyncio.timeout(timeout):
                frame = await queue.get()
        except TimeoutError:
            frame = None
    if frame is None:
        raise ZegoError(f"No picture came within {timeout:g} s.", code)
    return frame.to_ndarray("rgb24")
