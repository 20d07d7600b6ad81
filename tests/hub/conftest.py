"""Fixtures of all tests that talk to a real hub process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.hub.hub_process import HubProcess, check_log
from zego_widget.credentials import App
from zego_widget.hub import discovery
from zego_widget.hub.settings import HubSettings


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., HubProcess]]:
    """Start hubs with settings of one's own: `start_hub(idle_timeout=1.0, managed=True)`; all are ended."""
    hubs: list[HubProcess] = []

    def start(*, managed: bool = False, apps: Sequence[App] = (), **settings: Any) -> HubProcess:
        directory = tmp_path / f"runtime-{len(hubs)}"
        hub = HubProcess(directory, HubSettings(**settings), managed=managed, apps=apps)
        hubs.append(hub)
        return hub

    with contextlib.ExitStack() as closing:
        yield start
        for hub in hubs:
            closing.callback(hub.close)


@pytest.fixture
def hub_process(start_hub: Callable[..., HubProcess]) -> HubProcess:
    """A hub with the settings of `zego-widget serve`, ended afterwards; its log must be clean."""
    return start_hub()


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """One hub for all tests of a module that leave it as they found it."""
    with contextlib.closing(HubProcess(tmp_path_factory.mktemp("hub") / "runtime")) as hub:
        yield hub


@pytest.fixture
def runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The runtime directory of this test and of all it starts; a hub that is left there is stopped."""
    directory = tmp_path / "runtime"
    monkeypatch.setenv(discovery.RUNTIME_DIR_VARIABLE, str(directory))
    yield directory
    if directory.exists() and directory.stat().st_mode & 0o077 == 0:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(_stop_hub(directory))
        check_log(directory)


async def _stop_hub(directory: Path) -> None:
    address = discovery.read_address(directory)
    if address is not None and await discovery.ask(address, "POST", "/v1/stop") is not None:
        async with asyncio.timeout(20):
            while await discovery.ask(address) is not None:  # noqa: ASYNC110 - another process, which sends no event
                await asyncio.sleep(0.05)
