"""The engine's link to the hub: open while something of the engine needs it, and opened again when it is lost."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from .. import protocol
from ..credentials import App
from ..errors import ErrorCode, HubStopped, HubUnreachable, SessionLost, ZegoError
from ..link import Address, FindAddress, HubLink, OnClosed, OnEvent, Request
from ..retry import RetryPolicy
from .core import as_zego_error

logger = logging.getLogger(__name__)

R = TypeVar("R", bound=protocol.Message)
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Link(Protocol):
    """What an engine needs of its link; `link.HubLink` is one."""

    @property
    def session_id(self) -> str: ...
    async def request(self, message: Request, answer: type[R]) -> R: ...
    async def aclose(self) -> None: ...


class Connect(Protocol):
    """Opens a link, as `link.HubLink.connect` does."""

    def __call__(
        self,
        find_address: FindAddress,
        *,
        on_event: OnEvent,
        on_closed: OnClosed,
        on_interrupted: OnClosed,
        on_resumed: Callable[[], None],
        policy: RetryPolicy,
    ) -> Awaitable[Link]: ...


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


class LineListener(Protocol):
    """Whoever holds the line is told what becomes of it."""

    def link_interrupted(self, error: ZegoError) -> None:
        """The link does not reach the hub now; its session may be resumed."""

    def link_resumed(self) -> None:
        """It does again, with the same session: nothing was missed."""

    def session_lost(self, error: ZegoError) -> None:
        """The session is gone; another link is being opened."""

    def link_reopened(self, link: Link) -> None:
        """There it is; whoever was logged in logs in again, and says `settled`, or `renew` where that fails."""

    def link_lost(self, error: ZegoError) -> None:
        """There will be no other."""


class Line:
    """One link for all that hold it; opened for the first, closed after the last.

    A link whose session was lost is replaced by the retry policy, all of whose attempts in one outage count.
    """

    def __init__(
        self,
        find_hub: FindHub,
        connect: Connect,
        on_event: OnEvent,
        spawn: Spawn,
        policy: RetryPolicy,
    ) -> None:
        self._find_hub = find_hub
        self._connect = connect
        self._on_event = on_event
        self._spawn = spawn
        self._policy = policy
        self._lock = asyncio.Lock()
        self._holders: set[str] = set()
        self._link: Link | None = None
        self._returning: asyncio.Task[None] | None = None
        # Ends of links that were given up.
        self._closing: set[asyncio.Task[None]] = set()
        # Of the present outage: attempts to open another link, and when it began.
        self._attempts = 0
        self._broken_at: float | None = None
        self.listeners: list[LineListener] = []
        self.address: HubAndApp | None = None
        """Of the hub that was found last."""

    async def warm(self) -> None:
        """See to it that there is a hub; raises `ZegoError` where there is none."""
        async with self._lock:
            if self._link is None:
                await self._find_hub()

    async def hold(self, holder: str) -> Link:
        """The link, opened if need be; until `drop`. Raises `ZegoError` where there is no hub."""
        async with self._lock:
            link = self._link or await self._open()
            self._holders.add(holder)
            return link

    def is_held_besides(self, holder: str) -> bool:
        """Whether somebody else needs the link."""
        return bool(self._holders - {holder})

    def leads_over(self, link: Link) -> bool:
        """Whether this is the link, and not one that was lost."""
        return link is self._link

    def settled(self) -> None:
        """Somebody is logged in again: the outage is over."""
        self._attempts, self._broken_at = 0, None

    async def renew(self, link: Link, error: ZegoError) -> None:
        """Give up a link over which nobody could log in, and open another."""
        if self.leads_over(link):
            self._closed(SessionLost(error.message))
            await self._give_up(link)

    async def drop(self, holder: str) -> None:
        """Need the link no more; nothing if it is gone."""
        self._holders.discard(holder)
        if not self._holders:
            self._stop_returning()
        async with self._lock:
            if not self._holders and self._link is not None:
                link, self._link = self._link, None
                await self._give_up(link)
        if self._closing:
            await asyncio.wait(self._closing)

    async def aclose(self) -> None:
        """End the link whoever needs it, and wait for those that end already."""
        self._holders.clear()
        await self.drop("")

    # -- inside ---------------------------------------------------------------------------------------------

    async def _give_up(self, link: Link) -> None:
        """Close it, also where whoever wants that is called off."""
        closing = self._spawn(link.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)

    async def _find(self) -> HubAndApp:
        self.address = await self._find_hub()
        return self.address

    async def _open(self) -> Link:
        """With the lock held."""
        opened = False
        gone: ZegoError | None = None

        def closed(error: ZegoError) -> None:
            nonlocal gone
            gone = error
            if opened:
                self._closed(error)

        link = await self._connect(
            self._find,
            on_event=self._on_event,
            on_closed=closed,
            on_interrupted=self._interrupted,
            on_resumed=self._resumed,
            policy=self._policy,
        )
        opened = True
        if gone is not None:
            raise gone
        self._link = link
        if self._returning is None:
            self.settled()
        else:
            self._stop_returning()
            for listener in self.listeners:
                listener.link_reopened(link)
        return link

    def _stop_returning(self) -> None:
        returning, self._returning = self._returning, None
        if returning is not None and returning is not asyncio.current_task():
            returning.cancel()
        if self._link is None:
            self.settled()

    def _interrupted(self, error: ZegoError) -> None:
        self._broken()
        logger.info("the link to the hub is interrupted: %s", error)
        for listener in self.listeners:
            listener.link_interrupted(error)

    def _resumed(self) -> None:
        self.settled()
        for listener in self.listeners:
            listener.link_resumed()

    def _broken(self) -> None:
        if self._broken_at is None:
            self._broken_at = asyncio.get_running_loop().time()

    def _closed(self, error: ZegoError) -> None:
        self._link = None
        self._broken()
        if self._may_return(error):
            for listener in self.listeners:
                listener.session_lost(error)
            if self._holders:
                self._returning = self._spawn(self._return(error))
            else:
                self.settled()
        else:
            self._lost(error)

    def _may_return(self, error: ZegoError) -> bool:
        """Whether another session may do where this one ended."""
        if isinstance(error, HubStopped):
            # Who stops the hub of this machine wants it gone; a hub elsewhere will be back.
            return isinstance(self.address, GivenHub)
        return isinstance(error, SessionLost)

    def _is_over(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._broken_at is not None and self._policy.is_over(now - self._broken_at)

    async def _return(self, error: ZegoError) -> None:
        while True:
            await asyncio.sleep(self._policy.delay(self._attempts, random.random()))
            self._attempts += 1
            if self._is_over():
                break
            try:
                async with self._lock:
                    if self._link is None:
                        await self._open()
                return
            except Exception as failed:
                error = as_zego_error(failed)
                logger.info("attempt %d to reach the hub again: %s", self._attempts, error)
                if not isinstance(error, HubUnreachable) and error.code is not ErrorCode.HUB_OVERLOADED:
                    break
        self._returning = None
        self._lost(error)

    def _lost(self, error: ZegoError) -> None:
        self._holders.clear()
        self.settled()
        for listener in self.listeners:
            listener.link_lost(error)


def connector(client: str) -> Connect:
    """`HubLink.connect` under a client name."""

    async def connect(
        find_address: FindAddress,
        *,
        on_event: OnEvent,
        on_closed: OnClosed,
        on_interrupted: OnClosed,
        on_resumed: Callable[[], None],
        policy: RetryPolicy,
    ) -> Link:
        return await HubLink.connect(
            find_address,
            client=client,
            on_event=on_event,
            on_closed=on_closed,
            on_interrupted=on_interrupted,
            on_resumed=on_resumed,
            policy=policy,
        )

    return connect
