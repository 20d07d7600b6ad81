"""`zego-widget doctor` as a person runs it: with a hub, without one, and where something is wrong."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.hub.hub_process import HubProcess, run_command
from tests.hub.process.test_discovery import hubs_of
from tests.hub.tcp.network import Network, needs_root
from zego_widget.hub import discovery

Findings = dict[str, dict[str, str]]


def examined(done: subprocess.CompletedProcess[str]) -> Findings:
    """What was found, by check."""
    assert "Traceback" not in done.stderr, done.stderr
    content = json.loads(done.stdout)
    assert content["can_call"] is (done.returncode == 0)
    found = {each["check"]: each for each in content["findings"]}
    assert len(found) == len(content["findings"]), "a check was told twice"
    return found


def verdicts(found: Findings, *checks: str) -> list[str]:
    return [found[check]["verdict"] for check in checks]


def private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_with_a_hub_that_runs_all_is_well_and_nothing_is_left(hub_process: HubProcess) -> None:
    done = run_command(hub_process.directory, "doctor", "--json")
    found = examined(done)
    assert done.returncode == 0
    works = ("hub", "secret", "clock", "protocol", "websocket", "login", "udp", "tcp")
    assert verdicts(found, *works) == ["ok"] * len(works), done.stdout
    assert f"process {hub_process.pid}" in found["hub"]["sentence"]
    assert f"127.0.0.1:{hub_process.media_port}" in found["tcp"]["sentence"]
    address = hub_process.address
    assert address.app is not None
    for secret in (address.secret, address.app.app_sign, address.app.server_secret):
        assert secret not in done.stdout + done.stderr + hub_process.log
    status = hub_process.status()
    assert (status.sessions, status.rooms, status.peers) == (0, 0, 0)


def test_a_person_reads_one_line_for_each(hub_process: HubProcess) -> None:
    done = run_command(hub_process.directory, "doctor")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[-1].startswith("A call can work")
    assert any(line.startswith("ok       udp ") for line in lines)


def test_without_a_hub_one_is_started_for_it_and_ended_again(
    runtime_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    found = examined(run_command(runtime_dir, "doctor", "--json"))
    assert verdicts(found, "hub", "login", "udp", "tcp") == ["ok"] * 4
    assert "No hub runs now" in found["hub"]["sentence"]
    assert hubs_of(runtime_dir) == [] and not (runtime_dir / discovery.HUB_FILE).exists()
    assert not any(temporary.iterdir()) and not any(str(temporary) in each for each in runtime_directories())


def runtime_directories() -> Iterator[str]:
    """Of every process that has one."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if directory := process.environ().get(discovery.RUNTIME_DIR_VARIABLE):
                yield directory


@pytest.fixture
def network() -> Iterator[Network]:
    with contextlib.closing(Network()) as network:
        yield network


@needs_root
def test_where_udp_is_dropped_a_call_can_still_work(network: Network, tmp_path: Path) -> None:
    network.drop_udp()
    with network.entered(), contextlib.closing(HubProcess(tmp_path / "runtime")) as hub:
        done = run_command(hub.directory, "doctor", "--json")
    found = examined(done)
    assert done.returncode == 0 and verdicts(found, "udp", "tcp") == ["limited", "ok"]
    assert f"127.0.0.1:{hub.media_port}" in found["udp"]["sentence"] and "let UDP through" in found["udp"]["advice"]


@needs_root
def test_where_udp_and_tcp_are_dropped_no_call_can_work(network: Network, tmp_path: Path) -> None:
    network.drop_udp()
    with network.entered(), contextlib.closing(HubProcess(tmp_path / "runtime")) as hub:
        network.drop_tcp(hub.media_port)
        done = run_command(hub.directory, "doctor", "--json")
    found = examined(done)
    assert done.returncode == 1 and verdicts(found, "login", "udp", "tcp") == ["ok", "broken", "broken"]
    assert "Let UDP or TCP through" in found["tcp"]["advice"]


def test_a_hub_elsewhere_is_examined_with_the_secret_of_a_file(hub_process: HubProcess, tmp_path: Path) -> None:
    secret_file = hub_process.directory / discovery.HUB_FILE
    done = run_command(
        tmp_path / "other", "doctor", "--hub", hub_process.url + "/", "--secret-file", str(secret_file), "--json"
    )
    found = examined(done)
    assert done.returncode == 0 and verdicts(found, "secret", "websocket", "login", "udp", "tcp") == ["ok"] * 5
    assert "directory" not in found and hub_process.secret not in done.stdout


def test_a_hub_elsewhere_without_an_app_or_a_secret_is_told_from_none(hub_process: HubProcess, tmp_path: Path) -> None:
    directory, alone = tmp_path / "other", private(tmp_path / "secret", hub_process.secret + "\n")
    named = ("doctor", "--hub", hub_process.url, "--json")
    found = examined(run_command(directory, *named))
    assert verdicts(found, "hub", "secret", "clock", "websocket") == ["ok", "unknown", "ok", "ok"]
    assert "login" not in found
    done = run_command(directory, *named, "--secret-file", str(alone))
    found = examined(done)
    assert done.returncode == 1 and "Nobody can say" in json.loads(done.stdout)["conclusion"]
    assert verdicts(found, "secret", "websocket", "login") == ["ok", "ok", "unknown"] and "udp" not in found


def test_a_wrong_secret_is_a_sentence(hub_process: HubProcess, tmp_path: Path) -> None:
    wrong = private(tmp_path / "secret", "x" * 43)
    done = run_command(tmp_path / "other", "doctor", "--hub", hub_process.url, "--secret-file", str(wrong), "--json")
    found = examined(done)
    assert done.returncode == 1 and verdicts(found, "hub", "secret") == ["ok", "broken"] and "x" * 43 not in done.stdout


def test_where_nothing_listens_the_address_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = run_command(tmp_path / "runtime", "doctor", "--hub", url, "--json")
    found = examined(done)
    assert done.returncode == 1 and found["hub"]["verdict"] == "broken" and url in found["hub"]["sentence"]


@pytest.mark.parametrize(
    "arguments",
    [["--hub", "127.0.0.1:80"], ["--secret-file", "x"], ["--hub", "http://127.0.0.1:9", "--secret-file", "x"]],
)
def test_arguments_that_make_no_sense_are_a_sentence(tmp_path: Path, arguments: list[str]) -> None:
    done = run_command(tmp_path / "runtime", "doctor", *arguments)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("zego-widget: ") and "Traceback" not in done.stderr


def test_a_secret_that_others_can_read_is_not_used(hub_process: HubProcess, tmp_path: Path) -> None:
    secret_file = private(tmp_path / "secret", hub_process.secret)
    secret_file.chmod(0o644)
    done = run_command(tmp_path / "other", "doctor", "--hub", hub_process.url, "--secret-file", str(secret_file))
    assert done.returncode == 1 and "is not this user's alone" in done.stderr


def test_a_directory_open_to_others_is_found(tmp_path: Path) -> None:
    directory = tmp_path / "runtime"
    directory.mkdir()
    directory.chmod(0o755)
    done = run_command(directory, "doctor", "--json")
    found = examined(done)
    assert done.returncode == 1 and found["directory"]["verdict"] == "broken" and "hub" not in found
    assert "0700" in found["directory"]["sentence"]


def test_the_status_tells_the_hubs_time(hub_process: HubProcess) -> None:
    before = time.time()
    told = hub_process.status().time
    assert told is not None and before - 1 <= told <= time.time() + 1
