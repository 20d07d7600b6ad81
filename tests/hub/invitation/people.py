"""People on links of their own who can call each other through a real hub process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.hub.hub_process import PATIENCE, HubProcess
from zego_widget import protocol as p
from zego_widget.credentials import App
from zego_widget.errors import ErrorCode, ZegoError
from zego_widget.link import HubLink, standing_at
from zego_widget.model import RoomConfig, User

M = TypeVar("M", bound=p.Message)


@dataclass(frozen=True)
class Town:
    """A hub, and an app of it of one's own: whoever is called the same in another town is somebody else."""

    hub: HubProcess
    app: App

    def key(self, user_id: str, room_id: str = "") -> p.Credential:
        """What lets a user into a room ("": to the hub alone)."""
        return self.app.credential("", room_id, user_id)


class Person:
    """One user on one link; `heard` is every event so far, in order."""

    def __init__(self, town: Town, user_id: str) -> None:
        self.user = User(user_id)
        self.heard: list[p.HubMessage] = []
        self.closed: ZegoError | None = None
        self.link: HubLink
        self._town = town
        self._arrived = asyncio.Event()

    async def connect(self) -> None:
        self.link = await HubLink.connect(
            standing_at(self._town.hub.address), client="test", on_event=self._take, on_closed=self._take_end
        )

    async def sign_in(self) -> None:
        key = self._town.key(self.user.user_id)
        await self.link.request(p.SignIn(0, self.user, key), p.Done)

    async def login(self, room_id: str) -> None:
        key = self._town.key(self.user.user_id, room_id)
        await self.link.request(p.LoginRoom(0, room_id, self.user, RoomConfig(True), False, key), p.LoggedIn)

    async def logout(self, room_id: str) -> None:
        await self.link.request(p.LogoutRoom(0, room_id), p.Done)

    async def calls(self, *invitees: str, **fields: Any) -> str:
        """Call somebody; the call ID."""
        sent = await self.link.request(p.CallInvite(0, list(invitees), **fields), p.CallInvitationSent)
        return sent.call_id

    async def accepts(self, call_id: str, extended_data: str = "") -> None:
        await self.link.request(p.CallAccept(0, call_id, extended_data), p.CallAcceptanceSent)

    async def is_refused(self, message: Any) -> int:
        """The code with which the hub refuses a request; fails where it does not."""
        try:
            answer = await self.link.request(message, p.Message)
        except ZegoError as error:
            return error.code
        raise AssertionError(f"not refused but answered with {answer!r}")

    async def states(self, call_id: str) -> dict[str, str]:
        """User ID -> name of the state, from this user's list."""
        answer = await self.link.request(p.QueryCallInvitationList(0), p.CallInvitationList)
        (call,) = [call for call in answer.call_list if call.call_id == call_id]
        return {user.user_id: user.state.name for user in call.call_user_list}

    def all(self, kind: type[M]) -> list[M]:
        return [event for event in self.heard if isinstance(event, kind)]

    def news(self, call_id: str) -> list[tuple[str, str]]:
        """(user, state) of every change in a call this user was told of, in order."""
        return [
            (user.user_id, user.state.name)
            for event in self.all(p.CallUserStateChanged)
            if event.call_id == call_id
            for user in event.call_user_list
        ]

    async def hears(self, kind: type[M], condition: Callable[[M], bool] = lambda _: True) -> M:
        """The first event of this kind for which the condition holds, past or to come."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for event in self.all(kind):
                    if condition(event):
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    async def hears_that(self, user_id: str, state: str, call_id: str) -> None:
        """Wait until this user is told that another is in a state."""
        await self.hears(p.CallUserStateChanged, lambda _: (user_id, state) in self.news(call_id))

    async def is_up_to_date(self) -> None:
        """What the hub has told this user so far has arrived: it answers one after the other."""
        code = await self.is_refused(p.CallAccept(0, "none"))
        assert code in {ErrorCode.CALL_INVITATION_CALL_MISSING, ErrorCode.COMMON_NOT_LOGIN_ROOM}

    def _take(self, event: p.HubMessage) -> None:
        self.heard.append(event)
        self._arrived.set()

    def _take_end(self, error: ZegoError) -> None:
        self.closed = error
        self._arrived.set()


@contextlib.asynccontextmanager
async def people(town: Town, *names: str, signed_in: bool = True) -> AsyncIterator[list[Person]]:
    """Users on links of their own, signed in unless said otherwise; all links are closed afterwards."""
    persons = [Person(town, name) for name in names]
    async with contextlib.AsyncExitStack() as closing:
        for person in persons:
            await person.connect()
            closing.push_async_callback(person.link.aclose)
            if signed_in:
                await person.sign_in()
        yield persons
