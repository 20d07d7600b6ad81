"""Finding and starting the hub: one for everyone, private, gone when idle."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.hub.hub_process import PATIENCE, HubProcess, environment
from zego_widget import protocol
from zego_widget.errors import ErrorCode, HubUnreachable, Refused, Unauthorized
from zego_widget.hub import discovery
from zego_widget.hub.discovery import HubAddress

FIND = """
import asyncio, sys
from zego_widget.hub.discovery import find_or_start
sys.stdin.readline()  # all start at once
address = asyncio.run(find_or_start())
print(address.pid, address.url, len(address.secret))
"""


def hubs_of(directory: Path) -> list[int]:
    """Process IDs of the hubs (and of what starts them) that work in a runtime directory."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get(discovery.RUNTIME_DIR_VARIABLE) == str(directory)
            if ours and process.pid != os.getpid() and "zego_widget.hub.process" in " ".join(process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(PATIENCE):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def starter(directory: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FIND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(directory),
    )


async def test_ten_processes_at_once_end_up_on_one_hub(runtime_dir: Path) -> None:
    starters = [await starter(runtime_dir) for _ in range(10)]
    answers = await asyncio.wait_for(asyncio.gather(*(each.communicate(b"\n") for each in starters)), 60)
    assert all(each.returncode == 0 for each in starters), answers
    assert all(err == b"" for _, err in answers), answers
    assert len({out for out, _ in answers}) == 1
    assert hubs_of(runtime_dir) == [int(answers[0][0].split()[0])]


async def test_two_who_start_in_one_process_end_up_on_one_hub(runtime_dir: Path) -> None:
    addresses = await asyncio.gather(*(discovery.find_or_start() for _ in range(5)))
    assert len(set(addresses)) == 1
    assert hubs_of(runtime_dir) == [addresses[0].pid]


async def test_the_hub_belongs_to_nobody(runtime_dir: Path, tmp_path: Path) -> None:
    """It has a session of its own, holds nothing of its starter open and outlives it."""
    process = await starter(runtime_dir)
    out, _ = await asyncio.wait_for(process.communicate(b"\n"), 60)  # ends, although the hub goes on
    pid = int(out.split()[0])
    hub = psutil.Process(pid)
    assert os.getsid(pid) not in (os.getsid(0), pid)
    assert hub.cwd() == "/"
    standard = [str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in (0, 1, 2)]
    assert standard == ["/dev/null", str(runtime_dir / "hub.log"), str(runtime_dir / "hub.log")]
    assert hub.ppid() not in (os.getpid(), process.pid)


async def test_a_module_in_the_notebooks_directory_is_not_the_hubs_business(
    runtime_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("aiohttp.py", "logging.py", "random.py"):
        (tmp_path / name).write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    assert await discovery.find_or_start()


async def test_a_file_left_by_a_killed_hub_is_not_believed(runtime_dir: Path) -> None:
    first = await discovery.find_or_start()
    os.kill(first.pid, signal.SIGKILL)
    await gone(first.pid)
    assert discovery.read_address() == first
    assert await discovery.find() is None
    second = await discovery.find_or_start()
    assert second.pid != first.pid and second.secret != first.secret
    assert [each.name for each in runtime_dir.glob("*.json*")] == ["hub.json"]


async def test_a_live_process_on_the_port_that_is_not_our_hub_is_not_believed(
    runtime_dir: Path, shared_hub: HubProcess
) -> None:
    """The process ID lives, the port answers, but it is another hub with another secret."""
    discovery.runtime_directory()
    assert discovery.publish(runtime_dir, address_of(shared_hub.url, pid=os.getpid()))
    assert await discovery.find() is None
    address = await discovery.find_or_start()
    assert address.url != shared_hub.url


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"url": 1}', b"\xff\xfe"])
async def test_a_broken_file_is_replaced(runtime_dir: Path, content: bytes) -> None:
    file = discovery.runtime_directory() / "hub.json"
    file.write_bytes(content)
    file.chmod(0o600)
    assert await discovery.find() is None
    await discovery.find_or_start()
    assert discovery.read_address() is not None


async def test_something_that_never_answers_is_an_error_and_not_a_second_hub(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "ASK_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert discovery.publish(discovery.runtime_directory(), address_of(url, pid=os.getpid()))
        with pytest.raises(HubUnreachable, match="does not answer"):
            await discovery.find_or_start()
    (runtime_dir / "hub.json").unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets others limit a process")
async def test_a_hub_that_has_no_room_for_another_connection_is_still_the_hub(
    start_hub: Callable[..., HubProcess],
) -> None:
    """Nobody starts a second hub beside it, on which he would be alone."""
    hub = start_hub()
    process = psutil.Process(hub.pid)
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    files = {int(each.name) for each in Path(f"/proc/{hub.pid}/fd").iterdir()}
    process.rlimit(psutil.RLIMIT_NOFILE, (max(files) + 1, before[1]))
    with contextlib.ExitStack() as silent:
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(HubUnreachable):
                while await discovery.find(hub.directory) == hub.address:
                    silent.enter_context(socket.create_connection(("127.0.0.1", hub.port)))
                pytest.fail("The hub is taken for gone.")
    process.rlimit(psutil.RLIMIT_NOFILE, before)
    assert await discovery.find(hub.directory) == hub.address


async def test_what_hangs_up_where_a_hub_was_that_is_gone_is_not_the_hub(runtime_dir: Path) -> None:
    """The port belongs to some other program by now."""
    hung_up = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        hung_up.set()

    dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await dead.wait()
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as other:
        url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
        assert discovery.publish(discovery.runtime_directory(), address_of(url, pid=dead.pid))
        assert await discovery.find() is None
        assert hung_up.is_set()
        assert (await discovery.find_or_start()).url != url


def pass_for_another_version(runtime_dir: Path, hub: HubProcess, protocol_version: int) -> HubAddress:
    """Make a hub that runs the one of `runtime_dir`, as one that speaks another version of the protocol."""
    discovery.runtime_directory()
    address = HubAddress(hub.url, hub.secret, hub.pid, "9.9", protocol_version)
    assert discovery.publish(runtime_dir, address)
    return address


@pytest.mark.parametrize("newer", [-1, 1])
async def test_an_idle_hub_of_another_protocol_is_replaced(
    runtime_dir: Path, start_hub: Callable[..., HubProcess], newer: int
) -> None:
    other = start_hub(managed=True)
    pass_for_another_version(runtime_dir, other, protocol.PROTOCOL_VERSION + newer)
    ours = await asyncio.gather(discovery.find_or_start(), discovery.find_or_start())
    assert ours[0] == ours[1] == await discovery.find()
    assert ours[0].protocol == protocol.PROTOCOL_VERSION and ours[0].url != other.url
    assert await asyncio.to_thread(other.wait) == 0


async def test_a_hub_of_another_protocol_that_is_in_use_is_refused_with_a_sentence(
    runtime_dir: Path, start_hub: Callable[..., HubProcess]
) -> None:
    other = start_hub(managed=True)
    pass_for_another_version(runtime_dir, other, protocol.PROTOCOL_VERSION + 1)
    async with other.greeted_link() as link:
        with pytest.raises(Refused, match=r"zego-widget 9\.9 runs and is in use.*zego-widget stop") as refused:
            await discovery.find_or_start()
        await link.is_alive()
    assert refused.value.code is ErrorCode.PROTOCOL_VERSION_MISMATCH
    (runtime_dir / "hub.json").unlink()


async def test_a_hub_of_another_protocol_that_somebody_serves_is_refused_with_a_sentence(
    runtime_dir: Path, hub_process: HubProcess
) -> None:
    pass_for_another_version(runtime_dir, hub_process, protocol.PROTOCOL_VERSION + 1)
    with pytest.raises(Refused, match=r"zego-widget 9\.9 runs and was started by .zego-widget serve.*stop"):
        await discovery.find_or_start()
    assert hub_process.status().pid == hub_process.pid
    (runtime_dir / "hub.json").unlink()


async def test_a_hub_that_cannot_start_says_why(runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_LAUNCH", "raise SystemExit('no media today')")
    with pytest.raises(HubUnreachable, match="no media today"):
        await discovery.find_or_start()


async def test_a_machine_that_cannot_start_another_process_now_may_be_able_to_soon(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that was killed for want of memory: who comes back to a call tries again."""

    def start(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    with monkeypatch.context() as short_of_memory:
        short_of_memory.setattr(subprocess, "Popen", start)
        with pytest.raises(HubUnreachable, match="cannot be started: Cannot allocate memory"):
            await discovery.find_or_start()
    assert await discovery.find_or_start()


def address_of(url: str, pid: int) -> HubAddress:
    return HubAddress(url, "x" * 43, pid, "0", protocol.PROTOCOL_VERSION)


# -- private (FAULTS 24) --------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


async def test_the_secret_is_nowhere_but_in_the_private_file(runtime_dir: Path) -> None:
    old = os.umask(0)
    try:
        address = await discovery.find_or_start()
    finally:
        os.umask(old)
    assert len(address.secret) >= 32
    assert mode(runtime_dir) == 0o700
    files = [each for each in runtime_dir.iterdir() if each.is_file()]
    assert {each.name for each in files} >= {"hub.json", "hub.log", "hub.lock"}
    for each in files:
        assert mode(each) == 0o600, each
        assert (address.secret in each.read_text()) == (each.name == "hub.json"), each
    secret = address.secret.encode()
    for name in ("cmdline", "environ"):
        for pid in (address.pid, os.getpid()):
            assert secret not in Path(f"/proc/{pid}/{name}").read_bytes()
    assert address.secret not in repr(address) and address.secret not in str(address)
    assert address.secret not in address.url


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can become another user")
async def test_another_user_cannot_read_the_files(runtime_dir: Path, tmp_path: Path) -> None:
    await discovery.find_or_start()
    # Everybody may come as far as the runtime directory.
    for parent in [runtime_dir.parent, *runtime_dir.parent.parents]:
        if parent.stat().st_uid == os.geteuid() and mode(parent) & 0o011 != 0o011:
            parent.chmod(mode(parent) | 0o011)
    code = """
import json, os, sys
os.setgid(65534); os.setgroups([]); os.setuid(65534)
errors = {}
for name in ["", "hub.json", "hub.log", "hub.lock"]:
    path = os.path.join(sys.argv[1], name)
    try:
        os.listdir(path) if not name else open(path).read()
    except OSError as error:
        errors[name] = type(error).__name__
print(json.dumps(errors))
"""
    done = await asyncio.to_thread(
        subprocess.run,
        ["/usr/bin/env", "python3", "-c", code, str(runtime_dir)],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert json.loads(done.stdout) == dict.fromkeys(["", "hub.json", "hub.log", "hub.lock"], "PermissionError")


def test_a_login_without_a_runtime_directory_is_nothing_to_tell_the_person(tmp_path: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    variables.pop(discovery.RUNTIME_DIR_VARIABLE, None)
    found = subprocess.run(
        [sys.executable, "-c", "from zego_widget.hub import discovery; print(discovery.runtime_directory())"],
        env={**variables, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not found.stderr
    assert stat.S_IMODE(Path(found.stdout.strip()).stat().st_mode) == 0o700


@pytest.mark.parametrize("open_mode", [0o755, 0o710, 0o707, 0o777])
async def test_a_directory_open_to_others_is_refused(runtime_dir: Path, open_mode: int) -> None:
    runtime_dir.mkdir()
    runtime_dir.chmod(open_mode)
    with pytest.raises(Unauthorized, match="0700"):
        await discovery.find_or_start()
    assert list(runtime_dir.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")
async def test_a_directory_of_another_user_is_refused(runtime_dir: Path) -> None:
    runtime_dir.mkdir(mode=0o700)
    os.chown(runtime_dir, 65534, 65534)
    try:
        with pytest.raises(Unauthorized, match="does not belong to this user"):
            await discovery.find_or_start()
    finally:
        os.chown(runtime_dir, 0, 0)


async def test_a_link_in_place_of_the_directory_is_refused(runtime_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    runtime_dir.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unauthorized):
        await discovery.find_or_start()
    runtime_dir.unlink()


async def test_a_file_others_can_read_is_refused(runtime_dir: Path) -> None:
    file = discovery.runtime_directory() / "hub.json"
    file.write_text("{}")
    file.chmod(0o644)
    with pytest.raises(Unauthorized, match="alone"):
        await discovery.find_or_start()
    file.unlink()


def test_of_two_hubs_that_publish_only_the_first_is_found(runtime_dir: Path) -> None:
    directory = discovery.runtime_directory()
    first, second = address_of("http://127.0.0.1:1", 1), address_of("http://127.0.0.1:2", 2)
    assert discovery.publish(directory, first) and not discovery.publish(directory, second)
    assert discovery.read_address() == first
    discovery.withdraw(directory, second)
    assert discovery.read_address() == first
    discovery.withdraw(directory, first)
    assert discovery.read_address() is None
    assert list(directory.iterdir()) == []


# -- the end --------------------------------------------------------------------------------------------------


async def test_an_idle_managed_hub_ends_and_takes_its_file_along(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(managed=True, idle_timeout=0.5)
    assert await asyncio.to_thread(hub.wait) == 0
    assert not (hub.directory / "hub.json").exists()
    assert "nobody has used the hub" in hub.log.lower()


async def test_a_managed_hub_stays_while_somebody_is_there(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(managed=True, idle_timeout=0.4)
    async with hub.greeted_link() as link:
        for _ in range(15):
            await asyncio.sleep(0.1)
            await link.is_alive()
        assert hub.process.poll() is None
    assert await asyncio.to_thread(hub.wait) == 0


async def test_a_hub_that_was_asked_for_waits_for_who_asked(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(managed=True, idle_timeout=1.0)
    for _ in range(8):
        await asyncio.sleep(0.3)
        assert await discovery.find(hub.directory) == hub.address
    assert await asyncio.to_thread(hub.wait) == 0


async def test_a_hub_that_is_served_stays_though_nobody_is_there(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(idle_timeout=0.2)
    await asyncio.sleep(1.0)
    assert hub.process.poll() is None


def crowding() -> float:
    """How many processes share a processor now, on a machine that does other work besides."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_the_hub_with_a_goodbye(start_hub: Callable[..., HubProcess], number: int) -> None:
    """FAULTS 6."""
    hub = start_hub()
    async with hub.greeted_link() as one, hub.greeted_link() as another:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        hub.process.send_signal(number)
        for link in (one, another):
            goodbye = await link.receive()
            assert isinstance(goodbye, protocol.Goodbye)
            assert goodbye.code == ErrorCode.HUB_STOPPING and "stopped" in goodbye.message
            assert await link.closed() == 1001
        assert await asyncio.to_thread(hub.wait) == 0
        assert loop.time() - asked_at < 2.0 * crowding()
    assert not (hub.directory / "hub.json").exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
async def test_a_hub_that_is_to_outlive_its_terminal_does(
    start_hub: Callable[..., HubProcess], number: signal.Signals
) -> None:
    """As `nohup zego-widget serve &` asks for."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        hub = start_hub()
    finally:
        signal.signal(number, before)
    async with hub.greeted_link() as link:
        hub.process.send_signal(number)
        await link.is_alive()
        await link.is_alive()
    assert hub.status().pid == hub.pid


async def test_signals_that_come_again_and_again_do_not_spoil_the_exit_code(
    start_hub: Callable[..., HubProcess],
) -> None:
    hub = start_hub()
    while hub.process.poll() is None:
        hub.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.005)
    assert hub.process.returncode == 0


async def test_a_client_that_does_not_read_does_not_keep_the_hub_from_ending(
    start_hub: Callable[..., HubProcess],
) -> None:
    hub = start_hub()
    async with hub.greeted_link() as link:
        link.socket._response.connection.transport.pause_reading()  # type: ignore[union-attr]
        hub.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(hub.wait) == 0
        link.socket._response.connection.transport.resume_reading()  # type: ignore[union-attr]


async def test_an_ending_hub_leaves_the_file_of_its_successor(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub()
    successor = address_of("http://127.0.0.1:9", 9)
    (hub.directory / "hub.json").unlink()
    assert discovery.publish(hub.directory, successor)
    hub.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(hub.wait) == 0
    assert discovery.read_address(hub.directory) == successor
