"""Fresh offers after the media connection broke; there is no other way of repair."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable

from ..errors import ZegoError
from ..retry import RetryPolicy
from .core import Core
from .login import left_error
from .rooms import Rooms

logger = logging.getLogger(__name__)

STEADY = 10.0
"""Seconds that a connection has to last for the next one that breaks to be mended at once."""


class Mending:
    """One series of attempts at a time, by the retry policy, until one succeeds or the room is left.

    `connect` makes an attempt; `given_up` is called with the reason when the policy's window is over.
    """

    def __init__(
        self,
        core: Core,
        rooms: Rooms,
        policy: RetryPolicy,
        connect: Callable[[], Awaitable[object]],
        given_up: Callable[[ZegoError], None],
    ) -> None:
        self._core = core
        self._rooms = rooms
        self._policy = policy
        self._connect = connect
        self._given_up = given_up
        self._task: asyncio.Task[None] | None = None
        # Attempts since a connection lasted, and when the last one succeeded.
        self._attempts = 0
        self._mended_at = -STEADY
        # Set when the hub is reached again: an attempt is worth while now.
        self._hurry = asyncio.Event()
        # The attempt under way.
        self._attempt: asyncio.Timeout | None = None
        rooms.on_interrupted.append(self._reached_again)
        rooms.on_session_lost.append(self._session_lost)

    @property
    def under_way(self) -> bool:
        """Whether there will be another attempt."""
        return self._task is not None

    def begin(self, error: ZegoError) -> None:
        """The connection broke, with this reason."""
        if self._task is None:
            self._hurry.clear()
            if asyncio.get_running_loop().time() - self._mended_at >= STEADY:
                self._attempts = 0
            self._task = self._core.spawn(self._run(error))

    async def done(self) -> None:
        """Wait for the end of the attempts, good or not; raises `ZegoError` where the room is left."""
        task, login = self._task, self._rooms.login_now
        if task is not None:
            await asyncio.wait([task])
        if login is None or login is not self._rooms.login_now:
            raise left_error()

    async def stop(self) -> None:
        """The room is left: no more attempts."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _reached_again(self) -> None:
        if not self._rooms.reconnecting:
            self._hurry.set()

    def _session_lost(self, error: ZegoError) -> None:
        """What was offered to it leads nowhere any more."""
        if self._attempt is not None and not self._attempt.expired():
            self._attempt.reschedule(asyncio.get_running_loop().time())

    async def _run(self, error: ZegoError) -> None:
        try:
            async with asyncio.timeout(self._policy.window):
                await self._mend()
        except TimeoutError:
            self._task = None
            self._given_up(error)
        except ZegoError as left:
            logger.debug("Nothing is mended any more: %s", left)
        except Exception:
            logger.exception("The media connection could not be mended")
            self._task = None
            self._given_up(error)
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _mend(self) -> None:
        while True:
            await self._pause(self._policy.delay(self._attempts, random.random()))
            self._attempts += 1
            login = await self._rooms.entered()
            session = login.link
            try:
                async with asyncio.timeout(None) as self._attempt:
                    await self._connect()
            except (ZegoError, TimeoutError) as error:
                if login is not self._rooms.login_now:
                    raise left_error() from error
                logger.info("The media connection could not be mended yet: %s", error)
                if login.link is not session:
                    self._attempts = 0
            else:
                self._mended_at = asyncio.get_running_loop().time()
                return
            finally:
                self._attempt = None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        self._hurry.clear()
