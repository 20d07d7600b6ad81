"""What a viewer has on one receive m-section, whoever is shown on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .delivery import Delivery
from .retransmission import Retransmission
from .rewriter import RtpRewriter


@dataclass(slots=True)
class ReceiveSlot:
    """One SSRC for its whole life: its numbers, its payload types, and how what is sent on it comes through."""

    mid: str
    kind: str
    payload_types: Mapping[str, int]
    """Codec key -> the viewer's payload type."""
    rewriter: RtpRewriter
    cname: str
    retransmission: Retransmission | None = None
    refused_codec: str | None = None
    """`Codec.key` of what comes, or of what could, where the viewer takes none of it; stays while nothing is sent."""
    delivery: Delivery = field(default_factory=Delivery)
    packets: int = 0
    octets: int = 0
