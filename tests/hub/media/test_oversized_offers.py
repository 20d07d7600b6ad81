"""Offers that are far too large are refused by a running hub, with nobody in the call affected (FAULTS 31).

That they reach no parser is shown in `tests/unit/forwarder/test_offer_mutations.py`.
"""

from __future__ import annotations

import asyncio

from tests.hub.hub_process import HubProcess
from tests.hub.media.test_hub_process import BRIGHT, DARK, ask, person
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode
from zego_widget.model import RoomConfig, User

SECTION = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:x{}\r\n"
CANDIDATE = "a=candidate:{} 1 udp 1 192.0.2.1 9 typ host\r\n"
TOO_LARGE = {
    "10,000 sections": "".join(map(SECTION.format, range(10_000))),
    "10,000 short sections": "m=audio 9 X 0\r\n" * 10_000,
    "10,000 candidates": "".join(map(CANDIDATE.format, range(10_000))),
    "10,000 short candidates": "a=candidate:1\r\n" * 10_000,
    "an attribute of 900,000 bytes": "a=x:" + "y" * 900_000 + "\r\n",
}


async def test_scenario_31_oversized_offers_are_refused_and_the_call_goes_on(hub_process: HubProcess) -> None:
    hub = hub_process
    async with person(hub, "alice", DARK) as alice, person(hub, "bob", BRIGHT) as bob:
        await bob.sees("alice-main", DARK)
        before = await asyncio.to_thread(hub.status)
        async with hub.greeted_link() as link:
            key = hub.key("mallory", "demo")
            await ask(link, p.LoginRoom(1, "demo", User("mallory"), RoomConfig(), False, key))
            for number, (what, excess) in enumerate(TOO_LARGE.items(), 2):
                answer = await ask(link, p.Offer(number, "page", alice.sdp + excess, p.SendSlots()))
                assert isinstance(answer, p.Refused), what
                assert answer.code == ErrorCode.MEDIA_BAD_OFFER, what
                assert len(answer.message) < 200, what
            await alice.sees("bob-main", BRIGHT)
            await bob.sees("alice-main", DARK)
            status = await asyncio.to_thread(hub.status)
            assert status.peers == before.peers
            # more than a message may have
            await link.send(p.Offer(99, "page", alice.sdp + "a=x:" + "y" * 5_000_000 + "\r\n", p.SendSlots()))
            assert await link.closed() == 1009
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        await hub.is_back_at(before.process)
