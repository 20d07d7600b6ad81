"""What one viewer is sent of all the pictures that it wants: as much as it can receive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from .allocation import Demand, allocate
from .counters import Counters
from .delivery import Packets
from .downlink import SPARE, DownlinkEstimate
from .layer_switch import LayerSwitch
from .layers import bitrates_of, layers_of
from .probing import STEP, Probe, ProbeSchedule
from .receive_slot import ReceiveSlot
from .retransmission import MOST_PADDING, RetransmissionBudget
from .rtcp import BandwidthEstimate, ReportBlock

_SELDOM = 0.45
"""Seconds between two looks at a viewer of whom no limit is known; each costs as much as some packets."""
_PACE = 0.02
_MOST_AT_ONCE = 40
_CALM = 5.0
_TRIED_FROM = 80_000.0  # bits per second: below that there would be many small steps up to the first picture
_TOO_MUCH = 1.5  # times what a viewer can receive: too much to go on with until a smaller picture comes


class ViewerBandwidth:
    """Has the estimate, gives each receive slot its share, and tries out whether there is more."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        budget: RetransmissionBudget,
        switches: Mapping[str, LayerSwitch],
        send: Callable[[bytes], bool],
        counters: Counters,
    ) -> None:
        """`switches` has, by mid, what is shown now; `send` sends an RTP packet and tells whether it could."""
        self._loop = loop
        self._budget = budget
        self._switches = switches
        self._send = send
        self._counters = counters
        self._slots: list[ReceiveSlot] = []
        self._sounds: list[ReceiveSlot] = []
        self._ssrcs: dict[int, ReceiveSlot] = {}
        self._estimate = DownlinkEstimate()
        self._schedule = ProbeSchedule()
        self._probe: Probe | None = None
        self._probed: ReceiveSlot | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lost: dict[int, int] = {}
        self._again = 0
        self._layers: dict[LayerSwitch, int] = {}
        self._look_at = 0.0
        self.speaker: str | None = None
        """The mid of the slot that shows who speaks."""

    def add(self, slot: ReceiveSlot) -> None:
        """A receive slot; only pictures are ever held back."""
        if slot.kind == "audio":
            self._sounds.append(slot)
            return
        self._slots.append(slot)
        self._ssrcs[slot.rewriter.ssrc] = slot
        if slot.retransmission is not None and slot.retransmission.ssrc:
            self._ssrcs[slot.retransmission.ssrc] = slot

    def sent_again(self, octets: int) -> None:
        """So much was sent in answer to NACKs."""
        self._again += octets

    def told(self, estimate: BandwidthEstimate, now: float) -> None:
        """The viewer told what it can receive."""
        if ssrcs := self._ssrcs.keys() & set(estimate.media_ssrcs):
            self._estimate.told(estimate.bitrate, ssrcs, now)

    def reported(self, block: ReportBlock, now: float) -> None:
        """The viewer reported on a stream."""
        slot = self._ssrcs.get(block.ssrc)
        if slot is None or slot.rewriter.ssrc == block.ssrc:
            return
        self._lost[block.ssrc] = block.packets_lost
        if self._probe is not None and slot is self._probed:
            self._probe.report(block, now)

    def round_trip(self, seconds: float) -> None:
        """A round trip was measured."""
        self._estimate.round_trip(seconds)

    def tick(self, now: float) -> None:
        """Look how it goes, a few times a second."""
        if now < self._look_at:
            return
        # what comes in a codec that the viewer does not take is not sent, and takes no room
        switches = [s for slot in self._slots if slot.refused_codec is None and (s := self._switches.get(slot.mid))]
        for gone in self._layers.keys() - set(switches):
            self._counters.videos_resumed += not self._layers.pop(gone)
        demands = {switch: demand for switch in switches if (demand := self._demand(switch)) is not None}
        octets, sound = (sum(slot.octets for slot in slots) for slots in (self._slots, self._sounds))
        estimate = self._estimate
        limited, trying = estimate.bitrate is not None, self._probe is not None
        least = sum(demand.bitrates[0] for demand in demands.values())
        kept = sum(demand.bitrates[0] for switch, demand in demands.items() if self._layers.get(switch))
        if estimate.look(octets, self._again, self._packets(), least, now, kept=kept, sound=sound, trying=trying):
            if self._probe is None:
                self._schedule.overloaded(now)
            else:
                self._probe.fail()
        if limited or estimate.bitrate is not None:
            self._share(demands, now)
            self._budget.limit(estimate.bitrate)
        self._look_at = now + _SELDOM if estimate.bitrate is None else now

    def close(self) -> None:
        """Stop for good."""
        if self._timer is not None:
            self._timer.cancel()
        self._probe = None
        for layers in self._layers.values():
            self._counters.videos_resumed += not layers
        self._layers.clear()

    def _demand(self, switch: LayerSwitch) -> Demand | None:
        fitting = switch.fitting
        if fitting is None:
            return None
        tile = switch.tile
        area = float("inf") if tile is None else float(tile[0] * tile[1])
        speaks = self.speaker is not None and switch.mid == self.speaker
        bitrates = bitrates_of(layers_of(switch.publication))[: fitting + 1]
        return Demand(tuple(bitrates), (speaks, area), self._layers.get(switch, len(bitrates)))

    def _packets(self) -> Packets:
        return Packets.total(slot.delivery.packets for slot in self._slots)

    def _share(self, demands: dict[LayerSwitch, Demand], now: float) -> None:
        estimate = self._estimate
        if estimate.bitrate is not None:
            shares, needed = allocate(list(demands.values()), estimate.bitrate)
            for (switch, demand), layers in zip(demands.items(), shares, strict=True):
                self._grant(switch, demand, layers, now)
            if needed is not None:
                self._try(needed, now, of_smallest=0 in shares)
                return
            self._schedule.all_is_well(now)
            if now - estimate.overloaded_at > _CALM:
                estimate.release()
        if self._probe is not None:  # there is nothing left to try
            self._end_probe(now, failed=False)
        if estimate.bitrate is None:  # of the limits nothing stays: tiles grow, and come into sight
            for switch, demand in demands.items():
                self._grant(switch, demand, len(demand.bitrates), now)
            for slot in self._slots:
                if (shown := self._switches.get(slot.mid)) is not None:
                    shown.limit(None, now)

    def _grant(self, switch: LayerSwitch, demand: Demand, layers: int, now: float) -> None:
        before = self._layers.get(switch, len(demand.bitrates))
        self._layers[switch] = layers
        counters = self._counters
        counters.layers_lowered += layers < min(before, len(demand.bitrates))
        counters.videos_paused += before > 0 and not layers
        counters.videos_resumed += before == 0 and layers > 0
        bitrate = self._estimate.bitrate
        too_much = bitrate is not None and self._estimate.sent > _TOO_MUCH * bitrate
        switch.limit(layers, now, at_once=too_much)

    # -- probing --------------------------------------------------------------------------------------------

    def _try(self, needed: float, now: float, *, of_smallest: bool) -> None:
        estimate = self._estimate
        if self._probe is not None:
            self._judge(self._probe, estimate.bearable_loss(of_smallest=of_smallest), now)
        elif self._schedule.is_due(now):
            tried = (slot for slot in self._slots if slot.mid in self._switches)
            slot = next((slot for slot in tried if slot.retransmission and slot.retransmission.ssrc), None)
            gets_through = max(estimate.bitrate or 0.0, _TRIED_FROM)
            bitrate = min(needed * SPARE, gets_through * STEP)
            if slot is None or slot.retransmission is None:  # only the picture itself can tell
                self._succeed(bitrate, now)
                return
            self._counters.probes += 1
            lost = self._lost.get(slot.retransmission.ssrc, 0)
            self._probed, self._probe = slot, Probe(bitrate, estimate.pictures, lost, now)
            self._timer = self._loop.call_at(now + _PACE, self._send_padding)

    def _judge(self, probe: Probe, bearable: float, now: float) -> None:
        if self._estimate.fell_since(probe.began_at):
            probe.fail()
        outcome = probe.outcome(bearable, now)
        if outcome is None:
            return
        if outcome or not (probe.reported or probe.has_failed):
            self._end_probe(now, failed=False)
            self._succeed(probe.bitrate, now)
        else:
            self._end_probe(now, failed=True)

    def _succeed(self, bitrate: float, now: float) -> None:
        self._estimate.got_through(bitrate)
        self._schedule.succeeded(now)

    def _end_probe(self, now: float, *, failed: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._probe = None
        self._estimate.settle(now)
        if failed:
            self._counters.probes_failed += 1
            self._schedule.failed(now)

    def _send_padding(self) -> None:
        self._timer = None
        probe, slot = self._probe, self._probed
        if probe is None or slot is None or slot.retransmission is None:
            return
        now = self._loop.time()
        for _ in range(min(probe.due(now), _MOST_AT_ONCE)):
            packet, number = slot.retransmission.padding(now)
            if not self._send(packet):
                return
            probe.sent(number, now)
            self._again += MOST_PADDING
        if probe.is_sending(now):
            self._timer = self._loop.call_at(now + _PACE, self._send_padding)
