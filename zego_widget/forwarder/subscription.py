"""One publication on its way into one receive slot of one viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import rtcp
from .codecs import Codec
from .counters import Counters
from .history import KeptPacket
from .publication import Publication
from .receive_slot import ReceiveSlot
from .source import Source
from .srtp import HeadAndPayload


class Subscription:
    """Forwards a publication's packets, rewritten, from its next key frame on."""

    def __init__(
        self,
        slot: ReceiveSlot,
        publication: Publication,
        send_rtp: Callable[[Sequence[HeadAndPayload]], None],
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

    def forward(self, source: Source, burst: Sequence[KeptPacket], octets: int, now: float) -> bool:
        """Forward packets of a source, of one codec; False while a key frame is needed before anything can be shown.

        `octets` is the length of their payloads.
        """
        slot = self.slot
        count, codec = len(burst), burst[0][2]
        if codec is not self._codec:
            self._codec, self._payload_type = codec, slot.payload_types.get(codec.key)
            refused = self._payload_type is None
            slot.refused_codec = codec.key if refused else None
            if refused:
                self._source = None  # what can be shown again begins with a key frame, and without a gap
        payload_type = self._payload_type
        if payload_type is None:
            self._counters.dropped_unsupported_codec += count
            return True
        if source is not self._source:
            burst, count = self._start(source, burst, codec, now), 0
            if not burst:
                return False
        packets = slot.rewriter.rewrite(burst, payload_type, now)
        if packets:
            if len(packets) != count:
                octets = sum([len(payload) for _, payload in packets])
            slot.packets += len(packets)
            slot.octets += octets
            self._counters.bytes_forwarded += octets
            self._send_rtp(packets)
        return True

    def _start(self, source: Source, burst: Sequence[KeptPacket], codec: Codec, now: float) -> Sequence[KeptPacket]:
        """Begin a source with a packet of the burst; returns what is there from it on, nothing without a key frame."""
        begins_key_frame = codec.begins_key_frame
        for first in burst:
            header, payload, _, descriptor = first
            if begins_key_frame is None:
                break
            # parameter sets come before their picture: without them it waits until they come again, or with another
            if begins_key_frame(payload) and (codec.stands_alone(payload) or not source.is_cut_off(first)):
                break
        else:
            return ()
        if self._on_start is not None:
            self._on_start(self, now)
        self.slot.rewriter.start(header, now, source.history, descriptor, source.descriptors)
        self._source = source
        # the first packet of a key frame may be the one that was lost: what came meanwhile goes after it
        later = source.following(header.sequence_number)
        return (first, *(packet for packet in later if packet[2] is codec))

    def forward_sender_report(self, source: Source, report: rtcp.SenderReport, now: float) -> None:
        """Send the sender report of a source in the viewer's SSRC, timeline and counts."""
        if source is not self._source:  # one that began anew under its SSRC has other timestamps
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
