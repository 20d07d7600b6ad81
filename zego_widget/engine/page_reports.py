"""What the pages of an engine report, and which page counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from .. import protocol
from ..errors import ErrorCode
from ..model import PublishChannel, RemoteDeviceState
from .devices import FAILURES, Devices, Kind
from .page_relay import PageRelay
from .page_wishes import PageWishes, Shown
from .quality import PeerCounts

MAX_PAGES = 16
"""Pages that are known at once; one that says something more makes the oldest forgotten that is not connected."""
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


class PageEvents(Protocol):
    """What `PageReports` tells."""

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


class PageReports:
    """What pages report becomes events, as far as it is about what the engine wants of them.

    One page counts for what is captured, the one whose peer captures at the hub; without any such peer, the one that
    spoke last (a preview needs no peer). One counts for what is played: that of the oldest connected peer. What other
    pages say changes nothing.
    """

    def __init__(
        self, wishes: PageWishes, relay: PageRelay, events: PageEvents, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._wishes = wishes
        self._relay = relay
        self._events = events
        self._now = now
        self.on_played: list[Callable[[frozenset[str]], None]] = []
        """Called with the streams that arrive in the page that counts, when they are others."""
        self.devices = Devices()
        self._pages: dict[str, _Page] = {}
        self._arrived: frozenset[str] = frozenset()
        # Told once: first frames, and the size or state that was told last.
        self._firsts: set[tuple[Shown, str]] = set()
        self._sizes: dict[Shown, tuple[int, int]] = {}
        self._failures: dict[str, RemoteDeviceState] = {}
        wishes.on_ended.append(self._forget_told)

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
    def capturing_page_id(self) -> str | None:
        """The page that counts for what is captured."""
        page = self._capturing()
        return None if page is None else page.page_id

    @property
    def max_zoom(self) -> float:
        """Of the camera that is open; 1 where it has no zoom."""
        page = self._capturing()
        return page.status.max_zoom if page is not None and page.status is not None else 1.0

    def stats(self) -> PeerCounts:
        """What was counted lately; streams of which nothing was said are not in it."""
        capturing, playing = self._fresh(self._capturing()), self._fresh(self._playing())
        published: dict[PublishChannel, protocol.PageStreamStats] = {}
        if capturing is not None and self._wishes.captures:
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
        return 0.0 if levels is None or not self._wishes.captures else levels.captured or 0.0

    def sound_levels(self) -> dict[str, float]:
        """Played stream -> 0 to 100."""
        levels = self._levels(self._playing())
        if levels is None:
            return {}
        return {stream_id: level for stream_id, level in levels.played.items() if self._wishes.wants(stream_id)}

    def _levels(self, page: _Page | None) -> protocol.PageSoundLevels | None:
        # A page that is asleep, or gone without a word, is not as loud as it was for ever.
        life = max(STATS_LIFE, 2 * self._wishes.devices.sound_period / 1000)
        return None if page is None or self._now() - page.levels_at > life else page.levels

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
        playing, capturing = self._playing(), self._capturing()
        arrived = frozenset() if playing is None or playing.status is None else frozenset(playing.status.played)
        if arrived != self._arrived:
            for stream_id in self._arrived - arrived:
                self._forget_told(stream_id)
            self._arrived = arrived
            for played in self.on_played:
                played(arrived)
        if capturing is not None:
            self._follow_capture(capturing)

    def _follow_capture(self, page: _Page) -> None:
        if page.devices is not None:
            for kind, update, device in self.devices.take(page.devices):
                self._events.devices_changed(kind, update, device)
        if page.status is None or not self._wishes.captures:
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
                self._events.device_failed(FAILURES[state], channel, f"The {name} of the page: {state.name}.")

    def _first_frame(self, page: _Page, report: protocol.PageFirstFrame) -> None:
        shown = self._shown(page, report.channel, report.stream_id)
        if shown is None or (shown, report.kind) in self._firsts:
            return
        self._firsts.add((shown, report.kind))
        if isinstance(shown, PublishChannel):
            self._events.first_frame_sent(shown, report.kind)
        else:
            self._events.first_frame_received(shown, report.kind)

    def _picture_size(self, page: _Page, report: protocol.PagePictureSize) -> None:
        shown = self._shown(page, report.channel, report.stream_id)
        size = (report.width, report.height)
        if shown is None or min(size) <= 0 or self._sizes.get(shown) == size:
            return
        self._sizes[shown] = size
        if isinstance(shown, PublishChannel):
            self._events.capture_size_changed(shown, *size)
        else:
            self._events.video_size_changed(shown, *size)

    def _shown(self, page: _Page, channel: PublishChannel | None, stream_id: str | None) -> Shown | None:
        """What a report is about, if this page may say something of it."""
        about, counts = (stream_id, self._playing()) if channel is None else (channel, self._capturing())
        if about is None or (channel is not None and stream_id is not None):
            return None
        return about if self._wishes.wants(about) and page is counts else None

    def _forget_told(self, shown: Shown) -> None:
        self._firsts = {told for told in self._firsts if told[0] != shown}
        self._sizes.pop(shown, None)
