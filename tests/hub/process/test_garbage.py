"""Collecting garbage holds no media up: what a hub consists of is not gone through again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.hub.hub_process import PATIENCE, environment

_RUN = """
import gc, os, signal
from zego_widget.hub.process import run
from zego_widget.hub.settings import HubSettings

def ready(url, media_port):
    print(len(gc.get_objects()), gc.get_freeze_count())
    os.kill(os.getpid(), signal.SIGTERM)

raise SystemExit(run(HubSettings(), ready=ready))
"""


def test_a_hub_that_is_ready_has_little_to_look_through(tmp_path: Path) -> None:
    hub = subprocess.run(
        [sys.executable, "-c", _RUN],
        env=environment(tmp_path / "runtime"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    looked_through, left_alone = map(int, hub.stdout.split())
    assert left_alone > 10_000 > looked_through
