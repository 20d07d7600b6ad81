"""The pages of an engine as one participant: what the engine wants of them, and what they report."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from .. import protocol
from ..errors import ErrorCode, ZegoError
from ..model import PublishChannel, RemoteDeviceState, VideoMirrorMode
from .capture import CaptureSettings, ChannelSettings
from .devices import FAILURES, Devices, Kind
from .page_relay import PageRelay
from .presets import AudioChannel
from .quality import PeerCounts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

logger = logging.getLogger(__name__)

MAX_PAGES = 16
"""Pages that are known at once; one that says something more makes the oldest forgotten that is not connected."""
SNAPSHOT_TIMEOUT = 5.0
STATS_LIFE = 2.5
"""Seconds for which what a page counted or heard is news; a hidden page says something once a second."""

Report = (
    protocol.PageDevices
    | protocol.PageStatus
    | protocol.PageFirstFrame
    | protocol.PagePictureSize
    | protocol.PageStats
    | protocol.PageSoundLevels
)


class PagePeerEvents(Protocol):
    """What a `PagePeer` tells."""

    def pages_played(self, stream_ids: frozenset[str]) -> None:
        """These streams arrive in the page that counts."""

    def first_frame_received(self, stream_id: str, kind: str) -> None: ...
    def first_frame_sent(self, channel: PublishChannel, kind: str) -> None: ...
    def video_size_changed(self, stream_id: str, width: int, height: int) -> None: ...
    def capture_size_changed(self, channel: PublishChannel, width: int, height: int) -> None: ...
    def device_failed(self, code: ErrorCode, channel: PublishChannel, info: str) -> None: ...
    def devices_changed(self, kind: Kind, update: Any, device: Any) -> None: ...


@dataclass
class _Page:
    """What a page said last."""

    page_id: str
    status: protocol.PageStatus | None = None
    devices: tuple[protocol.PageDevice, ...] | None = None
    stats: protocol.PageStats | None = None
    stats_at: float = 0.0
    levels: protocol.PageSoundLevels | None = None
    levels_at: float = 0.0

    @property
    def peer_id(self) -> str | None:
        return None if self.status is None else self.status.peer_id


@dataclass
class _Played:
    """How a stream is played; a volume of None is 100."""

    audio_muted: bool = False
    video_muted: bool = False
    volume: int | None = None


@dataclass
class PageDeviceWishes:
    """What the device verbs chose."""

    camera_id: str = ""
    microphone_id: str = ""
    speaker_id: str = ""
    speaker_muted: bool = False
    mirror: VideoMirrorMode = VideoMirrorMode.ONLY_PREVIEW_MIRROR
    zoom: float = 1.0
    sound_period: int = 0


class PagePeer:
    """Takes what an engine does to a participant; what is set becomes `media`, what pages report becomes events.

    One page counts for what is captured, the one whose peer captures at the hub; without any such peer, the one that
    spoke last (a preview needs no peer). One counts for what is played: that of the oldest connected peer. What other
    pages say changes nothing.
    """

    def __init__(
        self,
        capture: CaptureSettings,
        relay: PageRelay,
        tell: Callable[[protocol.KernelMessage], None],
        changed: Callable[[], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capture = capture
        self._relay = relay
        self._tell = tell
        self._changed = changed
        self._now = now
        self.events: PagePeerEvents | None = None
        self.captures = True
        """False: Python captures."""
        self.devices = Devices()
        self.wishes = PageDeviceWishes()
        self.wanted: set[str] = set()
        """Streams that the engine plays."""
        self._previews: set[PublishChannel] = set()
        self._publishing: set[PublishChannel] = set()
        self._settings: dict[str, _Played] = {}
        self._pages: dict[str, _Page] = {}
        self._arrived: frozenset[str] = frozenset()
        # Told once: first frames, and the size or state that was told last.
        self._firsts: set[tuple[Hashable, str]] = set()
        self._sizes: dict[Hashable, tuple[int, int]] = {}
        self._failures: dict[str, RemoteDeviceState] = {}
        self._snapshots: dict[int, tuple[str, asyncio.Future[npt.NDArray[np.uint8] | None]]] = {}
        self._asked = 0

    # -- what the engine wants ------------------------------------------------------------------------------

    @property
    def media(self) -> protocol.PageMedia:
        """The trait `_media`."""
        main = self._capture.channels[PublishChannel.MAIN]
        wishes = self.wishes
        return protocol.PageMedia(
            captures=self.captures,
            main=self._channel(PublishChannel.MAIN),
            aux=self._channel(PublishChannel.AUX),
            played=[
                protocol.PagePlayed(
                    stream_id, played.audio_muted, played.video_muted, 100 if played.volume is None else played.volume
                )
                for stream_id, played in sorted(self._settings.items())
                if played != _Played()
            ],
            camera_id=wishes.camera_id,
            microphone_id=wishes.microphone_id,
            speaker_id=wishes.speaker_id,
            speaker_muted=wishes.speaker_muted,
            capture_volume=main.volume,
            mirror=wishes.mirror,
            zoom=wishes.zoom,
            sound_period=wishes.sound_period,
        )

    def _channel(self, channel: PublishChannel) -> protocol.PageChannel:
        settings: ChannelSettings = self._capture.channels[channel]
        video, audio = settings.video, settings.audio
        # The camera of the main channel is a trait of its own; a screen that is off is one that is not sent.
        off = channel is not PublishChannel.MAIN and not settings.camera
        return protocol.PageChannel(
            preview=channel in self._previews,
            publish=channel in self._publishing,
            audio=settings.microphone,
            audio_muted=settings.audio_muted,
            video_muted=settings.video_muted or off,
            width=video.encode_width,
            height=video.encode_height,
            fps=video.fps,
            video_kbps=video.bitrate,
            audio_kbps=audio.bitrate,
            stereo=audio.channel is AudioChannel.STEREO,
            traffic=settings.traffic.for_pages,
        )

    @property
    def publishing(self) -> frozenset[PublishChannel]:
        """Channels that are to be sent."""
        return frozenset(self._publishing)

    def set_publishing(self, publishing: bool, channel: PublishChannel) -> None:
        """Whether a channel is sent."""
        self._wish(self._publishing, channel, publishing)

    def set_preview(self, preview: bool, channel: PublishChannel) -> None:
        """Whether a channel is shown to oneself."""
        self._wish(self._previews, channel, preview)

    def _wish(self, channels: set[PublishChannel], channel: PublishChannel, wanted: bool) -> None:
        if wanted:
            channels.add(channel)
        else:
            channels.discard(channel)
        if channel not in self._previews | self._publishing:
            self._forget_told(channel)
        self._changed()

    def mute_played_audio(self, stream_id: str, muted: bool) -> None:
        """Play no sound of a stream."""
        self._settings.setdefault(stream_id, _Played()).audio_muted = muted
        self._changed()

    def mute_played_video(self, stream_id: str, muted: bool) -> None:
        """Show no pictures of a stream."""
        self._settings.setdefault(stream_id, _Played()).video_muted = muted
        self._changed()

    def set_play_volume(self, volume: int, stream_id: str) -> None:
        """0 to 200."""
        self._settings.setdefault(stream_id, _Played()).volume = volume
        self._changed()

    def reset_played(self, stream_id: str) -> None:
        """A stream is played no more, and forgotten."""
        self._settings.pop(stream_id, None)
        self.wanted.discard(stream_id)
        self._forget_told(stream_id)
        self._changed()

    def apply_played(self, peer: Any) -> None:
        """Bring how streams are played to a media peer that came later."""
        for stream_id, played in self._settings.items():
            if played.audio_muted:
                peer.mute_played_audio(stream_id, True)
            if played.video_muted:
                peer.mute_played_video(stream_id, True)
            if played.volume is not None:
                peer.set_play_volume(played.volume, stream_id)

    def set_wish(self, **wishes: Any) -> None:
        """Fields of `PageDeviceWishes`."""
        for name, value in wishes.items():
            setattr(self.wishes, name, value)
        self._changed()

    # -- what can be asked ----------------------------------------------------------------------------------

    @property
    def played_streams(self) -> frozenset[str]:
        """Streams that arrive."""
        return self._arrived

    @property
    def playing_peer_id(self) -> str | None:
        """The peer of the page that counts for what is played."""
        page = self._playing()
        return None if page is None else page.peer_id

    @property
    def plays(self) -> bool:
        """Whether there is a page that streams can arrive in."""
        return self._playing() is not None

    @property
    def max_zoom(self) -> float:
        """Of the camera that is open; 1 where it has no zoom."""
        page = self._capturing()
        return page.status.max_zoom if page is not None and page.status is not None else 1.0

    def stats(self) -> PeerCounts:
        """What was counted lately; streams of which nothing was said are not in it."""
        capturing, playing = self._fresh(self._capturing()), self._fresh(self._playing())
        published: dict[PublishChannel, protocol.PageStreamStats] = {}
        if capturing is not None and self.captures:
            for channel, sent in ((PublishChannel.MAIN, capturing.main), (PublishChannel.AUX, capturing.aux)):
                if sent is not None:
                    published[channel] = sent
        played: Mapping[str, protocol.PageStreamStats] = {} if playing is None else playing.played
        rtt = next((each.rtt for each in (playing, capturing) if each is not None and each.rtt is not None), None)
        return PeerCounts(rtt, published, played)

    def _fresh(self, page: _Page | None) -> protocol.PageStats | None:
        if page is None or page.stats is None or self._now() - page.stats_at > STATS_LIFE:
            return None
        return page.stats

    def capture_sound_level(self) -> float:
        """0 to 100."""
        levels = self._levels(self._capturing())
        return 0.0 if levels is None or not self.captures else levels.captured or 0.0

    def sound_levels(self) -> dict[str, float]:
        """Played stream -> 0 to 100."""
        levels = self._levels(self._playing())
        if levels is None:
            return {}
        return {stream_id: level for stream_id, level in levels.played.items() if stream_id in self.wanted}

    def _levels(self, page: _Page | None) -> protocol.PageSoundLevels | None:
        # A page that is asleep, or gone without a word, is not as loud as it was for ever.
        life = max(STATS_LIFE, 2 * self.wishes.sound_period / 1000)
        return None if page is None or self._now() - page.levels_at > life else page.levels

    async def capture_snapshot(self, channel: PublishChannel) -> npt.NDArray[np.uint8]:
        """The present picture of a channel, (H, W, 3) RGB; raises `ZegoError` (1003030) when none comes."""
        page = self._capturing()
        if page is None:
            raise _no_picture("No page captures.")
        self._asked += 1
        answer: asyncio.Future[npt.NDArray[np.uint8] | None] = asyncio.get_running_loop().create_future()
        self._snapshots[self._asked] = (page.page_id, answer)
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT):
                self._tell(protocol.TakeSnapshot(page.page_id, self._asked, channel, None))
                picture = await answer
        except TimeoutError:
            raise _no_picture(f"The page sent no picture within {SNAPSHOT_TIMEOUT:g} s.") from None
        finally:
            self._snapshots = {number: each for number, each in self._snapshots.items() if each[1] is not answer}
        if picture is None:
            raise _no_picture("The page captures no picture at the moment.")
        return picture

    # -- what pages report ----------------------------------------------------------------------------------

    def take(self, report: Report) -> None:
        """A page said something; what makes no sense changes nothing."""
        page = self._known(report.page_id)
        match report:
            case protocol.PageDevices():
                self._spoke(page)
                page.devices = tuple(report.devices)
                self._follow()
            case protocol.PageStatus():
                self._spoke(page)
                if self._claimed(report.peer_id, page):
                    report = msgspec.structs.replace(report, peer_id=None, played=[])
                page.status = report
                self._follow()
            case protocol.PageFirstFrame():
                self._first_frame(page, report)
            case protocol.PagePictureSize():
                self._picture_size(page, report)
            case protocol.PageStats():
                page.stats, page.stats_at = report, self._now()
            case protocol.PageSoundLevels():
                page.levels, page.levels_at = report, self._now()

    def take_snapshot(self, report: protocol.PageSnapshot, buffer: bytes | memoryview) -> None:
        """The answer to `TakeSnapshot`."""
        page_id, answer = self._snapshots.get(report.request_id, ("", None))
        if answer is None or answer.done() or page_id != report.page_id:
            return
        size = report.width * report.height * 4
        if report.width <= 0 or report.height <= 0 or memoryview(buffer).nbytes != size:
            answer.set_result(None)
            return
        import numpy as np

        rgba = np.frombuffer(buffer, np.uint8).reshape(report.height, report.width, 4)
        answer.set_result(rgba[:, :, :3].copy())

    def peers_changed(self) -> None:
        """Peers came or went: pages whose peer is gone are forgotten."""
        for page in list(self._pages.values()):
            if page.peer_id is not None and page.peer_id not in self._relay.peers:
                del self._pages[page.page_id]
        self._follow()

    # -- inside ---------------------------------------------------------------------------------------------

    def _known(self, page_id: str) -> _Page:
        page = self._pages.get(page_id)
        if page is None:
            if len(self._pages) >= MAX_PAGES:
                connected = self._relay.peers
                oldest = next((each.page_id for each in self._pages.values() if each.peer_id not in connected), None)
                del self._pages[oldest or next(iter(self._pages))]
            page = self._pages[page_id] = _Page(page_id)
        return page

    def _spoke(self, page: _Page) -> None:
        self._pages[page.page_id] = self._pages.pop(page.page_id)

    def _claimed(self, peer_id: str | None, by: _Page) -> bool:
        """Whether a peer belongs to another page, or to none."""
        return peer_id is not None and (
            peer_id not in self._relay.peers
            or any(page.peer_id == peer_id for page in self._pages.values() if page is not by)
        )

    def _of(self, peer_id: str | None) -> _Page | None:
        if peer_id is None:
            return None
        return next((page for page in self._pages.values() if page.peer_id == peer_id), None)

    def _capturing(self) -> _Page | None:
        if self._relay.captures:
            return self._of(self._relay.capturing)
        return next(reversed(self._pages.values()), None)

    def _playing(self) -> _Page | None:
        # A page that mended itself has another peer now, and the former one is missed only later.
        pages = (self._of(peer_id) for peer_id in self._relay.connected)
        return next((page for page in pages if page is not None), None)

    def _follow(self) -> None:
        """What counts may have changed."""
        assert self.events is not None
        playing, capturing = self._playing(), self._capturing()
        arrived = frozenset() if playing is None or playing.status is None else frozenset(playing.status.played)
        if arrived != self._arrived:
            for stream_id in self._arrived - arrived:
                self._forget_told(stream_id)
            self._arrived = arrived
            self.events.pages_played(arrived)
        if capturing is not None:
            self._follow_capture(capturing)

    def _follow_capture(self, page: _Page) -> None:
        assert self.events is not None
        if page.devices is not None:
            for kind, update, device in self.devices.take(page.devices):
                self.events.devices_changed(kind, update, device)
        if page.status is None or not self.captures:
            return
        states = {
            "microphone": (page.status.microphone, PublishChannel.MAIN),
            "camera": (page.status.camera, PublishChannel.MAIN),
            "screen": (page.status.screen, PublishChannel.AUX),
        }
        for name, (state, channel) in states.items():
            before = self._failures.get(name)
            self._failures[name] = state
            if state is not before and state in FAILURES:
                self.events.device_failed(FAILURES[state], channel, f"The {name} of the page: {state.name}.")

    def _first_frame(self, page: _Page, report: protocol.PageFirstFrame) -> None:
        assert self.events is not None
        shown = self._shown(page, report.channel, report.stream_id)
        if shown is None or (shown, report.kind) in self._firsts:
            return
        self._firsts.add((shown, report.kind))
        if isinstance(shown, PublishChannel):
            self.events.first_frame_sent(shown, report.kind)
        else:
            self.events.first_frame_received(shown, report.kind)

    def _picture_size(self, page: _Page, report: protocol.PagePictureSize) -> None:
        assert self.events is not None
        shown = self._shown(page, report.channel, report.stream_id)
        size = (report.width, report.height)
        if shown is None or min(size) <= 0 or self._sizes.get(shown) == size:
            return
        self._sizes[shown] = size
        if isinstance(shown, PublishChannel):
            self.events.capture_size_changed(shown, *size)
        else:
            self.events.video_size_changed(shown, *size)

    def _shown(self, page: _Page, channel: PublishChannel | None, stream_id: str | None) -> PublishChannel | str | None:
        """What a report is about, if this page may say something of it."""
        if channel is not None:
            counts = self.captures and page is self._capturing() and channel in self._previews | self._publishing
            return channel if counts and stream_id is None else None
        return stream_id if stream_id in self.wanted and page is self._playing() else None

    def _forget_told(self, shown: PublishChannel | str) -> None:
        self._firsts = {told for told in self._firsts if told[0] != shown}
        self._sizes.pop(shown, None)


def _no_picture(sentence: str) -> ZegoError:
    return ZegoError(sentence, ErrorCode.PUBLISHER_TAKE_PUBLISH_STREAM_SNAPSHOT_FAILED)
