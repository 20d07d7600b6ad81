"""The hub's log says what matters and does not fill the disk, however long the hub runs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.hub_process import PATIENCE, HubProcess, environment
from zego_widget.hub import discovery

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files that are open cannot be renamed there")

TALK = """
import logging, os, sys
from pathlib import Path
from zego_widget.hub.log import HubLog
log = HubLog()
log.install()
log.keep_in(Path(sys.argv[1]))
for number in range(4000):
    logging.getLogger("zego_widget.hub").info("%d %s", number, "x" * 1000)
logging.getLogger("zego_widget.hub").info("a name\\nof two lines")
os.write(1, b"said to stdout\\n")
os.write(2, b"said to stderr\\n")
"""


def talk(directory: Path, log: Path) -> None:
    """A process says 4 MiB to its log and writes stdout and stderr to `log`."""
    with log.open("ab") as file:
        subprocess.run(
            [sys.executable, "-c", TALK, str(directory)],
            stdout=file,
            stderr=file,
            env=environment(directory),
            check=True,
            timeout=PATIENCE,
        )


def test_what_is_said_is_kept_up_to_a_size_and_the_latest_is_there(tmp_path: Path) -> None:
    directory = discovery.runtime_directory(tmp_path / "hub")
    os.close(discovery.open_log(directory))
    talk(directory, directory / "hub.log")
    files = sorted(directory.glob("hub.log*"))
    assert [file.name for file in files] == ["hub.log", "hub.log.old"]
    for file in files:
        assert file.stat().st_size < discovery.MAX_LOG + 2000
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    *_, last, name, stdout, stderr = files[0].read_text().splitlines()
    assert " 3999 xxx" in last
    assert name.endswith("a name\\nof two lines")
    assert (stdout, stderr) == ("said to stdout", "said to stderr")


def test_a_file_that_is_not_the_hubs_own_is_left_alone(tmp_path: Path) -> None:
    directory = discovery.runtime_directory(tmp_path / "hub")
    os.close(discovery.open_log(directory))
    talk(directory, tmp_path / "serve.log")
    assert (tmp_path / "serve.log").stat().st_size > 4_000_000
    assert [file.stat().st_size for file in directory.glob("hub.log*")] == [0]


def test_a_hub_whose_log_grows_too_large_goes_on_in_a_new_one(tmp_path: Path) -> None:
    directory = discovery.runtime_directory(tmp_path / "hub")
    log = discovery.open_log(directory)
    os.write(log, b"x" * (discovery.MAX_LOG - 1) + b"\n")
    os.close(log)
    hub = HubProcess(directory, managed=True)
    try:
        old = directory / "hub.log.old"
        assert discovery.MAX_LOG < old.stat().st_size < discovery.MAX_LOG + 2000
        if sys.platform == "linux":
            assert Path(f"/proc/{hub.pid}/fd/2").readlink() == directory / "hub.log"
        hub.status()
    finally:
        hub.close()
    assert "The hub was stopped" in hub.log
    assert hub.log.startswith("20")
