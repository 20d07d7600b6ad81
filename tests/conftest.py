"""What runs beside what when several processes share the tests, as in `make test`."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

# What takes a processor for itself, as a Chromium or a flood does.
DEMANDING = (
    "tests/browser/",
    "tests/chaos/",
    "tests/hub/loss/test_lossy_namespace.py",
    "tests/hub/media/test_floods.py",
    "tests/hub/tcp/test_udp_blocked.py",
    "tests/hub/whip/test_floods.py",
)


def pytest_configure() -> None:
    _keep_bytecode()
    _hear_signals()


def _keep_bytecode() -> None:
    """Nobody compiles this package anew in each of the hundreds of processes that the tests start."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def _hear_signals() -> None:
    """What the tests start hears signals, also where the tests themselves were started with `nohup` or `&`."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name, default in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, default)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What was collected stays to the end: tests that collect garbage need not go through it each time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Demanding tests run in one process, one after another; of all others, those of a file stay together."""
    from xdist.scheduler import LoadScopeScheduling

    missing = [name for name in DEMANDING if not (config.rootpath / name).exists()]
    assert not missing, f"tests/conftest.py names what is not there: {missing}"

    class Shared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "demanding" if nodeid.startswith(DEMANDING) else nodeid.partition("::")[0]

    return Shared(config, log)
