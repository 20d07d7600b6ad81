"""A visit to a hub: a link, a login to a room of its own, and a peer on each transport."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from .. import protocol
from .._version import version
from ..credentials import App
from ..errors import HubUnreachable, InvalidArgument, ZegoError
from ..hub import discovery
from ..link import HubLink
from ..model import User
from ..retry import RetryPolicy
from .media import PathFacts, Transport
from .probe import probe
from .status import Target

_ONCE = RetryPolicy(window=0.0)
_GONE_TIMEOUT = 5.0


class Visit:
    """A link of our own to a hub; made by `visit`."""

    def __init__(self, link: HubLink, app: App | None) -> None:
        self._link = link
        self._app = app
        self._room_id = f"zego-doctor-{secrets.token_hex(8)}"

    async def log_in(self) -> None:
        """Enter a room that nobody else is in; raises `ZegoError`."""
        assert self._app is not None
        user_id = f"doctor-{secrets.token_hex(4)}"
        credential = self._app.credential(self._link.session_id, self._room_id, user_id)
        login = protocol.LoginRoom(0, self._room_id, User(user_id), credential=credential)
        await self._link.request(login, protocol.LoggedIn)

    async def connect(self, transport: Transport) -> PathFacts:
        """Connect a peer over one transport and take it down again."""
        peer_id = f"doctor-{transport}"

        async def answer_to(sdp: str) -> str:
            offer = protocol.Offer(0, peer_id, sdp, capture="never")
            return (await self._link.request(offer, protocol.Answer)).sdp

        facts = await probe(transport, answer_to)
        with contextlib.suppress(ZegoError):  # gone by itself
            await self._link.request(protocol.ClosePeer(0, peer_id), protocol.Done)
        return facts

    async def aclose(self) -> None:
        """Leave; the room goes with its only user."""
        await self._link.aclose()


@contextlib.asynccontextmanager
async def visit(target: Target) -> AsyncIterator[Visit]:
    """Open a link; raises `ZegoError`."""

    async def find() -> Target:
        return target

    link = await HubLink.connect(
        find, client=f"zego-widget doctor {version()}", on_event=_ignore, on_closed=_ignore, policy=_ONCE
    )
    visit = Visit(link, target.app)
    try:
        yield visit
    finally:
        await visit.aclose()


@contextlib.asynccontextmanager
async def hub_of_our_own() -> AsyncIterator[Target]:
    """A hub that nobody else can find, ended again afterwards; raises `ZegoError` where none can be started."""
    directory = Path(tempfile.mkdtemp(prefix="zego-doctor-"))
    try:
        address = await discovery.find_or_start(directory)
        try:
            yield Target(address.url, address.secret, address.app)
        finally:
            with contextlib.suppress(HubUnreachable):
                await discovery.ask(address, "POST", "/v1/stop")
                await _gone(address)
    finally:
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


def named_target(url: str, secret_file: Path | None, app: App | None) -> Target:
    """A hub somewhere, with the secret of a file: `hub.json` as a hub writes it, or the secret alone.

    Raises `InvalidArgument` and `Unauthorized`.
    """
    if not url.startswith(("http://", "https://")):
        raise InvalidArgument("The address of a hub begins with http:// or https://.")
    url = url.rstrip("/")
    if secret_file is None:
        return Target(url, "", app)
    data = discovery.read_private(secret_file)
    if data is None:
        raise InvalidArgument(f"There is no file {secret_file}.")
    try:
        found = msgspec.json.decode(data, type=discovery.HubAddress)
    except (msgspec.DecodeError, UnicodeError):
        secret = data.strip().decode("ascii", "replace")
        if not secret.isascii() or not secret.isprintable() or not secret:
            raise InvalidArgument(f"{secret_file} holds no secret of a hub.") from None
        return Target(url, secret, app)
    return Target(url, found.secret, app or found.app)


async def _gone(address: discovery.HubAddress) -> None:
    deadline = asyncio.get_running_loop().time() + _GONE_TIMEOUT
    while asyncio.get_running_loop().time() < deadline:
        if await discovery.ask(address) is None and not discovery.runs(address.pid):
            return
        await asyncio.sleep(0.02)


def _ignore(news: object) -> None:
    """A visitor asks, and listens to nothing else."""
