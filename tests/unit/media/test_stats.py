"""Counts and the rates between two looks."""

from __future__ import annotations

import pytest

from zego_widget.media.codec_seam import PacketCounts
from zego_widget.media.stats import Rates, StreamStats, TrackCounter, TrackStats


def test_rates_are_over_the_time_since_the_last_look() -> None:
    rates = Rates()
    assert rates.look(10.0, 100, 5) == (0.0, 0.0)
    assert rates.look(12.0, 130, 5) == (15.0, 0.0)
    assert rates.look(12.0, 130, 5) == (0.0, 0.0)
    assert rates.look(13.0, 7, 6) == (0.0, 1.0)


def test_what_a_slot_received_before_does_not_count_for_the_stream() -> None:
    counter = TrackCounter()
    counter.packets_before = PacketCounts(received=1000, expected=1010)
    counter.packets_now = PacketCounts(received=1090, expected=1110)
    for _ in range(30):
        counter.arrived(500)
    stats = counter.stats(1.0)
    assert (stats.packets, stats.packets_lost, stats.loss) == (90, 10, pytest.approx(0.1))
    assert (stats.frames, stats.bytes, stats.frames_decoded) == (30, 15000, 0)


def test_loss_is_that_since_the_last_call() -> None:
    counter = TrackCounter()
    counter.packets_now = PacketCounts(50, 100)
    assert counter.stats(1.0).loss == pytest.approx(0.5)
    counter.packets_now = PacketCounts(150, 200)
    later = counter.stats(2.0)
    assert (later.loss, later.packets_lost) == (0.0, 50)
    counter.packets_now = PacketCounts(210, 250)  # what was late came after all
    assert counter.stats(3.0).loss == 0.0
    assert counter.stats(4.0).loss == 0.0


def test_rates_of_a_stream() -> None:
    counter = TrackCounter()
    counter.stats(0.0)
    for _ in range(30):
        counter.arrived(1000)
    counter.decoded = 15
    stats = counter.stats(2.0)
    assert (stats.fps, stats.decode_fps, stats.kbps) == (15.0, 7.5, 120.0)


def test_the_loss_of_a_stream_is_that_of_its_worse_half() -> None:
    assert StreamStats(TrackStats(loss=0.1), TrackStats(loss=0.3)).loss == 0.3
