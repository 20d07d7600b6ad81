"""A test of the suite that runs for longer here, and whose lines are the table."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AROUND = 400.0
"""Seconds that everything besides `seconds` may take."""


def passes(test: str, seconds: float, settings: Mapping[str, str]) -> list[str] | None:
    """The lines that a test printed, `settings` being its environment; none if it was skipped, None if it failed."""
    options = ["-q", "-s", "-p", "no:cacheprovider", "-o", f"faulthandler_timeout={seconds + AROUND:.0f}"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, test],
        cwd=ROOT,
        env=os.environ | dict(settings),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if run.returncode:
        print(run.stdout, file=sys.stderr)
        return None
    return run.stdout.splitlines() if "1 passed" in run.stdout else []
