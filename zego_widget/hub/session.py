"""One link and the user behind it: a client's requests, and what rooms have to say to it."""

from __future__ import annotations

import logging
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from zego_widget import protocol as p
from zego_widget.errors import BadOffer, ErrorCode, Refused, ZegoError
from zego_widget.model import PeerState, PublishChannel, RoomStateChangedReason, StreamDeleteReason, UpdateType
from zego_widget.room import Event, RoomStateChanged, StreamStateChanged, StreamsUpdated
from zego_widget.room.ids import check_stream_id

from .capture import Capture
from .playlist import Playlist
from .quoting import quoted
from .session_peer import SessionPeer

if TYPE_CHECKING:
    from .hub import Hub

logger = logging.getLogger(__name__)

MAX_PEERS = 8
MAX_PEER_ID = 64

# WebSocket close codes (RFC 6455, section 7.4.1).
NORMAL, GOING_AWAY, PROTOCOL_ERROR, POLICY = 1000, 1001, 1002, 1008


class LinkSender(Protocol):
    """The sending half of a link, as the hub's server implements it."""

    def send(self, text: str) -> None:
        """Queue one message; never blocks."""

    def close(self, code: int, reason: str) -> None:
        """Close the link after what is queued; `code` is a WebSocket close code."""


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


class Session:
    """A client of the hub: one link, at most one room, at most `MAX_PEERS` peers of which one captures."""

    def __init__(self, hub: Hub, session_id: str, link: LinkSender) -> None:
        """Use `Hub.open_session`."""
        self.session_id = session_id
        self.state = SessionState.NEW
        self.last_heard = hub.now()
        self._hub = hub
        self._link = link
        self._peers: dict[str, SessionPeer] = {}
        self._capture = Capture()
        self._playlist = Playlist(auto_play=False)
        # Stream IDs of this session that others may subscribe to.
        self._offered: set[str] = set()

    @property
    def peer_count(self) -> int:
        """Peers that are not closed."""
        return len(self._peers)

    # -- from the link --------------------------------------------------------------------------------------

    def receive(self, text: str) -> None:
        """Take one message from the link; never raises."""
        if self.state is SessionState.CLOSED:
            return
        request_id: int | None = None
        try:
            self._heard()
            message = p.decode_client(text)
            request_id = getattr(message, "request_id", None)
            if self.state is SessionState.NEW and not isinstance(message, p.Hello):
                raise p.MalformedMessage(
                    "The first message of a link is hello.", ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE, request_id
                )
            self._dispatch(message)
        except p.MalformedMessage as error:
            self._refuse(error.request_id, error)
            if self.state is SessionState.NEW:
                self.shut(PROTOCOL_ERROR, error.message)
        except ZegoError as error:
            self._refuse(request_id, error)
        except Exception:
            logger.exception("session %s: a message could not be processed", self.session_id)
            sentence = "The hub failed at this request; its log says why."
            self._refuse(request_id, ZegoError(sentence, ErrorCode.HUB_INTERNAL_ERROR))

    def link_closed(self) -> None:
        """The link is gone: the session ends. Idempotent; never raises."""
        if self.state is SessionState.CLOSED:
            return
        logger.info("session %s: the link was closed", self.session_id)
        try:
            self._end(StreamDeleteReason.OFFLINE, ErrorCode.ROOM_DISCONNECT, "The notebook's kernel left the call.")
        except Exception:
            logger.exception("session %s: it could not be ended cleanly", self.session_id)

    def _dispatch(self, message: p.ClientMessage) -> None:
        match message:
            case p.Heartbeat():
                self._send(p.HeartbeatAck(message.sent_at))
            case p.Hello():
                self._hello(message)
            case p.LoginRoom():
                self._login_room(message)
            case p.LogoutRoom():
                self._logout_room(message)
            case p.StartPublishing():
                self._hub.deliver(self._hub.rooms.publish(self.session_id, message.stream_id, message.channel))
                self._log("publishes %s", quoted(message.stream_id))
                self._send(p.Done(message.request_id))
                self._announce()
            case p.StopPublishing():
                self._stop_publishing(message)
            case p.StartPlaying():
                self._need_room()
                check_stream_id(message.stream_id)
                self._playlist.start(message.stream_id)
                self._send(p.Done(message.request_id))
                self._refresh_slots()
            case p.StopPlaying():
                self._need_room()
                self._playlist.stop(message.stream_id, self._live())
                self._send(p.Done(message.request_id))
                self._refresh_slots()
            case p.Offer():
                self._offer(message)
            case p.ClosePeer():
                if (session_peer := self._peers.get(message.peer_id)) is None:
                    raise Refused("This session has no such peer.", ErrorCode.MEDIA_UNKNOWN_PEER)
                self._drop(session_peer, "closed by the client", StreamDeleteReason.STOPPED)
                self._send(p.Done(message.request_id))

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
            raise p.MalformedMessage(f"{sentence} {do}", ErrorCode.PROTOCOL_VERSION_MISMATCH, None)
        self._become(SessionState.LOGGED_OUT)
        logger.info("session %s: hello from %s", self.session_id, quoted(message.client))
        settings = self._hub.settings
        self._send(
            p.Welcome(
                p.PROTOCOL_VERSION,
                self._hub.version,
                self.session_id,
                settings.heartbeat_interval,
                settings.heartbeat_timeout,
            )
        )

    def _login_room(self, message: p.LoginRoom) -> None:
        hub = self._hub
        login = hub.rooms.login(self.session_id, message.room_id, message.user, message.config, hub.now())
        self._become(SessionState.IN_ROOM)
        self._playlist = Playlist(auto_play=message.auto_play)
        self._log("logged in")
        self._send(
            p.LoggedIn(message.request_id, login.room_id, login.room_session_id, list(login.users), list(login.streams))
        )
        hub.deliver(login.events)

    def _logout_room(self, message: p.LogoutRoom) -> None:
        events = self._hub.rooms.logout(self.session_id, message.room_id)
        self._send(p.Done(message.request_id))
        self._hub.deliver(events)
        self._out_of_room(message.room_id, RoomStateChangedReason.LOGOUT, ErrorCode.SUCCESS, "The user left the room.")

    def _stop_publishing(self, message: p.StopPublishing) -> None:
        stream = self._hub.rooms.published(self.session_id).get(message.channel)
        self._hub.deliver(self._hub.rooms.stop_publishing(self.session_id, message.channel))
        if stream is not None:
            self._log("stopped publishing %s", quoted(stream.stream_id))
            self._withdraw(stream.stream_id)
        self._send(p.Done(message.request_id))

    def _offer(self, message: p.Offer) -> None:
        self._need_room()
        if not 0 < len(message.peer_id) <= MAX_PEER_ID or not message.peer_id.isprintable():
            raise Refused(f"A peer ID has 1 to {MAX_PEER_ID} printable characters.", ErrorCode.COMMON_ILLEGAL_PARAM)
        if message.peer_id in self._peers:
            raise Refused("A peer of this ID is there already.", ErrorCode.COMMON_ILLEGAL_PARAM)
        if len(self._peers) >= MAX_PEERS:
            raise Refused(f"A session has at most {MAX_PEERS} peers; close one first.", ErrorCode.MEDIA_TOO_MANY_PEERS)
        if len(message.sdp.encode("utf-8", "surrogatepass")) > p.MAX_SDP_BYTES:
            raise BadOffer(f"The offer is longer than {p.MAX_SDP_BYTES} bytes.")
        slots = message.send_slots
        mids = {
            "microphone": slots.microphone,
            "camera": slots.camera,
            "screen": slots.screen,
            "screen_audio": slots.screen_audio,
        }
        session_peer = SessionPeer(self, message.peer_id, message.microphone, message.camera)
        send_mids = {slot: mid for slot, mid in mids.items() if mid is not None}
        peer, sdp = self._hub.forwarder.answer(message.sdp, send_mids, session_peer)
        session_peer.attach(peer)
        self._peers[message.peer_id] = session_peer
        loser = self._capture.add(message.peer_id, message.capture)
        captures = self._captures(session_peer)
        self._log("peer %s offered, captures: %s", quoted(message.peer_id), captures)
        self._send(p.Answer(message.request_id, message.peer_id, sdp, captures))
        if loser is not None:
            self._take_back(StreamDeleteReason.STOPPED)
            self._tell_capture(self._peers[loser])

    # -- from the peers (SessionPeerOwner) ------------------------------------------------------------------

    def peer_connected(self, session_peer: SessionPeer) -> None:
        """A peer's media can flow: it plays, and it publishes if it captures."""
        if session_peer.peer_id not in self._peers:
            return
        session_peer.connected = True
        self._log("peer %s connected", quoted(session_peer.peer_id))
        self._tell_peer_state(session_peer)
        session_peer.show(self._wanted(), self._hub.sources)
        self._announce()

    def control_opened(self, session_peer: SessionPeer) -> None:
        """The page gets all it needs to draw the call."""
        user = self._hub.rooms.user(self.session_id)
        room_id = self._hub.rooms.room_id(self.session_id)
        if session_peer.peer_id not in self._peers or user is None or room_id is None:
            return
        main = self._hub.rooms.published(self.session_id).get(PublishChannel.MAIN)
        session_peer.control_open = True
        session_peer.send(
            p.RoomSnapshot(
                room_id,
                user,
                list(self._hub.rooms.users(self.session_id)),
                list(self._hub.rooms.streams(self.session_id)),
                session_peer.assignments,
                self._captures(session_peer),
                main.stream_id if main else None,
            )
        )

    def control_received(self, session_peer: SessionPeer, text: str) -> None:
        """A page said something."""
        if session_peer.peer_id not in self._peers:
            return
        self._heard()
        try:
            message = p.decode_page(text)
        except p.MalformedMessage as error:
            session_peer.send(p.Refused(error.request_id, error.code, error.message))
            return
        match message:
            case p.Heartbeat():
                session_peer.send(p.HeartbeatAck(message.sent_at))
            case p.SetDeviceState():
                session_peer.microphone, session_peer.camera = message.microphone, message.camera
                if self._captures(session_peer):
                    self._tell_devices(session_peer)
            case p.LeavePage():
                self._drop(session_peer, "its page was left", StreamDeleteReason.STOPPED)
            case p.LeaveCall():
                self._leave_call()

    def peer_closed(self, session_peer: SessionPeer, reason: str) -> None:
        """The forwarder closed a peer, or confirms that we did."""
        if self._peers.get(session_peer.peer_id) is session_peer:
            self._drop(session_peer, reason, StreamDeleteReason.OFFLINE)

    def _leave_call(self) -> None:
        room_id = self._hub.rooms.room_id(self.session_id)
        if room_id is None:
            return
        self._hub.deliver(self._hub.rooms.logout(self.session_id, room_id))
        sentence = "The call was stopped in the page."
        self._send(p.RoomStateChanged(room_id, RoomStateChangedReason.LOGOUT, ErrorCode.SUCCESS, sentence))
        self._out_of_room(room_id, RoomStateChangedReason.LOGOUT, ErrorCode.SUCCESS, sentence)

    # -- from rooms -----------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Pass on what a room has to say to this session."""
        if isinstance(event, RoomStateChanged):
            changed = p.RoomStateChanged(event.room_id, event.reason, event.error_code, event.message)
            self._send(changed)
            self._out_of_room(event.room_id, event.reason, event.error_code, event.message)
            return
        message: p.Message
        if isinstance(event, StreamsUpdated):
            deletions = []
            if event.update_type is UpdateType.DELETE and event.delete_reason is not None:
                deletions = [p.StreamDeletion(stream.stream_id, event.delete_reason) for stream in event.streams]
            message = p.RoomStreamUpdate(event.room_id, event.update_type, list(event.streams), deletions)
        elif isinstance(event, StreamStateChanged):
            message = p.StreamStateChanged(event.room_id, event.stream)
        else:
            message = p.RoomUserUpdate(event.room_id, event.update_type, list(event.users))
        self._send(message)
        for session_peer in self._peers.values():
            session_peer.send(message)
        if isinstance(event, StreamsUpdated):
            self._refresh_slots()

    def say_goodbye(self, reason: StreamDeleteReason, code: ErrorCode, sentence: str, close_code: int) -> None:
        """End the session on the hub's own account; `close_code` closes the WebSocket."""
        if self.state is SessionState.CLOSED:
            return
        self._send(p.Goodbye(code, sentence))
        self._end(reason, code, sentence)
        self._link.close(close_code, _close_reason(sentence))

    def shut(self, close_code: int, sentence: str) -> None:
        """Close the link of a session that never began."""
        self._end(StreamDeleteReason.OFFLINE, ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE, sentence)
        self._link.close(close_code, _close_reason(sentence))

    # -- inside ---------------------------------------------------------------------------------------------

    def _become(self, state: SessionState) -> None:
        """The one place where the state changes."""
        if state not in _NEXT_STATES[self.state]:
            raise RuntimeError(f"a session cannot go from {self.state.name} to {state.name}")
        self.state = state

    def _heard(self) -> None:
        self.last_heard = self._hub.now()
        self._hub.rooms.heartbeat(self.session_id, self.last_heard)

    def _need_room(self) -> None:
        if self.state is not SessionState.IN_ROOM:
            raise Refused("Log in to a room first.", ErrorCode.COMMON_NOT_LOGIN_ROOM)

    def _send(self, message: p.Message) -> None:
        if self.state is not SessionState.CLOSED:
            self._link.send(p.encode(message))

    def _refuse(self, request_id: int | None, error: ZegoError) -> None:
        logger.info("session %s: refused with %d", self.session_id, error.code)
        self._send(p.Refused(request_id, error.code, error.message))

    def _log(self, text: str, *arguments: object) -> None:
        user = self._hub.rooms.user(self.session_id)
        room_id = self._hub.rooms.room_id(self.session_id)
        logger.info("room %s user %s: " + text, quoted(room_id), quoted(user.user_id if user else None), *arguments)

    def _out_of_room(self, room_id: str, reason: RoomStateChangedReason, code: int, sentence: str) -> None:
        """The session is in no room any more: its pages are told, its peers closed."""
        self._become(SessionState.LOGGED_OUT)
        logger.info("session %s: out of room %s (%s)", self.session_id, quoted(room_id), reason.name)
        changed = p.RoomStateChanged(room_id, reason, code, sentence)
        self._close_peers(sentence, changed, p.Goodbye(code, sentence))
        self._playlist = Playlist(auto_play=False)

    def _end(self, reason: StreamDeleteReason, code: ErrorCode, sentence: str) -> None:
        self._become(SessionState.CLOSED)
        self._hub.forget(self)
        self._hub.deliver(self._hub.rooms.end(self.session_id, reason))
        self._close_peers(sentence, p.Goodbye(code, sentence))

    def _close_peers(self, sentence: str, *messages: p.Message) -> None:
        peers = list(self._peers.values())
        self._peers.clear()
        self._capture = Capture()
        for stream_id in list(self._offered):
            self._withdraw(stream_id)
        for session_peer in peers:
            for message in messages:
                session_peer.send(message)
            session_peer.peer.close(sentence)
            self._send(p.PeerStateChanged(session_peer.peer_id, PeerState.CLOSED, False, sentence))

    def _drop(self, session_peer: SessionPeer, reason: str, stream_reason: StreamDeleteReason) -> None:
        """One peer goes; the next one that is willing captures in its place."""
        captured = self._captures(session_peer)
        del self._peers[session_peer.peer_id]
        heir = self._capture.remove(session_peer.peer_id)
        session_peer.peer.close(reason)
        self._log("peer %s closed: %s", quoted(session_peer.peer_id), quoted(reason))
        self._send(p.PeerStateChanged(session_peer.peer_id, PeerState.CLOSED, False, reason))
        if captured:
            self._take_back(stream_reason)
        if heir is not None:
            self._tell_capture(self._peers[heir])
            self._announce()

    def _captures(self, session_peer: SessionPeer) -> bool:
        return self._capture.capturing == session_peer.peer_id

    def _tell_capture(self, session_peer: SessionPeer) -> None:
        captures = self._captures(session_peer)
        self._log("peer %s captures: %s", quoted(session_peer.peer_id), captures)
        session_peer.send(p.CaptureChanged(captures))
        self._tell_peer_state(session_peer)

    def _tell_peer_state(self, session_peer: SessionPeer) -> None:
        state = session_peer.peer.state
        self._send(p.PeerStateChanged(session_peer.peer_id, state, self._captures(session_peer)))

    def _tell_devices(self, session_peer: SessionPeer) -> None:
        microphone, camera = session_peer.microphone, session_peer.camera
        rooms = self._hub.rooms
        self._hub.deliver(rooms.set_device_state(self.session_id, PublishChannel.MAIN, microphone, camera))

    def _announce(self) -> None:
        """Tell the others of the declared streams, if the peer that captures is connected."""
        capturing = self._peers.get(self._capture.capturing or "")
        if capturing is None or not capturing.connected:
            return
        for channel, stream in self._hub.rooms.published(self.session_id).items():
            source = capturing.source(channel)
            if source is None or stream.stream_id in self._offered:
                continue
            self._offered.add(stream.stream_id)
            self._hub.sources[stream.stream_id] = source
            if channel is PublishChannel.MAIN:
                self._tell_devices(capturing)
            self._log("stream %s is live", quoted(stream.stream_id))
            self._hub.deliver(self._hub.rooms.set_live(self.session_id, channel, True))

    def _take_back(self, reason: StreamDeleteReason) -> None:
        """The media of the declared streams are gone; the stream IDs stay reserved."""
        for channel, stream in self._hub.rooms.published(self.session_id).items():
            if stream.stream_id in self._offered:
                self._log("stream %s is gone (%s)", quoted(stream.stream_id), reason.name)
                self._hub.deliver(self._hub.rooms.set_live(self.session_id, channel, False, reason))
                self._withdraw(stream.stream_id)

    def _withdraw(self, stream_id: str) -> None:
        self._offered.discard(stream_id)
        self._hub.sources.pop(stream_id, None)

    def _live(self) -> list[str]:
        return [stream.stream_id for stream in self._hub.rooms.streams(self.session_id)]

    def _wanted(self) -> list[str]:
        return self._playlist.wanted(self._live())

    def _refresh_slots(self) -> None:
        wanted = self._wanted()
        for session_peer in self._peers.values():
            if session_peer.connected and session_peer.show(wanted, self._hub.sources):
                session_peer.send(p.SlotsChanged(session_peer.assignments))


def _close_reason(sentence: str) -> str:
    """What fits into a WebSocket close frame (RFC 6455, section 5.5)."""
    return sentence.encode()[:123].decode(errors="ignore")
