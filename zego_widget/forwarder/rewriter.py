"""Makes one continuous RTP stream out of the sources that a receive slot shows one after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .history import History, KeptPacket
from .receive_log import MAX_AGE
from .rtp import (
    EXTENSION_BIT,
    FIXED_HEADER,
    ONE_BYTE_EXTENSION,
    SEND_TIME_EXTENSION,
    SEND_TIME_UNIT,
    VERSION_BITS,
    RtpHeader,
)
from .srtp import HeadAndPayload
from .vp8 import Descriptor, DescriptorRewriter, DescriptorRun, Shift

_SEQUENCE_MODULO = 1 << 16
_TIMESTAMP_MODULO = 1 << 32
_REORDER_WINDOW = 1 << 10
_MAX_STRETCHES = 8


@dataclass(slots=True)
class _Stretch:
    """The numbers under which the viewer got one source."""

    first: int
    sequence_offset: int
    timestamp_offset: int
    history: History | None
    shift: Shift | None
    ended_at: float | None = None

    def is_over(self, now: float) -> bool:
        """Whether it ended so long ago that nothing of it is sent again."""
        return self.ended_at is not None and now - self.ended_at > MAX_AGE


class RtpRewriter:
    """Rewrites SSRC, sequence number and timestamp; the payload stays as it is.

    The viewer sees one SSRC whose sequence numbers run on without a gap over a change of source, and whose
    timestamps advance by the time that passed meanwhile, so that nothing needs to be renegotiated.
    """

    def __init__(
        self,
        ssrc: int,
        clock_rate: int,
        *,
        sequence_number: int,
        timestamp: int,
        send_time_extension: int | None = None,
    ) -> None:
        """`send_time_extension` is the ID (1 to 14) of abs-send-time, where the viewer takes it."""
        self.ssrc = ssrc
        self._clock_rate = clock_rate
        self._source: int | None = None
        # what the source sent before its first forwarded packet stays behind, even when it arrives late
        self._source_start = 0
        self._near_start = False
        self._highest = sequence_number  # extended over its wraps
        self._timestamp = timestamp
        self._timestamp_at = 0.0
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._send_time = send_time_extension << 28 | 2 << 24 if send_time_extension else 0
        self._stretches: list[_Stretch] = []
        self.descriptors = DescriptorRewriter()

    @property
    def source(self) -> int | None:
        """SSRC of the source that is being forwarded, None before the first packet."""
        return self._source

    @property
    def timestamp(self) -> int:
        """That of the latest packet."""
        return self._timestamp

    def start(
        self,
        header: RtpHeader,
        now: float,
        history: History | None = None,
        descriptor: Descriptor | None = None,
        run: DescriptorRun | None = None,
    ) -> None:
        """Begin a new source with this packet; the next output follows the last one without a gap.

        `history` is where the source's packets are found again; `descriptor` is that of the packet and `run` the
        source's, if it is VP8.
        """
        self.stop(now)
        first = self._source is None
        self._source = header.ssrc
        self._source_start = header.sequence_number
        self._near_start = True
        self._sequence_offset = self._highest + 1 - header.sequence_number
        elapsed = 0 if first else max(1, round((now - self._timestamp_at) * self._clock_rate))
        self._timestamp_offset = self._timestamp + elapsed - header.timestamp
        latest = [stretch for stretch in self._stretches[1 - _MAX_STRETCHES :] if not stretch.is_over(now)]
        shift = self.descriptors.start(descriptor, run)
        stretch = _Stretch(self._highest + 1, self._sequence_offset, self._timestamp_offset, history, shift)
        self._stretches = [*latest, stretch]

    def stop(self, now: float) -> None:
        """The source is shown no longer; what was sent of it can be had again for a moment."""
        if self._stretches and self._stretches[-1].ended_at is None:
            self._stretches[-1].ended_at = now
            self.descriptors.stop()

    def again(self, number: int, now: float) -> tuple[KeptPacket, int] | None:
        """The packet that the viewer knows as `number`, and its timestamp for the viewer; None if it is not to be had.

        A number that was not sent yet, or is from before the source's start, is none.
        """
        age = (self._highest - number) % _SEQUENCE_MODULO
        if age >= _REORDER_WINDOW:
            return None
        extended = self._highest - age
        stretch = next((s for s in reversed(self._stretches) if extended >= s.first), None)
        if stretch is None or stretch.history is None or stretch.is_over(now):
            return None
        packet = stretch.history.find((extended - stretch.sequence_offset) % _SEQUENCE_MODULO)
        if packet is None:
            return None
        header, payload, codec, descriptor = packet
        if descriptor is not None and stretch.shift is not None:
            payload = stretch.shift.applied(descriptor) + payload[descriptor.length :]
        return (header, payload, codec, descriptor), (header.timestamp + stretch.timestamp_offset) % _TIMESTAMP_MODULO

    def rewrite(self, burst: Iterable[KeptPacket], payload_type: int, now: float) -> list[HeadAndPayload]:
        """Packets of the source, in two pieces, for the viewer; without those from before the source's start."""
        offset, timestamp_offset, ssrc = self._sequence_offset, self._timestamp_offset, self.ssrc
        highest, timestamp_of_highest = self._highest, None
        shift = self.descriptors.shift
        version, extension = VERSION_BITS, b""
        if self._send_time:
            version |= EXTENSION_BIT
            extension = SEND_TIME_EXTENSION.pack(ONE_BYTE_EXTENSION, self._send_time_word(now))
        rewritten: list[HeadAndPayload] = []
        for (padding, marker, _, number, timestamp, _, _), payload, _, descriptor in burst:
            if self._near_start:
                ahead = (number - self._source_start) % _SEQUENCE_MODULO
                if ahead >= _SEQUENCE_MODULO - _REORDER_WINDOW:
                    continue
                self._near_start = ahead < _REORDER_WINDOW
            number = (number + offset) % _SEQUENCE_MODULO
            timestamp = (timestamp + timestamp_offset) % _TIMESTAMP_MODULO
            ahead = (number - highest) % _SEQUENCE_MODULO
            if ahead < 1 << 15:
                highest += ahead
                timestamp_of_highest = timestamp
            head = FIXED_HEADER.pack(version | padding, marker | payload_type, number, timestamp, ssrc) + extension
            if shift is not None and descriptor is not None:
                head += shift.applied(descriptor)
                payload = payload[descriptor.length :]
            rewritten.append((head, payload))
        if timestamp_of_highest is not None:
            self._highest, self._timestamp, self._timestamp_at = highest, timestamp_of_highest, now
        return rewritten

    def header(
        self, first: int, second: int, number: int, timestamp: int, now: float, ssrc: int | None = None
    ) -> bytes:
        """A header for the viewer, of this SSRC or another, with the time at which it is sent."""
        ssrc = self.ssrc if ssrc is None else ssrc
        if not self._send_time:
            return FIXED_HEADER.pack(first, second, number, timestamp, ssrc)
        head = FIXED_HEADER.pack(first | EXTENSION_BIT, second, number, timestamp, ssrc)
        return head + SEND_TIME_EXTENSION.pack(ONE_BYTE_EXTENSION, self._send_time_word(now))

    def _send_time_word(self, now: float) -> int:
        return self._send_time | int(now * SEND_TIME_UNIT) & 0xFFFFFF

    def rewrite_timestamp(self, timestamp: int) -> int:
        """A timestamp of the source in the viewer's timeline, as sender reports need it."""
        return (timestamp + self._timestamp_offset) % _TIMESTAMP_MODULO
