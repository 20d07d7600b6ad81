"""What a publisher is told it may send."""

from __future__ import annotations

import pytest

from zego_widget.forwarder.delivery import Packets
from zego_widget.forwarder.uplink import LEAST, MOST, START, UplinkEstimate


class Publisher:
    """Sends a bitrate in packets of 1,000 bytes, of which some are lost."""

    def __init__(self) -> None:
        self.estimate = UplinkEstimate()
        self._packets = Packets(0, 0)
        self._octets = 0
        self._now = 5.0
        self.estimate.look(self._packets, 0, self._now)

    def send(self, bitrate: float, seconds: int, loss: float = 0.0) -> float:
        for _ in range(seconds):
            expected = round(bitrate / 8000)
            received = round(expected * (1 - loss))
            self._packets = Packets(self._packets.expected + expected, self._packets.received + received)
            self._octets += 1000 * received
            self._now += 1.0
            self.estimate.look(self._packets, self._octets, self._now)
        return self.estimate.bitrate


def test_at_first_it_may_send_what_a_call_needs() -> None:
    assert Publisher().send(300_000, 1) == pytest.approx(START)


def test_without_loss_it_may_send_more_than_arrives() -> None:
    publisher = Publisher()
    assert publisher.send(2_000_000, 20) == pytest.approx(3_000_000, rel=0.01)
    assert publisher.send(100_000_000, 200) == MOST


def test_what_was_possible_stays_possible_while_little_is_sent() -> None:
    publisher = Publisher()
    before = publisher.send(4_000_000, 40)
    assert publisher.send(50_000, 60) == before


def test_much_loss_brings_it_below_what_arrives_within_seconds() -> None:
    publisher = Publisher()
    publisher.send(3_000_000, 20)
    assert publisher.send(3_000_000, 1, loss=0.5) <= 2_300_000
    bitrate = publisher.estimate.bitrate
    for _ in range(5):
        bitrate = publisher.send(bitrate, 1, loss=0.3)
    assert bitrate < 1_500_000


def test_a_little_loss_changes_nothing() -> None:
    publisher = Publisher()
    before = publisher.send(2_000_000, 10)
    assert publisher.send(2_000_000, 10, loss=0.05) == before


def test_it_recovers_when_loss_ends() -> None:
    publisher = Publisher()
    publisher.send(1_000_000, 10, loss=0.6)
    low = publisher.estimate.bitrate
    assert low < 400_000
    assert publisher.send(low, 20) > 3 * low


def test_it_has_a_floor_and_survives_total_loss_and_silence() -> None:
    publisher = Publisher()
    assert publisher.send(1_000_000, 30, loss=1.0) == LEAST
    assert publisher.send(0, 10) == LEAST


def test_totals_that_begin_anew_are_no_loss() -> None:
    publisher = Publisher()
    before = publisher.send(1_000_000, 5)
    assert publisher.estimate.look(Packets(10, 0), 0, 100.0) == before
