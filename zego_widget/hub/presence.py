"""A session's time in one room: its peers, what they publish and what they play."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.errors import BadOffer, ErrorCode, Refused
from zego_widget.model import (
    PeerState,
    PublishChannel,
    RemoteDeviceState,
    RoomStateChangedReason,
    StreamDeleteReason,
    User,
)
from zego_widget.room.ids import check_stream_id

from .admission import Admission, Grant
from .capture import Capture
from .client import Client
from .messaging import Messaging
from .network_quality import UNKNOWN, Look, UserQuality
from .once_per_tick import OncePerTick
from .playlist import Playlist
from .quoting import quoted
from .refusals import Refusal
from .roster import roster
from .services import Services
from .session_peer import SessionPeer
from .sound_levels import SILENCE, RoomKey, RoomSound
from .source import Source, StreamPublisher
from .token_bucket import cost

logger = logging.getLogger(__name__)

MAX_PEERS = 8
MAX_PEER_ID = 64


class PresentSession(Client, Protocol):
    """The session whose time in the room it is."""

    @property
    def is_detached(self) -> bool:
        """Whether its link broke, and it may be resumed."""

    def heard(self) -> None:
        """A page gave a sign of life."""

    def leave_call(self) -> None:
        """A page stops the call: the session leaves its room."""


class Presence:
    """Begins with a login and ends with it; at most `MAX_PEERS` peers, of which one captures."""

    def __init__(
        self, hub: Services, session: PresentSession, room_id: str, user: User, grant: Grant, *, auto_play: bool
    ) -> None:
        self.room_id = room_id
        self.user = user
        self.messaging = Messaging(hub, session, room_id)
        self._hub = hub
        self._session = session
        self._session_id = session.session_id
        self._app_id = grant.app_id
        self._admission = Admission(grant)
        self._peers: dict[str, SessionPeer] = {}
        self._capture = Capture()
        self._playlist = Playlist(auto_play=auto_play)
        # Each change is told to the whole room, and a page may toggle as fast as it can talk.
        self._device_news = OncePerTick(self._tell_devices)
        # Streams of this session that others may subscribe to, with the peer that sends them: after one page took the
        # camera from another that is the earlier one until the later is connected, so that no stream goes and comes.
        self._offered: dict[str, SessionPeer] = {}

    @property
    def peer_count(self) -> int:
        """Peers that are not closed."""
        return len(self._peers)

    @property
    def microphone_open(self) -> bool:
        """Whether the peer that captures says that its microphone is on."""
        capturing = self._capturing_peer()
        return capturing is not None and capturing.microphone is RemoteDeviceState.OPEN

    # How the kernel's link fares: a page sees better than the hub whether the kernel is gone.

    @property
    def link_broke(self) -> p.RoomStateChanged:
        """For the pages, while the session is detached."""
        sentence = "The link to the notebook's kernel broke."
        reason, code = RoomStateChangedReason.RECONNECTING, ErrorCode.ROOM_CONNECT_TEMPORARY_BROKEN
        return p.RoomStateChanged(self.room_id, reason, code, sentence)

    @property
    def link_is_back(self) -> p.RoomStateChanged:
        """For the pages, once the session is resumed."""
        reason = RoomStateChangedReason.RECONNECTED
        return p.RoomStateChanged(self.room_id, reason, ErrorCode.SUCCESS, "The kernel is back.")

    # -- requests -------------------------------------------------------------------------------------------

    def start_publishing(self, message: p.StartPublishing) -> None:
        """Reserve the stream ID; the others hear of it with the first peer that captures."""
        self._admission.check_publishing(message.stream_id, self._hub.time_of_day())
        self._hub.deliver(self._hub.rooms.publish(self._session_id, message.stream_id, message.channel))
        self.log("publishes %s", quoted(message.stream_id))
        self._session.send(p.Done(message.request_id))
        self._announce()

    def stop_publishing(self, message: p.StopPublishing) -> None:
        """Give the stream ID back."""
        stream = self._hub.rooms.published(self._session_id).get(message.channel)
        self._hub.deliver(self._hub.rooms.stop_publishing(self._session_id, message.channel))
        if stream is not None:
            self.log("stopped publishing %s", quoted(stream.stream_id))
            self._withdraw(stream.stream_id)
        self._session.send(p.Done(message.request_id))

    def start_playing(self, message: p.StartPlaying) -> None:
        """Play a stream, now or when it comes."""
        check_stream_id(message.stream_id)
        self._playlist.start(message.stream_id)
        self._session.send(p.Done(message.request_id))
        self.refresh_slots()

    def stop_playing(self, message: p.StopPlaying) -> None:
        """Play a stream no longer."""
        self._playlist.stop(message.stream_id, self._live())
        self._session.send(p.Done(message.request_id))
        self.refresh_slots()

    def renew_token(self, message: p.RenewToken) -> None:
        """Go on with another token."""
        hub = self._hub
        granted = self._admission.grant
        grant = hub.apps.renew(granted, message.token, self._session_id, self.room_id, hub.time_of_day())
        self._admission.renew(grant, publishing=bool(hub.rooms.published(self._session_id)))
        self.log("renewed the token")
        self._session.send(p.Done(message.request_id))

    def offer(self, message: p.Offer) -> None:
        """Answer a new peer's offer; it captures at once if it takes or nobody else does."""
        self._check_offer(message)
        slots = message.send_slots
        mids = {
            "microphone": slots.microphone,
            "camera": slots.camera,
            "screen": slots.screen,
            "screen_audio": slots.screen_audio,
        }
        send_mids = {slot: mid for slot, mid in mids.items() if mid is not None}
        session_peer = SessionPeer(self, message.peer_id, message.microphone, message.camera, message.plays)
        peer, sdp = self._hub.forwarder.answer(message.sdp, send_mids, session_peer)
        session_peer.attach(peer)
        self._peers[message.peer_id] = session_peer
        loser = self._capture.add(message.peer_id, message.capture)
        captures = self._captures(session_peer)
        self.log("peer %s offered, captures: %s", quoted(message.peer_id), captures)
        self._session.send(p.Answer(message.request_id, message.peer_id, sdp, captures))
        if loser is not None:
            self._tell_capture(self._peers[loser])

    def close_peer(self, message: p.ClosePeer) -> None:
        """Close one peer."""
        if (session_peer := self._peers.get(message.peer_id)) is None:
            raise Refused("This session has no such peer.", ErrorCode.MEDIA_UNKNOWN_PEER)
        self._drop(session_peer, "closed by the client", StreamDeleteReason.STOPPED)
        self._session.send(p.Done(message.request_id))

    def _check_offer(self, message: p.Offer) -> None:
        if not 0 < len(message.peer_id) <= MAX_PEER_ID or not message.peer_id.isprintable():
            raise Refused(f"A peer ID has 1 to {MAX_PEER_ID} printable characters.", ErrorCode.COMMON_ILLEGAL_PARAM)
        if message.peer_id in self._peers:
            raise Refused("A peer of this ID is there already.", ErrorCode.COMMON_ILLEGAL_PARAM)
        if len(self._peers) >= MAX_PEERS:
            raise Refused(f"A session has at most {MAX_PEERS} peers; close one first.", ErrorCode.MEDIA_TOO_MANY_PEERS)
        if len(message.sdp.encode("utf-8", "surrogatepass")) > p.MAX_SDP_BYTES:
            raise BadOffer(f"The offer is longer than {p.MAX_SDP_BYTES} bytes.")
        if len(message.plays or ()) > p.PLAY_LIMIT:
            raise Refused(f"At most {p.PLAY_LIMIT} streams can be played at once.", ErrorCode.PLAYER_COUNT_EXCEED)
        for stream_id in message.plays or ():
            check_stream_id(stream_id)

    # -- from the peers (SessionPeerOwner) ------------------------------------------------------------------

    def peer_connected(self, session_peer: SessionPeer) -> None:
        """A peer's media can flow: it plays, and it publishes if it captures."""
        if not self._holds(session_peer):
            return
        session_peer.connected = True
        self.log("peer %s connected", quoted(session_peer.peer_id))
        self._tell_peer_state(session_peer)
        session_peer.show(self._shown_on(session_peer), self._source_of)
        self._tell_held_back(session_peer)
        self._announce()

    def control_opened(self, session_peer: SessionPeer) -> None:
        """The page gets all it needs to draw the call."""
        if not self._holds(session_peer):
            return
        main = self._hub.rooms.published(self._session_id).get(PublishChannel.MAIN)
        session_peer.control_open = True
        rooms = self._hub.rooms
        found = roster(self.room_id, rooms.users(self._session_id), rooms.streams(self._session_id))
        session_peer.send(
            p.RoomSnapshot(
                self.room_id,
                self.user,
                found.users,
                found.streams,
                session_peer.assignments,
                self._captures(session_peer),
                main.stream_id if main else None,
            )
        )
        for update in found.updates:
            session_peer.send(update)
        session_peer.tell_state()
        if self._session.is_detached:
            session_peer.send(self.link_broke)

    def control_received(self, session_peer: SessionPeer, text: str) -> None:
        """A page said something."""
        if not self._holds(session_peer):
            return
        self._session.heard()
        if session_peer.allowance.spend(self._hub.now(), cost(text)):
            # A data channel cannot be read more slowly, as a link can.
            self._hub.refusals.count(Refusal.CONTROL_FLOOD)
            sentence = "The page said more than the hub takes."
            session_peer.send(p.Goodbye(ErrorCode.ROOM_APP_CALL_TOO_FREQUENT, sentence))
            self._drop(session_peer, sentence, StreamDeleteReason.OFFLINE)
            return
        try:
            message = wire.decode_page(text)
        except wire.MalformedMessage as error:
            self._hub.refusals.count(Refusal.CONTROL_MALFORMED)
            session_peer.send(p.Refused(error.request_id, error.code, error.message))
            return
        match message:
            case p.Heartbeat():
                session_peer.send(p.HeartbeatAck(message.sent_at))
            case p.SetDeviceState():
                session_peer.microphone, session_peer.camera = message.microphone, message.camera
                if self._captures(session_peer):
                    self._device_news.ask()
            case p.TileSizes():
                session_peer.resize(message.tiles)
            case p.LeavePage():
                self._drop(session_peer, "its page was left", StreamDeleteReason.STOPPED)
            case p.LeaveCall():
                self._session.leave_call()

    def peer_closed(self, session_peer: SessionPeer, reason: str) -> None:
        """The forwarder closed a peer, or confirms that we did."""
        if self._holds(session_peer):
            self._drop(session_peer, reason, StreamDeleteReason.OFFLINE)

    # -- for the session ------------------------------------------------------------------------------------

    def tell(self, message: p.Message) -> None:
        """Say the same to every page; slots follow where the streams of the room changed."""
        for session_peer in self._peers.values():
            session_peer.send(message)
        if isinstance(message, p.RoomStreamUpdate):
            self.refresh_slots()

    def tick(self) -> None:
        """Tell what waited for the end of the tick, or can only be looked at."""
        self._device_news.tick()
        for session_peer in self._peers.values():
            self._tell_held_back(session_peer)

    def watch_token(self, now: float) -> None:
        """Tell the client, once, that its token is about to end."""
        seconds = self._admission.ends_in(now)
        if seconds is not None:
            self.log("the token ends in %d s", seconds)
            self._session.send(p.RoomTokenWillExpire(self.room_id, seconds))

    def tell_sound(self, sounds: Mapping[RoomKey, RoomSound]) -> None:
        """Tell the pages how the room sounds; who speaks there is played."""
        sound = sounds.get((self._app_id, self.room_id), SILENCE)
        speaker = sound.speaker.stream_id
        own = speaker in self._offered
        if speaker is not None and not own and self._playlist.spoke(speaker):
            self.refresh_slots()
        for session_peer in self._peers.values():
            session_peer.tell_sound(sound, own)

    def tell_network_quality(self, look: Look) -> None:
        """Tell the client how the users fare whose streams its peers play, and each page of those it shows."""
        publishers = {peer: self._publishers(peer) for peer in self._peers.values()}
        everyone = dict.fromkeys(publisher for each in publishers.values() for publisher in each)
        if everyone:
            users = [look.user(publisher).told(publisher.user.user_id) for publisher in everyone]
            self._session.send(p.NetworkQualityUpdate(self.room_id, users))
        for peer, shown in publishers.items():
            if peer.control_open:
                own = look.user(self)
                connections = [p.UserConnection(each.user.user_id, look.user(each).upstream) for each in shown]
                downstream = own.downstreams.get(peer, UNKNOWN)
                peer.tell_network_quality(p.NetworkQuality(own.upstream, downstream, connections))

    def network_quality(self, look: Look) -> UserQuality:
        """How this user fares."""
        connected = [session_peer for session_peer in self._peers.values() if session_peer.connected]
        upstream = (peer.upstream(look) for peer in connected if self._captures(peer))
        return UserQuality(
            next(upstream, UNKNOWN), {peer: peer.downstream(look, self._source_of) for peer in connected}
        )

    def close(self, sentence: str, *messages: p.Message) -> None:
        """Close every peer, with last messages for the pages. Rooms know of it already."""
        peers = list(self._peers.values())
        self._peers.clear()
        for stream_id in list(self._offered):
            self._withdraw(stream_id)
        for session_peer in peers:
            for message in messages:
                session_peer.send(message)
            session_peer.peer.close(sentence)
            self._session.send(p.PeerStateChanged(session_peer.peer_id, PeerState.CLOSED, False, sentence))

    def log(self, text: str, *arguments: object) -> None:
        """One line with room and user in front."""
        logger.info("room %s user %s: " + text, quoted(self.room_id), quoted(self.user.user_id), *arguments)

    # -- inside ---------------------------------------------------------------------------------------------

    def _drop(self, session_peer: SessionPeer, reason: str, stream_reason: StreamDeleteReason) -> None:
        """One peer goes; the next one that is willing captures in its place."""
        del self._peers[session_peer.peer_id]
        heir = self._capture.remove(session_peer.peer_id)
        session_peer.peer.close(reason)
        self.log("peer %s closed: %s", quoted(session_peer.peer_id), quoted(reason))
        self._session.send(p.PeerStateChanged(session_peer.peer_id, PeerState.CLOSED, False, reason))
        self._take_back(session_peer, stream_reason)
        if heir is not None:
            self._tell_capture(self._peers[heir])
            self._announce()

    def _holds(self, session_peer: SessionPeer) -> bool:
        """False for a peer that was dropped, whose ID another may have by now."""
        return self._peers.get(session_peer.peer_id) is session_peer

    def _captures(self, session_peer: SessionPeer) -> bool:
        return self._capture.capturing == session_peer.peer_id

    def _capturing_peer(self) -> SessionPeer | None:
        return self._peers.get(self._capture.capturing or "")

    def _tell_capture(self, session_peer: SessionPeer) -> None:
        captures = self._captures(session_peer)
        self.log("peer %s captures: %s", quoted(session_peer.peer_id), captures)
        session_peer.send(p.CaptureChanged(captures))
        self._tell_peer_state(session_peer)

    def _tell_peer_state(self, session_peer: SessionPeer) -> None:
        state = session_peer.peer.state
        self._session.send(p.PeerStateChanged(session_peer.peer_id, state, self._captures(session_peer)))

    def _tell_held_back(self, session_peer: SessionPeer) -> None:
        """What cannot be shown for its codec, known at once of what offers no other, or for want of room."""
        if session_peer.connected and (videos := session_peer.refusals()) is not None:
            listed = ", ".join(f"{quoted(video.stream_id)} ({video.codec})" for video in videos)
            self.log("peer %s is not sent for their codec: %s", quoted(session_peer.peer_id), listed or "none")
            self._session.send(p.PeerVideosRefused(session_peer.peer_id, videos))
        if session_peer.connected and (paused := session_peer.pauses()) is not None:
            listed = ", ".join(map(quoted, paused))
            self.log("peer %s has no room for the pictures of: %s", quoted(session_peer.peer_id), listed or "none")
            self._session.send(p.PeerVideosPaused(session_peer.peer_id, paused))

    def _tell_devices(self) -> None:
        if (capturing := self._capturing_peer()) is None:
            return
        microphone, camera = capturing.microphone, capturing.camera
        rooms = self._hub.rooms
        self._hub.deliver(rooms.set_device_state(self._session_id, PublishChannel.MAIN, microphone, camera))

    def _announce(self) -> None:
        """Tell the others of the declared streams, if the peer that captures is connected."""
        capturing = self._capturing_peer()
        if capturing is None or not capturing.connected:
            return
        replaced = False
        for channel, stream in self._hub.rooms.published(self._session_id).items():
            sender = self._offered.get(stream.stream_id)
            source = capturing.source(channel, self)
            if sender is capturing:
                continue
            if source is None:
                if sender is not None:
                    self._take_back(sender, StreamDeleteReason.STOPPED, channel)
                continue
            self._offered[stream.stream_id] = capturing
            self._hub.sources[self._app_id, stream.stream_id] = source
            if channel is PublishChannel.MAIN:
                self._tell_devices()
            if sender is None:
                self.log("stream %s is live", quoted(stream.stream_id))
                self._hub.deliver(self._hub.rooms.set_live(self._session_id, channel, True))
                self.refresh_slots()  # a peer may show what this session publishes
            else:
                self.log("stream %s goes on from another peer", quoted(stream.stream_id))
                replaced = True
        if replaced:
            self._hub.refresh_slots()

    def _take_back(self, sender: SessionPeer, reason: StreamDeleteReason, only: PublishChannel | None = None) -> None:
        """The media of the declared streams that a peer sent are gone; the stream IDs stay reserved."""
        for channel, stream in self._hub.rooms.published(self._session_id).items():
            if self._offered.get(stream.stream_id) is sender and only in (None, channel):
                self.log("stream %s is gone (%s)", quoted(stream.stream_id), reason.name)
                self._hub.deliver(self._hub.rooms.set_live(self._session_id, channel, False, reason))
                self._withdraw(stream.stream_id)

    def _withdraw(self, stream_id: str) -> None:
        self._offered.pop(stream_id, None)
        self._hub.sources.pop((self._app_id, stream_id), None)
        self.refresh_slots()

    def _source_of(self, stream_id: str) -> Source | None:
        return self._hub.sources.get((self._app_id, stream_id))

    def _publishers(self, session_peer: SessionPeer) -> list[StreamPublisher]:
        """Whose streams a peer plays."""
        sources = [self._source_of(each.stream_id) for each in session_peer.assignments]
        return list(dict.fromkeys(source.publisher for source in sources if source is not None))

    def _live(self) -> list[str]:
        return [stream.stream_id for stream in self._hub.rooms.streams(self._session_id)]

    def _wanted(self) -> list[str]:
        return self._playlist.wanted(self._live())

    def _shown_on(self, session_peer: SessionPeer) -> Sequence[str]:
        if session_peer.plays is None:
            return self._wanted()
        here = {*self._live(), *self._offered}  # of this room: to know the ID of another's stream gives no right to it
        return [stream_id for stream_id in session_peer.plays if stream_id in here]

    def refresh_slots(self) -> None:
        """Point the slots of every peer at what is to be shown, and at what sends it now."""
        for session_peer in self._peers.values():
            if session_peer.connected and session_peer.show(self._shown_on(session_peer), self._source_of):
                session_peer.send(p.SlotsChanged(session_peer.assignments))
                self._tell_held_back(session_peer)
