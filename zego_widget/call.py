"""One user's call on an engine: start and stop, which pages there have to be, and what there is to show of it.

Logging in, publishing, tokens, the roster and the offers of pages are the engine's. This knows neither traits nor
widgets: the widget gives it wishes and gets `CallView`s.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from . import protocol
from .call_state import LIVE_STATES, CallEvent, next_state
from .engine.engine import ExpressEngine
from .engine.login import Login
from .engine.profile import RoomConfig
from .engine.publishing import Publication
from .errors import ErrorCode, HubUnreachable, Refused, ZegoError
from .model import CallState, PublishChannel, Stream, User

logger = logging.getLogger(__name__)

PAGE_GRACE = 5.0
"""Seconds that a call waits for a page after its only one fell silent."""
RELOAD_GRACE = 12.0
"""Seconds that it waits after its only page was left: JupyterLab on a busy machine takes half of them for a reload."""

OFFER_GRACE = 15.0
"""Seconds that a call started by a page waits for that page's offer."""

STREAM_ID_LIMIT = 256

Reply = Callable[[protocol.KernelMessage], None]


@dataclass(frozen=True, slots=True)
class CallView:
    """What there is to show of a call; `users` and `streams` are the others'."""

    state: CallState = CallState.IDLE
    error: str | None = None
    error_code: ErrorCode | None = None
    users: tuple[User, ...] = ()
    streams: tuple[Stream, ...] = ()


@dataclass(eq=False)
class _Session:
    """One login of this call, from Start call to its end."""

    stream_id: str
    joining: asyncio.Task[None] | None = None
    login: Login | None = None
    publication: Publication | None = None
    was_connected: bool = False
    # The hub has forgotten its pages' peers, and none has come back since.
    lost: bool = False
    # Why it ended, once it has; None also where it was stopped.
    error: ZegoError | None = None
    grace: asyncio.TimerHandle | None = None

    @property
    def joined(self) -> bool:
        """Whether the hub took the login and the stream."""
        return self.publication is not None and self.publication.accepted


