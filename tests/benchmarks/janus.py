"""Janus' VideoRoom, started and driven by a benchmark: loopback only, configured in a directory of its own."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.benchmarks import isolation

ROOM = 1

_FOLDERS = (Path("/usr/lib/x86_64-linux-gnu/janus"), Path("/usr/lib/aarch64-linux-gnu/janus"), Path("/usr/lib/janus"))
_PATIENCE = 20.0

_CONFIGURATION = """
general: {{
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    events_folder = "{folder}/events"
    loggers_folder = "{folder}/loggers"
    debug_level = 2
}}
media: {{ {media} }}
nat: {{ ice_enforce_list = "{host}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
_HTTP = """
general: {{ json = "compact", base_path = "/janus", http = true, port = {port}, ip = "127.0.0.1", https = false }}
"""


class NoJanus(RuntimeError):
    """Janus is not installed here."""


class JanusError(RuntimeError):
    """Janus refused a request."""


class Janus:
    """A running Janus."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, directory: Path) -> None:
        self._process = process
        self._url = url
        self._directory = directory
        self.http = aiohttp.ClientSession()

    @staticmethod
    def why_not() -> str:
        """Why there is none to run; empty when there is."""
        if shutil.which("janus") is None or _folder() is None:
            return "Janus is not installed (Debian: apt-get install janus)"
        if not isolation.is_isolated():
            return "Janus is not run where there is no network namespace for it, since it would listen to everyone"
        return ""

    @classmethod
    async def start(cls, *, media: str = "") -> Self:
        """Run one with the room `ROOM`; `media` goes into that section of its configuration; raises `NoJanus`."""
        folder, executable = _folder(), shutil.which("janus")
        if folder is None or executable is None:
            raise NoJanus("Janus is not installed")
        directory = Path(tempfile.mkdtemp(prefix="bench-janus-"))
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        others = [p.name for p in (folder / "plugins").glob("*.so") if "videoroom" not in p.name]
        transports = [p.name for p in (folder / "transports").glob("*.so") if "http" not in p.name]
        (directory / "janus.jcfg").write_text(
            _CONFIGURATION.format(
                folder=folder,
                plugins=",".join(others),
                transports=",".join(transports),
                media=media,
                host=isolation.host(),
            )
        )
        (directory / "janus.transport.http.jcfg").write_text(_HTTP.format(port=port))
        (directory / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")
        process = await asyncio.create_subprocess_exec(
            executable,
            "--configs-folder",
            str(directory),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        janus = cls(process, f"http://127.0.0.1:{port}/janus", directory)
        try:
            await janus._make_room()
        except BaseException:
            await janus.aclose()
            raise
        return janus

    @property
    def pid(self) -> int:
        """Process ID."""
        return self._process.pid

    async def session(self) -> JanusSession:
        """A new session with a handle of the VideoRoom."""
        return await JanusSession.open(self.http, self._url)

    async def _make_room(self) -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            try:
                session = await self.session()
                break
            except aiohttp.ClientError:
                if asyncio.get_running_loop().time() > deadline or self._process.returncode is not None:
                    raise
                await asyncio.sleep(0.05)
        room = {"request": "create", "room": ROOM, "publishers": 100, "bitrate": 100_000_000, "videocodec": "vp8"}
        await session.message({**room, "audiocodec": "opus"})
        await session.aclose()

    async def aclose(self) -> None:
        """End it."""
        await self.http.close()
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)


class JanusSession:
    """One session with one VideoRoom handle: a publisher or a subscriber."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        """Use `Janus.session`."""
        self._http = http
        self._url = url
        self._handle_url = ""
        self._transactions = 0
        self._events: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._poll: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: str) -> Self:
        created = await cls(http, url)._post(url, {"janus": "create"})
        session = cls(http, f"{url}/{created['data']['id']}")
        attached = await session._post(session._url, {"janus": "attach", "plugin": "janus.plugin.videoroom"})
        session._handle_url = f"{session._url}/{attached['data']['id']}"
        session._poll = asyncio.create_task(session._read_events())
        return session

    async def publish(self, name: str, offer: str) -> tuple[int, str]:
        """Join and publish; returns the publisher's ID and the answer."""
        joined = await self.message({"request": "join", "ptype": "publisher", "room": ROOM, "display": name})
        reply = await self._send({"request": "publish"}, {"type": "offer", "sdp": offer})
        return joined["id"], reply["jsep"]["sdp"]

    async def subscribe(self, feeds: list[int]) -> str:
        """Ask to play publishers; returns Janus' offer."""
        streams = [{"feed": feed} for feed in feeds]
        reply = await self._send({"request": "join", "ptype": "subscriber", "room": ROOM, "streams": streams})
        return str(reply["jsep"]["sdp"])

    async def start(self, answer: str) -> None:
        """Answer what `subscribe` returned."""
        await self._send({"request": "start"}, {"type": "answer", "sdp": answer})

    async def message(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send the plugin a request and return its reply; raises `JanusError`."""
        data: dict[str, Any] = (await self._send(body))["plugindata"]["data"]
        return data

    async def _send(self, body: dict[str, Any], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        self._transactions += 1
        transaction = str(self._transactions)
        event = self._events[transaction] = asyncio.get_running_loop().create_future()
        request = {"janus": "message", "body": body, "transaction": transaction}
        reply = await self._post(self._handle_url, {**request, "jsep": jsep} if jsep else request)
        if reply["janus"] == "ack":
            reply = await asyncio.wait_for(event, _PATIENCE)
        self._events.pop(transaction, None)
        if "error" in reply.get("plugindata", {}).get("data", {}):
            raise JanusError(reply["plugindata"]["data"]["error"])
        return reply

    async def _post(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(url, json={"transaction": "0", **body}) as response:
            reply: dict[str, Any] = await response.json(content_type=None)
        if reply["janus"] == "error":
            raise JanusError(reply["error"]["reason"])
        return reply

    async def _read_events(self) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            while True:
                async with self._http.get(self._url, params={"maxev": "10"}) as response:
                    events = await response.json(content_type=None)
                for event in events if isinstance(events, list) else [events]:
                    waiting = self._events.get(event.get("transaction", ""))
                    if waiting is not None and not waiting.done() and event["janus"] == "event":
                        waiting.set_result(event)
                    elif event["janus"] == "error":
                        return

    async def aclose(self) -> None:
        """End the session and its connection."""
        if self._poll is not None:
            self._poll.cancel()
            await asyncio.gather(self._poll, return_exceptions=True)
        with contextlib.suppress(aiohttp.ClientError, JanusError):
            await self._post(self._url, {"janus": "destroy"})


def _folder() -> Path | None:
    return next((folder for folder in _FOLDERS if (folder / "plugins" / "libjanus_videoroom.so").exists()), None)
