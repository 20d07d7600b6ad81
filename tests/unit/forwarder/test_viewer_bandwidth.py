"""A viewer's limits come and go with its network, and nothing of them stays behind."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.unit.forwarder.test_layer_switch import FRAME, VP8, Camera
from zego_widget.forwarder.counters import Counters
from zego_widget.forwarder.layer_switch import LayerSwitch
from zego_widget.forwarder.publication import Publication
from zego_widget.forwarder.receive_slot import ReceiveSlot
from zego_widget.forwarder.retransmission import Retransmission, RetransmissionBudget
from zego_widget.forwarder.rewriter import RtpRewriter
from zego_widget.forwarder.rtcp import BandwidthEstimate, ReportBlock
from zego_widget.forwarder.rtp import parse_header
from zego_widget.forwarder.subscription import Subscription
from zego_widget.forwarder.viewer_bandwidth import ViewerBandwidth

SSRC, RTX_SSRC = 0xBEEF, 0xD00D


class Timer:
    def __init__(self, at: float, act: Callable[[], None]) -> None:
        self.at, self.act, self.cancelled = at, act, False

    def __lt__(self, other: Timer) -> bool:
        return self.at < other.at

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """The loop, as far as it is used."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self._camera.now

    def call_at(self, at: float, act: Callable[[], None]) -> Timer:
        timer = Timer(at, act)
        heapq.heappush(self.timers, timer)
        return timer

    def run(self) -> None:
        while self.timers and self.timers[0].at <= self.time():
            timer = heapq.heappop(self.timers)
            if not timer.cancelled:
                timer.act()


class Page:
    """One viewer of one camera, who reports what the test says."""

    def __init__(self, *, reports_tries: bool = True) -> None:
        self.camera = Camera()
        self.camera.weight = 400  # some 50, 150 and 450 kbit/s
        self.clock: Any = Clock(self.camera)
        self.counters = Counters()
        self.budget = RetransmissionBudget()
        self.padding: list[int] = []
        self.reports_tries = reports_tries
        self.switches: dict[str, LayerSwitch] = {}
        self.bandwidth = ViewerBandwidth(self.clock, self.budget, self.switches, self._padded, self.counters)
        self.slots: list[ReceiveSlot] = []

    def plays(self, codecs: dict[str, int] | None = None) -> LayerSwitch:
        number = len(self.slots)
        types = {VP8.key: 120} if codecs is None else codecs
        rewriter = RtpRewriter(SSRC + number, 90000, sequence_number=9, timestamp=100)
        again = Retransmission(rewriter, self.budget, types, dict.fromkeys(types, 121), RTX_SSRC + number)
        slot = ReceiveSlot(str(number), "video", types, rewriter, "hub", again)
        self.bandwidth.add(slot)

        def subscribe(layer: Publication, on_start: object) -> Subscription:
            return Subscription(slot, layer, self._sent, lambda _: None, self.counters, on_start)  # type: ignore[arg-type]

        self.switches[slot.mid] = switch = LayerSwitch(slot, self.camera.publication, subscribe, self.camera.now)
        self.slots.append(slot)
        return switch

    def _sent(self, packets: Sequence[tuple[bytes, bytes]]) -> None:
        pass

    def _padded(self, packet: bytes) -> bool:
        self.padding.append(parse_header(packet).sequence_number)
        return True

    def watch(
        self, seconds: float, *, tells: float | None = None, round_trip: float | None = None, loss: float = 0.0
    ) -> None:
        """So much passes with three layers on their way; the viewer's own estimate and round trips are these.

        `loss` is the share of packets of tries that gets lost.
        """
        for frame in range(round(seconds / FRAME)):
            self.camera.film("q", "h", "f", keys="qhf" if frame % 15 == 0 else "")
            now = self.camera.now
            self.clock.run()
            if frame % 4 == 0:
                if tells is not None:
                    self.bandwidth.told(BandwidthEstimate(round(tells), (SSRC,)), now)
                if round_trip is not None:
                    self.bandwidth.round_trip(round_trip)
                if self.padding and self.reports_tries:
                    lost = round(loss * len(self.padding))
                    self.bandwidth.reported(ReportBlock(RTX_SSRC, 0, lost, self.padding[-1], 0, 0, 0), now)
                self.camera.publication.tick(now)
                for switch in self.switches.values():
                    switch.tick(now)
                self.bandwidth.tick(now)

    def is_limited(self) -> None:
        """Its estimate falls below what it is sent."""
        self.watch(4, tells=20_000)
        self.watch(3, tells=1_000)
        assert self.bandwidth._estimate.bitrate is not None


def test_a_tile_that_grows_after_all_was_well_again_has_the_larger_picture() -> None:
    page = Page()
    switch = page.plays()
    page.is_limited()
    switch.fit((160, 90), page.camera.now)
    page.watch(30, tells=1_000_000)
    assert page.bandwidth._estimate.bitrate is None
    switch.fit((640, 360), page.camera.now)
    page.watch(2)
    assert switch.shown is page.camera.layers["f"]
    assert page.budget._per_second == RetransmissionBudget()._per_second


def test_a_network_that_loses_some_packets_soon_has_the_smallest_picture_again() -> None:
    page = Page()
    switch = page.plays()
    page.camera.weight = 1600  # enough that a try tells what gets lost
    page.watch(2, round_trip=0.05)
    while page.counters.videos_paused == 0:
        page.watch(1, round_trip=0.7)
    assert switch.shown is None
    page.watch(8, round_trip=0.05, loss=0.2)
    assert switch.shown is page.camera.layers["q"]


def test_a_try_ends_when_nothing_is_held_back_any_more() -> None:
    page = Page(reports_tries=False)
    switch = page.plays()
    page.is_limited()
    switch.fit((640, 360), page.camera.now)
    page.bandwidth._estimate.bitrate = 1_000.0
    while page.bandwidth._probe is None:
        page.watch(FRAME * 4)
    switch.fit((0, 0), page.camera.now)
    page.watch(1)
    assert page.bandwidth._probe is None


def test_a_try_that_is_too_much_is_no_success_where_nobody_reports_it() -> None:
    page = Page(reports_tries=False)
    page.plays()
    page.is_limited()
    page.bandwidth._estimate.bitrate = 100_000.0
    while page.bandwidth._probe is None:
        page.watch(FRAME * 4, tells=500_000)
    page.watch(2, tells=10_000)
    assert page.bandwidth._estimate.bitrate == 100_000.0
    assert page.counters.probes_failed == 1


def test_a_codec_that_is_refused_takes_no_room() -> None:
    page = Page()
    shown, refused = page.plays(), page.plays({"h264/1/42": 120})
    assert page.slots[1].refused_codec == VP8.key
    page.is_limited()
    page.watch(10, tells=1_000)
    assert refused not in page.bandwidth._layers and shown in page.bandwidth._layers
    assert not refused.is_paused


@pytest.mark.parametrize("way", [0.7, 3.0])
def test_a_way_that_has_become_longer_for_good_is_not_taken_for_a_queue_for_ever(way: float) -> None:
    page = Page()
    page.plays()
    page.watch(5, round_trip=0.02)
    page.watch(60, round_trip=way)
    assert page.bandwidth._estimate.bitrate is None
    assert page.counters.videos_paused == page.counters.videos_resumed
