"""What sources give, and what they refuse."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import av
import numpy as np
import pytest

from zego_widget.errors import ErrorCode, InvalidArgument
from zego_widget.media.capture import fitted
from zego_widget.media.config import CaptureConfig
from zego_widget.media.sources import (
    ArrayAudio,
    ArrayVideo,
    EndOfSource,
    TestPattern,
    Tone,
    audio_source,
    video_source,
)

CONFIG = CaptureConfig()


def picture(brightness: int = 0, height: int = 24, width: int = 32) -> np.ndarray:
    return np.full((height, width, 3), brightness, dtype=np.uint8)


def block(*samples: int) -> np.ndarray:
    return np.array(samples, dtype=np.int16).reshape(-1, 1)


# -- pattern and tone ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(160, 90), (320, 180), (640, 360), (360, 640), (1280, 720), (176, 144)])
@pytest.mark.parametrize("number", [0, 1, 2, 255, 256, 32768, 65535])
def test_the_number_of_a_picture_can_be_read_at_any_size(number: int, size: tuple[int, int]) -> None:
    pixels = TestPattern(brightness=90).draw(number, *size)
    assert pixels.shape == (size[1], size[0], 3)
    assert TestPattern.read_number(pixels) == number
    assert TestPattern.read_brightness(pixels) == 90


def test_numbers_count_up_and_begin_again_after_65535() -> None:
    pattern = TestPattern()
    assert [TestPattern.read_number(pattern.picture(0.0, CONFIG)) for _ in range(3)] == [0, 1, 2]
    assert TestPattern.read_number(pattern.draw(65536 + 7, 320, 180)) == 7


def test_the_number_survives_scaling_noise_and_grey() -> None:
    pixels = TestPattern().draw(0b1010_0110_1100_0011, 640, 360)
    small = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(width=160, height=90).to_ndarray(format="gray")
    noise = np.random.default_rng(1).integers(-20, 21, small.shape)
    assert TestPattern.read_number(np.clip(small + noise, 0, 255).astype(np.uint8)) == 0b1010_0110_1100_0011


@pytest.mark.parametrize("brightness", [0, 128, 255])
def test_a_picture_without_a_number_is_told_from_one_with(brightness: int) -> None:
    with pytest.raises(ValueError):
        TestPattern.read_number(picture(brightness, 360, 640))


def test_two_pictures_in_a_row_differ_by_a_moved_bar() -> None:
    pattern = TestPattern()
    first, second = (pattern.picture(0.0, CONFIG)[90:270, 0, 0] for _ in range(2))
    assert (first == 235).sum() == (second == 235).sum() > 0
    assert (first != second).any()


def test_a_tone_runs_on_without_a_click_between_blocks() -> None:
    tone, whole = Tone(1000), Tone(1000)
    parts = np.concatenate([tone.samples(count) for count in (1, 479, 960, 7)])
    assert np.abs(parts.astype(int) - whole.samples(1447).astype(int)).max() <= 1
    assert parts.shape == (1447, 1)
    spectrum = np.abs(np.fft.rfft(Tone(1000).samples(4800)[:, 0]))
    assert spectrum.argmax() * 10 == 1000


# -- numpy ---------------------------------------------------------------------------------------------------------


def test_pictures_of_an_iterable_come_in_order_and_end() -> None:
    source = ArrayVideo([picture(1), None, picture(2)], fps=5)
    assert source.fps == 5
    given = [source.picture(0.0, CONFIG) for _ in range(3)]
    assert [None if pixels is None else int(pixels[0, 0, 0]) for pixels in given] == [1, None, 2]
    with pytest.raises(EndOfSource):
        source.picture(0.0, CONFIG)


def test_a_function_is_asked_for_the_picture_of_a_time() -> None:
    source = ArrayVideo(lambda time: picture(int(time * 10)))
    assert source.picture(1.5, CONFIG)[0, 0, 0] == 15  # type: ignore[index]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((24, 32), np.uint8),
        np.zeros((24, 32, 4), np.uint8),
        np.zeros((24, 32, 3), np.float32),
        np.zeros((0, 32, 3), np.uint8),
        np.zeros((10, 9000, 3), np.uint8),
        "a picture",
        [[1, 2, 3]],
    ],
    ids=lambda given: str(getattr(given, "shape", given)),
)
def test_what_is_no_picture_is_refused_with_a_sentence(pixels: object) -> None:
    with pytest.raises(InvalidArgument, match="A picture") as refusal:
        ArrayVideo(lambda _: pixels).picture(0.0, CONFIG)  # type: ignore[arg-type, return-value]
    assert refusal.value.code is ErrorCode.COMMON_ILLEGAL_PARAM


def test_blocks_of_any_length_become_as_many_samples_as_are_wanted() -> None:
    source = ArrayAudio([block(1, 2), block(3, 4, 5, 6, 7), block(8)])
    given = [source.samples(3)[:, 0].tolist() for _ in range(3)]  # type: ignore[index]
    assert given == [[1, 2, 3], [4, 5, 6], [7, 8]]
    with pytest.raises(EndOfSource):
        source.samples(3)


def test_no_block_now_is_silence_and_not_the_end() -> None:
    blocks: Iterator[np.ndarray | None] = iter([None, block(1, 2), None, block(3)])
    source = ArrayAudio(lambda _: next(blocks))
    assert source.samples(4) is None
    assert source.samples(4).tolist() == [[1], [2]]  # type: ignore[union-attr]
    assert source.samples(1).tolist() == [[3]]  # type: ignore[union-attr]


def test_a_function_is_asked_for_as_many_samples_as_are_missing() -> None:
    asked: list[int] = []

    def give(count: int) -> np.ndarray:
        asked.append(count)
        return block(*range(min(count, 3)))

    assert len(ArrayAudio(give).samples(5)) == 5  # type: ignore[arg-type]
    assert asked == [5, 2]


def test_one_and_two_channels_may_follow_each_other() -> None:
    source = ArrayAudio([block(1, 2), np.array([[3, 4]], dtype=np.int16), np.array([5], dtype=np.int16)])
    assert source.samples(4).tolist() == [[1, 1], [2, 2], [3, 4], [5, 5]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "samples",
    [np.zeros((2, 3), np.int16), np.zeros(5, np.float32), np.zeros((2, 2, 2), np.int16), b"samples"],
    ids=lambda given: str(getattr(given, "shape", given)),
)
def test_what_is_no_sound_is_refused_with_a_sentence(samples: object) -> None:
    with pytest.raises(InvalidArgument, match="Sound is"):
        ArrayAudio(lambda _: samples).samples(5)  # type: ignore[arg-type, return-value]


def test_whatever_can_be_captured_becomes_a_source() -> None:
    pattern, tone = TestPattern(), Tone()
    assert video_source(None) is None and audio_source(None) is None
    assert video_source(pattern) is pattern and audio_source(tone) is tone
    assert isinstance(video_source(itertools.repeat(picture())), ArrayVideo)
    assert isinstance(audio_source(lambda count: np.zeros((count, 1), np.int16)), ArrayAudio)
    for nonsense in (5, "file.mp4", picture()):
        with pytest.raises(InvalidArgument):
            video_source(nonsense)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TestPattern(brightness=0),
        lambda: TestPattern(fps=0),
        lambda: Tone(0),
        lambda: Tone(loudness=2),
        lambda: ArrayVideo([], fps=1000),
        lambda: ArrayAudio([], sample_rate=100),
        lambda: CaptureConfig(width=641),
        lambda: CaptureConfig(fps=0),
        lambda: CaptureConfig(bitrate=0),
    ],
)
def test_senseless_numbers_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidArgument):
        wrong()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("size", "config", "expected"),
    [
        ((1280, 720), CaptureConfig(640, 360), (640, 360)),
        ((640, 480), CaptureConfig(640, 360), (480, 360)),
        ((360, 640), CaptureConfig(640, 360), (202, 360)),
        ((320, 180), CaptureConfig(640, 360), (320, 180)),
        ((33, 25), CaptureConfig(640, 360), (32, 24)),
        ((5000, 3), CaptureConfig(640, 360), (640, 2)),
    ],
)
def test_pictures_fit_the_configured_size_and_are_never_enlarged(
    size: tuple[int, int], config: CaptureConfig, expected: tuple[int, int]
) -> None:
    assert fitted(*size, config) == expected
