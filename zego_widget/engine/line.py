"""The engine's link to the hub: open while something of the engine needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from .. import protocol
from ..credentials import App
from ..errors import ZegoError
from ..link import Address, HubLink, OnClosed, OnEvent, Request, standing_at

R = TypeVar("R", bound=protocol.Message)


class Link(Protocol):
    """What an engine needs of its link; `link.HubLink` is one."""

    @property
    def session_id(self) -> str: ...
    async def request(self, message: Request, answer: type[R]) -> R: ...
    async def aclose(self) -> None: ...


class Connect(Protocol):
    """Opens a link, as `link.HubLink.connect` does."""

    def __call__(self, address: Any, *, on_event: OnEvent, on_closed: OnClosed) -> Awaitable[Link]: ...


class HubAndApp(Address, Protocol):
    """Where a hub is, and the app it has for this user; `hub.discovery.HubAddress` is one."""

    @property
    def app(self) -> App | None: ...


FindHub = Callable[[], Awaitable[HubAndApp]]


class GivenHub:
    """A hub that was named, which says nothing of its apps."""

    app = None

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.secret = secret


class Line:
    """One link for all that hold it; opened for the first, closed after the last."""

    def __init__(
        self, find_hub: FindHub, connect: Connect, on_event: OnEvent, on_lost: Callable[[ZegoError], None]
    ) -> None:
        self._find_hub = find_hub
        self._connect = connect
        self._on_event = on_event
        self._on_lost = on_lost
        self._lock = asyncio.Lock()
        self._holders: set[str] = set()
        self._link: Link | None = None
        self.address: HubAndApp | None = None
        """Of the hub that the link leads to, or led to last."""

    async def warm(self) -> None:
        """See to it that there is a hub; raises `ZegoError` where there is none."""
        async with self._lock:
            if self._link is None:
                await self._find_hub()

    async def hold(self, holder: str) -> Link:
        """The link, opened if need be; until `drop`. Raises `ZegoError` where there is no hub."""
        async with self._lock:
            if self._link is None:
                self.address = await self._find_hub()
                self._link = await self._connect(self.address, on_event=self._on_event, on_closed=self._closed)
            self._holders.add(holder)
            return self._link

    def leads_over(self, link: Link) -> bool:
        """Whether this is the link, and not one that was lost."""
        return link is self._link

    async def drop(self, holder: str) -> None:
        """Need the link no more; nothing if it is gone."""
        self._holders.discard(holder)
        async with self._lock:
            if not self._holders and self._link is not None:
                link, self._link = self._link, None
                await link.aclose()

    def _closed(self, error: ZegoError) -> None:
        self._link = None
        self._holders.clear()
        self._on_lost(error)


def connector(client: str) -> Connect:
    """`HubLink.connect` under a client name."""

    async def connect(address: Address, *, on_event: OnEvent, on_closed: OnClosed) -> Link:
        return await HubLink.connect(standing_at(address), client=client, on_event=on_event, on_closed=on_closed)

    return connect
