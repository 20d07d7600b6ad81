"""TCP connections to the hub's HTTP port, and how many of them may wait without having shown the secret."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import web

from ..errors import ErrorCode
from .guard import refusal
from .refusals import Refusal, Refusals

logger = logging.getLogger(__name__)

MAX_WAITING = 128


class Doorstep:
    """Connections that have shown no secret yet, oldest first.

    Whoever comes with the secret is let in within milliseconds. So when there are too many it is the one that
    waits longest that has to go, and a crowd of silent connections keeps nobody out. `patience` is the most
    seconds one may wait, however busy it is sending bits of a request.
    """

    def __init__(self, patience: float, refusals: Refusals, max_waiting: int = MAX_WAITING) -> None:
        self._patience = patience
        self._max_waiting = max_waiting
        self.refusals = refusals
        self._waiting: dict[Connection, asyncio.TimerHandle] = {}
        self.connections = 0
        self.turned_away = 0

    def arrive(self, connection: Connection) -> None:
        self.connections += 1
        loop = asyncio.get_running_loop()
        self._waiting[connection] = loop.call_later(self._patience, self._turn_away, connection, Refusal.HTTP_SILENT)
        if len(self._waiting) > self._max_waiting:
            self._turn_away(next(iter(self._waiting)), Refusal.HTTP_CROWD)

    def admit(self, connection: Connection) -> None:
        timer = self._waiting.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def leave(self, connection: Connection) -> None:
        self.connections -= 1
        self.admit(connection)

    def _turn_away(self, connection: Connection, refusal: Refusal) -> None:
        self.admit(connection)
        self.refusals.count(refusal)
        self.turned_away += 1
        connection.force_close()


class Connection(web.RequestHandler):
    """One HTTP connection; garbage on it is answered, not logged."""

    __slots__ = ("_doorstep", "_here")

    def __init__(self, server: web.Server, doorstep: Doorstep, **options: Any) -> None:
        super().__init__(server, **options)
        self._doorstep = doorstep
        self._here = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._here = True
        self._doorstep.arrive(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._here:
            self._here = False
            self._doorstep.leave(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        self._doorstep.refusals.count(Refusal.HTTP_FAULT if status >= 500 else Refusal.HTTP_MALFORMED)
        if status >= 500:
            logger.error("A request failed: %s %s", request.method, _loggable(request.path), exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("The response has begun; there is no room for another.")
        if status >= 500:
            return refusal(status, ErrorCode.COMMON_ILLEGAL_PARAM, "The hub failed at this request; its log says why.")
        return refusal(status, ErrorCode.PROTOCOL_MALFORMED_MESSAGE, "This is not an HTTP request.")


def _loggable(path: str) -> str:
    """As much of a path as tells what was asked for: further on there are IDs that nobody else may know."""
    return "/".join(path.split("/")[:3])
