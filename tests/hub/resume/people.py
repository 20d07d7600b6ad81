"""People whose links to a real hub process can be broken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

from tests.hub.hub_process import PATIENCE, HubProcess
from tests.hub.messages import people
from tests.hub.peers import Participant
from tests.hub.resume.proxy import Proxy
from zego_widget import protocol as p
from zego_widget.errors import ZegoError
from zego_widget.link import Address, HubLink, standing_at
from zego_widget.model import RoomConfig, UpdateType
from zego_widget.retry import RetryPolicy

SOON = RetryPolicy(first_delays=(0.0, 0.1, 0.2, 0.4, 0.8), later=1.0, jitter=0.0)
"""As patient as the usual policy, but quicker, so that tests are."""


class Person(people.Person):
    """A user in room "demo", over a proxy or straight to the hub."""

    def __init__(self, hub: HubProcess, user_id: str, proxy: Proxy | None = None) -> None:
        address = proxy.address if proxy else hub.address
        super().__init__(SimpleNamespace(address=address, key=hub.key), user_id, "demo")  # type: ignore[arg-type]
        self.find_address: Callable[[], Awaitable[Address]] = standing_at(address)
        self.interruptions: list[ZegoError] = []
        self.resumptions = 0
        self._is_told = asyncio.Event()

    async def __aenter__(self) -> Person:
        await self.enter(auto_play=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.link.aclose()

    async def enter(self, *, auto_play: bool = False, policy: RetryPolicy = SOON) -> p.LoggedIn:
        self.link = await HubLink.connect(
            self.find_address,
            client="test",
            on_event=self._take,
            on_closed=self._take_end,
            on_interrupted=self._interrupted,
            on_resumed=self._resumed,
            policy=policy,
        )
        key = self._hub.key(self.user.user_id, self.room_id)
        login = p.LoginRoom(0, self.room_id, self.user, RoomConfig(True), auto_play, key)
        return await self.link.request(login, p.LoggedIn)

    async def connect(self, participant: Participant, **fields: object) -> None:
        """Publish `<user_id>-main`, and connect a peer."""
        await self.does(p.StartPublishing(0, self.stream_id))
        answer = await self.link.request(await participant.offer(**fields), p.Answer)
        await participant.take_answer(answer.sdp)

    @property
    def commands(self) -> list[str]:
        """What others have commanded so far."""
        return [event.command for event in self.all(p.CustomCommandReceived)]

    @property
    def departures(self) -> list[p.RoomUserUpdate | p.RoomStreamUpdate]:
        """Who and what has gone, as far as this user was told."""
        return [
            event
            for event in self.heard
            if isinstance(event, p.RoomUserUpdate | p.RoomStreamUpdate) and event.update_type is UpdateType.DELETE
        ]

    @property
    def stream_id(self) -> str:
        return f"{self.user.user_id}-main"

    async def is_interrupted(self, times: int = 1) -> None:
        await self._until(lambda: len(self.interruptions) >= times, "an interruption")

    async def is_resumed(self, times: int = 1) -> None:
        await self._until(lambda: self.resumptions >= times, "a resumption")

    async def is_gone(self) -> ZegoError:
        """Why the link is closed, once it is."""
        await self._until(lambda: self.gone is not None, "the end")
        assert self.gone is not None
        return self.gone

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._is_told.clear()
                    await self._is_told.wait()
        except TimeoutError:
            raise AssertionError(f"{self.user.user_id} waited in vain for {what}; {self.gone=}") from None

    def _take_end(self, error: ZegoError) -> None:
        super()._take_end(error)
        self._is_told.set()

    def _interrupted(self, error: ZegoError) -> None:
        self.interruptions.append(error)
        self._is_told.set()

    def _resumed(self) -> None:
        self.resumptions += 1
        self._is_told.set()
