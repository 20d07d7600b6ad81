"""Playing the streams of others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import protocol
from ..errors import ErrorCode, HubUnreachable, Refused, ZegoError
from ..model import RemoteDeviceState, Stream
from ..room.ids import check_stream_id
from .core import Core, as_zego_error
from .held_back import HeldBack
from .line import Link
from .participation import Participation
from .player import Player
from .profile import Canvas
from .rooms import Rooms
from .states import PLAYER, PlayerEvent, PlayerMediaEvent, PlayerState, next_state

if TYPE_CHECKING:
    from ..media.played_streams import PlayedStreams

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Played:
    """A stream that is played, or waited for."""

    stream_id: str
    canvas: Canvas
    state: PlayerState = PlayerState.NO_PLAY
    # The hub was asked for it, over this link: another session knows nothing of it.
    asked: Link | None = None
    accepted: bool = False
    # A verb, or its return, is bringing it up.
    rising: bool = False
    # The login plays whatever there is: this one ends when it goes.
    auto: bool = False
    error: ZegoError | None = None
    # The codec for which no pictures come; whether they are paused for want of room.
    refused_codec: str | None = None
    paused: bool = False


class Playing:
    """What an engine plays, at most `PLAY_LIMIT` streams."""

    def __init__(self, core: Core, rooms: Rooms, media: Participation) -> None:
        self._core = core
        self._rooms = rooms
        self._media = media
        self._played: dict[str, Played] = {}
        # Of a login that plays whatever there is: stopped all the same. And whether the room is looked at soon.
        self._unwanted: set[str] = set()
        self._looking = False
        self._held_back = HeldBack()
        rooms.on_left.append(self._room_left)
        rooms.news.on_stream_changed.append(self._stream_changed)
        rooms.on_session_lost.append(self._session_lost)
        media.on_play_broken.append(self._media_broken)
        media.on_play_lost.append(self._media_lost)
        media.on_played.append(self._arrive)
        media.pages.relay.on_changed.append(self._look_at_pictures)
        core.on_told.append(self._look_soon)
        core.route(protocol.PeerVideosRefused, self._pictures_held_back)
        core.route(protocol.PeerVideosPaused, self._pictures_held_back)

    @property
    def played(self) -> tuple[Played, ...]:
        """All streams asked for, in the order of asking."""
        return tuple(self._played.values())

    # -- verbs ----------------------------------------------------------------------------------------------

    async def start(self, stream_id: str, canvas: Canvas) -> None:
        """Play a stream, now or when it comes (ZEGO startPlayingStream); returns when the hub knows the wish."""
        if stream_id in self._played:
            await self.set_canvas(stream_id, canvas)
            return
        played = Played(stream_id, canvas)
        try:
            self._check(stream_id)
        except ZegoError as error:
            self._tell(played, error)
            raise
        self._unwanted.discard(stream_id)
        self._begin(played)
        try:
            await self._bring_up(played)
        except Exception as error:
            if self._played.get(stream_id) is played:
                self._end(played, PlayerEvent.FAILED, as_zego_error(error))
                if played.accepted:
                    await self._give_up(played)
            if played.error is error or not isinstance(error, ZegoError):
                raise
            assert played.error is not None
            raise played.error from None

    async def stop(self, stream_id: str) -> None:
        """Play a stream no longer (ZEGO stopPlayingStream)."""
        played = self.find(stream_id)
        if played.auto:
            self._unwanted.add(stream_id)
        self._end(played, PlayerEvent.STOP, None)
        await self._give_up(played)

    async def set_canvas(self, stream_id: str, canvas: Canvas) -> None:
        """Show a played stream elsewhere (ZEGO updatePlayingCanvas)."""
        self.find(stream_id).canvas = canvas
        self._media.pages.show(stream_id, canvas)

    async def change(self, stream_id: str, change: Callable[[Player], object]) -> None:
        """Mute a played stream, set its volume: what `stop` takes back."""
        played = self.find(stream_id)
        players = await self._media.all_players()
        if self.find(stream_id) is played:
            for player in players:
                change(player)

    async def each(self, change: Callable[[Player, str], object]) -> None:
        """The same for all that are played now."""
        if self.played:
            for player in await self._media.all_players():
                for played in self.played:
                    change(player, played.stream_id)

    async def queue(self, stream_id: str, choose: Callable[[PlayedStreams], Any]) -> Any:
        """Frames of a played stream."""
        self.find(stream_id)
        return choose((await self._media.consumed()).played)

    async def snapshot(self, stream_id: str) -> Any:
        """The next picture of a played stream (ZEGO takePlayStreamSnapshot)."""
        self.find(stream_id)
        return await (await self._media.consumed()).played.snapshot(stream_id)

    def find(self, stream_id: str) -> Played:
        """A played stream; raises `ZegoError` (1004011) if it is none."""
        if (played := self._played.get(stream_id)) is None:
            raise ZegoError("This stream is not being played.", ErrorCode.PLAYER_STREAM_WAS_NOT_PLAYED)
        return played

    # -- inside ---------------------------------------------------------------------------------------------

    def _check(self, stream_id: str) -> None:
        if self._rooms.login_now is None:
            raise ZegoError("Log in to a room before playing.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
        check_stream_id(stream_id)
        if len(self._played) >= protocol.PLAY_LIMIT:
            sentence = f"At most {protocol.PLAY_LIMIT} streams can be played at once; stop one first."
            raise ZegoError(sentence, ErrorCode.PLAYER_COUNT_EXCEED)

    def _begin(self, played: Played) -> None:
        stream_id = played.stream_id
        self._played[stream_id] = played
        self._media.pages.wishes.played.wanted.add(stream_id)
        self._media.pages.show(stream_id, played.canvas)
        self._core.set_active(("play", stream_id), True)
        self._move(played, PlayerEvent.START)

    async def _bring_up(self, played: Played) -> None:
        played.rising = True
        try:
            while True:
                login = await self._rooms.entered()
                self._still(played)
                link = login.link
                if played.asked is not link:
                    played.asked = link
                    try:
                        await self._rooms.request(protocol.StartPlaying(0, played.stream_id), protocol.Done)
                    except HubUnreachable:
                        self._still(played)
                        if login is self._rooms.login_now and login.link is not link:
                            continue  # the session was lost: the next one is asked
                        raise
                    played.accepted = True
                    self._still(played)
                arrived = await self._media.playing()
                self._still(played)
                if login is self._rooms.login_now and login.link is link:
                    break
        finally:
            played.rising = False
        self._arrive(arrived)

    def _media_broken(self, error: ZegoError) -> None:
        """Nothing arrives: it goes on by itself (ZEGO.md, section 6)."""
        broken = ZegoError(error.message, ErrorCode.PLAYER_ERROR_NETWORK_INTERRUPT)
        for played in self.played:
            if played.state is PlayerState.PLAYING:
                self._move(played, PlayerEvent.BROKEN, broken)

    def _session_lost(self, error: ZegoError) -> None:
        for played in self.played:
            if not played.rising and not played.auto:
                played.rising = True
                self._core.spawn(self._come_back(played))

    async def _come_back(self, played: Played) -> None:
        try:
            await self._bring_up(played)
        except Exception as error:
            if self._played.get(played.stream_id) is played:
                lost = as_zego_error(error)
                if not isinstance(error, Refused):
                    lost = ZegoError(lost.message, ErrorCode.PLAYER_ERROR_NETWORK_INTERRUPT)
                self._end(played, PlayerEvent.FAILED, lost)
                await self._give_up(played)

    def _still(self, played: Played) -> None:
        if self._played.get(played.stream_id) is not played:
            assert played.error is not None
            raise played.error

    def _end(self, played: Played, event: PlayerEvent, error: ZegoError | None) -> None:
        del self._played[played.stream_id]
        played.error = error or ZegoError(
            f"Playing {played.stream_id} was stopped before it began.", ErrorCode.PLAYER_PLAY_STREAM_FAILED
        )
        for player in self._media.players:
            player.reset(played.stream_id)
        self._media.pages.hide(played.stream_id)
        self._move(played, event, error)
        self._core.set_active(("play", played.stream_id), False)

    def _move(self, played: Played, event: PlayerEvent, error: ZegoError | None = None) -> None:
        """The one place where a played stream changes its state."""
        played.state = next_state(PLAYER, played.state, event)
        logger.info("playing %a: %s", played.stream_id, played.state.name)
        self._tell(played, error)

    def _tell(self, played: Played, error: ZegoError | None) -> None:
        code, extended = (ErrorCode.SUCCESS, {}) if error is None else (error.code, {"message": error.message})
        self._core.emit("player_state_update", played.state, code, extended, played.stream_id)

    def _arrive(self, stream_ids: frozenset[str]) -> None:
        """These streams have a receive slot now, and no others."""
        for played in self.played:
            arrives = played.stream_id in stream_ids
            if arrives and played.state is PlayerState.PLAY_REQUESTING:
                self._move(played, PlayerEvent.FLOWS)
                self._tell_devices(played.stream_id)
            elif not arrives and played.state is PlayerState.PLAYING:
                self._move(played, PlayerEvent.GONE, _INTERRUPTED if self._media.interrupted else _GONE)
        self._look_at_pictures()

    def _pictures_held_back(self, event: protocol.PeerVideosRefused | protocol.PeerVideosPaused) -> None:
        self._held_back.take(event)
        self._look_at_pictures()

    def _look_at_pictures(self) -> None:
        """Tell of streams whose pictures are held back from whoever plays, or no longer."""
        hindrances = self._held_back.of(self._media.player_id)
        for played in self.played:
            stream_id = played.stream_id
            plays = played.state is PlayerState.PLAYING
            codec = hindrances.refused.get(stream_id) if plays else None
            paused = plays and stream_id in hindrances.paused
            refused_before, paused_before = played.refused_codec, played.paused
            played.refused_codec, played.paused = codec, paused
            if plays and codec != refused_before:
                self._tell(played, None if codec is None else _refused(stream_id, codec))
            if plays and paused != paused_before:
                event = PlayerMediaEvent.VIDEO_BREAK_OCCUR if paused else PlayerMediaEvent.VIDEO_BREAK_RESUME
                self._core.emit("player_media_event", event, stream_id)

    def _tell_devices(self, stream_id: str) -> None:
        """A stream that begins with a device that is not open says so."""
        login = self._rooms.login_now
        stream = login.streams.get(stream_id) if login else None
        if stream is not None:
            self._stream_changed(Stream(stream_id, stream.user), stream)

    def _stream_changed(self, before: Stream, after: Stream) -> None:
        if after.stream_id not in self._played:
            return
        changes: list[tuple[str, RemoteDeviceState, RemoteDeviceState]] = [
            ("remote_camera_state_update", before.camera, after.camera),
            ("remote_mic_state_update", before.microphone, after.microphone),
        ]
        for event, old, new in changes:
            if old is not new:
                self._core.emit(event, new, after.stream_id)

    def _room_left(self, error: ZegoError | None, keeps_preview: bool) -> None:
        self._unwanted.clear()
        self._held_back.clear()
        if error is not None and error.code is ErrorCode.ROOM_RETRY_TIMEOUT:
            error = ZegoError(error.message, ErrorCode.PLAYER_ERROR_NETWORK_INTERRUPT)
        for played in self.played:
            self._end(played, PlayerEvent.STOP if error is None else PlayerEvent.FAILED, error)

    def _media_lost(self, error: ZegoError) -> None:
        for played in self.played:
            if played.accepted and not played.rising:
                lost = ZegoError(error.message, ErrorCode.PLAYER_ERROR_NETWORK_INTERRUPT)
                self._end(played, PlayerEvent.FAILED, lost)
                self._core.spawn(self._give_up(played))

    # -- a login that plays whatever there is ---------------------------------------------------------------

    def _look_soon(self) -> None:
        login = self._rooms.login_now
        if login is not None and login.auto_play and not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """What the hub plays of itself is played here too, as far as there is room for it."""
        self._looking = False
        login = self._rooms.login_now
        if login is None or not login.auto_play or not login.entered.done():
            return
        for played in self.played:
            if played.auto and played.stream_id not in login.streams:
                self._end(played, PlayerEvent.STOP, None)
        self._unwanted &= login.streams.keys()
        come = [each for each in login.streams if each not in self._played and each not in self._unwanted]
        for stream_id in come[: max(0, protocol.PLAY_LIMIT - len(self._played))]:
            self._begin(Played(stream_id, Canvas(), accepted=True, auto=True))
        if come:
            self._core.spawn(self._join())

    async def _join(self) -> None:
        try:
            self._arrive(await self._media.playing())
        except ZegoError as error:
            for played in self.played:
                if played.auto and played.state is PlayerState.PLAY_REQUESTING:
                    self._end(played, PlayerEvent.FAILED, error)
                    self._unwanted.add(played.stream_id)

    async def _give_up(self, played: Played) -> None:
        login = self._rooms.login_now
        known = played.auto or (played.asked is not None and login is not None and played.asked is login.link)
        if not known:
            return  # a session that is gone has given it up as well
        try:
            await self._rooms.request(protocol.StopPlaying(0, played.stream_id), protocol.Done)
        except ZegoError as error:
            # The room was left meanwhile, or the hub is gone, which ends it as well.
            logger.debug("A stream was not given up: %s", error)


def _refused(stream_id: str, codec: str) -> ZegoError:
    sentence = f"{stream_id} is sent in {codec}, which can not be shown here; its sound is played."
    return ZegoError(sentence, ErrorCode.PLAYER_VIDEO_DECODER_NO_SUPPORTTED)


_GONE = ZegoError("The stream has gone; it plays again when it is back.", ErrorCode.PLAYER_PLAY_STREAM_NOT_EXIST)
_INTERRUPTED = ZegoError("No page is connected; it plays again when one is.", ErrorCode.PLAYER_ERROR_NETWORK_INTERRUPT)
