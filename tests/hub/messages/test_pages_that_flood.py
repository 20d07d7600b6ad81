"""A page that floods its control channel is closed, and nobody else is affected (FAULTS 28)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.hub.hub_process import HubProcess
from tests.hub.messages.people import Person, people
from tests.hub.peers import Participant
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode
from zego_widget.model import PeerState, RemoteDeviceState


@contextlib.asynccontextmanager
async def page_of(person: Person) -> AsyncIterator[Participant]:
    """A page of someone's call, with its control channel open."""
    async with Participant(person.user.user_id, slots=1, sends=()) as page:
        answer = await person.link.request(await page.offer(capture="never"), p.Answer)
        await page.take_answer(answer.sdp)
        await page.hears(p.RoomSnapshot)
        yield page


async def test_a_page_that_floods_is_closed_with_a_reason_and_the_others_go_on(shared_hub: HubProcess) -> None:
    async with (
        people(shared_hub, "alice", "mallory") as (alice, mallory),
        page_of(alice) as page,
        page_of(mallory) as flooder,
    ):
        for number in range(2000):
            flooder.say(p.SetDeviceState(RemoteDeviceState.OPEN, RemoteDeviceState.OPEN))
            if number % 100 == 0:
                await asyncio.sleep(0)
        goodbye = await flooder.hears(p.Goodbye)
        assert goodbye.code == ErrorCode.ROOM_APP_CALL_TOO_FREQUENT
        await mallory.hears(p.PeerStateChanged, lambda event: event.state is PeerState.CLOSED)
        page.say(p.Heartbeat(1.0))
        await page.hears(p.HeartbeatAck, lambda ack: ack.sent_at == 1.0)
        await mallory.command("the kernel of the page goes on")
        await alice.hears(p.CustomCommandReceived)
        assert alice.all(p.PeerStateChanged)[-1].state is PeerState.CONNECTED
    assert shared_hub.status().refusals["control.flood"] == 1
