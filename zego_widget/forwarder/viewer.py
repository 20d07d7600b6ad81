"""What one peer is shown: its receive slots, and what it says of the packets that come in them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from . import rtcp
from .answer import SlotSource
from .codecs import title_of
from .counters import Counters
from .delivery import Packets, RoundTrip
from .layer_switch import LayerSwitch
from .layers import LayeredPublication
from .offer import SEND_TIME_EXTENSION, OfferedMedia, SessionOffer
from .publication import Publication
from .receive_slot import ReceiveSlot
from .retransmission import Retransmission, RetransmissionBudget
from .rewriter import RtpRewriter
from .srtp import HeadAndPayload
from .subscription import Subscription
from .viewer_bandwidth import ViewerBandwidth


class Viewer:
    """Shows publications on receive slots, in the layer that fits and as much as there is room for."""

    def __init__(
        self,
        offer: SessionOffer,
        cname: str,
        send_rtp: Callable[[Sequence[HeadAndPayload]], None],
        send_again: Callable[[bytes], bool],
        send_rtcp: Callable[[bytes], None],
        counters: Counters,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`send_again` sends a packet that is not among those forwarded, and tells whether it could."""
        self._cname = cname
        self._send_rtp = send_rtp
        self._send_again = send_again
        self._send_rtcp = send_rtcp
        self._counters = counters
        self._loop = loop
        self._closed = False
        self._slots: dict[str, ReceiveSlot] = {}
        self._slots_by_ssrc: dict[int, ReceiveSlot] = {}
        self._switches: dict[str, LayerSwitch] = {}  # of the slots that show something, by mid
        self._round_trip = RoundTrip()
        self._budget = RetransmissionBudget()
        self._bandwidth = ViewerBandwidth(loop, self._budget, self._switches, send_again, counters)
        self.slot_sources: dict[str, SlotSource] = {}
        """By mid, what the answer tells of the receive slots."""
        self._make_slots(offer)
        self.audio_slots = offer.receiving("audio")
        self.video_slots = offer.receiving("video")

    @property
    def round_trip(self) -> float | None:
        """Round-trip time in seconds, None before the first report that tells."""
        return self._round_trip.seconds

    # -- what is shown --------------------------------------------------------------------------------------

    def subscribe(self, mid: str, publication: Publication | LayeredPublication) -> None:
        """Show a publication on a receive slot, instead of what was there; raises KeyError for an unknown mid."""
        slot = self._slots[mid]
        self.unsubscribe(mid)
        if self._closed:
            return

        def subscribed(layer: Publication, on_start: Callable[[Subscription, float], None]) -> Subscription:
            return Subscription(slot, layer, self._send_rtp, self._send_rtcp, self._counters, on_start)

        self._switches[mid] = LayerSwitch(slot, publication, subscribed, self._loop.time())

    def unsubscribe(self, mid: str) -> None:
        """Free a receive slot; raises KeyError for an unknown mid."""
        slot = self._slots[mid]
        if (switch := self._switches.pop(mid, None)) is not None:
            switch.end(self._loop.time())
            slot.refused_codec = None

    def fit(self, mid: str, tile: tuple[int, int] | None) -> None:
        """Send on a receive slot what fits a tile, in device pixels; nothing where nothing is shown.

        0 x 0 is a tile out of sight, which gets nothing; of None nothing is known, and it gets the largest picture.
        Raises KeyError for an unknown mid.
        """
        slot = self._slots[mid]
        if (switch := self._switches.get(slot.mid)) is not None:
            switch.fit(tile, self._loop.time())

    def favour(self, mid: str | None) -> None:
        """Give the pictures of this receive slot room first: the active speaker's; None for nobody's."""
        self._bandwidth.speaker = mid

    def tick(self, now: float) -> None:
        """Follow what comes and what there is room for, a few times a second."""
        for switch in list(self._switches.values()):
            switch.tick(now)
        self._bandwidth.tick(now)

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        self._bandwidth.close()
        for mid in self._slots:
            self.unsubscribe(mid)

    # -- how it goes ----------------------------------------------------------------------------------------

    def delivered(self, mid: str) -> Packets:
        """What the viewer reports of a receive slot, in all; raises KeyError for an unknown mid."""
        return self._slots[mid].delivery.packets

    def is_paused(self, mid: str) -> bool:
        """Whether a receive slot is sent no pictures for want of room; raises KeyError for an unknown mid."""
        slot, switch = self._slots[mid], self._switches.get(mid)
        return switch is not None and switch.is_paused and slot.refused_codec is None

    def refused_codec(self, mid: str) -> str | None:
        """What the codec is called in which a receive slot would be sent something that it does not take; else None.

        Raises KeyError for an unknown mid.
        """
        key = self._slots[mid].refused_codec
        return title_of(key) if key else None

    # -- what the viewer says -------------------------------------------------------------------------------

    def receiver_report(self, block: rtcp.ReportBlock, now: float) -> None:
        """The viewer tells how packets came; of other SSRCs than its slots' nothing is taken."""
        self._bandwidth.reported(block, now)
        if (slot := self._slots_by_ssrc.get(block.ssrc)) is None:
            return
        self._counters.reports_received += 1
        round_trip = slot.delivery.reported(block, now)
        if round_trip is not None:
            self._round_trip.measured(round_trip)
            self._bandwidth.round_trip(round_trip)

    def bandwidth_estimate(self, estimate: rtcp.BandwidthEstimate, now: float) -> None:
        """The viewer tells what it can receive."""
        self._bandwidth.told(estimate, now)

    def request(self, request: rtcp.Nack | rtcp.KeyFrameRequest, now: float) -> None:
        """The viewer asks for packets again, or for a key frame; nothing where nothing is shown."""
        if (slot := self._slots_by_ssrc.get(request.media_ssrc)) is None:
            self._counters.dropped_foreign_feedback += 1
            return
        switch = self._switches.get(slot.mid)
        if switch is None or switch.subscription is None:
            return
        if isinstance(request, rtcp.Nack):
            self._answer(request, slot, now)
            self._counters.dropped_nacks += self._budget.is_spent
        else:
            switch.subscription.publication.request_key_frame(now)

    def _answer(self, nack: rtcp.Nack, slot: ReceiveSlot, now: float) -> None:
        self._counters.nacks_received += 1
        if slot.retransmission is None:
            return
        for packet in slot.retransmission.answer(nack.numbers(), now, self.round_trip):
            if self._send_again(packet):
                self._counters.packets_retransmitted += 1
                self._bandwidth.sent_again(len(packet))

    # -- construction ---------------------------------------------------------------------------------------

    def _make_slots(self, offer: SessionOffer) -> None:
        index = {"audio": 0, "video": 0}
        for section in offer.media:
            if section.direction == "recvonly" and section.codecs:
                self._make_slot(section, f"slot-{index[section.kind]}")
                index[section.kind] += 1

    def _make_slot(self, section: OfferedMedia, label: str) -> None:
        ssrc = secrets.randbits(32)
        rewriter = RtpRewriter(
            ssrc,
            section.codecs[0].clock_rate,
            sequence_number=secrets.randbits(15),
            timestamp=secrets.randbits(32),
            send_time_extension=_send_time_extension(section),
        )
        codecs = {codec.key: codec for codec in reversed(section.codecs)}
        payload_types = {key: codec.payload_type for key, codec in codecs.items()}
        rtx_payload_types = {k: c.rtx_payload_type for k, c in codecs.items() if c.rtx_payload_type is not None}
        rtx_ssrc = secrets.randbits(32) if rtx_payload_types else None
        retransmission = Retransmission(rewriter, self._budget, payload_types, rtx_payload_types, rtx_ssrc)
        slot = ReceiveSlot(section.mid, section.kind, payload_types, rewriter, self._cname, retransmission)
        self._slots[section.mid] = self._slots_by_ssrc[ssrc] = slot
        self._bandwidth.add(slot)
        self.slot_sources[section.mid] = SlotSource(ssrc, rtx_ssrc, label)


def _send_time_extension(section: OfferedMedia) -> int | None:
    extension = section.extensions.get(SEND_TIME_EXTENSION)
    return extension if section.kind == "video" and extension is not None and extension < 15 else None
