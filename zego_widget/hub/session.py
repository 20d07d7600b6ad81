"""One link and the user behind it: a client's requests, and what rooms have to say to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import Enum, auto
from typing import Protocol

from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.errors import ErrorCode, Refused, ZegoError
from zego_widget.model import RoomStateChangedReason, StreamDeleteReason
from zego_widget.room import Event, Login, RoomStateChanged, StreamStateChanged, StreamsUpdated, UsersUpdated
from zego_widget.room.ids import check_room_id, check_user

from .invitations import Calls
from .messaging import MessagingEvent, message_for
from .network_quality import Look
from .presence import Presence
from .quoting import quoted
from .refusals import Refusal
from .resumption import Resumption
from .roster import roster
from .services import Services
from .session_link import LinkSender, SessionLink
from .settings import HubSettings
from .sound_levels import RoomKey, RoomSound
from .token_bucket import (
    CALL_COST,
    LINK_BURST,
    LINK_PATIENCE,
    LINK_RATE,
    LOGIN_COST,
    OFFER_COST,
    RESUME_COST,
    TokenBucket,
    cost,
)

logger = logging.getLogger(__name__)

# WebSocket close codes (RFC 6455, section 7.4.1).
NORMAL, GOING_AWAY, PROTOCOL_ERROR, POLICY = 1000, 1001, 1002, 1008


class SessionState(Enum):
    """Where a session is in its life."""

    NEW = auto()
    """No `Hello` yet."""
    LOGGED_OUT = auto()
    IN_ROOM = auto()
    CLOSED = auto()


_NEXT_STATES = {
    SessionState.NEW: {SessionState.LOGGED_OUT, SessionState.CLOSED},
    SessionState.LOGGED_OUT: {SessionState.IN_ROOM, SessionState.CLOSED},
    SessionState.IN_ROOM: {SessionState.LOGGED_OUT, SessionState.CLOSED},
    SessionState.CLOSED: set(),
}


class SessionServices(Services, Protocol):
    """The hub, as its sessions see it."""

    settings: HubSettings
    version: str
    calls: Calls
    resumption: Resumption[Session]

    def forget(self, session: Session) -> None:
        """A session is closed."""


class Session:
    """A client of the hub: one link, at most one room at a time, and its presence there.

    A session whose link broke is *detached*: nobody is told, peers and streams go on, and what there is to say waits.
    It is resumed, or it ends as a silent one does; what its pages say does not count meanwhile.
    """

    def __init__(self, hub: SessionServices, session_id: str, link: LinkSender) -> None:
        """Use `Hub.open_session`."""
        self.session_id = session_id
        self.state = SessionState.NEW
        self.last_heard = hub.now()
        self._hub = hub
        self._link = SessionLink(link)
        self._allowance = TokenBucket(LINK_RATE, LINK_BURST)
        # There exactly while the state is IN_ROOM.
        self._presence: Presence | None = None

    @property
    def peer_count(self) -> int:
        """Peers that are not closed."""
        return self._presence.peer_count if self._presence else 0

    @property
    def is_detached(self) -> bool:
        """Whether its link broke, and it may be resumed."""
        return self.state is not SessionState.CLOSED and not self._link.is_open

    @property
    def is_past_resuming(self) -> bool:
        """Whether more was to be said while the session was detached than can be kept."""
        return self._link.overflowed

    # -- from the link --------------------------------------------------------------------------------------

    def receive(self, text: str) -> float:
        """Take one message from the link; never raises.

        Returns the seconds to wait before the next is read: who says too much is slowed down, and nobody else. Who
        goes on like that is closed.
        """
        if self.state is SessionState.CLOSED:
            return 0.0
        try:
            self.heard()
            self._answer(text)
        except Exception:
            logger.exception("session %s: a message could not be answered", self.session_id)
        pause = self._allowance.spend(self._hub.now(), cost(text))
        if pause:
            self._hub.refusals.count(Refusal.LINK_SLOWED)
        self._check_flood()
        return pause

    def _check_flood(self) -> None:
        if self._allowance.exhausted_for(self._hub.now()) > LINK_PATIENCE:
            sentence = f"This client said more than {LINK_RATE} messages per second for {LINK_PATIENCE:g} s."
            logger.warning("session %s: closed, it floods the hub", self.session_id)
            self.say_goodbye(StreamDeleteReason.OFFLINE, ErrorCode.ROOM_APP_CALL_TOO_FREQUENT, sentence, POLICY)

    def _answer(self, text: str) -> None:
        request_id: int | None = None
        message: p.ClientMessage | None = None
        try:
            try:
                message = wire.decode_client(text)
            finally:
                self._link.count(message)
            request_id = getattr(message, "request_id", None)
            if self.state is SessionState.NEW and not isinstance(message, p.Hello):
                raise wire.MalformedMessage(
                    "The first message of a link is hello.", ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE, request_id
                )
            self._dispatch(message)
        except wire.MalformedMessage as error:
            self._refuse(error.request_id, error)
            if self.state is SessionState.NEW:
                self._shut(PROTOCOL_ERROR, error.message)
        except ZegoError as error:
            self._refuse(request_id, error)
        except Exception:
            logger.exception("session %s: a request failed", self.session_id)
            sentence = "The hub failed at this request; its log says why."
            self._refuse(request_id, ZegoError(sentence, ErrorCode.HUB_INTERNAL_ERROR))

    def link_closed(self, socket: LinkSender | None = None, *, may_return: bool = False) -> None:
        """The link is gone, or one socket of it. Idempotent; never raises.

        The session ends, unless the socket broke (`may_return`) and the client can resume.
        """
        if self.state is SessionState.CLOSED or (socket is not None and not self._link.leads_over(socket)):
            return
        if may_return and self._link.resume_key:
            logger.info("session %s: the link broke", self.session_id)
            self.heard()
            self._link.lose_socket()
            self._hub.resumption.wait_for(self)
            if self._presence is not None:
                self._presence.tell(self._presence.link_broke)
            return
        logger.info("session %s: the link was closed", self.session_id)
        try:
            self._end(StreamDeleteReason.OFFLINE, ErrorCode.ROOM_DISCONNECT, "The notebook's kernel left the call.")
        except Exception:
            logger.exception("session %s: it could not be ended cleanly", self.session_id)

    def _dispatch(self, message: p.ClientMessage) -> None:
        match message:
            case p.Heartbeat():
                self.send(p.HeartbeatAck(message.sent_at))
            case p.Received():
                self._link.acknowledged(message.received)
            case p.Hello():
                self._hello(message)
            case p.LoginRoom():
                self._allowance.spend(self._hub.now(), LOGIN_COST)
                self._login_room(message)
            case p.LogoutRoom():
                self._logout_room(message)
            case p.RenewToken():
                self._renew_token(message)
            case p.StartPublishing():
                self._in_room().start_publishing(message)
            case p.StopPublishing():
                self._in_room().stop_publishing(message)
            case p.StartPlaying():
                self._in_room().start_playing(message)
            case p.StopPlaying():
                self._in_room().stop_playing(message)
            case p.Offer():
                self._allowance.spend(self._hub.now(), OFFER_COST)
                self._in_room().offer(message)
            case p.ClosePeer():
                self._in_room().close_peer(message)
            case (
                p.SendBroadcastMessage()
                | p.SendBarrageMessage()
                | p.SendCustomCommand()
                | p.SetRoomExtraInfo()
                | p.RestoreRoomExtraInfo()
                | p.SetStreamExtraInfo()
            ):
                self._in_room().messaging.take(message)
            case (
                p.SignIn()
                | p.SignOut()
                | p.CallInvite()
                | p.CallCancel()
                | p.CallAccept()
                | p.CallReject()
                | p.CallingInvite()
                | p.CallJoin()
                | p.CallQuit()
                | p.CallEnd()
                | p.QueryCallInvitationList()
            ):
                self._allowance.spend(self._hub.now(), CALL_COST)
                self._hub.calls.take(self, message)

    def _hello(self, message: p.Hello) -> None:
        if self.state is not SessionState.NEW:
            raise Refused("Hello was said already.", ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE)
        if message.protocol != p.PROTOCOL_VERSION:
            older, do = (
                ("client", "Update zego-widget there and restart the kernel.")
                if message.protocol < p.PROTOCOL_VERSION
                else ("hub", "Run `zego-widget stop`; the next call starts a new hub.")
            )
            sentence = (
                f"The hub speaks protocol {p.PROTOCOL_VERSION}, the client {message.protocol}: the {older} is older."
            )
            raise wire.MalformedMessage(f"{sentence} {do}", ErrorCode.PROTOCOL_VERSION_MISMATCH, None)
        self._become(SessionState.LOGGED_OUT)
        logger.info("session %s: hello from %s", self.session_id, quoted(message.client))
        if message.resumable:
            self._link.outlive_sockets()
        self.send(self._greeting(resumed=False))

    def _greeting(self, *, resumed: bool) -> p.Welcome:
        settings = self._hub.settings
        return p.Welcome(
            p.PROTOCOL_VERSION,
            self._hub.version,
            self.session_id,
            settings.heartbeat_interval,
            settings.heartbeat_timeout,
            self._link.resume_key,
            resumed,
            self._link.received,
        )

    def opens_with(self, key: str) -> bool:
        """Whether that is the key to resume this session with."""
        return self._link.opens_with(key)

    def is_ahead_of(self, wanted: p.Resume) -> bool:
        """Whether the client goes on with a later attempt: this one was on its way when it was given up."""
        return self._link.is_ahead_of(wanted.attempt)

    def resume(self, socket: LinkSender, wanted: p.Resume) -> bool:
        """Go on over another socket; False if that cannot be, because not all is kept that the client has not received.

        An earlier socket that is still there is closed: it may be one of which only the client knows that it is dead.
        """
        if not self._link.reaches_back_to(wanted.received):
            return False
        logger.info("session %s: resumed", self.session_id)
        self._link.resume(socket, self._greeting(resumed=True), wanted)
        self.heard()
        if self._presence is not None:
            self._presence.tell(self._presence.link_is_back)
        self._allowance.spend(self._hub.now(), RESUME_COST)
        self._check_flood()
        return True

    def _login_room(self, message: p.LoginRoom) -> None:
        hub = self._hub
        check_room_id(message.room_id)
        check_user(message.user)
        grant = hub.admit(self.session_id, message.credential, message.room_id, message.user.user_id)
        since = hub.calls.since(self, grant.app_id, message.user.user_id, message.credential.since)
        login = hub.rooms.login(
            self.session_id, message.room_id, message.user, message.config, hub.now(), app_id=grant.app_id
        )
        self._become(SessionState.IN_ROOM)
        self._presence = Presence(hub, self, message.room_id, message.user, grant, auto_play=message.auto_play)
        self._presence.log("logged in as session %s", self.session_id)
        self._welcome(message.request_id, login, since)
        self._presence.messaging.welcome()
        hub.deliver(login.events)
        hub.calls.user_is_in(self, grant.app_id, message.user, since)

    def _welcome(self, request_id: int, login: Login, since: int) -> None:
        """Tell a newcomer who is there and what is live: with the answer, and in updates what is too much for it."""
        found = roster(login.room_id, login.users, login.streams)
        room_session_id = login.room_session_id
        self.send(p.LoggedIn(request_id, login.room_id, room_session_id, found.users, found.streams, since))
        for update in found.updates:
            self.send(update)

    def _logout_room(self, message: p.LogoutRoom) -> None:
        events = self._hub.rooms.logout(self.session_id, message.room_id)
        self.send(p.Done(message.request_id))
        self._hub.deliver(events)
        self._out_of_room(message.room_id, RoomStateChangedReason.LOGOUT, ErrorCode.SUCCESS, "The user left the room.")

    def _renew_token(self, message: p.RenewToken) -> None:
        if self._presence is None or self._presence.room_id != message.room_id:
            raise Refused("This session is not in the room of that token.", ErrorCode.ROOM_ROOMID_INCORRECT)
        self._presence.renew_token(message)

    # -- from its presence ----------------------------------------------------------------------------------

    def send(self, message: p.Message) -> None:
        """Send to the client, unless the session is closed; a link that fails does not stop what is being done."""
        if self.state is SessionState.CLOSED:
            return
        try:
            self._link.send(message)
        except Exception:
            logger.exception("session %s: its link failed to send", self.session_id)

    def heard(self) -> None:
        """A sign of life, from the link or from a page; none of a page keeps a session whose client is gone."""
        if self._link.is_open:
            self.not_silent()

    def not_silent(self) -> None:
        """Its time to be silent begins anew."""
        self.last_heard = self._hub.now()
        self._hub.rooms.heartbeat(self.session_id, self.last_heard)

    def leave_call(self) -> None:
        """A page stops the call: the session leaves its room, and the client is told."""
        room_id = self._in_room().room_id
        events = self._hub.rooms.logout(self.session_id, room_id)
        sentence = "The call was stopped in the page."
        self.send(p.RoomStateChanged(room_id, RoomStateChangedReason.LOGOUT, ErrorCode.SUCCESS, sentence))
        self._hub.deliver(events)
        self._out_of_room(room_id, RoomStateChangedReason.LOGOUT, ErrorCode.SUCCESS, sentence)

    def refresh_slots(self) -> None:
        """A stream comes from another peer than before."""
        if self._presence is not None:
            self._presence.refresh_slots()

    def tick(self) -> None:
        """A tick of the hub ends."""
        if self._presence is not None:
            self._presence.tick()

    def watch_token(self, now: float) -> None:
        """Say so when the token of this login is about to end; `now` is seconds since 1970."""
        if self._presence is not None:
            self._presence.watch_token(now)

    def tell_sound(self, sounds: Mapping[RoomKey, RoomSound]) -> None:
        """Tell the pages of this session how its room sounds."""
        if self._presence is not None:
            self._presence.tell_sound(sounds)

    def tell_network_quality(self, look: Look) -> None:
        """Say how the users fare whose streams this session plays."""
        if self._presence is not None:
            self._presence.tell_network_quality(look)

    # -- from rooms -----------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Pass on what a room has to say to this session."""
        if isinstance(event, RoomStateChanged):
            if event.error_code == ErrorCode.ROOM_KICKED_OUT:
                self._hub.refusals.count(Refusal.SESSION_DISPLACED)
            self.send(p.RoomStateChanged(event.room_id, event.reason, event.error_code, event.message))
            self._out_of_room(event.room_id, event.reason, event.error_code, event.message)
            return
        if isinstance(event, MessagingEvent):
            self.send(message_for(event))
            return
        message = _message(event)
        self.send(message)
        if self._presence is not None:
            self._presence.tell(message)

    def say_goodbye(self, reason: StreamDeleteReason, code: ErrorCode, sentence: str, close_code: int) -> None:
        """End the session on the hub's own account; `close_code` closes the WebSocket."""
        if self.state is SessionState.CLOSED:
            return
        self._hub.refusals.goodbye(code)
        self.send(p.Goodbye(code, sentence))
        self._end(reason, code, sentence)
        self._link.close(close_code, _close_reason(sentence))

    # -- inside ---------------------------------------------------------------------------------------------

    def _shut(self, close_code: int, sentence: str) -> None:
        """Close the link of a session that never began."""
        self._end(StreamDeleteReason.OFFLINE, ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE, sentence)
        self._link.close(close_code, _close_reason(sentence))

    def _become(self, state: SessionState) -> None:
        """The one place where the state changes."""
        if state not in _NEXT_STATES[self.state]:
            raise RuntimeError(f"a session cannot go from {self.state.name} to {state.name}")
        self.state = state

    def _in_room(self) -> Presence:
        if self._presence is None:
            raise Refused("Log in to a room first.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
        return self._presence

    def _refuse(self, request_id: int | None, error: ZegoError) -> None:
        logger.debug("session %s: refused with %d", self.session_id, error.code)
        self._hub.refusals.request(error.code)
        self.send(p.Refused(request_id, error.code, error.message))

    def _out_of_room(self, room_id: str, reason: RoomStateChangedReason, code: int, sentence: str) -> None:
        """The session is in no room any more: its pages are told, its peers closed."""
        self._become(SessionState.LOGGED_OUT)
        self._end_presence(sentence, p.RoomStateChanged(room_id, reason, code, sentence), p.Goodbye(code, sentence))

    def _end(self, reason: StreamDeleteReason, code: ErrorCode, sentence: str) -> None:
        self._become(SessionState.CLOSED)
        self._hub.forget(self)
        try:
            self._hub.deliver(self._hub.rooms.end(self.session_id, reason))
            self._hub.calls.user_is_out(self)
        finally:  # whatever else fails, nobody's camera stays on
            self._end_presence(sentence, p.Goodbye(code, sentence))

    def _end_presence(self, sentence: str, *messages: p.Message) -> None:
        presence, self._presence = self._presence, None
        if presence is not None:
            presence.log("left: %s", quoted(sentence))
            presence.close(sentence, *messages)


def _message(event: UsersUpdated | StreamsUpdated | StreamStateChanged) -> p.Message:
    match event:
        case UsersUpdated():
            return p.RoomUserUpdate(event.room_id, event.update_type, list(event.users))
        case StreamStateChanged():
            return p.StreamStateChanged(event.room_id, event.stream)
        case StreamsUpdated():
            reason = event.delete_reason
            deletions = [] if reason is None else [p.StreamDeletion(s.stream_id, reason) for s in event.streams]
            return p.RoomStreamUpdate(event.room_id, event.update_type, list(event.streams), deletions)


def _close_reason(sentence: str) -> str:
    """What fits into a WebSocket close frame (RFC 6455, section 5.5)."""
    return sentence.encode()[:123].decode(errors="ignore")
