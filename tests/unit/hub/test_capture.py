"""Which peer of a session captures, as tables of what comes and goes."""

import pytest

from zego_widget.hub.capture import Capture


@pytest.mark.parametrize(
    ("peers", "capturing"),
    [
        ([], None),
        ([("a", "take")], "a"),
        ([("a", "offer")], "a"),
        ([("a", "never")], None),
        ([("a", "take"), ("b", "offer")], "a"),
        ([("a", "offer"), ("b", "offer")], "a"),
        ([("a", "offer"), ("b", "take")], "b"),
        ([("a", "take"), ("b", "take")], "b"),
        ([("a", "never"), ("b", "offer")], "b"),
        ([("a", "take"), ("b", "never")], "a"),
    ],
)
def test_who_captures_after_these_came(peers, capturing):
    capture = Capture()
    for peer_id, wish in peers:
        before = capture.capturing
        loser = capture.add(peer_id, wish)
        assert loser == (before if capture.capturing != before else None)
    assert capture.capturing == capturing


@pytest.mark.parametrize(
    ("peers", "gone", "heir", "capturing"),
    [
        ([("a", "take")], "a", None, None),
        ([("a", "take"), ("b", "offer")], "a", "b", "b"),
        ([("a", "take"), ("b", "offer")], "b", None, "a"),
        ([("a", "offer"), ("b", "offer"), ("c", "take")], "c", "a", "a"),
        ([("a", "never"), ("b", "take")], "b", None, None),
        ([("a", "never"), ("b", "take"), ("c", "offer")], "b", "c", "c"),
        ([("a", "take"), ("b", "take"), ("c", "take")], "c", "a", "a"),
        ([("a", "take")], "unknown", None, "a"),
    ],
)
def test_who_captures_when_one_goes(peers, gone, heir, capturing):
    capture = Capture()
    for peer_id, wish in peers:
        capture.add(peer_id, wish)
    assert capture.remove(gone) == heir
    assert capture.capturing == capturing
