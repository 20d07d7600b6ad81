"""The streams that a peer plays: who consumes them, how loud they are, and on which slots they come."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zego_widget import protocol
from zego_widget.errors import ErrorCode

from .frame_queue import FrameQueue
from .frames import AudioFrame, VideoFrame
from .levels import check_volume
from .playback import Played, PlayedEvents, ReceiveSlot
from .snapshot import next_picture
from .stats import StreamStats


class PlayedStreamsEvents(PlayedEvents, Protocol):
    """What the owner of `PlayedStreams` is told."""

    def played_streams_changed(self, stream_ids: frozenset[str]) -> None: ...


class PlayedStreams:
    """Every stream that is shown, consumed, muted or has a volume of its own; outlives connections.

    `frames`, `audio_frames` and iteration over what they return work from any thread and any loop, also before a
    stream comes and across reconnects; the rest belongs to the loop of the peer.
    """

    def __init__(self, events: PlayedStreamsEvents) -> None:
        self._events = events
        # Guards all below, which `frames` reads on other threads.
        self._lock = threading.Lock()
        self._played: dict[str, Played] = {}
        self._shown: frozenset[str] = frozenset()
        self._volume = 100
        self._monitors = False
        self._closed = False

    @property
    def stream_ids(self) -> frozenset[str]:
        """Streams that have a receive slot now."""
        return self._shown

    # -- consuming --------------------------------------------------------------------------------------------

    def frames(self, stream_id: str, maxsize: int = 8) -> FrameQueue[VideoFrame]:
        """Decoded pictures of a stream: `async for frame in peer.played.frames(...)`; close it when done.

        A consumer that is slow loses the oldest; `lost` of the queue counts them. Thread-safe.
        """
        with self._lock:
            queue = self._stream(stream_id).pictures.add(maxsize)
            if self._closed:
                queue.end()
        return queue

    def audio_frames(self, stream_id: str, maxsize: int = 50) -> FrameQueue[AudioFrame]:
        """Decoded sound of a stream in frames of 20 ms, 48 kHz, two channels. Thread-safe."""
        with self._lock:
            queue = self._stream(stream_id).sounds.add(maxsize)
            if self._closed:
                queue.end()
        return queue

    async def snapshot(self, stream_id: str, timeout: float = 5.0) -> npt.NDArray[np.uint8]:
        """The next picture of a stream, (H, W, 3) RGB; raises `ZegoError` (1004030) when none comes."""
        code = ErrorCode.PLAYER_TAKE_PLAY_STREAM_SNAPSHOT_FAILED
        return await next_picture(self.frames(stream_id, 1), timeout, code)

    # -- settings ---------------------------------------------------------------------------------------------

    def mute_video(self, stream_id: str, muted: bool) -> None:
        """Hand out (and decode) no pictures of this stream."""
        with self._lock:
            self._stream(stream_id).muted["video"] = muted

    def mute_audio(self, stream_id: str, muted: bool) -> None:
        """Hand out (and decode) no sound of this stream."""
        with self._lock:
            self._stream(stream_id).muted["audio"] = muted

    def set_volume(self, volume: int, stream_id: str | None = None) -> None:
        """0 to 200 for one stream, or for all that have no volume of their own; raises `InvalidArgument`."""
        check_volume(volume)
        with self._lock:
            if stream_id is not None:
                self._stream(stream_id).volume = volume
                return
            self._volume = volume
            for played in self._played.values():
                played.default_volume = volume

    def reset(self, stream_id: str) -> None:
        """Take back what was muted or made louder of one stream, and forget it where it is not played."""
        with self._lock:
            if (played := self._played.get(stream_id)) is not None:
                played.muted = {"audio": False, "video": False}
                played.volume = None
            self._prune()

    def monitor_sound_levels(self, enabled: bool) -> None:
        """Decode the sound of every stream for `sound_levels`, whether or not it is consumed."""
        with self._lock:
            self._monitors = enabled
            for played in self._played.values():
                played.monitored = enabled

    def sound_levels(self) -> dict[str, float]:
        """Stream that has a slot -> 0 to 100, before volume; 0 for what is not decoded at the moment."""
        with self._lock:
            return {stream_id: self._played[stream_id].level for stream_id in self._shown}

    # -- for the peer -----------------------------------------------------------------------------------------

    def show(self, slots: Mapping[str, ReceiveSlot], assignments: Sequence[protocol.SlotAssignment]) -> None:
        """These streams have these slots, by mid, and no others."""
        before = self._shown
        with self._lock:
            wanted: dict[str, Played] = {}
            self._shown = frozenset(assignment.stream_id for assignment in assignments)
            for assignment in assignments:
                played = self._stream(assignment.stream_id)
                wanted |= {mid: played for mid in (assignment.audio_mid, assignment.video_mid) if mid is not None}
            self._prune()
        for mid, slot in slots.items():
            slot.show(wanted.get(mid))
        if self._shown != before:
            self._events.played_streams_changed(self._shown)

    def stats(self, now: float) -> dict[str, StreamStats]:
        """Counts of every stream that has a slot; rates are over the time since the last call."""
        with self._lock:
            streams = {stream_id: self._played[stream_id].counters for stream_id in self._shown}
        return {
            stream_id: StreamStats(counters["audio"].stats(now), counters["video"].stats(now))
            for stream_id, counters in streams.items()
        }

    def end(self) -> None:
        """Consumers see the end of their frames."""
        with self._lock:
            self._closed = True
            played = list(self._played.values())
            self._played.clear()
        for stream in played:
            stream.end()

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
            self._played[stream_id] = played = Played(stream_id, self._events, time.monotonic)
            played.default_volume, played.monitored = self._volume, self._monitors
        return played
