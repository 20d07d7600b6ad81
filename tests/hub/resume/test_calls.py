"""A participant whose signalling drops while media flow (FAULTS 2): nobody notices, nothing is lost or said twice."""

from __future__ import annotations

import asyncio

from tests.hub.hub_process import HubProcess
from tests.hub.peers import Participant
from tests.hub.resume.people import Person
from tests.hub.resume.proxy import Proxy
from zego_widget import protocol as p


async def test_signalling_that_drops_for_a_while_is_noticed_by_nobody(shared_hub: HubProcess, proxy: Proxy) -> None:
    async with (
        Participant("alices", brightness=60) as alices,
        Participant("bobs", brightness=180) as bobs,
        Person(shared_hub, "alice", proxy) as alice,
        Person(shared_hub, "bob") as bob,
    ):
        await alice.connect(alices)
        await bob.connect(bobs)
        await asyncio.gather(bobs.sees("alice-main", 60), alices.sees("bob-main", 180))
        session_id, peers_told = alice.link.session_id, len(alice.all(p.PeerStateChanged))

        proxy.refuse()
        await alice.is_interrupted()
        asked = [asyncio.create_task(alice.command(f"out of the gap {number}", "bob")) for number in range(3)]
        for number in range(3):
            await bob.command(f"into the gap {number}", "alice")
        for _ in range(3):  # as often as alice tries to come back
            await proxy.refused.acquire()
            await asyncio.gather(bobs.sees("alice-main", 60), alices.sees("bob-main", 180))
        assert not any(task.done() for task in asked)
        proxy.restore()

        await alice.is_resumed()
        await asyncio.gather(*asked, bobs.sees("alice-main", 60), alices.sees("bob-main", 180))
        await alice.has_heard_all()
        await bob.has_heard_all()
        assert alice.commands == [f"into the gap {number}" for number in range(3)]
        assert bob.commands == [f"out of the gap {number}" for number in range(3)]
        assert (alice.link.session_id, len(alice.interruptions), alice.resumptions) == (session_id, 1, 1)
        assert len(alice.all(p.PeerStateChanged)) == peers_told
        assert bob.departures == []
    assert bob.gone is None
