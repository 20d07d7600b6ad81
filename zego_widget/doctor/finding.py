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


def can_call(findings: Iterable[Finding]) -> bool:
    """Whether nothing stands in the way of a call."""
    return all(finding.verdict is not Verdict.BROKEN for finding in findings)
