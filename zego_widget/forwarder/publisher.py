"""What one peer publishes: its send slots, each a publication, and what it is told of their packets."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping

from . import rtcp
from .audio_level import AudioLevel
from .counters import Counters
from .delivery import Packets
from .feedback import PublisherFeedback
from .layers import LayeredPublication
from .nack_timer import NackTimer
from .offer import AUDIO_LEVEL_EXTENSION, MID_EXTENSION, OfferedMedia, SessionOffer
from .publication import Publication
from .rtp import extension_value, parse_header
from .simulcast import REPAIRED_RID_EXTENSION, RID_EXTENSION
from .uplink import UplinkEstimate

_LEARNED_SOURCES = 16
_REPORT_INTERVAL = 1.0


class Publisher:
    """Finds the publication of each packet; reports to the peer, and asks it for what is missing."""

    def __init__(
        self,
        offer: SessionOffer,
        send_mids: Mapping[str, str],
        cname: str,
        send_rtcp: Callable[[bytes], None],
        counters: Counters,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`send_mids` maps the names of send slots to mids of the offer."""
        self._send_rtcp = send_rtcp
        self._counters = counters
        self.on_layers_wanted: Callable[[str, tuple[str, ...]], None] = lambda slot, rids: None
        """Told of a send slot in layers which of them, by RID, the publisher is to send."""
        self._ssrc = secrets.randbits(32)
        self._cname = cname
        self._reported_at = loop.time()
        self._nack_timer = NackTimer(loop, self._send_nacks)
        self._feedback = PublisherFeedback(self._ssrc, cname, send_rtcp, self._nack_timer)
        self._uplink = UplinkEstimate()
        self._octets_received = 0
        self._publications: dict[str, Publication | LayeredPublication] = {}
        self._by_mid: dict[str, Publication | LayeredPublication] = {}
        self._by_ssrc: dict[int, Publication] = {}
        self._learned = 0
        self._mid_extension: int | None = None
        self._rid_extension: int | None = None
        self._repaired_rid_extension: int | None = None
        self._make_publications({m.mid: m for m in offer.media}, send_mids)

    def publication(self, slot: str) -> Publication | LayeredPublication | None:
        """The publication of a send slot: `microphone`, `camera`, `screen` or `screen_audio`."""
        return self._publications.get(slot)

    def receive(self, packet: bytes, now: float) -> Publication | None:
        """Take an RTP packet; returns the publication that has something to deliver now. Raises `RtpParseError`."""
        self._counters.packets_received += 1
        self._octets_received += len(packet)
        header = parse_header(packet)
        publication = self._by_ssrc.get(header.ssrc) or self._learn_source(header.ssrc, packet)
        if publication is not None:
            publication.receive(header, packet, now)
        return publication

    def sender_report(self, report: rtcp.SenderReport, now: float) -> None:
        """The peer told of one of its sources."""
        publication = self._by_ssrc.get(report.ssrc)
        if publication is not None:
            publication.sender_report(report, now)

    def tick(self, now: float) -> None:
        """Report what came, once a second; look how much comes, and which layers are wanted."""
        if now - self._reported_at >= _REPORT_INTERVAL:
            self._reported_at = now
            self._send_report(now)
        for publication in self._publications.values():
            publication.tick(now)

    def close(self) -> None:
        """Ask for nothing any more, and forget what was sent."""
        self._nack_timer.close()
        for publication in self._publications.values():
            publication.close()

    def _learn_source(self, ssrc: int, packet: bytes) -> Publication | None:
        """Find the publication of an SSRC that the offer does not name by the packet's MID (RFC 8843, 9.2).

        What comes in layers is told apart by the RID (RFC 8852); a retransmission stream names the RID it repairs.
        """
        mid = extension_value(packet, self._mid_extension) if self._mid_extension else None
        publication = self._by_mid.get(mid.decode("latin-1")) if mid else None
        if isinstance(publication, LayeredPublication):
            rid = extension_value(packet, self._rid_extension) if self._rid_extension else None
            if rid is None and self._repaired_rid_extension:
                rid = extension_value(packet, self._repaired_rid_extension)
            publication = publication.layer(rid.decode("latin-1")) if rid else None
        if publication is None or self._learned >= _LEARNED_SOURCES:
            self._counters.dropped_unknown_source += 1
            return None
        self._learned += 1
        self._by_ssrc[ssrc] = publication
        return publication

    # -- what the peer is told ------------------------------------------------------------------------------

    def _send_report(self, now: float) -> None:
        publications = set(self._by_ssrc.values())
        blocks = [block for p in publications if (block := p.report_block(now)) is not None]
        if blocks:
            self._send_rtcp(rtcp.receiver_report(self._ssrc, blocks, self._cname))
            self._send_bandwidth_estimate(now)

    def _send_bandwidth_estimate(self, now: float) -> None:
        """Tell a publisher of layers what it may send; others go on with the one bitrate they chose."""
        tracks = self._publications.values()
        ssrcs = [ssrc for each in tracks if isinstance(each, LayeredPublication) for ssrc in each.ssrcs]
        if ssrcs:
            packets = Packets.total(each.packets for each in tracks)
            self._feedback.send_bandwidth_estimate(self._uplink.look(packets, self._octets_received, now), ssrcs)

    def _send_nacks(self, now: float) -> float | None:
        due = [at for p in self._publications.values() if (at := p.send_nacks(now)) is not None]
        return min(due, default=None)

    # -- construction ---------------------------------------------------------------------------------------

    def _make_publications(self, media: Mapping[str, OfferedMedia], send_mids: Mapping[str, str]) -> None:
        for slot, mid in send_mids.items():
            section = media.get(mid)
            if section is None or not section.codecs or mid in self._by_mid:
                continue
            self._publications[slot] = self._by_mid[mid] = self._make_publication(slot, section)
            self._mid_extension = section.extensions.get(MID_EXTENSION, self._mid_extension)
            self._rid_extension = section.extensions.get(RID_EXTENSION, self._rid_extension)
            repaired = section.extensions.get(REPAIRED_RID_EXTENSION, self._repaired_rid_extension)
            self._repaired_rid_extension = repaired

    def _make_publication(self, slot: str, section: OfferedMedia) -> Publication | LayeredPublication:
        if section.rids and RID_EXTENSION in section.extensions:
            layers = {
                rid: Publication(section.kind, section.codecs, self._feedback, self._counters) for rid in section.rids
            }
            return LayeredPublication(layers, lambda rids: self.on_layers_wanted(slot, rids))
        extension = section.extensions.get(AUDIO_LEVEL_EXTENSION) if section.kind == "audio" else None
        level = None if extension is None else AudioLevel(extension)
        publication = Publication(section.kind, section.codecs, self._feedback, self._counters, level, section.repairs)
        repairs = tuple(section.repairs)
        for ssrc in section.ssrcs[:_LEARNED_SOURCES] + repairs[:_LEARNED_SOURCES]:
            self._by_ssrc[ssrc] = publication
        return publication
