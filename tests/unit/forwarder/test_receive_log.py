"""What is missing of a source is known, asked for in time and not for ever; nothing counts twice."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.forwarder.receive_log import (
    LARGEST_GAP,
    MAX_AGE,
    MAX_DROPOUT,
    MAX_REQUESTS,
    REORDER_ALLOWANCE,
    WINDOW,
    Arrival,
    ReceiveLog,
)

IN_ORDER, AFTER_GAP, LATE, RECOVERED = Arrival.IN_ORDER, Arrival.AFTER_GAP, Arrival.LATE, Arrival.RECOVERED
AFTER_OUTAGE = Arrival.AFTER_OUTAGE
DUPLICATE, RESTART = Arrival.DUPLICATE, Arrival.RESTART


def log_of(*numbers: int, now: float = 0.0) -> ReceiveLog:
    log = ReceiveLog(asks=True)
    for number in numbers:
        log.arrived(number & 0xFFFF, now)
    return log


@pytest.mark.parametrize("start", [1000, 65533, 0], ids=["plain", "wrap ahead", "wrap behind"])
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([0, 1, 2], [IN_ORDER, IN_ORDER, IN_ORDER]),
        ([0, 2, 1], [IN_ORDER, AFTER_GAP, LATE]),
        ([0, 2, 1, 1], [IN_ORDER, AFTER_GAP, LATE, DUPLICATE]),
        ([0, 0], [IN_ORDER, DUPLICATE]),
        ([0, 1, 0], [IN_ORDER, IN_ORDER, DUPLICATE]),
        ([0, 5, 1, 2, 3, 4, 6], [IN_ORDER, AFTER_GAP, LATE, LATE, LATE, LATE, IN_ORDER]),
        ([0, -1, -1], [IN_ORDER, LATE, DUPLICATE]),
        ([0, -17], [IN_ORDER, DUPLICATE]),
        ([0, LARGEST_GAP + 1], [IN_ORDER, AFTER_GAP]),
        ([0, LARGEST_GAP + 2], [IN_ORDER, AFTER_OUTAGE]),
        ([0, MAX_DROPOUT - 1], [IN_ORDER, AFTER_OUTAGE]),
        ([0, MAX_DROPOUT, 1], [IN_ORDER, RESTART, IN_ORDER]),
        ([0, -MAX_DROPOUT], [IN_ORDER, RESTART]),
        ([0, 32768], [IN_ORDER, RESTART]),
        ([0, WINDOW + 1, 1], [IN_ORDER, AFTER_OUTAGE, LATE]),
        ([0, WINDOW + 2, 1], [IN_ORDER, AFTER_OUTAGE, DUPLICATE]),
    ],
)
def test_every_packet_is_told_from_those_before(start: int, steps: list[int], expected: list[Arrival]) -> None:
    log = ReceiveLog(asks=True)
    assert [log.arrived((start + step) & 0xFFFF, 0.0) for step in steps] == expected


def test_what_is_only_late_is_not_asked_for() -> None:
    log = log_of(1, 3)
    assert log.due(REORDER_ALLOWANCE / 2) == []
    log.arrived(2, REORDER_ALLOWANCE / 2)
    assert log.due(1.0) == []
    assert log.next_due() is None


def test_what_is_missing_is_asked_for_after_the_allowance_over_a_wrap() -> None:
    log = log_of(65534, 2)
    assert log.next_due() == REORDER_ALLOWANCE
    assert log.due(REORDER_ALLOWANCE) == [65535, 0, 1]
    assert log.due(REORDER_ALLOWANCE) == []


def test_a_request_is_repeated_ever_more_slowly_and_given_up() -> None:
    log = log_of(1, 3)
    times = []
    while (due := log.next_due()) is not None:
        if log.due(due):
            times.append(due)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) <= MAX_REQUESTS
    assert len(times) >= 5
    assert gaps == sorted(gaps)
    assert times[-1] <= MAX_AGE
    assert log.arrived(2, 10.0) is LATE  # whoever comes after all is still taken, once
    assert log.arrived(2, 10.0) is DUPLICATE


def test_the_interval_follows_the_time_that_answers_take() -> None:
    log = ReceiveLog(asks=True)
    log.arrived(0, 0.0)
    now = 0.0
    for number in range(2, 60, 2):
        log.arrived(number, now)
        now += REORDER_ALLOWANCE
        assert log.due(now) == [number - 1]
        now += 0.4
        assert log.arrived(number - 1, now) is RECOVERED
    log.arrived(61, now)
    first = log.next_due()
    assert first is not None
    log.due(first)
    second = log.next_due()
    assert second is not None
    assert 0.5 < second - first < 0.8


def test_nothing_is_asked_of_a_source_that_takes_no_nack() -> None:
    log = ReceiveLog(asks=False)
    assert [log.arrived(number, 0.0) for number in (1, 3, 2, 2)] == [IN_ORDER, AFTER_GAP, LATE, DUPLICATE]
    log.arrived(9, 0.0)
    assert log.due(5.0) == []
    assert log.next_due() is None


def test_a_source_full_of_holes_is_not_remembered_beyond_the_window() -> None:
    log = ReceiveLog(asks=True)
    for number in range(0, 5 * 65536, 100):
        log.arrived(number & 0xFFFF, number / 1000)
        assert len(log._missing) <= WINDOW + 1
    log.arrived((5 * 65536 + 2900) & 0xFFFF, 400.0)
    assert len(log.due(500.0)) <= WINDOW


@pytest.mark.parametrize(("gap", "asked"), [(LARGEST_GAP, LARGEST_GAP), (LARGEST_GAP + 1, 0), (MAX_DROPOUT - 2, 0)])
def test_a_gap_that_a_key_frame_closes_sooner_is_not_asked_for(gap: int, asked: int) -> None:
    log = log_of(0, gap + 1)
    assert len(log.due(REORDER_ALLOWANCE)) == asked
    assert log.arrived(gap, 1.0) is (RECOVERED if asked else LATE)


def test_before_the_start_nothing_is_missing() -> None:
    log = log_of(500)
    assert log.next_due() is None
    assert log.highest == 500


@given(st.integers(0, 65535), st.lists(st.integers(-40, 40), max_size=120))
def test_no_packet_is_taken_twice_whatever_the_order(start: int, steps: list[int]) -> None:
    log, taken, position = ReceiveLog(asks=True), set(), 1 << 20
    for index, step in enumerate(steps):
        position += step
        arrival = log.arrived((start + position) & 0xFFFF, index / 100)
        assert arrival is not RESTART
        if arrival is not DUPLICATE:
            assert position not in taken
            taken.add(position)
        log.due(index / 100)


def test_what_would_come_too_late_to_be_taken_is_not_asked_for() -> None:
    log = ReceiveLog(asks=True)
    for number in (0, 2, *range(3, WINDOW + 3)):
        log.arrived(number, 0.0)
    assert log.due(1.0) == []
    assert log.next_due() is None
    assert log.arrived(1, 1.0) is Arrival.DUPLICATE


def test_a_packet_sent_again_does_not_take_the_source_far_ahead() -> None:
    log = ReceiveLog(asks=True)
    log.arrived(1, 0.0)
    assert log.repaired(1 + LARGEST_GAP + 1, 0.0) is RESTART
    assert log.repaired(1 + MAX_DROPOUT - 1, 0.0) is RESTART
    assert log.arrived(2, 0.0) is IN_ORDER
    assert log.repaired(4, 0.0) is AFTER_GAP
    assert log.repaired(3, 0.0) is LATE
