"""The hub as a process: from the first import to exit code 0."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from .._version import version
from ..credentials import App, apps_from_environment
from ..errors import InvalidArgument, Refused, ZegoError
from ..protocol import PROTOCOL_VERSION
from . import discovery
from .log import HubLog
from .settings import HubSettings

logger = logging.getLogger(__name__)

ASKED_GRACE = 2.0
"""Seconds a managed hub stays at least after it was asked whether it is there."""
_CLOSE_TIMEOUT = 1.6
"""Seconds that closing may take altogether; a hub is gone within two."""
_OPEN_FILES = 65536
"""Files and sockets a hub may have open, where the system lets it."""


def launch() -> None:
    """Run a managed hub detached from the caller; returns never.

    The process that was started ends as soon as the hub listens (exit code 0) or has failed (1); the hub is its
    child and belongs to nobody.
    """
    started = time.monotonic()
    if sys.platform == "win32":
        sys.exit(run(HubSettings(), managed=True))
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        os._exit(0 if os.read(reader, 1) else 1)
    os.close(reader)

    def ready(url: str, media_port: int) -> None:
        logger.info("Ready %.2f s after the start.", time.monotonic() - started)
        with contextlib.suppress(BrokenPipeError):
            os.write(writer, b"1")
        os.close(writer)

    sys.exit(run(HubSettings(), managed=True, ready=ready))


def run(
    settings: HubSettings,
    *,
    managed: bool = False,
    apps: Sequence[App] = (),
    ready: Callable[[str, int], None] = lambda url, media_port: None,
    secret: str = "",
) -> int:
    """Run a hub until it is stopped; returns the exit code, with which the process has to end.

    Without `apps` it serves the one of the environment (ZEGO_APP_ID), and where there is none one of its own.
    `ready` gets the hub's URL and media port once it listens. Without `secret` it makes one.
    """
    faulthandler.enable()
    gc.disable()  # until everything is imported, which stays
    log = HubLog()
    log.install()
    _allow_many_links()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(settings, managed, apps or apps_from_environment(), ready, log, secret))
        # The loop took its handlers along; one more signal must not turn a good end into a bad one.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except ZegoError as error:
        logger.error("%s", error.message)
        return 1
    except Exception:
        logger.exception("The hub failed.")
        return 1
    return 0


def _allow_many_links() -> None:
    """The usual limit of 1,024 open files is less than a large room has links."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _run(
    settings: HubSettings,
    managed: bool,
    known_apps: Sequence[App],
    ready: Callable[[str, int], None],
    log: HubLog,
    secret: str,
) -> None:
    # Media libraries may start threads when imported; a process that is going to fork has none.
    from ..forwarder import Forwarder
    from .apps import Apps
    from .hub import Hub
    from .server import HubServer

    loop = asyncio.get_running_loop()
    lifetime = Lifetime(settings.idle_timeout if managed else None)
    _on_signals(loop, lambda name: lifetime.end(f"The hub was stopped ({name})."))
    directory = discovery.runtime_directory()
    log.keep_in(directory)
    secret = secret or secrets.token_urlsafe(32)
    package_version = version()
    bounded = _Closing()
    async with contextlib.AsyncExitStack() as closing:
        listener = _listen(settings.host, settings.port)
        closing.callback(listener.close)
        media_host = _address(settings.media_host) if settings.media_host else str(listener.getsockname()[0])
        try:
            forwarder = await Forwarder.open(
                media_host,
                settings.media_port,
                public_addresses=settings.public_addresses,
                peer_timeout=settings.peer_timeout,
                connect_timeout=settings.connect_timeout,
            )
        except OSError as error:
            raise InvalidArgument(
                f"The hub cannot use media port {settings.media_port} (UDP and TCP) on {media_host}: {error.strerror}."
            ) from error
        closing.push_async_callback(bounded, "forwarder", forwarder.aclose)
        apps = Apps(known_apps)
        hub = Hub(forwarder, settings, version=package_version, apps=apps)
        server = HubServer(
            hub,
            settings,
            listener,
            secret=secret,
            version=package_version,
            media_port=forwarder.port,
            managed=managed,
            on_stop=lambda: lifetime.end("The hub was stopped."),
            on_status=lifetime.asked,
        )
        closing.push_async_callback(bounded, "server", server.aclose)
        closing.push_async_callback(bounded, "hub", lambda: hub.aclose(lifetime.reason or "The hub failed and ends."))
        await server.start()
        address = discovery.HubAddress(server.url, secret, os.getpid(), package_version, PROTOCOL_VERSION, apps.own)
        if not await _publish(directory, address, managed):
            raise Refused("Another hub runs already; `zego-widget status` shows it.")
        if known_apps:  # tokens of an app that the hub makes for itself end with it
            apps.used.keep_in(directory / discovery.USED_TOKENS_FILE, time.time())
        # First of all nobody may find a hub any more that is about to end.
        closing.callback(discovery.withdraw, directory, address)
        logger.info(
            "Hub %s listens on %s, media on %s port %d (UDP and TCP).",
            package_version,
            server.url,
            forwarder.host,
            forwarder.port,
        )
        # What was imported stays; going through it again would hold media up for tens of milliseconds each time.
        gc.collect()
        gc.freeze()
        gc.enable()
        ready(server.url, forwarder.port)
        await lifetime.over(lambda: hub.session_count > 0)
        logger.info("%s", lifetime.reason)


