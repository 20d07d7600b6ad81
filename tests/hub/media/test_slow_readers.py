"""Whoever does not read costs the hub a bounded queue, and others nothing (FAULTS 13).

Over TCP this is `tests/hub/tcp`, on a link `tests/hub/process/test_links.py`; UDP has no queue of ours.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.hub.media.calls import Call, Seat, frames_keep_coming
from tests.hub.peers import PATIENCE
from zego_widget.forwarder.aiortc_transport import _MAX_BUFFERED
from zego_widget.model import PeerState

MESSAGE = "x" * 20_000


def stop_reading(seat: Seat) -> list[bytes]:
    """The participant's tab is stalled: what comes stays in the system's buffer. It still sends.

    Returns what it reads all the same, which is to stay empty; what it has read before is still being decoded.
    """
    read: list[bytes] = []
    for protocol in seat.ice._protocols:
        transport = protocol.transport
        transport = getattr(transport, "_transport", transport)
        loop: Any = asyncio.get_running_loop()
        loop._remove_reader(transport.get_extra_info("socket").fileno())
        protocol.datagram_received = lambda data, _: read.append(data)
    return read


async def test_scenario_13_a_viewer_that_stops_reading_is_closed_before_much_has_piled_up(call: Call) -> None:
    alice, bob = await call.pair()
    carol = await call.join("carol", sends=False)
    call.play(carol, alice)
    await frames_keep_coming(carol)
    await bob.is_heard()
    read = stop_reading(bob)
    most = told = 0
    while bob.peer.state is PeerState.CONNECTED:
        bob.peer.send_control(MESSAGE)
        told += len(MESSAGE)
        channel = bob.peer._transport._channel
        assert channel is not None
        most = max(most, channel.bufferedAmount)
        assert told < 4 * _MAX_BUFFERED
        await asyncio.sleep(0.002)
    await asyncio.wait_for(bob.closed.wait(), PATIENCE)
    assert bob.reasons == ["it did not read what it was told"]
    assert most <= _MAX_BUFFERED
    assert call.count("closed_out_of_step") == 1
    assert not read
    assert call.forwarder.peer_count == 2
    await frames_keep_coming(carol)
    await carol.is_heard()
    await alice.is_heard()
