"""One track that a peer publishes, and its way to everyone who plays it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .audio_level import AudioLevel
from .codecs import Codec
from .counters import Counters
from .delivery import NO_PACKETS, Packets
from .reception import Reception
from .rtcp import ReportBlock, SenderReport
from .rtp import RtpHeader
from .vp8 import key_frame_size, parse_descriptor

if TYPE_CHECKING:
    from .subscription import Subscription

KEY_FRAME_INTERVAL = 0.5
"""Seconds between two key-frame requests to one publisher; what is asked for in between is merged."""


class Publication:
    """A send slot of a peer: takes its packets, hands them to the subscriptions, asks for key frames."""

    def __init__(
        self,
        kind: str,
        codecs: tuple[Codec, ...],
        send_picture_loss: Callable[[int], None],
        counters: Counters,
        audio_level: AudioLevel | None = None,
    ) -> None:
        """`send_picture_loss` sends a PLI for an SSRC to the publisher, `audio_level` reads its packets."""
        self.kind = kind
        self._codecs = {codec.payload_type: codec for codec in codecs}
        self._retransmissions = {codec.rtx_payload_type for codec in codecs} - {None}
        self._send_picture_loss = send_picture_loss
        self._counters = counters
        self.audio_level = audio_level
        """None where the publisher does not tell."""
        self._reception: Reception | None = None
        self._subscriptions: tuple[Subscription, ...] = ()
        self._awaiting_key_frame = False
        self._key_frame_wanted = False
        self._key_frame_requested_at = float("-inf")
        self._vp8 = frozenset(codec.payload_type for codec in codecs if codec.name == "vp8")
        self.received_at: float | None = None
        """When the latest packet came; None before the first."""
        self.picture_size: tuple[int, int] | None = None
        """Width and height of the latest key frame, where the codec tells without decoding (VP8)."""

    @property
    def ssrc(self) -> int | None:
        """SSRC of the source that sends now, None before the first packet."""
        return self._reception.ssrc if self._reception else None

    @property
    def packets_received(self) -> int:
        """Packets of the source that sends now."""
        return self._reception.received if self._reception else 0

    @property
    def packets(self) -> Packets:
        """What came of this track, and what was lost on the way, over all its sources."""
        return self._reception.packets if self._reception else NO_PACKETS

    def add(self, subscription: Subscription, now: float) -> None:
        """Start forwarding to a subscription; it begins with the next key frame, which is asked for."""
        self._subscriptions += (subscription,)
        if self.kind == "video":
            self._awaiting_key_frame = True
            self.request_key_frame(now)

    def remove(self, subscription: Subscription) -> None:
        """Stop forwarding to a subscription."""
        self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

    def receive(self, header: RtpHeader, packet: bytes, now: float) -> None:
        """Take an RTP packet of this track."""
        codec = self._codecs.get(header.payload_type)
        if codec is None:
            if header.payload_type in self._retransmissions:
                self._counters.dropped_retransmission += 1
            else:
                self._counters.dropped_unknown_source += 1
            return
        reception = self._reception
        if reception is None or reception.ssrc != header.ssrc:
            reception = self._reception = Reception(header.ssrc, codec.clock_rate, self.packets)
        reception.packet(header.sequence_number, header.timestamp, now)
        self.received_at = now
        if self.audio_level is not None:
            self.audio_level.packet(packet, now)
        payload = packet[header.payload_offset :]
        descriptor = None
        if header.payload_type in self._vp8:
            descriptor = parse_descriptor(payload)
            if descriptor is not None and descriptor.first & 0x1F == 0x10:
                self.picture_size = key_frame_size(payload, descriptor) or self.picture_size
        someone_waits = False
        for subscription in self._subscriptions:
            if not subscription.forward(header, payload, codec, now, descriptor):
                someone_waits = True
        if self._awaiting_key_frame and not someone_waits:
            self._key_frame_wanted = False  # this packet began one
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
        self._send_picture_loss(ssrc)

    def sender_report(self, report: SenderReport, now: float) -> None:
        """Carry a sender report on to the subscriptions, so that their lips stay in sync."""
        if self._reception is None or self._reception.ssrc != report.ssrc:
            return
        self._reception.sender_report(report.ntp_time, now)
        for subscription in self._subscriptions:
            subscription.forward_sender_report(report, now)

    def report_block(self, now: float) -> ReportBlock | None:
        """The block about this track for the next receiver report."""
        return self._reception.report(now) if self._reception else None
