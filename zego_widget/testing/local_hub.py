"""A hub in this process, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._version import version
from ..credentials import App, new_app
from ..engine.engine import ExpressEngine
from ..engine.handler import EventHandler
from ..engine.profile import EngineProfile, RoomConfig
from ..errors import ErrorCode
from ..hub.discovery import HubAddress
from ..hub.settings import HubSettings
from ..io_thread import Lease, LoopThread
from ..model import StreamDeleteReason, User
from ..protocol import PROTOCOL_VERSION
from .participant import PATIENCE, Participant

if TYPE_CHECKING:
    from ..widget import CallWidget

_thread = LoopThread("zego-widget-test-hub")
_TIMEOUT = 30.0


class LocalHub:
    """A hub on loopback with an app of its own. `with` and `async with` start and end it, and the engines it made.

    It runs on its own thread, so a test may block. Nothing outside this process can find it.
    """

    def __init__(self, settings: HubSettings | None = None, app: App | None = None) -> None:
        self.app = app or new_app()
        """What `profile` logs in to; its `server_secret` signs tokens."""
        self._settings = settings or HubSettings()
        self._engines: list[ExpressEngine] = []
        self._widgets: list[CallWidget] = []
        self._lease: Lease | None = None
        self._closing = contextlib.AsyncExitStack()
        self._address: HubAddress | None = None
        self._hub: Any = None

    @property
    def address(self) -> HubAddress:
        """Where the hub listens, with its secret."""
        assert self._address is not None, "the hub is not running"
        return self._address

    @property
    def engines(self) -> tuple[ExpressEngine, ...]:
        """All engines it made."""
        return tuple(self._engines)

    @property
    def widgets(self) -> tuple[CallWidget, ...]:
        """All call widgets it made."""
        return tuple(self._widgets)

    def profile(self, **fields: Any) -> EngineProfile:
        """For an engine on this hub that logs in by app sign; `fields` are those of `EngineProfile`."""
        given: dict[str, Any] = {
            "app_id": self.app.app_id,
            "app_sign": self.app.app_sign,
            "hub_url": self.address.url,
            "hub_secret": self.address.secret,
        }
        return EngineProfile(**(given | fields))

    def engine(self, handler: EventHandler | None = None, **fields: Any) -> ExpressEngine:
        """An engine on this hub, closed with it."""
        engine = ExpressEngine(self.profile(**fields), handler)
        self._engines.append(engine)
        return engine

    def call_widget(self, **keys: Any) -> CallWidget:
        """A `CallWidget` on this hub, such as `call_widget(user_id="alice")`, closed with it."""
        from ..widget import CallWidget

        lab = self

        class LocalCallWidget(CallWidget):
            def _new_engine(self) -> ExpressEngine:
                return lab.engine()

        self._widgets.append(LocalCallWidget(**keys))
        return self._widgets[-1]

    async def participant(
        self,
        user_id: str,
        room_id: str = "demo",
        *,
        publishes: bool = False,
        plays: bool = False,
        config: RoomConfig | None = None,
    ) -> Participant:
        """Somebody who is logged in, told of users, and publishes a test pattern as `{user_id}-stream` if wanted."""
        participant = Participant(self.engine(), User(user_id), room_id, plays=plays)
        await participant.join(config or RoomConfig(is_user_status_notify=True), publishes=publishes)
        return participant

    def status(self) -> dict[str, Any]:
        """Counts of the hub: rooms, sessions, streams, peers and more."""
        assert self._lease is not None
        status: dict[str, Any] = self._lease.submit(self._status()).result(_TIMEOUT)
        return status

    async def until(self, condition: Callable[[dict[str, Any]], Any], timeout: float = PATIENCE) -> None:
        """Wait until the hub's `status` meets a condition; a client that left is forgotten a moment later."""
        deadline = time.monotonic() + timeout
        while not condition(status := self.status()):
            assert time.monotonic() < deadline, f"waited {timeout:g} s for the hub; it is at {status}"
            await asyncio.sleep(0.01)

    def break_links(self) -> None:
        """Cut every connection of a client as a network would: without a word."""
        assert self._lease is not None
        self._lease.submit(self._break_links()).result(_TIMEOUT)

    def forget_sessions(self) -> None:
        """End every session as if nothing had been heard of its client for too long."""
        assert self._lease is not None
        self._lease.submit(self._forget_sessions()).result(_TIMEOUT)

    # -- life -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen."""
        self._lease = _thread.acquire()
        try:
            self._lease.submit(self._open()).result(_TIMEOUT)
        except BaseException:
            self._lease.release()
            raise

    def close(self) -> None:
        """End the widgets and the engines, then the hub."""
        for widget in self._widgets:
            widget.close()
        for closing in [engine.close() for engine in self._engines]:
            closing.result(_TIMEOUT)
        if self._lease is not None:
            lease, self._lease = self._lease, None
            thread = _thread._thread
            lease.submit(self._closing.aclose()).result(_TIMEOUT)
            lease.release()
            if thread is not None and not _thread.alive:
                thread.join(_TIMEOUT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for widget in self._widgets:
            widget.close()
        for engine in self._engines:
            await engine.aclose()
        self.close()

    async def _open(self) -> None:
        from ..forwarder import Forwarder
        from ..hub.apps import Apps
        from ..hub.hub import Hub
        from ..hub.server import HubServer

        settings, secret = self._settings, secrets.token_urlsafe(32)
        async with contextlib.AsyncExitStack() as closing:
            listener = socket.create_server((settings.host, settings.port))
            listener.setblocking(False)
            closing.callback(listener.close)
            forwarder = await Forwarder.open(
                settings.media_host or settings.host,
                settings.media_port,
                public_addresses=settings.public_addresses,
                peer_timeout=settings.peer_timeout,
                connect_timeout=settings.connect_timeout,
            )
            closing.push_async_callback(forwarder.aclose)
            hub = Hub(forwarder, settings, version=version(), apps=Apps([self.app]))
            server = HubServer(
                hub,
                settings,
                listener,
                secret=secret,
                version=version(),
                media_port=forwarder.port,
                on_stop=lambda: None,
            )
            closing.push_async_callback(server.aclose)
            closing.push_async_callback(hub.aclose, "The test is over.")
            await server.start()
            self._hub = hub
            self._address = HubAddress(server.url, secret, os.getpid(), version(), PROTOCOL_VERSION, self.app)
            self._closing = closing.pop_all()

    async def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = self._hub.status()
        return status

    async def _forget_sessions(self) -> None:
        from ..hub.session import POLICY

        for session in list(self._hub._sessions.values()):
            sentence = "The test forgets this session."
            code = ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT
            session.say_goodbye(StreamDeleteReason.HEARTBEAT_TIMEOUT, code, sentence, POLICY)

    async def _break_links(self) -> None:
        for session in list(self._hub._sessions.values()):
            transport = getattr(session._link._socket, "_transport", None)
            if transport is not None:  # else it has none now, or came over HTTP
                transport.abort()


def hub(settings: HubSettings | None = None, app: App | None = None) -> LocalHub:
    """A hub for `with` or `async with`; by default with the settings of a real one and an app nobody knows."""
    return LocalHub(settings, app)
