"""Engines on a hub that is killed, which go on on another one that has never heard of them."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from msgspec import structs

from tests.hub.hub_process import HubProcess
from tests.hub.resume.proxy import Proxy
from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.handler import EventHandler
from zego_widget.engine.line import HubAndApp
from zego_widget.engine.parts import Parts
from zego_widget.engine.profile import EngineProfile
from zego_widget.errors import HubUnreachable
from zego_widget.hub.discovery import HubAddress
from zego_widget.model import RoomStateChangedReason, User
from zego_widget.retry import RetryPolicy
from zego_widget.testing.participant import Recorder

ROOM = "demo"
SOON = RetryPolicy(first_delays=(0.0, 0.1), later=0.2, jitter=0.1)
REASON = RoomStateChangedReason


class MovingEngine(ExpressEngine):
    """Finds its hub where the test says that it is, or none."""

    def __init__(self, hub: HubAndApp) -> None:
        self.hub: HubAndApp | None = hub
        super().__init__(EngineProfile())

    async def find(self) -> HubAndApp:
        if self.hub is None:
            raise HubUnreachable("There is no hub.")
        return self.hub

    def _new_parts(self, profile: EngineProfile, handler: EventHandler | None) -> Parts:
        return Parts(profile, handler, find_hub=self.find, policy=SOON)


class Person(Recorder):
    """Somebody with such an engine."""

    engine: MovingEngine

    async def becomes(self, reason: RoomStateChangedReason) -> None:
        await self.hears("room_state_changed", lambda event: event.reason is reason)

    async def returns_to(self, hub: HubProcess) -> None:
        self.engine.hub = hub.address
        await self.becomes(REASON.RECONNECTED)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """What was attached to the room by whom, as far as this one was told."""
        infos = [info for event in self.all("room_extra_info_update") for info in event.room_extra_infos]
        return [(info.value, info.update_user.user_id) for info in infos]


Enter = Callable[[str, HubAndApp], Awaitable[Person]]
StartHub = Callable[..., HubProcess]


@pytest.fixture
async def enter() -> AsyncIterator[Enter]:
    people: list[Person] = []

    async def enter(user_id: str, hub: HubAndApp) -> Person:
        person = Person(MovingEngine(hub))
        people.append(person)
        await person.engine.login_room(ROOM, User(user_id))
        return person

    yield enter
    for person in people:
        await person.engine.aclose()


def behind(proxy: Proxy, hub: HubProcess) -> HubAddress:
    """Where the hub is by way of the proxy."""
    return structs.replace(hub.address, url=proxy.address.url)


def kill(hub: HubProcess, *people: Person) -> None:
    """End it without a word; nobody finds a hub for now."""
    for person in people:
        person.engine.hub = None
    hub.process.send_signal(signal.SIGKILL)
    hub.process.wait()
    hub.close = lambda: None  # type: ignore[method-assign]


@pytest.mark.parametrize("earlier_is_first", [True, False])
async def test_who_logged_in_last_stays_whoever_comes_back_first(
    start_hub: StartHub, enter: Enter, earlier_is_first: bool
) -> None:
    hub, other = start_hub(), start_hub()
    async with Proxy(hub.port, hub.secret) as proxy:
        earlier = await enter("alice", behind(proxy, hub))
        proxy.refuse()
        await earlier.becomes(REASON.RECONNECTING)  # so that it cannot hear who comes
        later = await enter("alice", hub.address)
        kill(hub, earlier, later)
        await later.becomes(REASON.RECONNECTING)
        if earlier_is_first:
            await earlier.returns_to(other)
            await later.returns_to(other)
        else:
            await later.returns_to(other)
            earlier.engine.hub = other.address
        await earlier.becomes(REASON.KICK_OUT)
        told = earlier.all("room_state_changed")[-1]
        assert (told.reason, int(told.error_code)) == (REASON.KICK_OUT, 1002050)
        await later.engine.set_room_extra_info(ROOM, "topic", "still here")
        assert later.all("room_state_changed")[-1].reason is REASON.RECONNECTED


async def test_what_is_attached_to_the_room_is_brought_along(start_hub: StartHub, enter: Enter) -> None:
    hub, other, last = start_hub(), start_hub(), start_hub()
    async with Proxy(hub.port, hub.secret) as proxy:
        alice = await enter("alice", hub.address)
        bob = await enter("bob", behind(proxy, hub))
        await alice.engine.set_room_extra_info(ROOM, "topic", "tea")
        await bob.hears("room_extra_info_update")
        proxy.refuse()
        await bob.becomes(REASON.RECONNECTING)  # and misses the next one
        await alice.engine.set_room_extra_info(ROOM, "topic", "coffee")
        kill(hub, alice, bob)
        await bob.returns_to(other)  # with an older text
        carol = await enter("carol", other.address)
        await carol.hears("room_extra_info_update", lambda event: event.room_extra_infos[0].value == "tea")
        await alice.returns_to(other)
        for person in (bob, carol):
            await person.hears("room_extra_info_update", lambda event: event.room_extra_infos[0].value == "coffee")
    assert alice.texts == [], "it knew that"
    assert bob.texts == [("tea", "alice"), ("coffee", "alice")]
    assert carol.texts == [("tea", "bob"), ("coffee", "alice")]

    for person in (alice, bob, carol):
        person.forget()
    kill(other, alice, bob, carol)
    for person in (carol, alice, bob):
        await person.returns_to(last)
    dave = await enter("dave", last.address)
    await dave.hears("room_extra_info_update", lambda event: event.room_extra_infos[0].value == "coffee")
    assert alice.texts == bob.texts == carol.texts == [], "for them nothing has changed"
