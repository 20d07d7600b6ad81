"""Verdicts on Python, this package and what a notebook needs beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .finding import Finding, Verdict

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the versions of a package that the notebook brings."""

    package: str
    works_from: tuple[int, ...]
    """The first version with which all of a call works."""
    below: tuple[int, ...]
    """The first version that nobody has looked at."""
    older: str
    """What is the matter with versions before `works_from`."""
    absent: Verdict = Verdict.UNKNOWN
    in_kernel: bool = True
    """Whether it is the kernel that needs it, and not the program that serves the notebook."""


KNOWN = (
    Known(
        "ipykernel",
        (7, 1),
        (8,),
        "messages of a call are lost or wait while a cell runs (7.0 loses them, older ones have no subshells)",
    ),
    Known(
        "jupyterlab",
        (4, 4),
        (5,),
        "Start call waits until a running cell ends, as there are no subshells",
        in_kernel=False,
    ),
    Known("anywidget", (0, 9, 18), (0, 12), "views of a call do not end as they should", Verdict.BROKEN),
)


def judge_python(version: tuple[int, ...], package_version: str, protocol: int) -> Finding:
    """Whether this Python is new enough for this package."""
    python = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return Finding(
            "python",
            Verdict.BROKEN,
            f"Python {python} is too old for zego-widget {package_version}.",
            f"Install it into an environment with Python {wanted} or newer.",
        )
    return Finding(
        "python", Verdict.OK, f"Python {python} runs zego-widget {package_version}, which speaks protocol {protocol}."
    )


def judge_package(known: Known, found: str | None) -> Finding:
    """Whether the version of a package is one that is known to work; `found` is None where there is none."""
    name, newest = known.package, ".".join(map(str, known.below))
    install = f'Run `pip install "{name}>={".".join(map(str, known.works_from))},<{newest}"` and restart the kernel.'
    if found is None:
        if known.absent is Verdict.BROKEN:
            return Finding(name, Verdict.BROKEN, f"{name} is not installed here.", install)
        sentence = f"{name} is not installed in this environment; if your notebook has another one, ask it there."
        return Finding(name, known.absent, sentence)
    version = numbers(found)
    if version < known.works_from:
        return Finding(name, Verdict.LIMITED, f"With {name} {found} {known.older}.", install)
    if version >= known.below:
        sentence = f"{name} {found} is newer than any version this package was tried with."
        return Finding(name, Verdict.LIMITED, sentence, f"If something does not work, use {name} before {newest}.")
    return Finding(name, Verdict.OK, f"{name} {found} is known to work.")


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (4, 6, 0) of `4.6.0rc1`."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, found.group().split("."))) if found else ()
