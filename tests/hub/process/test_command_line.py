"""`zego-widget serve`, `status` and `stop` as a person runs them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.hub_process import PATIENCE, HubProcess, environment, run_command
from zego_widget.hub import discovery

ROWS = {"url", "pid", "version", "rooms", "sessions", "streams", "packets forwarded"}


def serve(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "zego_widget", "serve", *arguments],
        env=environment(directory),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def test_serve_says_where_it_listens_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    process = serve(tmp_path / "runtime")
    assert process.stdout is not None
    line = process.stdout.readline()
    address = discovery.read_address(tmp_path / "runtime")
    assert address is not None and address.url in line and "UDP and TCP port" in line
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert code == 0
    assert "Traceback" not in err and "Warning" not in err
    assert address.secret not in line + out + err


def test_serve_takes_the_ports_it_is_given(tmp_path: Path) -> None:
    port, media_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    process = serve(tmp_path / "runtime", "--port", str(port), "--media-port", str(media_port))
    assert process.stdout is not None
    line = process.stdout.readline()
    assert f"127.0.0.1:{port}" in line and f"UDP and TCP port {media_port}" in line
    process.terminate()
    assert ended(process)[0] == 0


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])


def test_media_may_be_bound_and_advertised_elsewhere_than_the_hub_listens(tmp_path: Path) -> None:
    process = serve(
        tmp_path / "runtime",
        *("--media-host", "0.0.0.0", "--public-address", "203.0.113.7", "--public-address", "[2001:db8::7]:5000"),
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    port = int(line.rpartition("port ")[2].partition(".")[0])
    assert "http://127.0.0.1:" in line
    for address in ("127.0.0.1", "127.0.0.2"):
        socket.create_connection((address, port)).close()
    process.terminate()
    code, _, err = ended(process)
    assert code == 0 and "Warning" not in err


@pytest.mark.parametrize("address", ["example.org", "203.0.113.7:x", ""])
def test_a_public_address_that_is_none_is_a_sentence(tmp_path: Path, address: str) -> None:
    done = run_command(tmp_path / "runtime", "serve", "--public-address", address)
    assert done.returncode == 1
    assert "is no address to tell browsers" in done.stderr and "Traceback" not in done.stderr


def test_a_media_host_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    done = run_command(tmp_path / "runtime", "serve", "--media-host", "no such host")
    assert done.returncode == 1
    assert "is no address for media" in done.stderr and "Traceback" not in done.stderr


def test_serve_on_a_media_port_that_is_taken_over_tcp_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run_command(tmp_path / "runtime", "serve", "--media-port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "(UDP and TCP)" in done.stderr and "in use" in done.stderr and "Traceback" not in done.stderr


def test_serve_warns_in_one_line_when_others_can_reach_it(tmp_path: Path) -> None:
    process = serve(tmp_path / "runtime", "--host", "0.0.0.0")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    code, _, err = ended(process)
    assert code == 0
    assert len([line for line in err.splitlines() if line.startswith("Warning: ")]) == 1


@pytest.mark.parametrize("host", ["localhost", "::1", "0.0.0.0"])
def test_a_hub_on_another_address_is_found_and_obeys(tmp_path: Path, host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    process = serve(tmp_path / "runtime", "--host", host)
    assert process.stdout is not None
    process.stdout.readline()
    status = run_command(tmp_path / "runtime", "status")
    stopped = run_command(tmp_path / "runtime", "stop")
    assert (status.returncode, stopped.returncode, ended(process)[0]) == (0, 0, 0)


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("option", ["--port", "--media-port"])
def test_serve_on_a_port_in_use_is_a_sentence(tmp_path: Path, option: str) -> None:
    kind = socket.SOCK_STREAM if option == "--port" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        done = run_command(tmp_path / "runtime", "serve", option, str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "in use" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["serve", "--port", "70000"], ["serve", "--port", "x"], ["dance"], []])
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    done = run_command(tmp_path / "runtime", *arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr and "Traceback" not in done.stderr


def test_serve_beside_a_running_hub_is_a_sentence(hub_process: HubProcess) -> None:
    done = run_command(hub_process.directory, "serve")
    assert done.returncode == 1
    assert "Another hub runs already" in done.stderr and "Traceback" not in done.stderr
    assert hub_process.status().pid == hub_process.pid


def test_status_is_readable(hub_process: HubProcess) -> None:
    done = run_command(hub_process.directory, "status")
    assert done.returncode == 0
    rows = {line[:18].strip(): line[18:] for line in done.stdout.splitlines()}
    assert set(rows) == ROWS
    assert rows["url"] == hub_process.url and rows["pid"] == str(hub_process.pid) and rows["rooms"] == "0"


async def test_status_as_json_has_all(hub_process: HubProcess) -> None:
    async with hub_process.greeted_link():
        done = run_command(hub_process.directory, "status", "--json")
    assert done.returncode == 0
    status = json.loads(done.stdout)
    assert status["url"] == hub_process.url and status["pid"] == hub_process.pid and status["version"]
    assert (status["rooms"], status["sessions"], status["streams"], status["packets_forwarded"]) == (0, 1, 0, 0)
    assert (status["counters"]["reports_received"], status["counters"]["closed_out_of_step"]) == (0, 0)
    assert status["network"] == {"upstream": {}, "downstream": {}}
    assert status["process"]["tasks"] > 0 and status["process"]["threads"] > 0
    assert hub_process.secret not in done.stdout


def test_without_a_hub_status_is_a_sentence_and_exit_code_1(tmp_path: Path) -> None:
    done = run_command(tmp_path / "runtime", "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert "No hub runs" in done.stderr and "Traceback" not in done.stderr
    done = run_command(tmp_path / "runtime", "status", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (1, None)


def test_stop_returns_when_the_hub_has_ended(hub_process: HubProcess) -> None:
    done = run_command(hub_process.directory, "stop")
    assert done.returncode == 0 and "has stopped" in done.stdout
    assert hub_process.wait() == 0
    assert not (hub_process.directory / "hub.json").exists()


def test_stop_without_a_hub_is_no_error(tmp_path: Path) -> None:
    done = run_command(tmp_path / "runtime", "stop")
    assert done.returncode == 0 and "No hub runs" in done.stdout


def test_a_directory_open_to_others_is_a_sentence(tmp_path: Path) -> None:
    directory = tmp_path / "runtime"
    directory.mkdir()
    directory.chmod(0o755)
    for command in ("serve", "status", "stop"):
        done = run_command(directory, command)
        assert done.returncode == 1
        assert "0700" in done.stderr and "Traceback" not in done.stderr
    assert list(directory.iterdir()) == []
