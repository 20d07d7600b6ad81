"""When the other side has fallen silent."""

from __future__ import annotations

import pytest

from zego_widget.media.silence import Silence


@pytest.mark.parametrize(
    ("counts", "silent"),
    [
        ([0, 0, 0], False),
        ([0, 0, 0, 0], True),
        ([0, 1, 2, 3, 4, 5], False),
        ([5, 5, 5, 6, 6, 6], False),
        ([5, 5, 5, 6, 6, 6, 6], True),
    ],
    ids=["not yet", "nothing came at three looks", "something always came", "it came in time", "it came once more"],
)
def test_three_looks_in_a_row_at_which_nothing_has_come_are_silence(counts: list[int], silent: bool) -> None:
    silence = Silence(3)
    assert [silence.look(count) for count in counts][-1] is silent
