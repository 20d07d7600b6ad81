"""A real hub process for tests, and what tests ask of it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from zego_widget import protocol, wire
from zego_widget.credentials import App
from zego_widget.hub import discovery
from zego_widget.hub.settings import HubSettings
from zego_widget.hub.status import HubStatus, ProcessStatus

PATIENCE = 20.0
"""Seconds after which a test that waits for something fails."""

APP_VARIABLES = {"ZEGO_APP_ID", "ZEGO_APP_SIGN", "ZEGO_SERVER_SECRET"}
BAD_LOG_WORDS = ("Traceback", "Task exception was never retrieved", "never retrieved", "was never awaited")

_RUN = """
import json, sys
from pathlib import Path
from zego_widget.credentials import apps_from_file
from zego_widget.hub.process import run
from zego_widget.hub.settings import HubSettings
given = json.loads(sys.argv[1])
apps = apps_from_file(Path(given["apps"])) if given["apps"] else []
sys.exit(run(HubSettings(**given["settings"]), managed=given["managed"], apps=apps))
"""


class HubProcess:
    """One hub process in a runtime directory of its own; `address` has url, secret and pid."""

    def __init__(
        self,
        directory: Path,
        settings: HubSettings | None = None,
        *,
        managed: bool = False,
        apps: Sequence[App] = (),
    ) -> None:
        self.directory = discovery.runtime_directory(directory)
        apps_file = str(write_apps(self.directory / "apps.json", apps)) if apps else ""
        given = {"settings": dataclasses.asdict(settings or HubSettings()), "managed": managed, "apps": apps_file}
        log = discovery.open_log(self.directory)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _RUN, json.dumps(given)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(self.directory),
                start_new_session=True,
            )
        finally:
            os.close(log)
        try:
            self.address = self._wait_for_address()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.media_port = self.status().media_port

    @property
    def url(self) -> str:
        return self.address.url

    @property
    def secret(self) -> str:
        return self.address.secret

    @property
    def pid(self) -> int:
        return self.address.pid

    def key(self, user_id: str, room_id: str) -> protocol.Credential:
        """What lets a user into a room ("": to the hub alone), for the hub's own app."""
        assert self.address.app is not None and self.address.app.server_secret
        return self.address.app.credential("", room_id, user_id)

    @property
    def port(self) -> int:
        """TCP port of the hub."""
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        return (self.directory / discovery.LOG_FILE).read_text()

    def status(self) -> HubStatus:
        """What the hub says of itself (one HTTP request, blocking for a moment)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", "/v1/status", headers=self.address.headers)
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200, body
        return msgspec.json.decode(body, type=HubStatus)

    async def level(self) -> ProcessStatus:
        """What the hub's process uses now; give it to `is_back_at` later."""
        return (await asyncio.to_thread(self.status)).process

    async def is_back_at(self, level: ProcessStatus, *, within: float = 10.0, rss_slack: int = 16 << 20) -> None:
        """Fail unless tasks, threads and descriptors return to `level`, and memory to `rss_slack` bytes above it."""
        deadline = time.monotonic() + within
        while True:
            now = await self.level()
            grown = [
                f"{name}: {before} -> {after}"
                for name, before, after in (
                    ("tasks", level.tasks, now.tasks),
                    ("threads", level.threads, now.threads),
                    ("file descriptors", level.file_descriptors or 0, now.file_descriptors or 0),
                    ("rss bytes", (level.rss_bytes or 0) + rss_slack, now.rss_bytes or 0),
                )
                if after > before
            ]
            if not grown:
                return
            assert time.monotonic() < deadline, f"The hub did not come back to its level: {', '.join(grown)}"
            await asyncio.sleep(0.1)

    @contextlib.asynccontextmanager
    async def link(self) -> AsyncIterator[Link]:
        """A link to this hub on which nothing was said yet."""
        async with (
            aiohttp.ClientSession(headers=self.address.headers) as session,
            session.ws_connect(self.url + "/v1/link", max_msg_size=0) as socket,
        ):
            yield Link(socket)

    @contextlib.asynccontextmanager
    async def greeted_link(self) -> AsyncIterator[Link]:
        """A link after `Hello` and `Welcome`."""
        async with self.link() as link:
            await link.greet()
            yield link

    def wait(self) -> int:
        """The exit code, once the process has ended."""
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End the process; fails if it does not end well or has logged what it must not."""
        ended_well = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                ended_well = self.process.wait(PATIENCE) == 0
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                ended_well = False
        assert ended_well, f"The hub did not end as it should (exit code {self.process.returncode}):\n{self.log}"
        check_log(self.directory)

    def _wait_for_address(self) -> discovery.HubAddress:
        deadline = time.monotonic() + PATIENCE
        while (address := discovery.read_address(self.directory)) is None:
            assert self.process.poll() is None, f"The hub ended at once:\n{self.log}"
            assert time.monotonic() < deadline, f"The hub did not start:\n{self.log}"
            time.sleep(0.02)
        return address


class Link:
    """A bare link: typed messages out and in, no logic."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message: protocol.Message) -> None:
        await self.socket.send_str(wire.encode(message))

    async def receive(self) -> protocol.HubMessage:
        """The next message; fails if the link is closed."""
        message = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        assert message.type is aiohttp.WSMsgType.TEXT, (
            f"no message but {message!r}, close code {self.socket.close_code}"
        )
        return wire.decode_hub(message.data)

    async def greet(self) -> protocol.Welcome:
        await self.send(protocol.Hello(protocol.PROTOCOL_VERSION, "test"))
        welcome = await self.receive()
        assert isinstance(welcome, protocol.Welcome)
        return welcome

    async def closed(self) -> int | None:
        """The close code, once the hub has closed; messages before that are skipped."""
        while True:
            message = await asyncio.wait_for(self.socket.receive(), PATIENCE)
            if message.type is aiohttp.WSMsgType.CLOSE:
                return int(message.data)  # `close_code` is that of the client's own attempt to answer
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                return self.socket.close_code
            assert message.type is not aiohttp.WSMsgType.ERROR, message

    async def is_alive(self) -> None:
        """Fail unless the hub answers a heartbeat; other messages before that are skipped."""
        await self.send(protocol.Heartbeat(4711.0))
        while await self.receive() != protocol.HeartbeatAck(4711.0):
            pass


