"""A real hub process and real peers in a network that loses a tenth of all datagrams, both ways (FAULTS 8)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.peers import PATIENCE

ROOT = Path(__file__).resolve().parents[3]


def why_not() -> str:
    """What is missing for a network namespace with loss, "" if nothing is."""
    missing = [tool for tool in ("unshare", "ip", "nft") if shutil.which(tool) is None]
    if missing:
        return f"{missing[0]} is not installed"
    probe = ["unshare", "--net", "nft", "list", "ruleset"]
    if os.geteuid() != 0 or subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        return "network namespaces cannot be made here"
    return ""


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "never")
def test_nine_of_ten_frames_are_seen_without_a_freeze_where_a_tenth_is_lost_both_ways(tmp_path: Path) -> None:
    run = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.hub.loss.lossy_call", str(tmp_path / "runtime")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 4,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert 0.06 < told["lost"] < 0.14
    assert told["seen"] >= 0.9
    assert told["longest_freeze"] <= 2.0  # half a second where nothing else runs
    counters = told["counters"]
    assert min(counters["packets_recovered"], counters["packets_retransmitted"]) > 10
    assert min(counters["nacks_sent"], counters["nacks_received"]) > 5
