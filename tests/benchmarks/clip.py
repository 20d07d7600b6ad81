"""The clip that every forwarding benchmark sends: VP8, encoded once, so that all engines carry the same bytes."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30
SECONDS = 4
BITRATE = 1_500_000
KEY_FRAME_INTERVAL = 30


def encode_clip() -> list[bytes]:
    """The encoded frames of a moving, noisy pattern, a key frame every second."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.bit_rate = BITRATE
    encoder.time_base, encoder.framerate = Fraction(1, FRAME_RATE), Fraction(FRAME_RATE)
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"}
    encoder.gop_size = KEY_FRAME_INTERVAL
    noise = np.random.default_rng(7).integers(0, 255, (HEIGHT, WIDTH * 2, 3), dtype=np.uint8)
    frames: list[bytes] = []
    for index in range(SECONDS * FRAME_RATE):
        shift = index * 4 % WIDTH
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(noise[:, shift : shift + WIDTH] // 4 * 3), "rgb24")
        frame.pts = index
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    frames += [bytes(packet) for packet in encoder.encode(None)]
    return frames


class ClipTrack(MediaStreamTrack):
    """Plays the clip over and over in real time, without encoding anything."""

    kind = "video"

    def __init__(self, frames: list[bytes]) -> None:
        super().__init__()
        self._frames = frames
        self._index = 0
        self._started = time.perf_counter()

    async def recv(self) -> av.Packet:
        due = self._started + self._index / FRAME_RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        packet = av.Packet(self._frames[self._index % len(self._frames)])
        packet.pts, packet.time_base = self._index * 90000 // FRAME_RATE, Fraction(1, 90000)
        self._index += 1
        return packet
