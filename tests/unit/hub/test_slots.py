"""Which stream is shown where, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.hub.slots import Pair, SlotChange, Slots

A0, A1 = Pair("a0", "v0"), Pair("a1", "v1")


def two_pairs():
    return Slots(["a0", "a1"], ["v0", "v1"])


@pytest.mark.parametrize(
    ("before", "wanted", "assigned", "change"),
    [
        ([], [], {}, SlotChange((), ())),
        ([], ["x"], {"x": A0}, SlotChange((), (("x", A0),))),
        (["x"], ["x"], {"x": A0}, SlotChange((), ())),
        (["x"], ["x", "y"], {"x": A0, "y": A1}, SlotChange((), (("y", A1),))),
        (["x", "y"], ["y"], {"y": A1}, SlotChange((A0,), ())),
        (["x", "y"], ["y", "z"], {"z": A0, "y": A1}, SlotChange((A0,), (("z", A0),))),
        (["x", "y"], ["x", "y", "z"], {"x": A0, "y": A1}, SlotChange((), ())),
        (["x", "y", "z"], ["y", "z"], {"z": A0, "y": A1}, SlotChange((A0,), (("z", A0),))),
        (["x", "y"], ["y", "x"], {"x": A0, "y": A1}, SlotChange((), ())),
        (["x", "y"], [], {}, SlotChange((A0, A1), ())),
    ],
)
def test_streams_keep_their_pair_and_waiting_ones_move_up(before, wanted, assigned, change):
    slots = two_pairs()
    slots.show(before)
    assert slots.show(wanted) == change
    assert slots.assigned == assigned
    assert list(slots.assigned) == list(assigned)


def test_kinds_of_different_number_make_pairs_with_a_hole():
    slots = Slots(["a0"], ["v0", "v1"])
    slots.show(["x", "y"])
    assert slots.assigned == {"x": Pair("a0", "v0"), "y": Pair(None, "v1")}


def test_more_slots_than_the_play_limit_are_not_used():
    slots = Slots([f"a{i}" for i in range(40)], [f"v{i}" for i in range(40)])
    slots.show([f"s{i}" for i in range(40)])
    assert len(slots.assigned) == 12


def test_a_peer_without_receive_slots_shows_nothing():
    slots = Slots((), ())
    assert not slots.show(["x"])
    assert slots.assigned == {}


@given(st.lists(st.lists(st.sampled_from("uvwxyz"), unique=True), max_size=10))
def test_no_pair_is_left_free_while_a_stream_waits(steps):
    slots = Slots(["a0", "a1", "a2"], ["v0", "v1", "v2"])
    for wanted in steps:
        before = slots.assigned
        slots.show(wanted)
        after = slots.assigned
        assert set(after) <= set(wanted)
        assert len(after) == min(3, len(wanted))
        assert all(after[stream_id] == before[stream_id] for stream_id in before if stream_id in wanted)
        assert len(set(after.values())) == len(after)
