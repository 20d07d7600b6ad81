"""Key frames of encoders that are really used."""

from __future__ import annotations

import fractions

import av
import pytest

from zego_widget.media.key_frames import is_key_frame, picture_size
from zego_widget.media.sources import TestPattern


def encoded(codec: str, count: int, width: int, height: int) -> list[bytes]:
    """Complete pictures, as an encoder gives them."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = fractions.Fraction(1, 15)
    encoder.options = {"lag-in-frames": "0"} if codec == "libvpx" else {"tune": "zerolatency"}
    pictures = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(TestPattern().draw(number, width, height), format="rgb24")
        frame.pts, frame.time_base = number, encoder.time_base
        pictures += [bytes(packet) for packet in encoder.encode(frame.reformat(format="yuv420p"))]
    return pictures


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (16, 16), (1280, 720)])
def test_a_vp8_key_frame_says_its_size(size: tuple[int, int]) -> None:
    first, second, *_ = encoded("libvpx", 3, *size)
    assert is_key_frame("VP8", first)
    assert picture_size("VP8", first) == size
    assert not is_key_frame("VP8", second)
    assert picture_size("VP8", second) is None


def test_an_h264_key_frame_is_told_from_others() -> None:
    first, second, *_ = encoded("libx264", 3, 320, 180)
    assert is_key_frame("H264", first)
    assert not is_key_frame("H264", second)
    assert picture_size("H264", first) is None


@pytest.mark.parametrize("codec", ["VP8", "H264", "opus"])
@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x01", b"\xff" * 9, bytes(3), bytes(100)])
def test_anything_else_is_no_key_frame(codec: str, data: bytes) -> None:
    assert not is_key_frame(codec, data)
    assert picture_size(codec, data) is None