def write_apps(path: Path, apps: Sequence[App]) -> Path:
    """A file that `zego-widget serve --apps` reads."""
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(list(apps)))
    return path


def environment(directory: Path, **more: str) -> dict[str, str]:
    """The environment of a process that belongs to the hub in `directory`; whoever runs the tests may have an app."""
    ours = {name: value for name, value in os.environ.items() if name not in APP_VARIABLES}
    return ours | {discovery.RUNTIME_DIR_VARIABLE: str(directory)} | more


def check_log(directory: Path) -> None:
    """Fail if a hub of this directory logged an exception that nobody handled."""
    with contextlib.suppress(FileNotFoundError):
        log = (directory / discovery.LOG_FILE).read_text()
        assert not any(words in log for words in BAD_LOG_WORDS), f"The hub's log:\n{log}"


def raw_exchange(port: int, request: bytes, *, host: str = "127.0.0.1") -> tuple[int, bytes]:
    """Send bytes, read until the hub closes; the status code (0 if none came) and all that was read."""
    with socket.create_connection((host, port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        read = b""
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(65536):
                read += chunk
                if b"\r\n\r\n" in read and read.startswith(b"HTTP/1.1 101"):
                    break
    return status_code(read), read


def status_code(answer: bytes) -> int:
    """Of an HTTP answer; 0 if it is none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") else 0


def run_command(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`zego-widget <arguments>` in a runtime directory."""
    command: list[Any] = [sys.executable, "-m", "zego_widget", *arguments]
    return subprocess.run(
        command, env=environment(directory), capture_output=True, text=True, timeout=PATIENCE * 2, check=False
    )