async def _publish(directory: Path, address: discovery.HubAddress, managed: bool) -> bool:
    if managed:  # whoever starts a managed hub holds the lock and has removed what was stale
        return discovery.publish(directory, address)
    async with discovery.starting(directory):
        if await discovery.find(directory) is not None:
            return False
        discovery.forget_stale(directory)
        return discovery.publish(directory, address)


class Lifetime:
    """How long a hub runs: until it is told to end or, with an `idle_timeout`, nobody was there for so many seconds."""

    def __init__(self, idle_timeout: float | None) -> None:
        self.reason = ""
        """Why it ended, as a sentence."""
        self._idle_timeout = idle_timeout
        self._ended = asyncio.Event()
        self._asked_at = 0.0

    def end(self, reason: str) -> None:
        if not self._ended.is_set():
            self.reason = reason
            self._ended.set()

    def asked(self) -> None:
        """Somebody looked whether the hub is there, and is about to come in."""
        self._asked_at = asyncio.get_running_loop().time()

    async def over(self, busy: Callable[[], bool]) -> None:
        """Return when the hub has to end; `busy` says whether somebody is there now."""
        if self._idle_timeout is None:
            await self._ended.wait()
            return
        loop = asyncio.get_running_loop()
        last_busy = loop.time()
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(1.0, self._idle_timeout / 4)):
                    await self._ended.wait()
            now = loop.time()
            if busy():
                last_busy = now
            elif now - max(last_busy, self._asked_at - self._idle_timeout + ASKED_GRACE) >= self._idle_timeout:
                self.end("Nobody has used the hub for a while; it ends.")


class _Closing:
    """Closes one thing after the other, whatever happens, until the time for all of them is up."""

    def __init__(self) -> None:
        self._deadline: float | None = None

    async def __call__(self, what: str, close: Callable[[], Awaitable[None]]) -> None:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + _CLOSE_TIMEOUT
        try:
            async with asyncio.timeout_at(self._deadline):
                await close()
        except TimeoutError:
            logger.warning("Closing the %s took too long.", what)
        except Exception:
            logger.exception("Closing the %s failed.", what)


def _address(host: str) -> str:
    """The IP address of a host; raises `InvalidArgument`."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0])
    except OSError as error:
        raise InvalidArgument(f"{host!a} is no address for media: {error.strerror}.") from error


def _listen(host: str, port: int) -> socket.socket:
    """A bound TCP socket; raises `InvalidArgument` where the address cannot be had."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        try:
            if sys.platform != "win32":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise InvalidArgument(f"The hub cannot listen on {host} port {port}: {error.strerror}.") from error
    return listener


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[str], None]) -> None:
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        if name != "SIGTERM" and signal.getsignal(number) is signal.SIG_IGN:
            continue  # whoever started it does not want it to end with a terminal (`nohup`, `&` of a script)
        try:
            loop.add_signal_handler(number, stop, name)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_, name=name: loop.call_soon_threadsafe(stop, name))
