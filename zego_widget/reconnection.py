"""How a link comes to a socket: to the first of its session, and to another whenever one breaks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from . import protocol
from .errors import ErrorCode, HubUnreachable, Refused, SessionLost, Unauthorized, ZegoError
from .link_socket import Address, LinkSocket, unreachable
from .outbox import Outbox
from .retry import RetryPolicy

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
RESUME_TIMEOUT = 7.0
"""Seconds of one attempt to resume; the next is due by then, and the system's own repetitions get rarer."""
FAREWELL_TIMEOUT = 2.0
"""Seconds in which a link that is closed while it is broken may still reach the hub."""
STEADY = 10.0
"""Seconds that a socket has to last for the first attempt after it to be made at once: what breaks each of them may be
a message that is sent again."""

FindAddress = Callable[[], Awaitable[Address]]
"""Says where the hub is now; raises `ZegoError` where there is none."""


def standing_at(address: Address) -> FindAddress:
    """The hub of an address that does not change."""

    async def find() -> Address:
        return address

    return find


class Reconnection:
    """Opens the sockets of one session, one after the other, wherever the hub is then; made by `begin`."""

    def __init__(
        self, find_address: FindAddress, address: Address, welcome: protocol.Welcome, client: str, policy: RetryPolicy
    ) -> None:
        self.address = address
        """Where the hub is, or was last."""
        self.welcome = welcome
        self._find_address = find_address
        self._client = client
        self._policy = policy
        self._attempts = 0
        # Sockets one after the other that did not last; and when the present one was opened.
        self._short_lived = 0
        self._opened_at = asyncio.get_running_loop().time()
        self._given_up: ZegoError | None = None

    @classmethod
    async def begin(
        cls, find_address: FindAddress, *, client: str, policy: RetryPolicy
    ) -> tuple[Reconnection, LinkSocket]:
        """Begin a session, with its first socket; raises what `HubLink.connect` does."""
        address = await find_address()
        hello = protocol.Hello(protocol.PROTOCOL_VERSION, client, resumable=True)
        socket = await _open(address, hello, CONNECT_TIMEOUT)
        return cls(find_address, address, socket.welcome, client, policy), socket

    def network_changed(self) -> None:
        """It has broken the socket, and nothing that was sent."""
        self._short_lived = 0

    def give_up(self, reason: ZegoError) -> None:
        """No further socket is wanted, but to say farewell."""
        self._given_up = reason

    async def reopen(self, received: int, outbox: Outbox) -> LinkSocket:
        """A socket that has resumed the session; raises `ZegoError` when there will be none."""
        loop = asyncio.get_running_loop()
        broken_at = begun = loop.time()
        if broken_at - self._opened_at >= STEADY:
            self._short_lived = 0
        attempt = self._short_lived
        while True:
            # Counted from the beginning of the last attempt: one that hangs goes on meanwhile, and has repetitions too.
            begun = max(begun + self._policy.delay(attempt, random.random()), loop.time())
            if self._policy.is_over(begun - broken_at):
                raise HubUnreachable(f"The hub could not be reached again within {self._policy.window:.0f} s.")
            if self._given_up is not None:  # a cancellation may get lost in a wait (Python 3.11, `wait_for`)
                raise self._given_up
            await asyncio.sleep(begun - loop.time())
            attempt += 1
            try:
                socket = await self._resume(received, outbox)
            except SessionLost:
                raise
            except HubUnreachable as error:
                logger.info("The link could not be resumed yet: %s", error.message)
            except Refused as error:
                if error.code is not ErrorCode.HUB_OVERLOADED:
                    raise
            else:
                self._opened_at = loop.time()
                self._short_lived += 1  # until it lasts
                return socket

    async def _resume(self, received: int, outbox: Outbox) -> LinkSocket:
        address = await self._find_address()
        if address.secret != self.address.secret:
            raise SessionLost("Another hub runs now.")
        try:
            socket = await _open(address, self._next_hello(received), RESUME_TIMEOUT)
        except Unauthorized as error:
            raise SessionLost(error.message) from None  # ours let us in
        if not socket.welcome.resumed or not outbox.holds_since(socket.welcome.received):
            await socket.end()
            raise SessionLost("The hub does not know this session any more.")
        self.address = address
        return socket

    def _next_hello(self, received: int) -> protocol.Hello:
        self._attempts += 1
        wanted = protocol.Resume(self.welcome.session_id, self.welcome.resume_key, received, self._attempts)
        return protocol.Hello(protocol.PROTOCOL_VERSION, self._client, resumable=True, resume=wanted)

    async def say_farewell(self, received: int) -> None:
        """Resume the session once more, to end it; nobody looks for a hub for that."""
        try:
            socket = await _open(self.address, self._next_hello(received), FAREWELL_TIMEOUT)
        except ZegoError as error:
            logger.debug("The hub will end the session by itself: %s", error.message)
        else:
            await socket.end()


async def _open(address: Address, hello: protocol.Hello, timeout: float) -> LinkSocket:
    try:
        async with asyncio.timeout(timeout):
            return await LinkSocket.open(address, hello)
    except TimeoutError:
        raise unreachable(address.url, "it did not answer in time") from None
