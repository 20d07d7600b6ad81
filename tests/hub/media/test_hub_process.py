"""A real hub process with a call on it survives what strangers send to its media port (FAULTS 17, 18, 19)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.hub.hub_process import HubProcess, Link
from tests.hub.media.calls import BURST, DROPS, Stranger, datagram_sweep, dtls_nuisances, stranger_at
from tests.hub.peers import PATIENCE, Participant
from zego_widget import protocol as p
from zego_widget.model import RoomConfig, User

DARK, BRIGHT = 40, 190


@contextlib.asynccontextmanager
async def person(hub: HubProcess, user_id: str, brightness: int) -> AsyncIterator[Participant]:
    """Someone who is logged in and sends; the kernel's side is played by a task that keeps the link alive."""
    async with hub.greeted_link() as link, Participant(user_id, slots=2, brightness=brightness) as page:
        await ask(link, p.LoginRoom(1, "demo", User(user_id, user_id), RoomConfig(), True, hub.key(user_id, "demo")))
        await ask(link, p.StartPublishing(2, f"{user_id}-main"))
        answer = await ask(link, await page.offer(3, capture="take"))
        assert isinstance(answer, p.Answer), answer
        await page.take_answer(answer.sdp)
        beats = asyncio.create_task(beat(link))
        try:
            yield page
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)


async def ask(link: Link, request: p.ClientMessage) -> p.HubMessage:
    """Send a request; the answer to it."""
    await link.send(request)
    while True:
        message = await link.receive()
        if getattr(message, "request_id", None) == getattr(request, "request_id", None):
            return message


async def beat(link: Link) -> None:
    while True:
        await link.send(p.Heartbeat())
        await asyncio.sleep(2.0)


async def counted(hub: HubProcess, *names: str) -> int:
    """The sum of some of the hub's counters."""
    status = await asyncio.to_thread(hub.status)
    return sum(status.counters[name] for name in names)


async def until_counted(hub: HubProcess, number: int, *names: str) -> None:
    """Wait until the counters reach a number; asks the hub again and again, as they have no event."""
    async with asyncio.timeout(PATIENCE):
        while await counted(hub, *names) < number:  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def empty_datagrams(hub: HubProcess, stranger: Stranger) -> None:
    before = await counted(hub, "dropped_empty")
    stranger.send(b"")
    await until_counted(hub, before + 1, "dropped_empty")


async def stray_dtls(hub: HubProcess, stranger: Stranger) -> None:
    before = await counted(hub, "dropped_stranger")
    nuisances = dtls_nuisances()
    for nuisance in nuisances:
        stranger.send(nuisance)
    await until_counted(hub, before + len(nuisances), "dropped_stranger")


async def sweep(hub: HubProcess, stranger: Stranger) -> None:
    before = await counted(hub, *DROPS)
    sent = 0
    for datagram in datagram_sweep():
        stranger.send(datagram)
        sent += 1
        if sent % BURST == 0 or len(datagram) > 1000:
            await until_counted(hub, before + sent, *DROPS)
    await until_counted(hub, before + sent, *DROPS)


async def test_what_strangers_send_is_counted_and_nobody_in_the_call_is_affected(hub_process: HubProcess) -> None:
    hub = hub_process
    with stranger_at(hub.media_port) as stranger:
        await empty_datagrams(hub, stranger)
        await stray_dtls(hub, stranger)
        async with person(hub, "alice", DARK) as alice, person(hub, "bob", BRIGHT) as bob:
            await alice.sees("bob-main", BRIGHT)
            level = await hub.level()
            for nuisance in (empty_datagrams, stray_dtls, sweep):
                await nuisance(hub, stranger)
                await alice.sees("bob-main", BRIGHT)
                await bob.sees("alice-main", DARK)
            status = await asyncio.to_thread(hub.status)
            assert status.peers == 2
            assert status.counters["dropped_empty"] == 3  # two, and the one of the sweep
            assert status.counters["dropped_malformed"] == status.counters["dropped_unauthenticated"] == 0
            await hub.is_back_at(level)
        assert stranger.received() == []
    assert hub.process.poll() is None
