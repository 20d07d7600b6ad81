"""Python in a call has many slots, and still gets again what it missed."""

from __future__ import annotations

from zego_widget.forwarder.offer import parse_offer
from zego_widget.media.connection import Connection


class Owner:
    def control_received(self, connection: Connection, message: object) -> None: ...

    def connection_lost(self, connection: Connection, reason: str) -> None: ...


async def test_its_slots_take_lost_packets_as_they_were_and_ask_for_them() -> None:
    connection = Connection("peer", {}, 3, Owner())
    try:
        await connection._describe()
        offer = parse_offer(connection._pc.localDescription.sdp)
    finally:
        await connection.aclose()
    video = [media for media in offer.media if media.kind == "video"]
    assert len(video) == 3
    for media in video:
        assert media.codecs
        assert all(codec.nack and codec.rtx_payload_type is None for codec in media.codecs)
