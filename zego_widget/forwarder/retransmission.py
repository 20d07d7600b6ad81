"""Answers to the NACKs of one viewer: the packets once more, as long as that is reasonable (RFC 4588)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping

from .rewriter import RtpRewriter
from .rtp import PADDING_BIT, VERSION_BITS

_TOKENS_PER_SECOND = 2000
_LOOK_COST = 1
_SEND_COST = 6
_LEAST_TOKENS = 70  # ten packets
_PACKET_BITS = 9600
_SHORTEST_INTERVAL = 0.02
_REMEMBERED = 1024


MOST_PADDING = 255
"""Octets of padding in one packet (RFC 3550, section 5.1)."""
_PADDING = bytes(MOST_PADDING - 1) + bytes((MOST_PADDING,))


class RetransmissionBudget:
    """What one viewer may ask for: some 300 packets per second and at once; a storm beyond that is not looked at."""

    def __init__(self) -> None:
        self.is_spent = False
        """Whether the last one who asked got less than he asked for."""
        self._tokens = float(_TOKENS_PER_SECOND)
        self._filled_at = 0.0
        self._per_second = float(_TOKENS_PER_SECOND)

    def limit(self, bitrate: float | None) -> None:
        """What is sent again takes at most half of what the viewer can receive (bits per second), where that is known.

        Else the packets that were too many would come again and again.
        """
        packets = _TOKENS_PER_SECOND if bitrate is None else bitrate / 2 / _PACKET_BITS * (_LOOK_COST + _SEND_COST)
        self._per_second = min(max(packets, _LEAST_TOKENS), _TOKENS_PER_SECOND)
        self._tokens = min(self._tokens, self._per_second)

    def fill(self, now: float) -> None:
        """Let the time that passed count."""
        grown = self._tokens + (now - self._filled_at) * self._per_second
        self._tokens, self._filled_at = min(grown, self._per_second), now

    def spend(self, tokens: int) -> bool:
        """Take tokens; False when there are too few."""
        if self._tokens < tokens:
            self.is_spent = True
            return False
        self._tokens -= tokens
        return True


class Retransmission:
    """The retransmission stream of one receive slot, or its own stream where the viewer takes no RTX."""

    def __init__(
        self,
        rewriter: RtpRewriter,
        budget: RetransmissionBudget,
        payload_types: Mapping[str, int],
        rtx_payload_types: Mapping[str, int],
        rtx_ssrc: int | None,
    ) -> None:
        """Payload types of the viewer by codec key; those of RTX may be none."""
        self._rewriter = rewriter
        self._budget = budget
        self._payload_types = payload_types
        self._rtx_payload_types = rtx_payload_types if rtx_ssrc is not None else {}
        self._rtx_ssrc = rtx_ssrc or 0
        self._sequence_number = secrets.randbits(15)
        self._sent_at: dict[int, float] = {}

    def answer(self, numbers: Iterable[int], now: float, round_trip: float | None) -> list[bytes]:
        """The packets to send for the viewer's sequence numbers; `round_trip` (s) is how long an answer takes."""
        packets = []
        interval = max(_SHORTEST_INTERVAL, round_trip or 0.0)  # what was sent since then is still on its way
        budget = self._budget
        budget.fill(now)
        budget.is_spent = False
        if len(self._sent_at) > _REMEMBERED:
            self._sent_at.clear()
        for number in numbers:
            if not budget.spend(_LOOK_COST):
                break
            if now - self._sent_at.get(number, float("-inf")) < interval:
                continue
            packet = self._again(number, now)
            if packet is None:
                continue
            if not budget.spend(_SEND_COST):
                break
            self._sent_at[number] = now
            packets.append(packet)
        return packets

    @property
    def ssrc(self) -> int:
        """SSRC of the retransmission stream, 0 where there is none."""
        return self._rtx_ssrc if self._rtx_payload_types else 0

    def padding(self, now: float) -> tuple[bytes, int]:
        """A packet of the retransmission stream that has nothing but padding, and its number; `ssrc` is not 0."""
        self._sequence_number = number = (self._sequence_number + 1) & 0xFFFF
        payload_type = next(iter(self._rtx_payload_types.values()))
        rewriter = self._rewriter
        head = rewriter.header(
            VERSION_BITS | PADDING_BIT, payload_type, number, rewriter.timestamp, now, self._rtx_ssrc
        )
        return head + _PADDING, number

    def _again(self, number: int, now: float) -> bytes | None:
        found = self._rewriter.again(number, now)
        if found is None:
            return None
        (header, payload, codec, _), timestamp = found
        first = VERSION_BITS | header.padding
        rtx_payload_type = self._rtx_payload_types.get(codec.key)
        if rtx_payload_type is None:
            payload_type = self._payload_types.get(codec.key)
            if payload_type is None:
                return None
            second = header.marker | payload_type
            return self._rewriter.header(first, second, number, timestamp, now) + payload
        # the original sequence number comes before the payload (RFC 4588, section 4)
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        second = header.marker | rtx_payload_type
        head = self._rewriter.header(first, second, self._sequence_number, timestamp, now, self._rtx_ssrc)
        return head + number.to_bytes(2) + payload
