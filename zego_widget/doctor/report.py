"""Findings as lines for a person, and as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from .finding import ESSENTIAL, Finding, Verdict, can_call

_NAME_WIDTH = 12


def as_text(findings: Sequence[Finding]) -> str:
    """One line for each finding, one more for each advice, and the conclusion."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict:<8} {finding.check:<{_NAME_WIDTH}} {finding.sentence}")
        if finding.advice:
            lines.append(f"{'':<8} {'':<{_NAME_WIDTH}} -> {finding.advice}")
    return "\n".join([*lines, "", conclusion(findings)])


def conclusion(findings: Sequence[Finding]) -> str:
    """The last sentence."""
    broken = [finding.check for finding in findings if finding.verdict is Verdict.BROKEN]
    if broken:
        return f"A call can not work before this is mended: {', '.join(broken)}."
    if not can_call(findings):
        unknown = [each.check for each in findings if each.verdict is Verdict.UNKNOWN and each.check in ESSENTIAL]
        return f"Nobody can say whether a call can work before this was looked at: {', '.join(unknown)}."
    limited = [finding.check for finding in findings if finding.verdict is Verdict.LIMITED]
    return f"A call can work, with limits: {', '.join(limited)}." if limited else "A call can work."


def as_json(findings: Sequence[Finding]) -> str:
    """`can_call`, `conclusion` and `findings`, each with `check`, `verdict`, `sentence` and `advice`."""
    content = {
        "can_call": can_call(findings),
        "conclusion": conclusion(findings),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(content, indent=2)
