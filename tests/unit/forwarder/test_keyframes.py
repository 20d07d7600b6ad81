"""A key frame is recognised by the payload's first bytes."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.forwarder.keyframes import begins_h264_key_frame, begins_vp8_key_frame, has_h264_parameters


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("10 00", True),
        ("10 01", False),
        ("00 00", False),  # continuation of the partition
        ("11 00", False),  # second partition
        ("90 80 05 00", True),  # 7-bit picture ID
        ("90 80 85 05 00", True),  # 15-bit picture ID
        ("90 80 85 05 01", False),
        ("90 e0 85 05 07 20 00", True),  # with TL0PICIDX and TID
        ("90 e0 85 05 07 20", False),  # nothing behind the descriptor
        ("90", False),
        ("", False),
    ],
)
def test_vp8_by_hand(payload: str, expected: bool) -> None:
    assert begins_vp8_key_frame(bytes.fromhex(payload)) is expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("67 42", True),
        ("65 88", True),
        ("65 40", False),  # a later slice of the picture
        ("65", False),
        ("41 9a", False),
        ("78 00 10 67", True),
        ("78 00 10 41", False),
        ("78 00 02 09 10 00 03 67 42 00 00 02 68 ce", True),  # a delimiter before the parameter sets
        ("78 00 02 06 05 00 02 65 88", True),  # SEI before the picture
        ("78 00 02 06 05 00 02 65 40", False),
        ("78 00 02 09 10 00 02 41 9a", False),
        ("78 00 00 00 00 67", True),
        ("78 00", False),
        ("7c 85 88", True),
        ("7c 85 40", False),
        ("7c 85", False),
        ("7c 05", False),  # a later fragment
        ("7c 81", False),
        ("78", False),
        ("", False),
    ],
)
def test_h264_by_hand(payload: str, expected: bool) -> None:
    assert begins_h264_key_frame(bytes.fromhex(payload)) is expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("67 42", True),
        ("65 88", False),
        ("78 00 02 09 10 00 03 67 42 00 00 02 68 ce", True),
        ("78 00 02 06 05 00 02 65 88", False),
        ("7c 87 42", True),
        ("7c 85 88", False),
        ("7c", False),
        ("", False),
    ],
)
def test_h264_parameters_by_hand(payload: str, expected: bool) -> None:
    assert has_h264_parameters(bytes.fromhex(payload)) is expected


def frame(index: int) -> av.VideoFrame:
    picture = np.random.default_rng(index).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    result = av.VideoFrame.from_ndarray(picture, format="rgb24")
    result.pts, result.time_base = index * 3000, Fraction(1, 90000)
    return result


def test_vp8_of_a_real_encoder() -> None:
    encoder = Vp8Encoder()
    kinds = []
    for index in range(4):
        payloads, _ = encoder.encode(frame(index), force_keyframe=index in (0, 2))
        assert len(payloads) > 1
        kinds.append([begins_vp8_key_frame(payload) for payload in payloads])
    assert [any(kind) for kind in kinds] == [True, False, True, False]
    assert all(sum(kind) <= 1 for kind in kinds)


def test_h264_of_a_real_encoder() -> None:
    encoder = H264Encoder()
    kinds = []
    for index in range(4):
        payloads, _ = encoder.encode(frame(index), force_keyframe=index in (0, 2))
        kinds.append(any(begins_h264_key_frame(payload) for payload in payloads))
    assert kinds == [True, False, True, False]


@given(st.binary(max_size=12))
def test_any_payload_gets_an_answer(payload: bytes) -> None:
    assert begins_vp8_key_frame(payload) in (True, False)
    assert begins_h264_key_frame(payload) in (True, False)
    assert has_h264_parameters(payload) in (True, False)
