"""Who waits at the media port, and who has to go."""

from __future__ import annotations

from zego_widget.forwarder.half_open import ROUND_TRIP, HalfOpen


def test_the_one_that_waits_longest_goes_when_a_source_has_too_many() -> None:
    waiting: HalfOpen[str] = HalfOpen(patience=10, most=100, most_per_source=2)
    assert waiting.arrive("a1", "a", 0) is None
    assert waiting.arrive("b1", "b", 1) is None
    assert waiting.arrive("a2", "a", 2) is None
    assert waiting.arrive("a3", "a", 3) == "a1"
    assert waiting.arrive("b2", "b", 4) is None
    assert len(waiting) == 4


def test_the_one_that_waits_longest_goes_when_there_are_too_many() -> None:
    waiting: HalfOpen[str] = HalfOpen(patience=10, most=3, most_per_source=2)
    for source in "abc":
        assert waiting.arrive(source, source, 0) is None
    assert waiting.arrive("d", "d", 1) == "a"
    assert len(waiting) == 3


def test_a_crowd_that_comes_at_once_leaves_everyone_in_it_a_round_trip() -> None:
    waiting: HalfOpen[int] = HalfOpen(patience=10, most=100, most_per_source=2)
    assert [waiting.arrive(number, "a", 0.0) for number in range(100)] == [None] * 100
    assert waiting.arrive(100, "a", 0.0) == 0  # unless there are too many in all
    assert waiting.arrive(101, "b", 0.0) == 1
    assert waiting.arrive(102, "a", ROUND_TRIP) == 2
    for number in range(3, 50):
        waiting.leave(number)
    assert waiting.arrive(103, "a", ROUND_TRIP) == 50


def test_a_crowd_is_thinned_out_after_a_round_trip() -> None:
    waiting: HalfOpen[str] = HalfOpen(patience=10, most=100, most_per_source=2)
    for number in range(5):
        waiting.arrive(f"a{number}", "a", number / 100)
    waiting.arrive("b", "b", 0.0)
    assert waiting.crowding(ROUND_TRIP - 0.01) == []
    assert waiting.crowding(ROUND_TRIP + 0.011) == ["a0", "a1"]
    assert waiting.crowding(10.0) == ["a2"]
    assert waiting.crowding(10.0) == []
    assert len(waiting) == 3


def test_a_crowd_from_one_source_turns_nobody_of_another_away() -> None:
    waiting: HalfOpen[object] = HalfOpen(patience=10, most=10, most_per_source=4)
    waiting.arrive("honest", "b", 0.0)
    leavers = [waiting.arrive(number, "a", 0.0) for number in range(100)]
    assert "honest" not in leavers
    assert len(waiting) == 10


def test_who_has_authenticated_or_gone_leaves_room() -> None:
    waiting: HalfOpen[str] = HalfOpen(patience=10, most=2, most_per_source=1)
    waiting.arrive("a1", "a", 0)
    assert waiting.leave("a1")
    assert not waiting.leave("a1")
    assert waiting.arrive("a2", "a", 0) is None
    assert not waiting._by_source.get("a1")


def test_each_is_overdue_once_and_none_too_early() -> None:
    waiting: HalfOpen[str] = HalfOpen(patience=10, most=100, most_per_source=100)
    for second in range(5):
        waiting.arrive(f"at {second}", "a", float(second))
    waiting.leave("at 1")
    assert waiting.overdue(9.9) == []
    assert waiting.overdue(12.0) == ["at 0", "at 2"]
    assert waiting.overdue(12.0) == []
    assert waiting.overdue(100.0) == ["at 3", "at 4"]
    assert len(waiting) == 0
    assert waiting._by_source == {}
