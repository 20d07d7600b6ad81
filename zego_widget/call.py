"""One user's call as the kernel sees it: log in, publish, relay the offers of pages, keep the roster.

Runs on the I/O loop and knows neither traits nor widgets: the widget gives it wishes and gets `CallView`s.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from . import protocol
from .call_state import LIVE_STATES, CallEvent, next_state
from .credentials import App
from .errors import ErrorCode, HubUnreachable, Refused, ZegoError
from .link import Address, OnClosed, OnEvent, Request
from .model import CallState, PeerState, RoomConfig, RoomStateChangedReason, Stream, UpdateType, User

logger = logging.getLogger(__name__)

PAGE_GRACE = 5.0
"""Seconds that a call without any page waits for one: a reload is back before, a closed tab is not."""

OFFER_GRACE = 15.0
"""Seconds that a call started by a page waits for that page's offer."""

LOGOUT_TIMEOUT = 2.0
STREAM_ID_LIMIT = 256

_R = TypeVar("_R", protocol.Done, protocol.LoggedIn, protocol.Answer)


@dataclass(frozen=True, slots=True)
class CallView:
    """What there is to show of a call; `users` and `streams` are the others'."""

    state: CallState = CallState.IDLE
    error: str | None = None
    error_code: ErrorCode | None = None
    users: tuple[User, ...] = ()
    streams: tuple[Stream, ...] = ()


class Link(Protocol):
    """What a call needs of its link; `link.HubLink` is one."""

    @property
    def session_id(self) -> str: ...
    async def request(self, message: Request, answer: type[_R]) -> _R: ...
    async def aclose(self) -> None: ...


class Connect(Protocol):
    """Opens a link, as `link.HubLink.connect` does."""

    def __call__(self, address: Address, *, on_event: OnEvent, on_closed: OnClosed) -> Awaitable[Link]: ...


class HubAndApp(Address, Protocol):
    """Where a hub is, and the app it has for this user; `hub.discovery.HubAddress` is one."""

    @property
    def app(self) -> App | None: ...


FindHub = Callable[[], Awaitable[HubAndApp]]
Reply = Callable[[protocol.KernelMessage], None]


@dataclass(eq=False)
class _Session:
    """One login of this call, from Start call to its end."""

    stream_id: str
    # Done when logged in and publishing; fails when that fails or the session ends before.
    joined: asyncio.Future[None]
    joining: asyncio.Task[None] | None = None
    link: Link | None = None
    # What this user logs in to, and signs for itself.
    app: App | None = None
    # Why the link went, where it went before the session had joined.
    lost: ZegoError | None = None
    # Events that arrived before the answer to the login was taken; None once it was.
    early: list[protocol.HubMessage] | None = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    peers: dict[str, PeerState] = field(default_factory=dict)
    offers: int = 0
    was_connected: bool = False
    last_peer_reason: str = ""
    grace: asyncio.TimerHandle | None = None


