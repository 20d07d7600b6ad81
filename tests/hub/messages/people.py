"""People on links of their own who talk in a room of a real hub process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest

from tests.hub.hub_process import PATIENCE, HubProcess
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode, ZegoError
from zego_widget.link import HubLink, standing_at
from zego_widget.model import RoomConfig, User

M = TypeVar("M", bound=p.Message)


class Person:
    """One user in one room; `heard` is every event so far, in order."""

    def __init__(self, hub: HubProcess, user_id: str, room_id: str) -> None:
        self.user = User(user_id)
        self.room_id = room_id
        self.heard: list[p.HubMessage] = []
        self.gone: ZegoError | None = None
        self.link: HubLink
        self._hub = hub
        self._arrived = asyncio.Event()

    async def enter(self) -> p.LoggedIn:
        self.link = await HubLink.connect(
            standing_at(self._hub.address), client="test", on_event=self._take, on_closed=self._take_end
        )
        return await self.link.request(
            p.LoginRoom(
                0, self.room_id, self.user, RoomConfig(), False, self._hub.key(self.user.user_id, self.room_id)
            ),
            p.LoggedIn,
        )

    async def broadcast(self, message: str) -> int:
        return int(
            (await self.link.request(p.SendBroadcastMessage(0, self.room_id, message), p.MessageSent)).message_id
        )

    async def barrage(self, message: str) -> str:
        return (await self.link.request(p.SendBarrageMessage(0, self.room_id, message), p.MessageSent)).message_id

    async def command(self, command: str, *to_user_ids: str) -> None:
        await self.link.request(p.SendCustomCommand(0, self.room_id, command, list(to_user_ids)), p.Done)

    async def does(self, message: Any) -> None:
        await self.link.request(message, p.Done)

    def all(self, kind: type[M]) -> list[M]:
        return [event for event in self.heard if isinstance(event, kind)]

    async def hears(self, kind: type[M], condition: Callable[[M], Any] = lambda _: True, *, times: int = 1) -> list[M]:
        """The events of this kind for which the condition holds, once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [event for event in self.all(kind) if condition(event)]) < times:
                self._arrived.clear()
                await self._arrived.wait()
        return found

    async def has_heard_all(self) -> None:
        """Return when everything that the hub has sent so far is in `heard`: an answer comes after what came before."""
        with pytest.raises(ZegoError):
            await self.link.request(p.StopPlaying(0, "no-such-stream"), p.Done)

    def _take(self, event: p.HubMessage) -> None:
        self.heard.append(event)
        self._arrived.set()

    def _take_end(self, error: ZegoError) -> None:
        self.gone = error
        self._arrived.set()


@contextlib.asynccontextmanager
async def people(hub: HubProcess, *user_ids: str, room_id: str = "demo") -> AsyncIterator[list[Person]]:
    """Everyone in one room, in this order."""
    async with contextlib.AsyncExitStack() as leaving:
        crowd = [Person(hub, user_id, room_id) for user_id in user_ids]
        for person in crowd:
            await person.enter()
            leaving.push_async_callback(person.link.aclose)
        yield crowd


async def code_of(action: Any) -> ErrorCode:
    """The code an awaitable is refused with."""
    with pytest.raises(ZegoError) as caught:
        await action
    return caught.value.code
