"""One track that a peer publishes, and its way to everyone who plays it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from weakref import WeakSet

from .audio_level import AudioLevel
from .bitrate import Bitrate
from .codecs import Codec
from .counters import Counters
from .delivery import NO_PACKETS, Packets
from .history import History, KeptPacket
from .receive_log import Arrival
from .rtcp import ReportBlock, SenderReport
from .rtp import RtpHeader, payload_end
from .source import Source
from .vp8 import key_frame_size, parse_descriptor

KEY_FRAME_INTERVAL = 0.5
"""Seconds between two key-frame requests to one publisher; what is asked for in between is merged."""
SENDER_REPORT_INTERVAL = 0.1
"""Seconds between two sender reports that are carried on: a packet has room for fifty, and each goes to all viewers."""
_RATED_OVER, _RATED_AFTER = 3.0, 0.9  # seconds
_LATE = 1.0  # seconds that packets of a source may come after those of the one that follows it


class Feedback(Protocol):
    """What a publication says to its publisher."""

    def send_picture_loss(self, media_ssrc: int) -> None:
        """Send a PLI for an SSRC."""

    def send_nack(self, media_ssrc: int, numbers: list[int]) -> None:
        """Ask for packets of an SSRC again."""

    def gap_noticed(self) -> None:
        """Packets are missing; call `Publication.send_nacks` soon."""


class Subscriber(Protocol):
    """Who plays a publication."""

    def forward(self, source: Source, burst: Sequence[KeptPacket], octets: int, now: float) -> bool:
        """Take packets of a source, of one codec, whose payloads have so many octets; False to wait for a key frame."""

    def forward_sender_report(self, source: Source, report: SenderReport, now: float) -> None:
        """Take a sender report of a source."""


class Publication:
    """A send slot of a peer: takes its packets, hands them to the subscribers, asks for key frames."""

    def __init__(
        self,
        kind: str,
        codecs: tuple[Codec, ...],
        feedback: Feedback,
        counters: Counters,
        audio_level: AudioLevel | None = None,
        repairs: Mapping[int, int] | None = None,
    ) -> None:
        """`audio_level` reads what the publisher tells of its sound.

        `repairs` maps the SSRC of a retransmission stream to the one that it repairs, as far as the offer tells.
        """
        self.kind = kind
        self._codecs = {codec.payload_type: codec for codec in codecs}
        self._retransmissions = {c.rtx_payload_type: c for c in codecs if c.rtx_payload_type is not None}
        self._repairs = repairs or {}
        self._feedback = feedback
        self._counters = counters
        self.audio_level = audio_level
        """None where the publisher does not tell."""
        self._source: Source | None = None
        # Those of its sources, former ones included, out of which some viewer may still get something.
        self._histories: WeakSet[History] = WeakSet()
        self._former_ssrc: int | None = None
        self._changed_at = 0.0
        self._subscribers: tuple[Subscriber, ...] = ()
        # What came and was not delivered yet: of one source and one codec.
        self._burst: list[KeptPacket] = []
        self._awaiting_key_frame = False
        self._key_frame_wanted = False
        self._key_frame_requested_at = float("-inf")
        self._reported_at = float("-inf")
        self._octets = self._octets_rated = 0
        self._meter = Bitrate(_RATED_OVER)
        self.bitrate = 0.0
        """Bits per second that came lately, or came last of what is switched off; 0 before anything did."""
        self.received_at: float | None = None
        """When the latest packet came; None before the first."""
        self.picture_size: tuple[int, int] | None = None
        """Width and height of the latest key frame, where the codec tells without decoding (VP8)."""

    @property
    def ssrc(self) -> int | None:
        """SSRC of the source that sends now, None before the first packet."""
        return self._source.ssrc if self._source else None

    @property
    def codec_keys(self) -> set[str]:
        """The codecs in which it may come, as `Codec.key`."""
        return {codec.key for codec in self._codecs.values()}

    @property
    def packets_received(self) -> int:
        """Packets of the source that sends now."""
        return self._source.reception.received if self._source else 0

    @property
    def packets(self) -> Packets:
        """What came of this track, and what was lost on the way, over all its sources."""
        return self._source.reception.packets if self._source else NO_PACKETS

    def add(self, subscriber: Subscriber, now: float) -> None:
        """Start forwarding; a subscriber begins with the next key frame, which is asked for."""
        self._subscribers += (subscriber,)
        if self.kind == "video":
            self._awaiting_key_frame = True
            self.request_key_frame(now)

    def remove(self, subscriber: Subscriber) -> None:
        """Stop forwarding to a subscriber."""
        self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

    def receive(self, header: RtpHeader, packet: bytes, now: float) -> None:
        """Take an RTP packet of this track; it goes to the subscribers with the next `deliver`."""
        codec = self._codecs.get(header.payload_type)
        if codec is None:
            self._receive_retransmission(header, packet, now)
            return
        source = self._source
        if source is None or source.ssrc != header.ssrc:
            if header.ssrc == self._former_ssrc and now - self._changed_at < _LATE:
                self._counters.dropped_duplicate += 1  # nobody can show it after what followed
                return
            source = self._begin_source(header, codec, now)
        arrival = source.log.arrived(header.sequence_number, now)
        if arrival is not Arrival.IN_ORDER:
            if arrival is Arrival.DUPLICATE:
                self._counters.dropped_duplicate += 1
                return
            if arrival is Arrival.RESTART:
                source = self._begin_source(header, codec, now)
                source.log.arrived(header.sequence_number, now)
            elif arrival is Arrival.AFTER_GAP and self._subscribers:
                self._feedback.gap_noticed()
            elif arrival is Arrival.AFTER_OUTAGE and self._subscribers and self.kind == "video":
                self.request_key_frame(now)  # viewers would wait for what never comes
        if arrival is Arrival.RECOVERED:
            self._counters.packets_recovered += 1
            source.reception.recovered()
        else:
            source.reception.packet(header.sequence_number, header.timestamp, now)
        if self.audio_level is not None:
            self.audio_level.packet(packet, now)
        self._keep(source, header, packet[header.payload_offset :], codec, now)

    def _begin_source(self, header: RtpHeader, codec: Codec, now: float) -> Source:
        self.deliver(now)
        former = self.ssrc
        self._former_ssrc, self._changed_at = (None if former == header.ssrc else former), now
        self._source = Source(header.ssrc, self.kind, codec, self.packets)
        self._histories.add(self._source.history)
        return self._source

    def _receive_retransmission(self, header: RtpHeader, packet: bytes, now: float) -> None:
        """Take the original out of a packet of a retransmission stream (RFC 4588, section 4).

        It is none of the packets that came in time, so receiver reports go on to call it lost.
        """
        codec = self._retransmissions.get(header.payload_type)
        if codec is None:
            self._counters.dropped_unknown_source += 1
            return
        source = self._source
        start, end = header.payload_offset, payload_end(packet, header)
        if source is None or end - start < 2 or self._repairs.get(header.ssrc, source.ssrc) != source.ssrc:
            self._counters.dropped_retransmission += 1
            return
        number = int.from_bytes(packet[start : start + 2])
        arrival = source.log.repaired(number, now)
        if arrival is Arrival.DUPLICATE or arrival is Arrival.RESTART:
            self._counters.dropped_duplicate += 1
            return
        if arrival is Arrival.RECOVERED:
            self._counters.packets_recovered += 1
        original = RtpHeader(
            padding=0,
            marker=header.marker,
            payload_type=codec.payload_type,
            sequence_number=number,
            timestamp=header.timestamp,
            ssrc=source.ssrc,
            payload_offset=0,
        )
        self._keep(source, original, packet[start + 2 : end], codec, now)

    def _keep(self, source: Source, header: RtpHeader, payload: bytes, codec: Codec, now: float) -> None:
        self.received_at = now
        self._octets += len(payload)
        descriptor = None
        if codec.name == "vp8":
            descriptor = parse_descriptor(payload)
            if descriptor is not None:
                source.descriptors.sent(descriptor)
                if descriptor.first & 0x1F == 0x10:
                    self.picture_size = key_frame_size(payload, descriptor) or self.picture_size
        packet = (header, payload, codec, descriptor)
        if self._burst and self._burst[0][2] is not codec:
            self.deliver(now)
        source.history.keep(packet)
        self._burst.append(packet)

    def deliver(self, now: float) -> None:
        """Forward what came since the last time, to one subscriber after the other."""
        burst, source = self._burst, self._source
        if not burst or source is None:
            return
        self._burst = []
        octets = 0
        for packet in burst:
            octets += len(packet[1])
        someone_waits = False
        for subscriber in self._subscribers:
            if not subscriber.forward(source, burst, octets, now):
                someone_waits = True
        if self._awaiting_key_frame and not someone_waits:
            self._key_frame_wanted = False  # these packets began one
        self._awaiting_key_frame = someone_waits
        if someone_waits or self._key_frame_wanted:
            self.request_key_frame(now)

    def request_key_frame(self, now: float) -> None:
        """Ask the publisher for a key frame, at once or as soon as `KEY_FRAME_INTERVAL` allows."""
        ssrc = self.ssrc
        if ssrc is None or now - self._key_frame_requested_at < KEY_FRAME_INTERVAL:
            self._key_frame_wanted = True
            return
        self._key_frame_wanted = False
        self._key_frame_requested_at = now
        self._counters.key_frames_requested += 1
        self._feedback.send_picture_loss(ssrc)

    def send_nacks(self, now: float) -> float | None:
        """Ask the publisher for what is missing and due.

        Returns when to call again, None for when the next gap is noticed.
        """
        source = self._source
        if source is None or not self._subscribers:
            return None
        numbers = source.log.due(now)
        if numbers:
            self._counters.nacks_sent += 1
            self._feedback.send_nack(source.ssrc, numbers)
        return source.log.next_due()

    def close(self) -> None:
        """Forget what was sent: nobody gets any of it again."""
        self._burst = []
        for history in self._histories:
            history.clear()

    def sender_report(self, report: SenderReport, now: float) -> None:
        """Carry a sender report on to the subscribers, so that their lips stay in sync."""
        source = self._source
        if source is None or source.ssrc != report.ssrc:
            return
        source.reception.sender_report(report.ntp_time, now)
        if now - self._reported_at < SENDER_REPORT_INTERVAL:
            return
        self._reported_at = now
        for subscriber in self._subscribers:
            subscriber.forward_sender_report(source, report, now)

    def tick(self, now: float) -> None:
        """Look how much comes, a few times a second."""
        if self._octets == self._octets_rated:
            if self.received_at is not None and now - self.received_at > _RATED_AFTER:
                self._meter.restart()  # switched off: it is the same when it comes again
            return
        self._octets_rated = self._octets
        bitrate = self._meter.look(self._octets, now)
        if self._meter.span >= _RATED_AFTER:
            self.bitrate = bitrate

    def report_block(self, now: float) -> ReportBlock | None:
        """The block about this track for the next receiver report."""
        return self._source.reception.report(now) if self._source else None