class Call:
    """A call of one user in one room; all methods belong on the I/O loop.

    `on_change` gets a `CallView` after each change. `aclose` ends whatever the call owns.
    """

    def __init__(
        self,
        room_id: str,
        user: User,
        on_change: Callable[[CallView], None],
        *,
        find_hub: FindHub,
        connect: Connect,
        page_grace: float = PAGE_GRACE,
        offer_grace: float = OFFER_GRACE,
    ) -> None:
        self._room_id = room_id
        self._user = user
        self._on_change = on_change
        self._find_hub = find_hub
        self._connect = connect
        self._page_grace = page_grace
        self._offer_grace = offer_grace
        self._state = CallState.IDLE
        self._error: ZegoError | None = None
        self._session: _Session | None = None
        self._warming: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._shown = CallView()

    def prepare(self) -> None:
        """See to it that a hub runs, so that starting is quick; what fails here is told when the call starts."""
        if self._warming is None and self._session is None and self._state is not CallState.CLOSED:
            self._warming = self._spawn(self._warm())

    def start(self) -> None:
        """Join the room; nothing happens when the call is live already, or closed.

        Started like this the call waits for a page as long as it takes: there may not be one yet.
        """
        if self._state in LIVE_STATES or self._state is CallState.CLOSED:
            return
        session = _Session(stream_id_for(self._room_id, self._user.user_id), asyncio.get_running_loop().create_future())
        self._session = session
        self._move(CallEvent.START)
        session.joining = self._spawn(self._join(session))

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
        session.offers += 1
        self._stop_grace(session)
        self._spawn(self._relay_offer(session, offer, reply))

    def close_peer(self, message: protocol.ClosePeer, reply: Reply) -> None:
        """Relay a page's wish to close its peer; `reply` gets `Done` or `Refused`."""
        session = self._session
        if session is None or session.link is None:
            reply(protocol.Done(message.request_id))  # with the session its peers have gone
            return
        self._spawn(self._relay_close(session.link, message, reply))

    async def aclose(self) -> None:
        """Log out and end everything this call owns; idempotent, takes at most a few seconds."""
        if self._state is not CallState.CLOSED:
            if self._session is not None:
                self._end(self._session, CallEvent.CLOSE, None)
            else:
                self._move(CallEvent.CLOSE)
        if self._leaving is not None:
            await asyncio.wait([self._leaving])
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- joining and leaving --------------------------------------------------------------------------------

    async def _warm(self) -> None:
        try:
            await self._find_hub()
        except Exception as error:
            logger.debug("No hub yet: %s", error)

    async def _join(self, session: _Session) -> None:
        try:
            if self._leaving is not None:
                await asyncio.wait([self._leaving])
            if self._warming is not None:
                await asyncio.wait([self._warming])
            address = await self._find_hub()
            session.app = address.app
            session.link = await self._connect(
                address,
                on_event=lambda event: self._heard(session, event),
                on_closed=lambda error: self._link_closed(session, error),
            )
            room = await session.link.request(
                protocol.LoginRoom(
                    0,
                    self._room_id,
                    self._user,
                    RoomConfig(is_user_status_notify=True),
                    auto_play=True,
                    credential=self._credential(session),
                ),
                protocol.LoggedIn,
            )
            self._logged_in(session, room)
            await session.link.request(protocol.StartPublishing(0, session.stream_id), protocol.Done)
            if session.lost is not None:
                raise session.lost
        except ZegoError as error:
            self._end(session, CallEvent.REFUSED, error)
        except Exception as error:
            logger.exception("The call could not be started")
            sentence = f"The call could not be started: {type(error).__name__}: {error}"
            self._end(session, CallEvent.REFUSED, ZegoError(sentence, ErrorCode.ROOM_ERROR_CONNECT_FAILED))
        else:
            if not session.joined.done():
                session.joined.set_result(None)

    def _credential(self, session: _Session) -> protocol.Credential:
        if session.app is None or session.link is None:
            return protocol.Credential()
        return session.app.credential(session.link.session_id, self._room_id, self._user.user_id)

    async def _renew_token(self, session: _Session) -> None:
        token = self._credential(session).token
        if session.link is not None and token:
            try:
                await session.link.request(protocol.RenewToken(0, self._room_id, token), protocol.Done)
            except ZegoError as error:
                logger.warning("The token of this call could not be renewed: %s", error)

    def _logged_in(self, session: _Session, room: protocol.LoggedIn) -> None:
        session.users = {user.user_id: user for user in room.users}
        session.streams = {stream.stream_id: stream for stream in room.streams}
        early, session.early = session.early or [], None
        self._show()
        for event in early:
            self._heard(session, event)

    def _link_closed(self, session: _Session, error: ZegoError) -> None:
        session.lost = error
        # Until the session has joined it is `_join` that tells.
        if session.joined.done():
            if isinstance(error, HubUnreachable):
                error = HubUnreachable(f"{error.message} Press Start call to join again.", error.code)
            self._end(session, CallEvent.LOST, error)

    def _end(self, session: _Session, event: CallEvent, error: ZegoError | None) -> None:
        """End a session once: whoever comes second finds it gone."""
        if session is not self._session:
            return
        self._session = None
        self._stop_grace(session)
        if not session.joined.done():
            session.joined.set_exception(error or Refused("The call was stopped.", ErrorCode.COMMON_NOT_LOGIN_ROOM))
            session.joined.exception()  # retrieved, even where no offer waits for it
        self._leaving = self._spawn(self._leave(session, self._leaving, logout=error is None))
        self._move(event, error)

    async def _leave(self, session: _Session, earlier: asyncio.Task[None] | None, *, logout: bool) -> None:
        if session.joining is not None:
            session.joining.cancel()
            await asyncio.wait([session.joining])
        if session.link is not None:
            try:
                if logout:
                    async with asyncio.timeout(LOGOUT_TIMEOUT):
                        await session.link.request(protocol.LogoutRoom(0, self._room_id), protocol.Done)
            except (ZegoError, TimeoutError) as error:
                logger.debug("Logged out by closing the link: %s", error)
            finally:
                await session.link.aclose()
        if earlier is not None and not earlier.done():
            await asyncio.wait([earlier])

    # -- pages ----------------------------------------------------------------------------------------------

    async def _relay_offer(self, session: _Session, offer: protocol.Offer, reply: Reply) -> None:
        new = False
        try:
            await session.joined
            assert session.link is not None
            new = offer.peer_id not in session.peers
            session.peers.setdefault(offer.peer_id, PeerState.NEW)
            answer = await session.link.request(offer, protocol.Answer)
        except ZegoError as error:
            if new:
                session.peers.pop(offer.peer_id, None)
            session.last_peer_reason = error.message
            reply(_refused(offer.request_id, error))
        else:
            reply(msgspec.structs.replace(answer, request_id=offer.request_id))
        finally:
            session.offers -= 1
            self._check_pages(session)

    async def _relay_close(self, link: Link, message: protocol.ClosePeer, reply: Reply) -> None:
        try:
            await link.request(message, protocol.Done)
        except ZegoError as error:
            reply(_refused(message.request_id, error))
        else:
            reply(protocol.Done(message.request_id))

    def _check_pages(self, session: _Session) -> None:
        if session is not self._session:
            return
        connected = any(state is PeerState.CONNECTED for state in session.peers.values())
        if connected and self._state is not CallState.IN_CALL:
            self._move(CallEvent.PEER_CONNECTED)
        elif not connected and self._state is CallState.IN_CALL:
            self._move(CallEvent.PAGES_GONE)
        self._stop_grace(session)
        if not session.peers and not session.offers:
            self._start_grace(session, self._page_grace)

    def _start_grace(self, session: _Session, seconds: float) -> None:
        session.grace = asyncio.get_running_loop().call_later(seconds, self._no_page_came, session)

    def _stop_grace(self, session: _Session) -> None:
        if session.grace is not None:
            session.grace.cancel()
            session.grace = None

    def _no_page_came(self, session: _Session) -> None:
        if session.was_connected:
            self._end(session, CallEvent.STOP, None)
        else:
            detail = f": {session.last_peer_reason}" if session.last_peer_reason else "."
            sentence = f"No media connection between this page and the hub came about{detail}"
            self._end(session, CallEvent.REFUSED, ZegoError(sentence, ErrorCode.MEDIA_CONNECT_FAILED))

    # -- what the hub tells ---------------------------------------------------------------------------------

    def _heard(self, session: _Session, event: protocol.HubMessage) -> None:
        if session is not self._session:
            return
        if session.early is not None:
            session.early.append(event)
            return
        match event:
            case protocol.RoomUserUpdate(update_type=kind, users=users):
                _update(session.users, kind, {user.user_id: user for user in users})
            case protocol.RoomStreamUpdate(update_type=kind, streams=streams):
                _update(session.streams, kind, {stream.stream_id: stream for stream in streams})
            case protocol.StreamStateChanged(stream=stream):
                if stream.stream_id in session.streams:
                    session.streams[stream.stream_id] = stream
            case protocol.PeerStateChanged():
                self._peer_changed(session, event)
            case protocol.RoomStateChanged():
                self._room_changed(session, event)
            case protocol.RoomTokenWillExpire():
                self._spawn(self._renew_token(session))
            case _:
                pass  # `Goodbye` comes back as the reason when the link closes
        self._show()

    def _peer_changed(self, session: _Session, event: protocol.PeerStateChanged) -> None:
        if event.peer_id not in session.peers:
            return
        if event.state is PeerState.CLOSED:
            session.peers.pop(event.peer_id, None)
            session.last_peer_reason = event.reason
        else:
            session.peers[event.peer_id] = event.state
        session.was_connected = session.was_connected or event.state is PeerState.CONNECTED
        self._check_pages(session)

    def _room_changed(self, session: _Session, event: protocol.RoomStateChanged) -> None:
        match event.reason:
            case RoomStateChangedReason.LOGOUT if event.error_code == ErrorCode.SUCCESS:
                self._end(session, CallEvent.STOP, None)  # someone pressed Stop call on a page
            case (
                RoomStateChangedReason.LOGOUT
                | RoomStateChangedReason.KICK_OUT
                | RoomStateChangedReason.RECONNECT_FAILED
            ):
                sentence = event.message or "The hub ended this login."
                self._end(session, CallEvent.LOST, Refused.from_code(event.error_code, sentence))
            case _:
                pass  # the login itself is answered, not announced

    # -- state ----------------------------------------------------------------------------------------------

    def _move(self, event: CallEvent, error: ZegoError | None = None) -> None:
        self._state = next_state(self._state, event)
        self._error = error
        self._show()

    def _show(self) -> None:
        session, error = self._session, self._error
        view = CallView(
            self._state,
            None if error is None else error.message,
            None if error is None else error.code,
            () if session is None else tuple(session.users.values()),
            () if session is None else tuple(session.streams.values()),
        )
        if view != self._shown:
            self._shown = view
            self._on_change(view)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def stream_id_for(room_id: str, user_id: str) -> str:
    """A stream ID that says whose it is and is new each time: `{room}-{user}-{8 hex digits}`."""
    readable = re.sub(r"[^0-9A-Za-z_-]", "_", f"{room_id}-{user_id}")
    return f"{readable[: STREAM_ID_LIMIT - 9]}-{secrets.token_hex(4)}"


def _refused(request_id: int, error: ZegoError) -> protocol.Refused:
    return protocol.Refused(request_id, int(error.code), error.message)


_V = TypeVar("_V")


def _update(known: dict[str, _V], kind: UpdateType, changed: dict[str, _V]) -> None:
    if kind is UpdateType.ADD:
        known.update(changed)
    else:
        for key in changed:
            known.pop(key, None)
