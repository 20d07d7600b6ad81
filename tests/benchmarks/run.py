"""Runs every benchmark of this folder, one after the other, and writes `RESULTS.md`: `make bench`.

Each benchmark is a script that prints its table; it runs in a process of its own.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"


def main() -> int:
    failed = []
    sections = [_heading()]
    for script in sorted(HERE.glob("bench_*.py")):
        print(f"== {script.stem}", flush=True)
        run = subprocess.run(
            [sys.executable, str(script)], cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True, check=False
        )
        print(run.stdout, flush=True)
        if run.returncode:
            failed.append(script.stem)
        else:
            sections.append(f"## {script.stem}\n\n{_first_sentence(script)}\n\n```\n{run.stdout.strip(chr(10))}\n```\n")
    if failed:
        print(f"failed: {', '.join(failed)}; {RESULTS.name} was left as it is", file=sys.stderr)
        return 1
    RESULTS.write_text("\n".join(sections))
    return 0


def _heading() -> str:
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    return (
        "# Results\n\n"
        f"Made by `make bench` on {day}: {_processor()}, {os.cpu_count()} cores, {platform.system()},"
        f" Python {platform.python_version()}, aiortc {version('aiortc')}, {_janus()}.\n\n"
        "The machine is shared and noisy. Figures of one table are from the same run and are meant to be compared"
        " with each other, not with those of another day; costs are CPU time, not wall time; medians.\n"
    )


def _janus() -> str:
    executable = shutil.which("janus")
    if executable is None:
        return "no Janus"
    told = subprocess.run([executable, "--help"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Janus version: \d+ \(([\d.]+)\)", told)
    return f"Janus {found[1] if found else 'of an unknown version'}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")


def _first_sentence(script: Path) -> str:
    return script.read_text().split('"""')[1].split("\n\n")[0].strip()


if __name__ == "__main__":
    sys.exit(main())
