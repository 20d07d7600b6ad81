"""One peer of a session: what the hub keeps beside the forwarder's `Peer`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from zego_widget.errors import ErrorCode
from zego_widget.forwarder import LayeredPublication, Peer, Publication
from zego_widget.model import PublishChannel, RemoteDeviceState
from zego_widget.protocol import (
    ActiveSpeaker,
    CameraLayers,
    ConnectionQuality,
    Message,
    NetworkQuality,
    Refused,
    RefusedVideo,
    SlotAssignment,
    SoundLevels,
    TileSize,
    VideosPaused,
    VideosRefused,
)
from zego_widget.wire import encode

from .network_quality import Look, Way, downstream_loss, loss
from .quoting import quoted
from .slots import Slots
from .sound_levels import NOBODY, RoomSound
from .source import FindSource, Source, StreamPublisher
from .token_bucket import CONTROL_BURST, CONTROL_RATE, TokenBucket

logger = logging.getLogger(__name__)

_SEND_SLOTS = {
    PublishChannel.MAIN: ("microphone", "camera"),
    PublishChannel.AUX: ("screen_audio", "screen"),
}


class SessionPeerOwner(Protocol):
    """What a session does about its peers."""

    def peer_connected(self, session_peer: SessionPeer) -> None: ...
    def control_opened(self, session_peer: SessionPeer) -> None: ...
    def control_received(self, session_peer: SessionPeer, text: str) -> None: ...
    def peer_closed(self, session_peer: SessionPeer, reason: str) -> None: ...


class SessionPeer:
    """A peer under the ID its page chose; hands the forwarder's calls on, and no exception back."""

    def __init__(
        self,
        owner: SessionPeerOwner,
        peer_id: str,
        microphone: RemoteDeviceState,
        camera: RemoteDeviceState,
        plays: Sequence[str] | None = None,
    ) -> None:
        self.peer_id = peer_id
        self.plays = plays
        """What it shows; None is what its session plays."""
        self.microphone = microphone
        self.camera = camera
        self.connected = False
        self.control_open = False
        self.allowance = TokenBucket(CONTROL_RATE, CONTROL_BURST)
        self._owner = owner
        self._upstream = Way()
        self._downstream = Way()
        self._peer: Peer | None = None
        self._slots = Slots((), ())
        self._assignments: list[SlotAssignment] = []
        self._shown: dict[str, Source] = {}
        self._tiles: dict[str, tuple[int, int]] = {}
        # What the page was told last.
        self._levels_told: dict[str, int] = {}
        self._speaker_told = NOBODY
        self._quality_told: NetworkQuality | None = None
        self._refused_told: list[RefusedVideo] = []
        self._paused_told: list[str] = []

    @property
    def peer(self) -> Peer:
        """The forwarder's peer, there once the offer was answered."""
        if self._peer is None:
            raise RuntimeError(f"peer {self.peer_id!a} was not answered yet")
        return self._peer

    @property
    def assignments(self) -> list[SlotAssignment]:
        """What the receive slots show, in slot order."""
        return self._assignments

    def attach(self, peer: Peer) -> None:
        """The offer was answered."""
        self._peer = peer
        self._slots = Slots(peer.viewer.audio_slots, peer.viewer.video_slots)
        peer.publisher.on_layers_wanted = self._layers_wanted

    def source(self, channel: PublishChannel, publisher: StreamPublisher) -> Source | None:
        """The media this peer sends for a channel; None if its offer had no slot for it."""
        audio_slot, video_slot = _SEND_SLOTS[channel]
        audio = cast("Publication | None", self.peer.publisher.publication(audio_slot))  # layers are of pictures
        video = self.peer.publisher.publication(video_slot)
        return Source(audio, video, publisher, channel) if audio or video else None

    def show(self, wanted: Sequence[str], source_of: FindSource) -> bool:
        """Point the receive slots at these streams, and at what sends them now; True if the page has to know."""
        sources = {stream_id: source for stream_id in wanted if (source := source_of(stream_id)) is not None}
        change = self._slots.show(list(sources))
        assigned = self._slots.assigned
        for pair in change.freed:
            for mid in (pair.audio_mid, pair.video_mid):
                if mid is not None:
                    self.peer.viewer.unsubscribe(mid)
        for stream_id, pair in assigned.items():
            source = sources[stream_id]
            if self._shown.get(stream_id) is source:
                continue
            for mid, publication in ((pair.audio_mid, source.audio), (pair.video_mid, source.video)):
                if mid is not None and publication is not None:
                    self.peer.viewer.subscribe(mid, publication)
            self._fit(stream_id, pair.video_mid)
        self._shown = {stream_id: sources[stream_id] for stream_id in assigned}
        before, self._assignments = (
            self._assignments,
            [
                SlotAssignment(
                    stream_id,
                    pair.audio_mid if sources[stream_id].audio else None,
                    pair.video_mid if sources[stream_id].video else None,
                )
                for stream_id, pair in assigned.items()
            ],
        )
        return bool(change) or self._assignments != before

    def resize(self, tiles: Sequence[TileSize]) -> None:
        """The page shows pictures in these sizes from now on."""
        self._tiles = {tile.stream_id: (tile.width, tile.height) for tile in tiles}
        for assignment in self._assignments:
            self._fit(assignment.stream_id, assignment.video_mid)

    def _fit(self, stream_id: str, video_mid: str | None) -> None:
        if video_mid is not None:
            self.peer.viewer.fit(video_mid, self._tiles.get(stream_id))

    def refusals(self) -> list[RefusedVideo] | None:
        """Look which pictures come in a codec that the page does not take, and tell it; None if that is as before."""
        videos = [
            RefusedVideo(assignment.stream_id, codec)
            for assignment in self._assignments
            if assignment.video_mid is not None and (codec := self.peer.viewer.refused_codec(assignment.video_mid))
        ]
        if videos == self._refused_told:
            return None
        self._refused_told = videos
        self.send(VideosRefused(videos))
        return videos

    def pauses(self) -> list[str] | None:
        """Look whose pictures there is no room for, and tell the page; None if that is as before."""
        paused = [
            assignment.stream_id
            for assignment in self._assignments
            if assignment.video_mid is not None and self.peer.viewer.is_paused(assignment.video_mid)
        ]
        if paused == self._paused_told:
            return None
        self._paused_told = paused
        self.send(VideosPaused(paused))
        return paused

    def tell_state(self) -> None:
        """Say what a page does not know from its snapshot."""
        if self._refused_told:
            self.send(VideosRefused(self._refused_told))
        if self._paused_told:
            self.send(VideosPaused(self._paused_told))
        self._tell_layers()

    def _tell_layers(self) -> None:
        """Say which layers of the camera somebody watches, if it has any."""
        camera = self.peer.publisher.publication("camera")
        if isinstance(camera, LayeredPublication):
            self._layers_wanted("camera", camera.wanted_rids)

    def _layers_wanted(self, slot: str, rids: Sequence[str]) -> None:
        if slot == "camera":
            self.send(CameraLayers(list(rids)))

    def upstream(self, look: Look) -> ConnectionQuality:
        """How well the hub receives what this peer sends."""
        slots = [slot for pair in _SEND_SLOTS.values() for slot in pair]
        publications = [each for slot in slots if (each := self.peer.publisher.publication(slot)) is not None]
        lost = loss(look.passed(each, each.packets) for each in publications)
        return self._upstream.quality(lost, self.peer.viewer.round_trip, self.peer.last_heard, look.now)

    def downstream(self, look: Look, source_of: FindSource) -> ConnectionQuality:
        """How well this peer receives what the hub sends."""
        tracks = []
        for assignment in self._assignments:
            if (source := source_of(assignment.stream_id)) is None:
                continue
            for mid, publication in ((assignment.audio_mid, source.audio), (assignment.video_mid, source.video)):
                if mid is not None and publication is not None:
                    delivered = look.passed((self, mid), self.peer.viewer.delivered(mid))
                    tracks.append((delivered, look.passed(publication, publication.packets)))
        return self._downstream.quality(
            downstream_loss(tracks), self.peer.viewer.round_trip, self.peer.last_heard, look.now
        )

    def tell_sound(self, sound: RoomSound, own: bool) -> None:
        """Tell the page what changed of what it plays; `own`: it is this session that speaks."""
        speaking = sound.speaker.stream_id
        self.peer.viewer.favour(
            next((each.video_mid for each in self._assignments if each.stream_id == speaking), None)
        )
        if not self.control_open:
            return
        played = [assignment.stream_id for assignment in self._assignments]
        levels = {each: level for each in played if (level := sound.levels.get(each)) is not None}
        if levels != self._levels_told:
            self._levels_told = levels
            self.send(SoundLevels(levels))
        speaker: ActiveSpeaker = sound.speaker if own or sound.speaker.stream_id in played else NOBODY
        if speaker != self._speaker_told:
            self._speaker_told = speaker
            self.send(speaker)

    def tell_network_quality(self, quality: NetworkQuality) -> None:
        """Tell the page, if anything changed."""
        if quality != self._quality_told:
            self._quality_told = quality
            self.send(quality)

    def send(self, message: Message) -> None:
        """Send over `control`; what comes before it opens is in the snapshot that opens it."""
        if not self.control_open:
            return
        try:
            self.peer.send_control(encode(message))
        except Exception:
            logger.exception("peer %s: its control channel failed to send", quoted(self.peer_id))

    # -- the forwarder's listener ---------------------------------------------------------------------------

    def peer_connected(self, peer: Peer) -> None:
        self._guard(lambda: self._owner.peer_connected(self))

    def control_opened(self, peer: Peer) -> None:
        self._guard(lambda: self._owner.control_opened(self))

    def control_received(self, peer: Peer, text: str) -> None:
        self._guard(lambda: self._owner.control_received(self, text))

    def peer_closed(self, peer: Peer, reason: str) -> None:
        self._guard(lambda: self._owner.peer_closed(self, reason))

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            logger.exception("peer %s: an event could not be processed", quoted(self.peer_id))
            self.send(Refused(None, ErrorCode.HUB_INTERNAL_ERROR, "The hub failed at this message; its log says why."))
