"""A hub takes more links than the usual limit of open files would let it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub.hub_process import HubProcess

pytestmark = pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="reads /proc")

if sys.platform != "win32":
    import resource


@contextlib.contextmanager
def soft_limit(files: int) -> Iterator[int]:
    """Let this process, and what it starts, open so many files; gives the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_hub_started_under_a_low_limit_raises_it(start_hub: Callable[..., HubProcess]) -> None:
    with soft_limit(512) as hard:
        hub = start_hub()
    limits = Path(f"/proc/{hub.pid}/limits").read_text().splitlines()
    (line,) = [line for line in limits if line.startswith("Max open files")]
    soft = int(line.split()[3])
    assert soft > 512 or hard <= 512
