"""What tests of other people use."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import pytest

from zego_widget.model import User
from zego_widget.testing import hub, plugin

ROOT = Path(__file__).resolve().parents[3]

TEST = """
import zego_widget as zego

def test_with_engines(zego_hub, zego_engine):
    alice, bob = zego_engine(), zego_engine(scenario=zego.Scenario.KARAOKE)
    for engine, name in ((alice, "alice"), (bob, "bob")):
        engine.login_room("demo", zego.User(name)).result(10)
    assert zego_hub.status()["sessions"] == 2
"""


def test_the_fixtures_work_in_the_tests_of_others(tmp_path: Path) -> None:
    (tmp_path / "test_call.py").write_text(TEST)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:asyncio",
            "-p",
            "zego_widget.testing.plugin",
            "-W",
            "error",
            str(tmp_path),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_pytest_finds_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # The name is the module's, so that naming it with -p as well loads it once.
    assert project["entry-points"]["pytest11"] == {plugin.__name__: plugin.__name__}


def test_the_plugin_loads_nothing_before_it_is_used() -> None:
    code = "import sys, zego_widget.testing.plugin as p; print('aiohttp' in sys.modules, 'aiortc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_hub_works_without_asyncio_and_leaves_nothing() -> None:
    before = set(threading.enumerate())
    with hub() as lab:
        engine = lab.engine()
        engine.login_room("demo", User("alice")).result(10)
        assert lab.status()["rooms"] == 1
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


async def test_a_participant_that_hears_nothing_says_what_it_heard() -> None:
    async with hub() as lab:
        alice = await lab.participant("alice")
        with pytest.raises(AssertionError, match=r"call_invitation_received within 0\.01 s.*room_state_changed"):
            await alice.hears("call_invitation_received", timeout=0.01)
