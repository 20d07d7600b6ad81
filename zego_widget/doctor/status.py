"""The status of a hub of whatever version, asked over HTTP."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import aiohttp
import msgspec

from ..credentials import App
from ..errors import HubUnreachable
from .hub import HttpAnswer

_TIMEOUT = 5.0
_MAX_BODY = 1 << 20


class Target(msgspec.Struct, frozen=True):
    """A hub to visit. `repr` keeps the secret to itself."""

    url: str
    secret: str = ""
    """ "" where there is none to show."""
    app: App | None = None

    def __repr__(self) -> str:
        return f"Target(url={self.url!r})"


class _Status(msgspec.Struct):
    """What a hub of any version says of itself."""

    version: str
    protocol: int
    pid: int | None = None
    time: float | None = None
    managed: bool = False
    sessions: int = 1


async def ask(target: Target) -> HttpAnswer:
    """The answer to a request for the hub's status; raises `HubUnreachable`."""
    headers = {"Authorization": f"Bearer {target.secret}"} if target.secret else {}
    before = time.time()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT)) as session,
            session.get(f"{target.url}/v1/status", headers=headers, allow_redirects=False) as response,
        ):
            body = await response.content.read(_MAX_BODY)
            after, code, date = time.time(), response.status, response.headers.get("Date", "")
    except TimeoutError:
        raise HubUnreachable(f"it did not answer within {_TIMEOUT:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:  # without its request, and so the secret
        raise HubUnreachable(_plain(error)) from None
    status = _status(body) if code == 200 else None
    middle, error_of_clock = (before + after) / 2, (after - before) / 2
    hub_time = status.time if status is not None else None
    if hub_time is None:
        hub_time, error_of_clock = _date(date), error_of_clock + 1.0
    ahead = None if hub_time is None else hub_time - middle
    if status is None:
        return HttpAnswer(code, clock_ahead=ahead, clock_error=error_of_clock)
    gives_way = status.managed and status.sessions == 0
    return HttpAnswer(code, status.version, status.protocol, status.pid, ahead, error_of_clock, gives_way)


async def upgrade_status(target: Target) -> int | None:
    """The HTTP status with which a WebSocket without a secret is refused; None if nothing comes back."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT)) as session,
            session.ws_connect(f"{target.url}/v1/link"),
        ):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status
    except (aiohttp.ClientError, OSError, ValueError):  # a timeout is an OSError
        return None


def _status(body: bytes) -> _Status | None:
    try:
        return msgspec.json.decode(body, type=_Status)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError):
        return None


def _plain(error: BaseException) -> str:
    reason = getattr(error, "os_error", error)
    return (getattr(reason, "strerror", None) or type(error).__name__).lower()
