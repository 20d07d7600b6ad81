"""Text from clients in log lines."""

import pytest

from zego_widget.hub.quoting import quoted


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "-"),
        ("alice", "'alice'"),
        ("a\nINFO forged", r"'a\nINFO forged'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("\u202egpj", r"'\u202egpj'"),
        ("\ud800", r"'\ud800'"),
        ("n" * 500, "'" + "n" * 80 + "...'"),
    ],
)
def test_a_log_line_stays_one_plain_line(text, line):
    assert quoted(text) == line
