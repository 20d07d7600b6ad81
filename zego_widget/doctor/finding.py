"""One thing that was looked at, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    LIMITED = "limited"
    """A call works, but not as well as it could, or not everywhere."""
    BROKEN = "broken"
    """No call can work before this is mended."""
    UNKNOWN = "unknown"
    """It was not looked at; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: a sentence, and another one with what to do where there is something to do."""

    check: str
    """A stable short name, such as `udp`."""
    verdict: Verdict
    sentence: str
    advice: str = ""


ESSENTIAL = frozenset({"secret", "login"})
"""Checks without which nobody can say whether a call works."""


def can_call(findings: Iterable[Finding]) -> bool:
    """Whether nothing stands in the way of a call, and all that is essential was looked at."""
    return not any(
        finding.verdict is Verdict.BROKEN or (finding.verdict is Verdict.UNKNOWN and finding.check in ESSENTIAL)
        for finding in findings
    )
