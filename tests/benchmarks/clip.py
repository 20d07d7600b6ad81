"""What every benchmark sends: one clip of VP8, encoded once, cut into RTP payloads, and paced as a browser does.

All engines carry the same bytes in the same rhythm. Nothing of it is decoded by the clients.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from aiortc.codecs.vpx import Vp8Encoder

FRAME_RATE = 30
SECONDS = 4
KEY_FRAME_INTERVAL = 30
CLOCK_RATE = 90_000
_PACER_STEP = 0.005  # Chromium's pacer sends bursts every 5 ms, at 2.5 times the bitrate
_PACER_FACTOR = 2.5
_PAYLOAD = 1_200
_LENGTH = struct.Struct("!I")


class Packet(NamedTuple):
    """One RTP packet of the clip: when it is due (seconds from the clip's start), and what it carries."""

    due: float
    timestamp: int
    marker: int
    payload: bytes


def encode_clip(bitrate: int) -> list[bytes]:
    """The encoded frames of a moving, soft pattern at `bitrate` bits/s, a key frame every second.

    Their size is that of ZEGO's preset for 1500 kbit/s, `PRESET_720P`.
    """
    width, height = 1280, 720
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.bit_rate = bitrate
    encoder.time_base, encoder.framerate = Fraction(1, FRAME_RATE), Fraction(FRAME_RATE)
    # a negative speed is kept to, whatever else the machine does: the same clip every time
    encoder.options = {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0", "error-resilient": "1"}
    encoder.gop_size = KEY_FRAME_INTERVAL
    grain = 16 if bitrate <= 2_000_000 else 4  # what the encoder can describe in so many bits, and needs as many for
    dots = np.random.default_rng(7).integers(0, 255, (height // grain, width * 2 // grain, 3), dtype=np.uint8)
    pattern = av.VideoFrame.from_ndarray(dots, "rgb24").reformat(width * 2, height).to_ndarray()
    frames: list[bytes] = []
    for index in range(SECONDS * FRAME_RATE):
        shift = index * 4 % width
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pattern[:, shift : shift + width] // 4 * 3), "rgb24")
        frame.pts = index
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    frames += [bytes(packet) for packet in encoder.encode(None)]
    return frames


def packets_of(frames: Iterable[bytes]) -> list[Packet]:
    """The clip as paced RTP packets (RFC 7741)."""
    frames = list(frames)
    bitrate = 8 * FRAME_RATE * sum(map(len, frames)) / len(frames)
    per_step = max(1, math.ceil(_PACER_FACTOR * bitrate * _PACER_STEP / 8 / _PAYLOAD))
    packets: list[Packet] = []
    free_at = 0.0  # first in, first out: a large frame delays those behind it
    for index, frame in enumerate(frames):
        payloads = Vp8Encoder._packetize(frame, index & 0x7FFF)
        begins_at = max(free_at, index / FRAME_RATE)
        for position, payload in enumerate(payloads):
            packets.append(
                Packet(
                    due=begins_at + position // per_step * _PACER_STEP,
                    timestamp=index * CLOCK_RATE // FRAME_RATE,
                    marker=int(position == len(payloads) - 1),
                    payload=bytes(payload),
                )
            )
        free_at = packets[-1].due + _PACER_STEP
    return packets


def save(frames: Iterable[bytes], path: Path) -> None:
    """Write frames where a load process finds them."""
    path.write_bytes(b"".join(_LENGTH.pack(len(frame)) + frame for frame in frames))


def load(path: Path) -> list[bytes]:
    """Read what `save` wrote."""
    data, position, frames = path.read_bytes(), 0, []
    while position < len(data):
        (length,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
        frames.append(data[position : position + length])
        position += length
    return frames
