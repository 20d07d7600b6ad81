"""Who waits at the media port, and who has to go."""

from __future__ import annotations

from zego_widget.forwarder.half_open import HalfOpen


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