class Call:
    """A call of one user in one room; all methods belong on the I/O loop.

    `on_change` gets a `CallView` after each change. `aclose` ends whatever the call owns, and the engine with it.
    """

    def __init__(
        self,
        engine: ExpressEngine,
        room_id: str,
        user: User,
        on_change: Callable[[CallView], None],
        *,
        page_grace: float = PAGE_GRACE,
        reload_grace: float = RELOAD_GRACE,
        offer_grace: float = OFFER_GRACE,
    ) -> None:
        self._engine = engine
        self._parts = parts = engine._parts
        self._room_id = room_id
        self._user = user
        self._on_change = on_change
        self._page_grace = page_grace
        self._reload_grace = reload_grace
        self._offer_grace = offer_grace
        self._state = CallState.IDLE
        self._error: ZegoError | None = None
        self._session: _Session | None = None
        self._shown = CallView()
        parts.core.on_told.append(self._look)
        parts.rooms.on_left.append(self._left)
        parts.rooms.on_session_lost.append(self._session_lost)
        parts.rooms.news.on_stream_changed.append(lambda before, after: self._show())
        parts.pages.on_peers_changed.append(self._check_pages)

    def prepare(self) -> None:
        """See to it that a hub runs, so that starting is quick; what fails here is told when the call starts."""
        if self._session is None and not self._parts.core.closed:
            self._parts.core.spawn(self._warm())

    def start(self) -> None:
        """Join the room; nothing happens when the call is live already, or closed.

        Started like this the call waits for a page as long as it takes: there may not be one yet.
        """
        if self._state in LIVE_STATES or self._state is CallState.CLOSED:
            return
        session = self._session = _Session(stream_id_for(self._room_id, self._user.user_id))
        self._parts.pages.relay.last_peer_reason = ""
        self._move(CallEvent.START)
        if self._parts.core.closed:
            sentence = "The engine of this widget was destroyed; create a new CallWidget."
            self._end(session, CallEvent.REFUSED, ZegoError(sentence, ErrorCode.COMMON_ENGINE_NOT_CREATE))
            return
        session.joining = self._parts.core.spawn(self._join(session))

    def press_start(self) -> None:
        """Join the room because a page wants to; a page that then offers nothing has gone, or cannot."""
        before = self._session
        self.start()
        if self._session is not None and self._session is not before:
            self._start_grace(self._session, self._offer_grace)

    def stop(self) -> None:
        """Leave the room; nothing happens when the call is not live."""
        if self._session is not None:
            self._end(self._session, CallEvent.STOP, None)

    def offer(self, offer: protocol.Offer, reply: Reply) -> None:
        """Relay a page's offer; `reply` gets `Answer` or `Refused` with the page's own request ID.

        An offer that comes while the login is under way waits for it.
        """
        session = self._session
        if session is None:
            error = Refused("The call is not started.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
            reply(_refused(offer.request_id, self._error or error))
            return

        def answer(message: protocol.KernelMessage) -> None:
            if isinstance(message, protocol.Refused) and session is not self._session:
                stopped = Refused("The call was stopped.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
                message = _refused(offer.request_id, session.error or stopped)
            reply(message)

        self._stop_grace(session)
        self._parts.pages.relay.offer(offer, answer)

    def close_peer(self, message: protocol.ClosePeer, reply: Reply) -> None:
        """Relay a page's wish to close its peer; `reply` gets `Done` or `Refused`."""
        if self._session is None:
            reply(protocol.Done(message.request_id))  # with the session its peers have gone
        else:
            self._parts.pages.relay.close(message, reply)

    async def aclose(self) -> None:
        """Log out and end everything this call owns; idempotent, takes at most a few seconds."""
        if self._state is not CallState.CLOSED:
            if self._session is not None:
                self._end(self._session, CallEvent.CLOSE, None)
            else:
                self._move(CallEvent.CLOSE)
        await self._engine.close()

    # -- joining and leaving --------------------------------------------------------------------------------

    async def _warm(self) -> None:
        try:
            await self._parts.line.warm()
        except Exception as error:
            logger.debug("No hub yet: %s", error)

    async def _join(self, session: _Session) -> None:
        config = RoomConfig(is_user_status_notify=True)
        try:
            await self._parts.rooms.login(self._room_id, self._user, config, auto_play=True)
            await self._parts.publishing.start(session.stream_id, PublishChannel.MAIN)
        except ZegoError as error:
            if session is not self._session:
                return
            if session.joined and session.login is self._parts.rooms.login_now:
                logger.info("The call goes on without publishing: %s", error)
            else:
                event = CallEvent.REFUSED if self._state is CallState.CONNECTING else CallEvent.LOST
                self._end(session, event, _reason(error))

    def _end(self, session: _Session, event: CallEvent, error: ZegoError | None) -> None:
        """End a session once: whoever comes second finds it gone."""
        if session is not self._session:
            return
        self._session = None
        session.error = error
        self._stop_grace(session)
        rooms = self._parts.rooms
        if session.login is not None and session.login is rooms.login_now:
            self._parts.core.spawn(self._log_out())
        elif session.login is None and session.joining is not None:
            session.joining.cancel()  # it has not begun
        self._move(event, error)

    async def _log_out(self) -> None:
        try:
            await self._parts.rooms.logout(None)
        except ZegoError as error:
            logger.debug("There was nothing to log out of: %s", error)

    # -- pages ----------------------------------------------------------------------------------------------

    def _check_pages(self) -> None:
        session, pages, rooms = self._session, self._parts.pages, self._parts.rooms
        if session is None or session.login is None or session.login is not rooms.login_now:
            return
        connected = bool(pages.relay.connected) and not rooms.reconnecting
        session.was_connected = session.was_connected or connected
        if connected and self._state is not CallState.IN_CALL:
            self._move(CallEvent.PEER_CONNECTED)
        elif not connected and self._state is CallState.IN_CALL:
            self._move(CallEvent.PAGES_GONE)
        self._stop_grace(session)
        if not pages.peers and not pages.offers and not rooms.reconnecting:
            # Pages whose session was lost have to notice that before they make another offer.
            was_left = pages.last_peer_reason == protocol.PAGE_LEFT
            patience = self._reload_grace if was_left else self._page_grace
            self._start_grace(session, self._offer_grace if session.lost else patience)
        elif connected:
            session.lost = False

    def _start_grace(self, session: _Session, seconds: float) -> None:
        session.grace = asyncio.get_running_loop().call_later(seconds, self._no_page_came, session)

    def _stop_grace(self, session: _Session) -> None:
        if session.grace is not None:
            session.grace.cancel()
            session.grace = None

    def _no_page_came(self, session: _Session) -> None:
        if session.was_connected and self._parts.pages.last_peer_reason == protocol.PAGE_LEFT:
            self._end(session, CallEvent.STOP, None)
        elif session.was_connected:
            # A machine that sleeps, or a browser that was killed: a page that wakes up starts the call again.
            sentence = "Nothing was heard any more from the page that was in this call."
            self._end(session, CallEvent.LOST, ZegoError(sentence, ErrorCode.MEDIA_PAGE_SILENT))
        else:
            reason = self._parts.pages.last_peer_reason
            detail = f": {reason}" if reason else "."
            sentence = f"No media connection between this page and the hub came about{detail}"
            self._end(session, CallEvent.REFUSED, ZegoError(sentence, ErrorCode.MEDIA_CONNECT_FAILED))

    # -- what the engine tells ------------------------------------------------------------------------------

    def _look(self) -> None:
        """Called after every event of the engine."""
        session, login = self._session, self._parts.rooms.login_now
        if session is None:
            return
        if session.login is None and login is not None and login.task is session.joining:
            session.login = login
        for publication in self._parts.publishing.publications:
            if publication.stream_id == session.stream_id:
                session.publication = publication
        self._show()

    def _session_lost(self, error: ZegoError) -> None:
        if self._session is not None:
            self._session.lost = True

    def _left(self, error: ZegoError | None, keeps_preview: bool) -> None:
        """The engine is in the room no more, by its own wish or not."""
        session = self._session
        if session is None or session.login is None:
            return
        if error is None:
            self._end(session, CallEvent.STOP, None)
        elif session.joined:  # else `_join` tells
            self._end(session, CallEvent.LOST, _reason(error, " Press Start call to join again."))

    # -- state ----------------------------------------------------------------------------------------------

    def _move(self, event: CallEvent, error: ZegoError | None = None) -> None:
        self._state = next_state(self._state, event)
        self._error = error
        self._show()

    def _show(self) -> None:
        error = self._error
        login = None if self._session is None else self._session.login
        view = CallView(
            self._state,
            None if error is None else error.message,
            None if error is None else error.code,
            () if login is None else tuple(login.users.values()),
            () if login is None else tuple(login.streams.values()),
        )
        if view != self._shown:
            self._shown = view
            self._on_change(view)


def stream_id_for(room_id: str, user_id: str) -> str:
    """A stream ID that says whose it is and is new each time: `{room}-{user}-{8 hex digits}`."""
    readable = re.sub(r"[^0-9A-Za-z_-]", "_", f"{room_id}-{user_id}")
    return f"{readable[: STREAM_ID_LIMIT - 9]}-{secrets.token_hex(4)}"


def _reason(error: ZegoError, advice: str = "") -> ZegoError:
    """What people are told: what happened to the link, rather than what that is to a room."""
    cause = error.__cause__
    if isinstance(cause, HubUnreachable):
        return HubUnreachable(f"{cause.message}{advice}", cause.code)
    if isinstance(cause, ZegoError):
        return cause
    if cause is not None:
        sentence = f"The call could not be started: {type(cause).__name__}: {cause}"
        logger.error("%s", sentence)
        return ZegoError(sentence, ErrorCode.ROOM_ERROR_CONNECT_FAILED)
    return error if error.message else Refused("The hub ended this login.", error.code)


def _refused(request_id: int, error: ZegoError) -> protocol.Refused:
    return protocol.Refused(request_id, int(error.code), error.message)
