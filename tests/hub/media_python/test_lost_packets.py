"""Pictures go on when packets are lost, and those that were sent again in their place as well."""

from __future__ import annotations

import re

from tests.hub.loss.wire import Wire, is_rtp
from tests.hub.media_python.people import Person, following
from zego_widget.hub.hub import Hub
from zego_widget.media.config import CaptureConfig
from zego_widget.media.sources import TestPattern

ONE_PACKET_EACH = CaptureConfig(96, 64, 10, 60)
PICTURES = 20
"""That are looked at after a loss."""


class Loss:
    """One packet of the viewer's pictures, lost as often as it is sent until `times` are over."""

    def __init__(self, wire: Wire, payload_type: int, times: float) -> None:
        self.left = times
        self._payload_type = payload_type
        self._number: bytes | None = None
        wire.is_lost = self._is_lost

    def _is_lost(self, datagram: bytes) -> bool:
        if not is_rtp(datagram) or datagram[1] & 0x7F != self._payload_type or not self.left:
            return False
        if self._number is None:
            self._number = datagram[2:4]
        lost = datagram[2:4] == self._number
        self.left -= lost
        return lost


async def numbers_after_a_loss(hub: Hub, times: float) -> tuple[list[int], int, Loss]:
    """The numbers on the pictures that Bob sees, the number that Alice sends then, and what was lost meanwhile."""
    pattern, alice = TestPattern(), Person(hub, "alice")
    alice.peer.channels.set_capture_config(ONE_PACKET_EACH)
    alice.peer.channels.set_capture(pattern, None)  # before anything is seen: without it there is another pattern
    async with (
        Wire(hub.forwarder.port) as wire,
        alice,
        Person(hub, "bob", publishes=False, wire=wire) as bob,
        bob.peer.played.frames("alice-main", maxsize=PICTURES) as frames,
    ):
        number = TestPattern.read_number((await following(frames)).to_ndarray())
        sdp = bob.peer._connection._pc.remoteDescription.sdp  # type: ignore[union-attr]
        found = re.search(r"a=rtpmap:(\d+) VP8/", sdp)
        assert found is not None
        loss = Loss(wire, int(found[1]), times)
        begun = pattern.number
        seen = [number]
        while seen[-1] < begun + PICTURES:
            seen.append(TestPattern.read_number((await following(frames)).to_ndarray()))
        return seen, pattern.number, loss


async def test_a_packet_is_asked_for_until_it_comes(hub: Hub) -> None:
    seen, sent, loss = await numbers_after_a_loss(hub, 4)
    assert not loss.left
    assert seen == list(range(seen[0], seen[-1] + 1))
    assert sent - seen[-1] <= 3


async def test_without_a_packet_that_never_comes_pictures_go_on_with_a_key_frame(hub: Hub) -> None:
    seen, sent, _ = await numbers_after_a_loss(hub, float("inf"))
    assert seen == sorted(set(seen))
    assert sent - seen[-1] <= 3
