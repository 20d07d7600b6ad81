"""The table of names is complete, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.events import EVENTS
from zego_widget.error_codes import ErrorCode

ROOT = Path(__file__).resolve().parents[3]


def rows() -> list[list[str]]:
    """The cells of all rows of the tables, without their quotes."""
    text = (ROOT / "docs" / "zego_names.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_every_verb_event_and_error_code_is_in_the_table() -> None:
    named = {row[0] for row in rows()}
    verbs = {name for name in dir(ExpressEngine) if not name.startswith("_")}
    assert verbs <= named
    assert {f"on_{name}" for name in EVENTS} <= named
    codes = {(row[0], row[1]) for row in rows() if row[0].isdecimal()}
    assert codes == {(str(int(code)), code.name) for code in ErrorCode if code}


def test_every_test_in_the_table_exists() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)", tests))
    named = {row[2] for row in rows() if len(row) > 2 and row[2].startswith("test_")}
    assert named
    assert named <= there, sorted(named - there)


def test_every_verb_and_event_has_a_test() -> None:
    codes = {str(int(code)) for code in ErrorCode}
    untested = [row[0] for row in rows() if len(row) > 2 and row[2] == "\N{EN DASH}" and row[0] not in codes]
    assert untested == []
