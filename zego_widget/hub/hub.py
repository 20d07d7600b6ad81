"""The hub: every session, every room and the forwarder between them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.errors import ErrorCode
from zego_widget.forwarder import Forwarder
from zego_widget.model import StreamDeleteReason
from zego_widget.protocol import Credential
from zego_widget.room import Event, ExtraInfos, Messages, Rooms, RoomStateChanged

from .admission import Grant
from .apps import Apps
from .invitations import Calls
from .network_quality import NetworkQuality
from .one_by_one import one_by_one
from .refusals import Refusals
from .resumption import Resumption
from .session import GOING_AWAY, POLICY, Session, SessionState
from .session_link import LinkSender
from .settings import HubSettings
from .sound_levels import PERIOD, SoundLevels
from .source import Source

logger = logging.getLogger(__name__)

_TICK = 1.0


class Hub:
    """All sessions of one process. Construct and use it on one running event loop."""

    def __init__(
        self,
        forwarder: Forwarder,
        settings: HubSettings,
        *,
        version: str,
        apps: Apps | None = None,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self.forwarder = forwarder
        self.settings = settings
        self.version = version
        self.apps = apps or Apps()
        self.time_of_day = time_of_day
        self.rooms = Rooms(heartbeat_timeout=settings.heartbeat_timeout, prefix=secrets.token_hex(4) + "-")
        self.messages = Messages(self.rooms)
        self.extra_infos = ExtraInfos(self.rooms)
        # App ID and ID of a live stream -> where its media come from.
        self.sources: dict[tuple[int, str], Source] = {}
        self.refusals = Refusals()
        self._sessions: dict[str, Session] = {}
        self.resumption = Resumption(self._sessions)
        self._stopping: str | None = None
        self._loop = asyncio.get_running_loop()
        self.calls = Calls(self)
        self._network_quality = NetworkQuality(self._loop.time())
        self._sound_levels = SoundLevels()
        self._tickers = [
            self._loop.create_task(self._run_ticks(), name="hub ticks"),
            self._loop.create_task(self._run_sound_ticks(), name="hub sound ticks"),
        ]

    # -- what the server does -------------------------------------------------------------------------------

    @property
    def session_count(self) -> int:
        """Sessions whose link is open, or may be resumed."""
        return len(self._sessions)

    @property
    def stopping(self) -> bool:
        """Everyone is told goodbye, and nothing else any more."""
        return self._stopping is not None

    def greet(self, link: LinkSender, text: str) -> Session:
        """The session that a link begins or resumes with its first message."""
        with contextlib.suppress(wire.MalformedMessage):  # a new session answers that
            match wire.decode_client(text):
                case p.Hello(protocol=p.PROTOCOL_VERSION, resume=p.Resume() as wanted) if not self.stopping:
                    if (session := self.resumption.resume(wanted, link)) is not None:
                        return session
        session = self.open_session(link)
        session.receive(text)
        return session

    def open_session(self, link: LinkSender) -> Session:
        """A session for a link that was just accepted; it waits for `Hello`."""
        session = Session(self, secrets.token_hex(8), link)
        self._sessions[session.session_id] = session
        if self._stopping is not None:
            session.say_goodbye(StreamDeleteReason.OFFLINE, ErrorCode.HUB_STOPPING, self._stopping, GOING_AWAY)
        return session

    def status(self) -> dict[str, Any]:
        """Counts for `/v1/status`: rooms, sessions, streams, peers, packets_forwarded, network, and all counters."""
        counters = self.forwarder.counters() | self.resumption.counters
        return {
            "rooms": len(self.rooms.room_ids),
            "sessions": self.session_count,
            "streams": self.rooms.stream_count,
            "peers": sum(session.peer_count for session in self._sessions.values()),
            "packets_forwarded": counters.get("packets_forwarded", 0),
            "network": self._network_quality.counts,
            "counters": counters,
        }

    async def aclose(self, reason: str) -> None:
        """Say goodbye to everyone and end the hub's own tasks. The forwarder stays its owner's."""
        self._stopping = reason
        for ticker in self._tickers:
            ticker.cancel()
        await asyncio.gather(*self._tickers, return_exceptions=True)
        for session in list(self._sessions.values()):
            try:
                session.say_goodbye(StreamDeleteReason.OFFLINE, ErrorCode.HUB_STOPPING, reason, GOING_AWAY)
            except Exception:
                logger.exception("session %s: it could not be ended cleanly", session.session_id)

    # -- what sessions do -----------------------------------------------------------------------------------

    @property
    def unix_time(self) -> int:
        return round(self.time_of_day() * 1000)

    def now(self) -> float:
        """The hub's clock, in seconds."""
        return self._loop.time()

    def admit(self, session_id: str, credential: Credential, room_id: str, user_id: str) -> Grant:
        """What a credential gives to a user in a room ("": on the hub alone); raises `Refused` with ZEGO's code."""
        return self.apps.admit(credential, session_id, room_id, user_id, self.time_of_day())

    def deliver(self, events: Iterable[Event]) -> None:
        """Tell each session what concerns it; one that fails does not keep the others from hearing."""
        if self._stopping is not None:
            return
        for event in events:
            session = self._sessions.get(event.session_id)
            if session is None:
                continue
            try:
                session.tell(event)
            except Exception:
                logger.exception("session %s: an event could not be told", session.session_id)

    def forget(self, session: Session) -> None:
        """A session is closed."""
        self._sessions.pop(session.session_id, None)
        self.resumption.forget(session)

    # -- time -----------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """End the sessions that were silent for too long; tell what is due, or waited for the end of a tick."""
        events = self.rooms.expire(now)
        self.deliver(events)
        self.deliver(self.rooms.count_users(now))
        self.calls.tick(now)
        silent = [self._sessions.get(event.session_id) for event in events if isinstance(event, RoomStateChanged)]
        timeout = self.settings.heartbeat_timeout
        silent += [
            session
            for session in self._sessions.values()
            if session.state is not SessionState.IN_ROOM and now - session.last_heard > timeout
        ]
        sentence = f"Nothing was heard from this client for {timeout:g} s."
        reason, code = StreamDeleteReason.HEARTBEAT_TIMEOUT, ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT
        one_by_one(filter(None, silent), lambda session: session.say_goodbye(reason, code, sentence, POLICY))
        self.resumption.tick()
        staying = self._sessions.values()
        one_by_one(staying, lambda session: session.tick())
        self._network_quality.tick(now, staying)

    def _spare_everyone(self) -> None:
        """This process stood still: what everybody said meanwhile is still to be read, so nobody was silent."""
        logger.warning("The hub stood still for a while; nobody is held to be silent for that.")
        for session in self._sessions.values():
            session.not_silent()

    def refresh_slots(self) -> None:
        """A stream comes from another peer than before: whoever plays it follows."""
        one_by_one(self._sessions.values(), lambda session: session.refresh_slots())

    def sound_tick(self, now: float) -> None:
        """Tell pages who speaks, and how loud it is."""
        self._sound_levels.tick(now, self.sources, self._sessions.values())

    def watch_tokens(self, now: float) -> None:
        """Tell those whose token is about to end; `now` is seconds since 1970."""
        one_by_one(self._sessions.values(), lambda session: session.watch_token(now))

    async def _run_ticks(self) -> None:
        patience = self.settings.heartbeat_timeout / 4
        period = min(_TICK, patience)
        while True:
            slept_at = self.now()
            await asyncio.sleep(period)
            try:
                if self.now() - slept_at > period + patience:
                    self._spare_everyone()
                self.tick(self.now())
                self.watch_tokens(self.time_of_day())
            except Exception:
                logger.exception("What is due could not be done")

    async def _run_sound_ticks(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                self.sound_tick(self.now())
            except Exception:
                logger.exception("Sound levels could not be told")
