"""The hub as a process: from the first import to exit code 0."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from .._version import version
from ..errors import InvalidArgument, Refused, ZegoError
from ..protocol import PROTOCOL_VERSION
from .settings import HubSettings

logger = logging.getLogger(__name__)

ASKED_GRACE = 2.0
"""Seconds a hub stays after it was asked whether it is there: whoever asked is about to come in."""
_CLOSE_TIMEOUT = 1.2
"""Seconds that closing may take altogether; a hub is gone within two."""


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
    settings: HubSettings, *, managed: bool = False, ready: Callable[[str, int], None] = lambda url, media_port: None
) -> int:
    """Run a hub until it is stopped; returns the exit code. `ready` gets its URL and UDP port once it listens."""
    faulthandler.enable()
    _log_to_stderr()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(settings, managed, ready))
    except ZegoError as error:
        logger.error("%s", error.message)
        return 1
    except Exception:
        logger.exception("The hub failed.")
        return 1
    return 0


async def _run(settings: HubSettings, managed: bool, ready: Callable[[str, int], None]) -> None:
    from ..forwarder import Forwarder
    from . import discovery
    from .hub import Hub
    from .server import HubServer

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    reasons: list[str] = []
    asked_at = loop.time()

    def stop_because(reason: str) -> None:
        reasons.append(reason)
        stop.set()

    def asked() -> None:
        nonlocal asked_at
        asked_at = loop.time()

    _on_signals(loop, lambda name: stop_because(f"The hub was stopped ({name})."))
    directory = discovery.runtime_directory()
    secret = secrets.token_urlsafe(32)
    package_version = version()
    async with contextlib.AsyncExitStack() as closing:
        listener = _listen(settings.host, settings.port)
        closing.callback(listener.close)
        host = str(listener.getsockname()[0])
        try:
            forwarder = await Forwarder.open(
                host,
                settings.media_port,
                peer_timeout=settings.peer_timeout,
                connect_timeout=settings.connect_timeout,
            )
        except OSError as error:
            raise InvalidArgument(
                f"The hub cannot use UDP port {settings.media_port} on {host}: {error.strerror}."
            ) from error
        closing.push_async_callback(_bounded, "forwarder", forwarder.aclose)
        hub = Hub(forwarder, settings, version=package_version)
        server = HubServer(
            hub,
            settings,
            listener,
            secret=secret,
            version=package_version,
            media_port=forwarder.port,
            managed=managed,
            on_stop=lambda: stop_because("The hub was stopped."),
            on_status=asked,
        )
        closing.push_async_callback(_bounded, "server", server.aclose)
        closing.push_async_callback(
            _bounded, "hub", lambda: hub.aclose(reasons[0] if reasons else "The hub failed and ends.")
        )
        await server.start()
        address = discovery.HubAddress(server.url, secret, os.getpid(), package_version, PROTOCOL_VERSION)
        if not await _publish(directory, address, managed):
            raise Refused("Another hub runs already; `zego-widget status` shows it.")
        # First of all nobody may find a hub any more that is about to end.
        closing.callback(discovery.withdraw, directory, address)
        logger.info(
            "Hub %s listens on %s, media on UDP %s:%d.", package_version, server.url, forwarder.host, forwarder.port
        )
        ready(server.url, forwarder.port)
        if managed:
            await _until_idle(stop, settings.idle_timeout, lambda: hub.session_count > 0, lambda: asked_at)
        else:
            await stop.wait()
        logger.info("%s", reasons[0] if reasons else "Nobody has used the hub for a while; it ends.")
        if not reasons:
            reasons.append("The hub was idle.")


async def _publish(directory: Path, address: object, managed: bool) -> bool:
    from . import discovery

    assert isinstance(address, discovery.HubAddress)
    if managed:  # whoever starts a managed hub holds the lock and has removed what was stale
        return discovery.publish(directory, address)
    async with discovery.starting(directory):
        if await discovery.find(directory) is not None:
            return False
        discovery.forget_stale(directory)
        return discovery.publish(directory, address)


async def _until_idle(
    stop: asyncio.Event, idle_timeout: float, busy: Callable[[], bool], asked_at: Callable[[], float]
) -> None:
    """Return when `stop` is set or nobody was there for `idle_timeout` seconds."""
    loop = asyncio.get_running_loop()
    last_busy = loop.time()
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(1.0, idle_timeout / 4)):
                await stop.wait()
        now = loop.time()
        if busy():
            last_busy = now
        elif now - last_busy >= idle_timeout and now - asked_at() >= min(ASKED_GRACE, idle_timeout):
            return


async def _bounded(what: str, close: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await close()
    except TimeoutError:
        logger.warning("Closing the %s took too long.", what)
    except Exception:
        logger.exception("Closing the %s failed.", what)


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
        try:
            loop.add_signal_handler(number, stop, name)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_, name=name: loop.call_soon_threadsafe(stop, name))


class _PlainText(logging.Formatter):
    """One record, one line (plus its traceback), whatever names people choose: control characters are spelt out."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _log_to_stderr() -> None:
    output = logging.StreamHandler()
    output.setFormatter(_PlainText("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(output)
    root.setLevel(logging.WARNING)
    logging.getLogger("zego_widget").setLevel(logging.INFO)
