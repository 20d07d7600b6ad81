"""A viewer is tried out with padding, ever more rarely as long as that fails."""

from __future__ import annotations

import pytest

from zego_widget.forwarder import probing
from zego_widget.forwarder.downlink import MUCH_LOSS
from zego_widget.forwarder.probing import FIRST_WAIT, LONGEST_WAIT, LONGEST_WAIT_FOR_PICTURES, Probe, ProbeSchedule
from zego_widget.forwarder.retransmission import MOST_PADDING
from zego_widget.forwarder.rtcp import ReportBlock


def next_try(schedule: ProbeSchedule, now: float) -> float:
    """Seconds until a try is due."""
    return next(step / 10 for step in range(10_000) if schedule.is_due(now + step / 10))


def test_tries_that_fail_come_ever_more_rarely_up_to_a_bound() -> None:
    schedule = ProbeSchedule()
    schedule.overloaded(0.0)
    waits, now = [next_try(schedule, 0.0)], 0.0
    for _ in range(3):
        now += waits[-1]
        schedule.failed(now)
        waits.append(next_try(schedule, now))
    assert waits == pytest.approx([FIRST_WAIT, 2 * FIRST_WAIT, LONGEST_WAIT, LONGEST_WAIT], abs=0.11)


def test_after_a_try_that_went_well_the_next_one_follows_at_once() -> None:
    schedule = ProbeSchedule()
    schedule.overloaded(0.0)
    schedule.succeeded(5.0)
    assert next_try(schedule, 5.0) == 0


def test_pictures_that_do_not_hold_after_good_tries_come_ever_more_rarely() -> None:
    schedule, now, waits = ProbeSchedule(), 0.0, []
    for _ in range(7):
        schedule.succeeded(now)
        schedule.overloaded(now + 2)
        waits.append(next_try(schedule, now + 2))
        now += 2 + waits[-1]
    assert waits[0] == pytest.approx(2 * FIRST_WAIT, abs=0.11)
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(LONGEST_WAIT_FOR_PICTURES, abs=0.11)


def test_failures_are_forgotten_after_a_time_without_any() -> None:
    schedule = ProbeSchedule()
    for now in (0.0, 10.0, 20.0):
        schedule.failed(now)
    schedule.all_is_well(20.0 + LONGEST_WAIT + 2 * probing.HELD)
    schedule.overloaded(100.0)
    assert next_try(schedule, 100.0) == pytest.approx(FIRST_WAIT, abs=0.11)


def test_failures_are_forgotten_after_a_better_picture_has_held() -> None:
    schedule, now = ProbeSchedule(), 0.0
    for _ in range(7):
        schedule.succeeded(now)
        schedule.overloaded(now + 2)
        now += 2 + next_try(schedule, now + 2)
    schedule.succeeded(now)
    schedule.failed(now + probing.HELD + 1)
    assert next_try(schedule, now + probing.HELD + 1) == pytest.approx(LONGEST_WAIT, abs=0.11)


def block(number: int, lost: int = 0) -> ReportBlock:
    return ReportBlock(1, 0, lost, 0x30000 + number, 0, 0, 0)


class Try:
    """A probe of 400 kbit/s beside 100, with a report every 100 ms that is `way` seconds late."""

    def __init__(self, *, lost_before: int = 0, first: int = 0xFFF0) -> None:
        self.probe = Probe(400_000, 100_000, lost_before, 0.0)
        self.number = first
        self.now = 0.0
        self.sent: list[tuple[float, int]] = []

    def run(self, way: float = 0.01, growth: float = 0.0, lost: float = 0.0, base: int = 0) -> bool | None:
        step = 0
        while self.probe.outcome(MUCH_LOSS, self.now) is None:
            for _ in range(self.probe.due(self.now)):
                self.number = (self.number + 1) & 0xFFFF
                self.probe.sent(self.number, self.now)
                self.sent.append((self.now, self.number))
            if step % 5 == 4:
                delay = way + growth * self.now
                arrived = [number for at, number in self.sent if at + delay <= self.now]
                if arrived:
                    self.probe.report(block(arrived[-1], base + round(lost * len(arrived))), self.now)
            step += 1
            self.now += 0.02
        return self.probe.outcome(MUCH_LOSS, self.now)


def test_a_try_sends_what_is_missing_to_its_bitrate_and_no_more() -> None:
    attempt = Try()
    assert attempt.run() is True
    assert 8 * MOST_PADDING * len(attempt.sent) == pytest.approx(300_000 * 0.5, rel=0.1)


@pytest.mark.parametrize(
    ("way", "growth", "lost", "base", "well"),
    [
        (0.01, 0.0, 0.0, 0, True),
        (0.4, 0.0, 0.0, 0, True),  # far away
        (0.01, 0.0, 0.05, 0, True),
        (0.01, 0.0, 0.05, 700, True),  # what was lost before does not count
        (0.01, 0.0, 0.3, 0, False),
        (0.01, 0.8, 0.0, 0, False),  # packets come later and later: a queue grows
    ],
)
def test_what_the_reports_tell_decides(way: float, growth: float, lost: float, base: int, *, well: bool) -> None:
    assert Try(lost_before=base).run(way, growth, lost, base) is well


@pytest.mark.parametrize("first", [0xFFF0, 100])
def test_packets_sent_again_after_the_last_one_of_a_try_answer_it_as_well(first: int) -> None:
    attempt = Try(first=first)
    probe = attempt.probe
    for number in range(first + 1, first + 1 + probe.due(0.3)):
        probe.sent(number & 0xFFFF, 0.3)
    last = number
    probe.report(block(last - 20 & 0xFFFF), 1.0)
    assert probe.outcome(0.0, 1.0) is None
    probe.report(block(last + 30 & 0xFFFF), 1.0)
    assert probe.outcome(0.0, 1.0) is True


def test_a_try_of_which_nobody_reports_is_known_as_such() -> None:
    probe = Probe(400_000, 0, 0, 0.0)
    for number in range(probe.due(0.3)):
        probe.sent(number, 0.3)
    assert probe.outcome(0.0, 1.0) is None
    assert probe.outcome(0.0, 3.0) is False
    assert not probe.reported
    assert not probe.has_failed


def test_what_else_tells_of_too_much_ends_a_try_at_once() -> None:
    probe = Probe(400_000, 0, 0, 0.0)
    probe.fail()
    assert probe.due(0.2) == 0
    assert probe.outcome(0.0, 0.2) is False
