"""The verbs of playing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

from .operation import Operation
from .parts import Verbs
from .profile import Canvas
from .stream_verbs import check_volume

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..media.frame_queue import FrameQueue
    from ..media.frames import AudioFrame, VideoFrame
    from ..media.played_streams import PlayedStreams

F = TypeVar("F")


class PlayVerbs(Verbs):
    """Playing the streams of others, at most 12 at once."""

    def start_playing_stream(self, stream_id: str, canvas: Canvas | None = None) -> Operation[None]:
        """Play a stream, now or as soon as it exists (ZEGO startPlayingStream); again: on another canvas.

        Done when the hub knows the wish; `on_player_state_update` tells when the stream plays. Fails with 1000002
        without a login, 1000014 to 1000016 for an ID that cannot be, 1004010 beyond 12 streams.
        """
        work = self._parts.playing.start(stream_id, canvas or Canvas())
        return self._parts.core.verb("start_playing_stream", work)

    def stop_playing_stream(self, stream_id: str) -> Operation[None]:
        """Play a stream no longer (ZEGO stopPlayingStream), 1004011 if it is not played; its volume and mutes reset."""
        return self._parts.core.verb("stop_playing_stream", self._parts.playing.stop(stream_id))

    def update_playing_canvas(self, stream_id: str, canvas: Canvas) -> Operation[None]:
        """Show a played stream on another canvas (ZEGO updatePlayingCanvas); 1004011 if it is not played."""
        return self._parts.core.verb("update_playing_canvas", self._parts.playing.set_canvas(stream_id, canvas))

    def mute_play_stream_video(self, mute: bool, stream_id: str) -> Operation[None]:
        """Take no pictures of a played stream (ZEGO mutePlayStreamVideo); 1004011 if it is not played."""
        work = self._parts.playing.change(stream_id, lambda player: player.mute_video(stream_id, bool(mute)))
        return self._parts.core.verb("mute_play_stream_video", work)

    def mute_play_stream_audio(self, mute: bool, stream_id: str) -> Operation[None]:
        """Take no sound of a played stream (ZEGO mutePlayStreamAudio); 1004011 if it is not played."""
        work = self._parts.playing.change(stream_id, lambda player: player.mute_audio(stream_id, bool(mute)))
        return self._parts.core.verb("mute_play_stream_audio", work)

    def mute_all_play_stream_video(self, mute: bool) -> Operation[None]:
        """Take no pictures of anything that is played now (ZEGO muteAllPlayStreamVideo)."""
        work = self._parts.playing.each(lambda player, stream_id: player.mute_video(stream_id, bool(mute)))
        return self._parts.core.verb("mute_all_play_stream_video", work)

    def mute_all_play_stream_audio(self, mute: bool) -> Operation[None]:
        """Take no sound of anything that is played now (ZEGO muteAllPlayStreamAudio)."""
        work = self._parts.playing.each(lambda player, stream_id: player.mute_audio(stream_id, bool(mute)))
        return self._parts.core.verb("mute_all_play_stream_audio", work)

    def set_play_volume(self, volume: int, stream_id: str) -> Operation[None]:
        """0 to 200, 100 leaves the sound as it is (ZEGO setPlayVolume); 1004011 if the stream is not played."""
        check_volume(volume)
        work = self._parts.playing.change(stream_id, lambda player: player.set_volume(volume, stream_id))
        return self._parts.core.verb("set_play_volume", work)

    def take_play_stream_snapshot(self, stream_id: str) -> Operation[npt.NDArray[np.uint8]]:
        """The next picture of a played stream, (H, W, 3) RGB (ZEGO takePlayStreamSnapshot).

        Fails with 1004011 if it is not played, 1004030 if no picture comes.
        """
        return self._parts.core.verb("take_play_stream_snapshot", self._parts.playing.snapshot(stream_id))

    def frames(self, stream_id: str, maxsize: int = 8) -> AsyncIterator[VideoFrame]:
        """Decoded pictures of a played stream, until the engine ends: `frame.to_ndarray(format="rgb24")`, `frame.time`.

        With views Python joins the call beside the pages, for as long as the room lasts. A consumer that is slow loses
        the oldest of `maxsize`. Raises `ZegoError` 1004011 if the stream is not played.
        """
        return self._consume("frames", stream_id, lambda streams: streams.frames(stream_id, maxsize))

    def audio_frames(self, stream_id: str, maxsize: int = 50) -> AsyncIterator[AudioFrame]:
        """Decoded sound of a played stream in frames of 20 ms, as `frames`: `frame.to_ndarray()`, `.sample_rate`."""
        return self._consume("audio_frames", stream_id, lambda streams: streams.audio_frames(stream_id, maxsize))

    async def _consume(
        self, verb: str, stream_id: str, choose: Callable[[PlayedStreams], FrameQueue[F]]
    ) -> AsyncIterator[F]:
        queue = await self._parts.core.verb(verb, self._parts.playing.queue(stream_id, choose))
        try:
            async for frame in queue:
                yield frame
        finally:
            queue.close()
