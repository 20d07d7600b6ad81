"""One publication on its way into one receive slot of one viewer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import rtcp
from .codecs import Codec
from .counters import Counters
from .delivery import Delivery
from .publication import Publication
from .retransmission import Retransmission
from .rewriter import RtpRewriter
from .rtp import RtpHeader
from .source import Source
from .vp8 import Descriptor

if TYPE_CHECKING:
    from .layer_switch import LayerSwitch


@dataclass(slots=True)
class ReceiveSlot:
    """A receive m-section of a viewer: one SSRC for its whole life, whoever is shown on it."""

    mid: str
    kind: str
    payload_types: Mapping[str, int]
    """Codec key -> the viewer's payload type."""
    rewriter: RtpRewriter
    cname: str
    retransmission: Retransmission | None = None
    subscription: Subscription | None = None
    """What is shown, or will be as soon as something comes."""
    switch: LayerSwitch | None = None
    refused_codec: str | None = None
    """`Codec.key` of what comes, or of what could, where the viewer takes none of it; stays while nothing is sent."""
    delivery: Delivery = field(default_factory=Delivery)
    packets: int = 0
    octets: int = 0


class Subscription:
    """Forwards a publication's packets, rewritten, from its next key frame on."""

    def __init__(
        self,
        slot: ReceiveSlot,
        publication: Publication,
        send_rtp: Callable[[bytes], None],
        send_rtcp: Callable[[bytes], None],
        counters: Counters,
        on_start: Callable[[Subscription, float], None] | None = None,
    ) -> None:
        """`on_start` is told before the first packet of a source is forwarded."""
        self.slot = slot
        self.publication = publication
        self._send_rtp = send_rtp
        self._send_rtcp = send_rtcp
        self._counters = counters
        self._on_start = on_start
        self._source: Source | None = None
        self._codec: Codec | None = None
        self._payload_type: int | None = None
        if (keys := publication.codec_keys).isdisjoint(slot.payload_types):
            slot.refused_codec = min(keys)

    def forward(
        self,
        source: Source,
        header: RtpHeader,
        payload: bytes,
        codec: Codec,
        descriptor: Descriptor | None,
        now: float,
    ) -> bool:
        """Forward a packet of a source; False while a key frame is needed before anything can be shown."""
        slot = self.slot
        if codec is not self._codec:
            self._codec, self._payload_type = codec, slot.payload_types.get(codec.key)
            refused = self._payload_type is None
            slot.refused_codec = codec.key if refused else None
            if refused:
                self._source = None  # what can be shown again begins with a key frame, and without a gap
        payload_type = self._payload_type
        if payload_type is None:
            self._counters.dropped_unsupported_codec += 1
            return True
        if source is not self._source:
            begins_key_frame = codec.begins_key_frame
            if begins_key_frame is not None and not begins_key_frame(payload):
                return False
            if self._on_start is not None:
                self._on_start(self, now)
            slot.rewriter.start(header, now, source.history, descriptor, source.descriptors)
            self._source = source
            self.forward(source, header, payload, codec, descriptor, now)
            # the first packet of a key frame may be the one that was lost: what came meanwhile goes after it
            for later in source.following(header.sequence_number):
                self.forward(source, *later, now)
            return True
        rewritten = slot.rewriter.rewrite(header, payload_type, now)
        if rewritten is not None:
            slot.packets += 1
            slot.octets += len(payload)
            shift = slot.rewriter.descriptors.shift
            if shift is not None and descriptor is not None:
                rewritten += shift.applied(descriptor)
                payload = payload[descriptor.length :]
            self._send_rtp(rewritten + payload)
        return True

    def forward_sender_report(self, report: rtcp.SenderReport, now: float) -> None:
        """Send the publisher's sender report in the viewer's SSRC, timeline and counts."""
        if self._source is None or self._source.ssrc != report.ssrc:
            return
        slot = self.slot
        translated = rtcp.SenderReport(
            ssrc=slot.rewriter.ssrc,
            ntp_time=report.ntp_time,
            rtp_timestamp=slot.rewriter.rewrite_timestamp(report.rtp_timestamp),
            packet_count=slot.packets & 0xFFFFFFFF,
            octet_count=slot.octets & 0xFFFFFFFF,
        )
        slot.delivery.sender_report_sent(report.ntp_time, now)
        self._send_rtcp(rtcp.sender_report(translated, slot.cname))
