"""What is decoded goes to those who consume the stream that a receive slot shows, and to nobody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import av
import pytest
from aiortc import MediaStreamError, RTCRtpReceiver

from tests.unit.media.test_codec_seam import KEY
from zego_widget.media.playback import Played, ReceiveSlot


class Track:
    """Where decoded frames come from; a decoder is as slow as the test wants."""

    def __init__(self) -> None:
        self.decoded: list[av.VideoFrame | av.AudioFrame] = []

    async def recv(self) -> av.VideoFrame | av.AudioFrame:
        if not self.decoded:
            raise MediaStreamError
        return self.decoded.pop(0)


class Slot:
    """A receive slot whose frames come as the test says."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        receiver: Any = RTCRtpReceiver(kind, SimpleNamespace(state="new"))  # type: ignore[arg-type]
        self._track = receiver._track = Track()
        self._codec = SimpleNamespace(name="VP8" if kind == "video" else "opus")
        self.slot = ReceiveSlot(kind, receiver)
        self._decoder: Any = receiver._RTCRtpReceiver__decoder_queue  # the slot has put its own there

    def arrives(self, timestamp: int) -> None:
        """An encoded frame arrives, which the decoder will have for some time."""
        self._decoder.put((self._codec, SimpleNamespace(data=KEY, timestamp=timestamp)))

    async def is_decoded(self, timestamp: int) -> None:
        """The decoder is done with it, and the slot hands it on."""
        frame = av.VideoFrame(64, 48, "yuv420p") if self.kind == "video" else av.AudioFrame("s16", "stereo", 960)
        frame.pts = timestamp
        if isinstance(frame, av.AudioFrame):
            frame.sample_rate = 48000
        self._track.decoded.append(frame)
        await self.slot.run()


class Consumer:
    """Somebody who plays a stream of that kind."""

    def __init__(self, stream_id: str, kind: str) -> None:
        self.played = Played(stream_id, self, lambda: 0.0)
        self._queue: Any = (self.played.pictures if kind == "video" else self.played.sounds).add(100)
        self._clock = 90000 if kind == "video" else 48000

    async def got(self) -> list[int]:
        """Timestamps of all it was given."""
        return [round((await self._queue.get()).time * self._clock) for _ in range(len(self._queue))]

    def first_frame_received(self, stream_id: str, kind: str) -> None: ...

    def video_size_changed(self, stream_id: str, width: int, height: int) -> None: ...


@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_what_is_decoded_late_is_not_taken_for_the_stream_that_is_shown_then(kind: str) -> None:
    slot, alice, carol = Slot(kind), Consumer("alice", kind), Consumer("carol", kind)
    slot.slot.show(alice.played)
    slot.arrives(960)
    slot.arrives(1920)
    await slot.is_decoded(960)
    slot.slot.show(carol.played)
    await slot.is_decoded(1920)
    for timestamp in range(2880, 7680, 960):  # what the jitter buffer held back, and then carol's
        slot.arrives(timestamp)
    await slot.is_decoded(6720)
    assert await alice.got() == [960]
    assert await carol.got() == [6720]
