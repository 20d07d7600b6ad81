"""Links to a real hub that break at any point, and what ends them for good."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable

import pytest

from tests.hub.hub_process import PATIENCE, HubProcess
from tests.hub.resume.people import Person
from tests.hub.resume.proxy import Proxy
from zego_widget import protocol as p
from zego_widget import reconnection
from zego_widget.errors import ErrorCode, HubStopped, HubUnreachable, SessionLost
from zego_widget.retry import RetryPolicy

StartHub = Callable[..., HubProcess]


@pytest.mark.parametrize("seed", range(4))
async def test_every_command_comes_once_and_in_order_wherever_links_break(shared_hub: HubProcess, seed: int) -> None:
    chance = random.Random(seed)
    commands = [f"{number} " + "x" * chance.choice((1, 100, 900)) for number in range(300)]
    async with (
        Proxy(shared_hub.port, shared_hub.secret) as one,
        Proxy(shared_hub.port, shared_hub.secret) as two,
        Person(shared_hub, "alice", one) as alice,
        Person(shared_hub, "bob", two) as bob,
    ):

        async def talk(person: Person, to_user_id: str) -> None:
            for start in range(0, len(commands), 10):
                await asyncio.gather(*(person.command(each, to_user_id) for each in commands[start : start + 10]))
                await asyncio.sleep(0.05)

        async def trouble() -> None:
            for _ in range(10):
                proxy = chance.choice((one, two))
                await asyncio.sleep(chance.uniform(0.0, 0.2))
                proxy.hold()  # so that what is sent now is lost at some point on its way
                await asyncio.sleep(chance.uniform(0.0, 0.05))
                proxy.cut()
                proxy.restore()

        await asyncio.gather(talk(alice, "bob"), talk(bob, "alice"), trouble())
        await alice.has_heard_all()
        await bob.has_heard_all()
        assert alice.commands == bob.commands == commands
        assert (alice.departures, bob.departures) == ([], [])
        assert alice.resumptions + bob.resumptions > 0


async def test_a_connection_that_only_falls_silent_is_replaced(start_hub: StartHub) -> None:
    hub = start_hub(heartbeat_interval=0.3)
    async with (
        Proxy(hub.port, hub.secret) as proxy,
        Person(hub, "alice", proxy) as alice,
        Person(hub, "bob") as bob,
    ):
        await alice.command("before", "bob")
        thaw = proxy.freeze()
        lost = asyncio.create_task(alice.command("on the way", "bob"))
        await alice.is_resumed()
        await lost
        assert "has said nothing" in alice.interruptions[0].message
        thaw()  # the old connection says it, too
        await bob.command("after", "alice")
        await alice.hears(p.CustomCommandReceived)
        await alice.has_heard_all()
        assert bob.commands == ["before", "on the way"]
        assert bob.departures == []
        assert hub.status().counters["sessions_resumed"] >= 1


async def test_after_the_timeout_the_others_are_told_and_the_session_is_lost(start_hub: StartHub) -> None:
    hub = start_hub(heartbeat_interval=0.3, heartbeat_timeout=1.0)
    async with (
        Proxy(hub.port, hub.secret) as proxy,
        Person(hub, "alice", proxy) as alice,
        Person(hub, "bob") as bob,
    ):
        proxy.refuse()
        waiting = asyncio.create_task(alice.command("too late", "bob"))
        await bob.hears(p.RoomUserUpdate, lambda update: bool(bob.departures))
        proxy.restore()
        assert type(await alice.is_gone()) is SessionLost
        with pytest.raises(SessionLost):
            await waiting
        with pytest.raises(SessionLost):
            await alice.command("too late", "bob")
        assert bob.commands == []
        assert alice.resumptions == 0
        assert hub.status().counters["resume_refused_unknown"] == 1
        assert hub.status().sessions == 1


async def test_who_shows_the_same_key_elsewhere_takes_the_session(shared_hub: HubProcess, proxy: Proxy) -> None:
    async with Person(shared_hub, "alice", proxy) as alice, shared_hub.link() as other:
        wanted = p.Resume(alice.link.session_id, alice.link.welcome.resume_key, 1)
        await other.send(p.Hello(p.PROTOCOL_VERSION, "a copy", True, wanted))
        welcome = await other.receive()
        assert isinstance(welcome, p.Welcome)
        assert welcome.resumed
        assert "Another connection" in (await alice.is_gone()).message
    assert alice.interruptions == []


async def test_an_attempt_that_arrives_long_after_it_was_given_up_takes_nothing(
    shared_hub: HubProcess, proxy: Proxy
) -> None:
    async with Person(shared_hub, "alice", proxy) as alice, shared_hub.link() as late:
        for times in (1, 2):
            proxy.cut()
            await alice.is_resumed(times)
        on_its_way = p.Resume(alice.link.session_id, alice.link.welcome.resume_key, 0, attempt=1)
        await late.send(p.Hello(p.PROTOCOL_VERSION, "test", True, on_its_way))
        welcome = await late.receive()
        assert isinstance(welcome, p.Welcome)
        assert not welcome.resumed
        await alice.command("still here", "alice")
        await alice.has_heard_all()
        assert (len(alice.interruptions), alice.gone) == (2, None)


async def test_a_link_that_is_closed_while_it_is_broken_closes_at_once(start_hub: StartHub) -> None:
    hub = start_hub(heartbeat_interval=0.3, heartbeat_timeout=1.0)
    async with Proxy(hub.port, hub.secret) as proxy, Person(hub, "bob") as bob:
        async with Person(hub, "alice", proxy) as alice:
            proxy.refuse()
            waiting = asyncio.create_task(alice.command("never", "bob"))
            await alice.is_interrupted()
        with pytest.raises(HubUnreachable, match="was closed"):
            await waiting
        assert alice.gone is None
        await bob.hears(p.RoomUserUpdate, lambda update: bool(bob.departures))
        await bob.has_heard_all()


async def test_who_leaves_between_two_attempts_is_gone_for_the_others(
    start_hub: StartHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnection, "FAREWELL_TIMEOUT", PATIENCE)
    hub = start_hub(heartbeat_timeout=600.0)
    async with Proxy(hub.port, hub.secret) as proxy, Person(hub, "bob") as bob:
        alice = Person(hub, "alice", proxy)
        await alice.enter(policy=RetryPolicy((600.0,)))
        proxy.cut()
        await alice.is_interrupted()
        await alice.link.aclose()
        await bob.hears(p.RoomUserUpdate, lambda update: bool(bob.departures))
        assert (alice.gone, alice.resumptions) == (None, 0)
        assert hub.status().sessions == 1


@pytest.mark.parametrize("patience", [PATIENCE, 0.2])
async def test_who_leaves_during_an_attempt_is_gone_for_the_others_or_at_least_not_kept(
    start_hub: StartHub, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    monkeypatch.setattr(reconnection, "FAREWELL_TIMEOUT", patience)
    hub = start_hub(heartbeat_timeout=600.0)
    async with Proxy(hub.port, hub.secret) as proxy, Person(hub, "bob") as bob:
        alice = Person(hub, "alice", proxy)
        await alice.enter()
        await proxy.taken.acquire()
        proxy.hold()
        proxy.cut()
        await proxy.taken.acquire()  # the attempt, which gets no answer
        leaving = asyncio.create_task(alice.link.aclose())
        if patience == PATIENCE:
            await proxy.taken.acquire()  # the farewell
            proxy.restore()
            await bob.hears(p.RoomUserUpdate, lambda update: bool(bob.departures))
        async with asyncio.timeout(PATIENCE):
            await leaving
        assert (alice.gone, alice.resumptions) == (None, 0)


async def test_when_the_window_is_over_the_link_is(shared_hub: HubProcess, proxy: Proxy) -> None:
    alice = Person(shared_hub, "alice", proxy)
    await alice.enter(policy=RetryPolicy((0.0, 0.1), later=0.2, jitter=0.0, window=0.6))
    proxy.refuse()
    error = await alice.is_gone()
    assert not isinstance(error, SessionLost)
    assert "could not be reached again" in error.message
    proxy.restore()
    await alice.link.aclose()
    assert alice.resumptions == 0


async def test_a_hub_that_was_killed_takes_its_sessions_along(start_hub: StartHub) -> None:
    first, second = start_hub(), start_hub()
    hubs = [first]

    async def find() -> object:
        return hubs[0].address

    alice, bob = Person(first, "alice"), Person(first, "bob")
    alice.find_address = bob.find_address = find  # type: ignore[assignment]
    await alice.enter()
    await bob.enter()
    first.process.kill()
    first.wait()
    await alice.is_interrupted()
    assert alice.gone is None  # there may be another soon
    hubs[0] = second
    assert type(await alice.is_gone()) is SessionLost
    assert type(await bob.is_gone()) is SessionLost
    assert second.status().sessions == 0
    await alice.link.aclose()
    await bob.link.aclose()
    first.close = lambda: None  # type: ignore[method-assign]


@pytest.mark.parametrize("broken", [False, True])
async def test_a_hub_that_is_stopped_says_goodbye(start_hub: StartHub, broken: bool) -> None:
    hub = start_hub()
    async with Proxy(hub.port, hub.secret) as proxy, Person(hub, "alice", proxy) as alice, Person(hub, "bob") as bob:
        if broken:
            proxy.refuse()
            await alice.is_interrupted()
        hub.process.send_signal(signal.SIGTERM)
        for person in (bob,) if broken else (alice, bob):
            error = await person.is_gone()
            assert isinstance(error, HubStopped)
            assert error.code is ErrorCode.HUB_STOPPING
            assert error.message == "The hub was stopped (SIGTERM)."
            assert person.interruptions == []
        assert await asyncio.to_thread(hub.wait) == 0
        assert alice.gone is None or not broken


async def test_a_hub_that_stood_still_hears_everyone_before_it_ends_anyone(start_hub: StartHub) -> None:
    hub = start_hub(heartbeat_interval=0.3, heartbeat_timeout=1.0)
    async with Person(hub, "alice") as alice, Person(hub, "bob") as bob:
        hub.process.send_signal(signal.SIGSTOP)
        try:
            await alice.is_interrupted()
            await bob.is_interrupted()
            await asyncio.sleep(1.5)  # longer than anybody may be silent
        finally:
            hub.process.send_signal(signal.SIGCONT)
        await alice.is_resumed()
        await bob.is_resumed()
        await alice.command("still here", "bob")
        await bob.hears(p.CustomCommandReceived)
        assert (alice.departures, bob.departures) == ([], [])
        assert (alice.gone, bob.gone) == (None, None)
        assert hub.status().refusals["session.silent"] == 0


async def test_a_refusal_of_binary_data_counts_as_any_message_does(shared_hub: HubProcess) -> None:
    async with shared_hub.link() as broken:
        await broken.send(p.Hello(p.PROTOCOL_VERSION, "test", resumable=True))
        welcome = await broken.receive()
        assert isinstance(welcome, p.Welcome)
        await broken.socket.send_bytes(b"what is this?")
        assert isinstance(await broken.receive(), p.Refused)
        async with shared_hub.link() as again:
            wanted = p.Resume(welcome.session_id, welcome.resume_key, received=1)
            await again.send(p.Hello(p.PROTOCOL_VERSION, "test", True, wanted))
            back = await again.receive()
            assert isinstance(back, p.Welcome)
            assert back.resumed
