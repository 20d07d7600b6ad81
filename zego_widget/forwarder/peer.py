"""One WebRTC connection: transport, send slots (publications) and receive slots (subscriptions)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from aiortc import RTCCertificate

from ..model import PeerState
from . import rtcp
from .aiortc_transport import SecureTransport, SecurityError, UnknownSource
from .answer import SlotSource
from .audio_level import AudioLevel
from .codecs import title_of
from .counters import Counters
from .delivery import Packets, RoundTrip
from .endpoint import Endpoint
from .feedback import PublisherFeedback
from .ice import CheckAnswer, IceCredentials, IceLiteAgent
from .layer_switch import LayerSwitch
from .layers import LayeredPublication
from .nack_timer import NackTimer
from .offer import AUDIO_LEVEL_EXTENSION, MID_EXTENSION, SEND_TIME_EXTENSION, OfferedMedia, SessionOffer
from .path import Path
from .publication import Publication
from .receive_slot import ReceiveSlot
from .retransmission import Retransmission, RetransmissionBudget
from .rewriter import RtpRewriter
from .rtp import RtpParseError, extension_value, parse_header
from .simulcast import REPAIRED_RID_EXTENSION, RID_EXTENSION
from .srtp import HeadAndPayload
from .subscription import Subscription
from .uplink import UplinkEstimate
from .viewer_bandwidth import ViewerBandwidth

logger = logging.getLogger(__name__)

CONTROL_LABEL = "control"
_LEARNED_SOURCES = 16
_REPORT_INTERVAL = 1.0

_NEXT_STATES = {
    PeerState.NEW: {PeerState.CONNECTING, PeerState.CLOSED},
    PeerState.CONNECTING: {PeerState.CONNECTED, PeerState.CLOSED},
    PeerState.CONNECTED: {PeerState.CLOSED},
    PeerState.CLOSED: set(),
}


class PeerListener(Protocol):
    """Told of a peer on the event loop; must not block and must not raise."""

    def peer_connected(self, peer: Peer) -> None:
        """DTLS-SRTP is up; media flows."""

    def control_opened(self, peer: Peer) -> None:
        """The control channel is open."""

    def control_received(self, peer: Peer, text: str) -> None:
        """A text message came over the control channel."""

    def peer_closed(self, peer: Peer, reason: str) -> None:
        """The peer is gone; called exactly once, whoever closed it, never from within `Peer.close`."""


class Peer:
    """One peer of the forwarder; made by `Forwarder.answer`."""

    def __init__(
        self,
        offer: SessionOffer,
        send_mids: Mapping[str, str],
        endpoint: Endpoint,
        certificate: RTCCertificate,
        listener: PeerListener,
        counters: Counters,
        on_closed: Callable[[Peer], None],
    ) -> None:
        """`on_closed` tells the owner, which then calls `aclose`."""
        self._on_closed = on_closed
        self._loop = asyncio.get_running_loop()
        self._offer = offer
        self._endpoint = endpoint
        self._listener = listener
        self._counters = counters
        self.credentials = IceCredentials.generate()
        self._ice = IceLiteAgent(self.credentials, offer.ice_ufrag)
        self.dtls_role = "client" if offer.dtls.role == "server" else "server"
        self._transport = SecureTransport(
            certificate, self.dtls_role, self._send_control, self, counters, CONTROL_LABEL
        )
        self._handshake: asyncio.Task[None] | None = None
        self._path: Path | None = None
        self._nominated = False
        self.state = PeerState.NEW
        self.created_at = self.last_heard = self._loop.time()
        self._reported_at = self.created_at
        self._round_trip = RoundTrip()
        self._reporter_ssrc = secrets.randbits(32)
        self.cname = secrets.token_hex(8)
        self._nack_timer = NackTimer(self._loop, self._send_nacks)
        self._feedback = PublisherFeedback(self._reporter_ssrc, self.cname, self._send_rtcp, self._nack_timer)
        self._budget = RetransmissionBudget()
        self._switches: dict[str, LayerSwitch] = {}  # by mid
        self._bandwidth = ViewerBandwidth(self._loop, self._budget, self._switches, self._send_again, counters)
        self._uplink = UplinkEstimate()
        self._octets_received = 0
        self.on_layers_wanted: Callable[[str, tuple[str, ...]], None] = lambda slot, rids: None
        """Told of a send slot in layers which of them, by RID, the publisher is to send."""
        self._publications: dict[str, Publication | LayeredPublication] = {}
        self._by_mid: dict[str, Publication | LayeredPublication] = {}
        self._by_ssrc: dict[int, Publication] = {}
        self._learned = 0
        self._mid_extension: int | None = None
        self._rid_extension: int | None = None
        self._repaired_rid_extension: int | None = None
        self._slots: dict[str, ReceiveSlot] = {}
        self._slots_by_ssrc: dict[int, ReceiveSlot] = {}
        self.slot_sources: dict[str, SlotSource] = {}
        self._make_publications(send_mids)
        self._make_slots()
        self.audio_slots = offer.receiving("audio")
        self.video_slots = offer.receiving("video")
        endpoint.register(self.credentials.ufrag, self)

    # -- what the hub does ----------------------------------------------------------------------------------

    def publication(self, slot: str) -> Publication | LayeredPublication | None:
        """The publication of a send slot: `microphone`, `camera`, `screen` or `screen_audio`."""
        return self._publications.get(slot)

    @property
    def round_trip(self) -> float | None:
        """Round-trip time in seconds, None before a viewer's first report that tells."""
        return self._round_trip.seconds

    def delivered(self, mid: str) -> Packets:
        """What the viewer reports of a receive slot, in all; raises KeyError for an unknown mid."""
        return self._slots[mid].delivery.packets

    def subscribe(self, mid: str, publication: Publication | LayeredPublication) -> None:
        """Show a publication on a receive slot, instead of what was there; raises KeyError for an unknown mid."""
        slot = self._slots[mid]
        self.unsubscribe(mid)
        if self.state is PeerState.CLOSED:
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

    def is_paused(self, mid: str) -> bool:
        """Whether a receive slot is sent no pictures for want of room; raises KeyError for an unknown mid."""
        slot = self._slots[mid]
        switch = self._switches.get(mid)
        return switch is not None and switch.is_paused and slot.refused_codec is None

    def favour(self, mid: str | None) -> None:
        """Give the pictures of this receive slot room first: the active speaker's; None for nobody's."""
        self._bandwidth.speaker = mid

    def refused_codec(self, mid: str) -> str | None:
        """What the codec is called in which a receive slot would be sent something that it does not take; else None.

        Raises KeyError for an unknown mid.
        """
        key = self._slots[mid].refused_codec
        return title_of(key) if key else None

    def fit(self, mid: str, tile: tuple[int, int] | None) -> None:
        """Send on a receive slot what fits a tile, in device pixels; raises KeyError for an unknown mid.

        0 x 0 is a tile out of sight, which gets nothing; of None nothing is known, and it gets the largest picture.
        """
        if (switch := self._switches.get(self._slots[mid].mid)) is not None:
            switch.fit(tile, self._loop.time())

    def send_control(self, text: str) -> None:
        """Send a message over the control channel; nothing when it is not open.

        A peer that cannot take it, because it does not read or the message is too long for it, is closed.
        """
        if self.state is PeerState.CONNECTED:
            self._transport.send_text(text)

    def close(self, reason: str) -> None:
        """End the connection and tell the listener, soon; idempotent."""
        if self.state is PeerState.CLOSED:
            return
        self._set_state(PeerState.CLOSED)
        self._nack_timer.close()
        self._bandwidth.close()
        for mid in self._slots:
            self.unsubscribe(mid)
        for publication in self._publications.values():
            publication.close()
        self._endpoint.unregister(self.credentials.ufrag, self)
        if self._handshake is not None:
            self._handshake.cancel()
        self._loop.call_soon(self._announce_end, reason)

    # -- what the forwarder does ----------------------------------------------------------------------------

    def tick(self, now: float, peer_timeout: float, connect_timeout: float) -> None:
        """Send due receiver reports; close a peer that is silent or does not connect in time."""
        if self.state is PeerState.CONNECTED:
            if now - self.last_heard > peer_timeout:
                self._counters.closed_silent += 1
                self.close("nothing was heard from it")
            elif now - self._reported_at >= _REPORT_INTERVAL:
                self._reported_at = now
                self._send_receiver_report(now)
            self._follow_layers(now)
        elif self.state is not PeerState.CLOSED and now - self.created_at > connect_timeout:
            self._counters.closed_unconnected += 1
            self.close(f"it did not connect within {connect_timeout:g} s")

    def not_silent(self, seconds: float) -> None:
        """Nobody has listened to it for so long."""
        self.last_heard += seconds
        self.created_at += seconds

    def _follow_layers(self, now: float) -> None:
        for publication in self._publications.values():
            publication.tick(now)
        for switch in list(self._switches.values()):
            switch.tick(now)
        self._bandwidth.tick(now)

    async def aclose(self) -> None:
        """Wait until the handshake task, the transport and the connections have ended; call `close` first."""
        if self._handshake is not None:
            await asyncio.gather(self._handshake, return_exceptions=True)
        await self._transport.aclose()
        self._endpoint.hang_up(self)

    # -- datagrams in ---------------------------------------------------------------------------------------

    def receive_check(self, datagram: bytes, path: Path) -> CheckAnswer | None:
        answer = self._ice.check(datagram, path.address)
        if answer is None or not answer.succeeded:
            return answer
        self.last_heard = self._loop.time()
        if answer.nominated or not self._nominated:  # before nomination any checked pair will do (RFC 8445, 12.1)
            self._path = path
            self._nominated = answer.nominated
        if self.state is PeerState.NEW:
            self._set_state(PeerState.CONNECTING)
            self._handshake = self._loop.create_task(self._run_handshake())
        return answer

    def path_lost(self, path: Path) -> None:
        if self._path is path:
            self._path, self._nominated = None, False  # the next checked pair will do

    def receive_dtls(self, datagram: bytes) -> None:
        self._transport.receive_dtls(datagram)

    def receive_media(self, datagrams: Sequence[bytes]) -> None:
        now = self._loop.time()
        counters = self._counters
        publications: list[Publication] = []
        for datagram in datagrams:
            try:
                if rtcp.is_rtcp(datagram):
                    self._receive_rtcp(self._transport.unprotect_rtcp(datagram), now)
                    continue
                publication = self._receive_rtp(self._transport.unprotect_rtp(datagram), now)
            except SecurityError:
                counters.dropped_unauthenticated += 1
            except UnknownSource:
                counters.dropped_unknown_source += 1
            except (RtpParseError, rtcp.RtcpParseError):
                counters.dropped_malformed += 1
            except Exception:  # a fault of ours, which must not take along what came with it
                counters.dropped_malformed += 1
                logger.exception("A packet of %d bytes could not be processed", len(datagram))
            else:
                if publication is not None and publication not in publications:
                    publications.append(publication)
        for publication in publications:
            publication.deliver(now)

    def _receive_rtp(self, packet: bytes, now: float) -> Publication | None:
        """Take a packet; returns the publication that has something to deliver now."""
        self.last_heard = now
        self._counters.packets_received += 1
        self._octets_received += len(packet)
        header = parse_header(packet)
        publication = self._by_ssrc.get(header.ssrc) or self._learn_source(header.ssrc, packet)
        if publication is not None:
            publication.receive(header, packet, now)
        return publication

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

    def _receive_rtcp(self, compound: bytes, now: float) -> None:
        self.last_heard = now
        for item in rtcp.parse(compound):
            if isinstance(item, rtcp.SenderReport):
                publication = self._by_ssrc.get(item.ssrc)
                if publication is not None:
                    publication.sender_report(item, now)
            elif isinstance(item, rtcp.ReportBlock):
                self._receive_report(item, now)
            elif isinstance(item, rtcp.BandwidthEstimate):
                self._bandwidth.told(item, now)
            elif (slot := self._slots_by_ssrc.get(item.media_ssrc)) is None:
                self._counters.dropped_foreign_feedback += 1
            elif (switch := self._switches.get(slot.mid)) is not None and switch.subscription is not None:
                if isinstance(item, rtcp.Nack):
                    self._receive_nack(item, slot, now)
                    self._counters.dropped_nacks += self._budget.is_spent
                else:
                    switch.subscription.publication.request_key_frame(now)

    def _receive_nack(self, nack: rtcp.Nack, slot: ReceiveSlot, now: float) -> None:
        self._counters.nacks_received += 1
        if slot.retransmission is None:
            return
        for packet in slot.retransmission.answer(nack.numbers(), now, self.round_trip):
            if self._send_again(packet):
                self._counters.packets_retransmitted += 1
                self._bandwidth.sent_again(len(packet))

    def _receive_report(self, block: rtcp.ReportBlock, now: float) -> None:
        self._bandwidth.reported(block, now)
        if (slot := self._slots_by_ssrc.get(block.ssrc)) is None:
            return
        self._counters.reports_received += 1
        round_trip = slot.delivery.reported(block, now)
        if round_trip is not None:
            self._round_trip.measured(round_trip)
            self._bandwidth.round_trip(round_trip)

    # -- datagrams out --------------------------------------------------------------------------------------

    def _send_control(self, datagram: bytes) -> None:
        if self._path is not None:
            self._path.send(datagram)

    def _send_media(self, packet: bytes) -> None:
        if self._path is not None:
            self._path.send_media(packet)

    def _send_rtp(self, packets: Sequence[HeadAndPayload]) -> None:
        protected = self._transport.protect_burst(packets)
        sent = len(protected)
        self._counters.packets_forwarded += sent
        if sent < len(packets):
            self._counters.dropped_unsendable += len(packets) - sent
        path = self._path
        if path is not None and sent:
            path.send_burst(protected)

    def _send_again(self, packet: bytes) -> bool:
        """Send a packet that is not among those forwarded; False if it could not be encrypted."""
        try:
            self._send_media(self._transport.protect_rtp(packet))
        except SecurityError:
            self._counters.dropped_unsendable += 1
            return False
        return True

    def _send_rtcp(self, compound: bytes) -> None:
        try:
            self._send_media(self._transport.protect_rtcp(compound))
        except SecurityError:
            self._counters.dropped_unsendable += 1

    def _send_receiver_report(self, now: float) -> None:
        publications = set(self._by_ssrc.values())
        blocks = [block for p in publications if (block := p.report_block(now)) is not None]
        if blocks:
            self._send_rtcp(rtcp.receiver_report(self._reporter_ssrc, blocks, self.cname))
            self._send_bandwidth_estimate(now)

    def _send_bandwidth_estimate(self, now: float) -> None:
        """Tell a publisher of layers what it may send; others go on with the one bitrate they chose."""
        tracks = self._publications.values()
        ssrcs = [ssrc for each in tracks if isinstance(each, LayeredPublication) for ssrc in each.ssrcs]
        if ssrcs:
            totals = [each.packets for each in tracks]
            packets = Packets(sum(each.expected for each in totals), sum(each.received for each in totals))
            self._feedback.send_bandwidth_estimate(self._uplink.look(packets, self._octets_received, now), ssrcs)

    def _send_nacks(self, now: float) -> float | None:
        due = [at for p in self._publications.values() if (at := p.send_nacks(now)) is not None]
        return min(due, default=None)

    # -- events of the transport ----------------------------------------------------------------------------

    async def _run_handshake(self) -> None:
        try:
            await self._transport.run_handshake(self._offer.dtls, self._offer.sctp_port, self._offer.max_message_size)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.warning("The DTLS handshake ended with %s", type(error).__name__)
            self._counters.closed_handshake += 1
            self.close("the DTLS handshake failed")

    def transport_connected(self) -> None:
        if self.state is PeerState.CONNECTING:
            self._set_state(PeerState.CONNECTED)
            self._listener.peer_connected(self)

    def transport_closed(self, reason: str) -> None:
        self.close(reason)

    def channel_opened(self) -> None:
        self._listener.control_opened(self)

    def channel_received(self, text: str) -> None:
        self.last_heard = self._loop.time()
        self._listener.control_received(self, text)

    # -- construction ---------------------------------------------------------------------------------------

    def _set_state(self, state: PeerState) -> None:
        if state not in _NEXT_STATES[self.state]:
            raise RuntimeError(f"a peer cannot go from {self.state} to {state}")
        self.state = state

    def _announce_end(self, reason: str) -> None:
        self._on_closed(self)
        self._listener.peer_closed(self, reason)

    def _make_publications(self, send_mids: Mapping[str, str]) -> None:
        media = {m.mid: m for m in self._offer.media}
        for slot, mid in send_mids.items():
            section = media.get(mid)
            if section is None or not section.codecs or mid in self._by_mid:
                continue
            publication: Publication | LayeredPublication
            if section.rids and RID_EXTENSION in section.extensions:
                publication = self._layered(slot, section)
            else:
                extension = section.extensions.get(AUDIO_LEVEL_EXTENSION) if section.kind == "audio" else None
                level = None if extension is None else AudioLevel(extension)
                publication = Publication(
                    section.kind, section.codecs, self._feedback, self._counters, level, section.repairs
                )
                repairs = tuple(section.repairs)
                for ssrc in section.ssrcs[:_LEARNED_SOURCES] + repairs[:_LEARNED_SOURCES]:
                    self._by_ssrc[ssrc] = publication
            self._publications[slot] = self._by_mid[mid] = publication
            self._mid_extension = section.extensions.get(MID_EXTENSION, self._mid_extension)
            self._rid_extension = section.extensions.get(RID_EXTENSION, self._rid_extension)
            repaired = section.extensions.get(REPAIRED_RID_EXTENSION, self._repaired_rid_extension)
            self._repaired_rid_extension = repaired

    def _layered(self, slot: str, section: OfferedMedia) -> LayeredPublication:
        layers = {
            rid: Publication(section.kind, section.codecs, self._feedback, self._counters) for rid in section.rids
        }
        return LayeredPublication(layers, lambda rids: self.on_layers_wanted(slot, rids))

    def _make_slots(self) -> None:
        index = {"audio": 0, "video": 0}
        for section in self._offer.media:
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
        slot = ReceiveSlot(section.mid, section.kind, payload_types, rewriter, self.cname, retransmission)
        self._slots[section.mid] = self._slots_by_ssrc[ssrc] = slot
        self._bandwidth.add(slot)
        self.slot_sources[section.mid] = SlotSource(ssrc, rtx_ssrc, label)


def _send_time_extension(section: OfferedMedia) -> int | None:
    extension = section.extensions.get(SEND_TIME_EXTENSION)
    return extension if section.kind == "video" and extension is not None and extension < 15 else None
