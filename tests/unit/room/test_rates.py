"""How often something may happen, at its edges and for any sequence."""

from hypothesis import given
from hypothesis import strategies as st

from zego_widget.room.rates import SlidingWindow


def test_takes_up_to_the_limit_and_again_when_a_period_has_passed():
    window = SlidingWindow(2)
    assert [window.take(now) for now in (0.0, 0.5, 0.9, 0.999)] == [True, True, False, False]
    assert [window.take(now) for now in (1.0, 1.3, 1.5)] == [True, False, True]


def test_what_is_refused_does_not_count():
    window = SlidingWindow(1)
    assert window.take(0.0)
    assert not any(window.take(now / 100) for now in range(1, 100))
    assert window.take(1.0)


def test_counts_who_it_was_within_the_period():
    window = SlidingWindow(10)
    for now, who in ((0.0, "alice"), (0.2, "bob"), (0.4, "alice")):
        assert window.take(now, who)
    assert (window.count(0.5, "alice"), window.count(0.5, "bob"), window.count(0.5, "carol")) == (2, 1, 0)
    assert (window.count(1.0, "alice"), window.count(1.2, "bob")) == (1, 0)


@given(
    limit=st.integers(1, 5),
    period=st.sampled_from([0.5, 1.0, 30.0]),
    steps=st.lists(st.floats(0.0, 40.0), max_size=60),
)
def test_never_more_than_the_limit_in_any_period_and_never_refused_without_need(limit, period, steps):
    window = SlidingWindow(limit, period)
    now, taken = 0.0, []
    for step in steps:
        now += step
        recent = [time for time in taken if now - time < period]
        assert window.take(now) is (len(recent) < limit)
        if len(recent) < limit:
            taken.append(now)
