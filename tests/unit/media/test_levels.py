"""Sound levels and volume."""

from __future__ import annotations

import numpy as np
import pytest

from zego_widget.errors import InvalidArgument
from zego_widget.media.levels import LevelMeter, amplified, check_volume, sound_level
from zego_widget.media.sources import Tone

SILENCE = np.zeros((960, 2), dtype=np.int16)


def square(peak: int) -> np.ndarray:
    return np.full((960, 1), peak, dtype=np.int16)


@pytest.mark.parametrize(
    ("samples", "level"),
    [
        (SILENCE, 0),
        (np.zeros((0, 1), dtype=np.int16), 0),
        (square(-32768), 100),
        (Tone(1000, loudness=1.0).samples(960), 95),
        (square(3277), 66.7),  # -20 dBFS
        (square(328), 33.3),  # -40 dBFS
        (square(32), 0),  # below -60 dBFS
    ],
    ids=["silence", "nothing", "full scale", "full sine", "-20 dB", "-40 dB", "-60 dB"],
)
def test_the_level_is_linear_in_decibels(samples: np.ndarray, level: float) -> None:
    assert sound_level(samples) == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    ("volume", "expected"), [(0, [0, 0]), (50, [-500, 10000]), (100, [-1000, 20000]), (200, [-2000, 32767])]
)
def test_volume_scales_and_clips(volume: int, expected: list[int]) -> None:
    samples = np.array([-1000, 20000], dtype=np.int16)
    louder = amplified(samples, volume)
    assert louder.tolist() == expected
    assert louder.dtype == np.int16
    assert samples.tolist() == [-1000, 20000]


def test_the_lowest_sample_is_clipped_as_well() -> None:
    assert amplified(np.array([-32768], dtype=np.int16), 200).tolist() == [-32768]


@pytest.mark.parametrize("volume", [-1, 201, 50.0, True, None, "loud"])
def test_other_volumes_are_refused(volume: object) -> None:
    with pytest.raises(InvalidArgument, match="0 to 200"):
        check_volume(volume)  # type: ignore[arg-type]


def test_a_meter_looks_back_a_tenth_of_a_second() -> None:
    meter = LevelMeter()
    assert meter.level(0.0) == 0
    for step in range(10):
        meter.add(square(-32768), step * 0.02)
    assert meter.level(0.2) == pytest.approx(100)
    for step in range(10, 16):
        meter.add(SILENCE, step * 0.02)
    assert meter.level(0.32) == 0


def test_a_meter_that_hears_nothing_any_more_shows_nothing() -> None:
    meter = LevelMeter()
    meter.add(square(-32768), 1.0)
    assert meter.level(1.4) == pytest.approx(100)
    assert meter.level(1.6) == 0
