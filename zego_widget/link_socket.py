"""One WebSocket to the hub, from the greeting to its end; a link has one after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from socket import SHUT_RDWR
from typing import Protocol

import aiohttp

from . import protocol, wire
from .errors import (
    BadOffer,
    ErrorCode,
    HubStopped,
    HubUnreachable,
    Refused,
    RemoteProtocolError,
    SessionLost,
    Unauthorized,
    ZegoError,
)
from .way_out import WayOut


class Address(Protocol):
    """Where a hub is and what lets a client in; `hub.discovery.HubAddress` is one."""

    @property
    def url(self) -> str: ...
    @property
    def secret(self) -> str: ...


class LinkSocket:
    """An open WebSocket after hello and welcome; made by `open`."""

    def __init__(
        self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, welcome: protocol.Welcome
    ) -> None:
        self.welcome = welcome
        self._session = session
        self._socket = socket
        self._ending = False
        host, port = (socket.get_extra_info("peername") or ("", 0))[:2]
        self.way_out = WayOut(str(host), int(port))

    @classmethod
    async def open(cls, address: Address, hello: protocol.Hello) -> LinkSocket:
        """Connect and greet the hub, however long that takes.

        Raises `HubUnreachable` where no hub answers, `Unauthorized` where it does not let us in and `Refused` where it
        does not want us (another protocol version).
        """
        session = aiohttp.ClientSession()
        socket: aiohttp.ClientWebSocketResponse | None = None
        try:
            socket = await session.ws_connect(
                f"{address.url.rstrip('/')}/v1/link",
                headers={"Authorization": f"Bearer {address.secret}"},
                max_msg_size=protocol.MAX_MESSAGE_BYTES,
            )
            await socket.send_str(wire.encode(hello))
            welcome = await _welcome(socket)
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            # Not from `error`: it carries the request, and so the secret.
            raise _turned_away(address.url, error.status) from None
        except BaseException as error:
            if socket is not None:
                await _close(socket, protocol.SOCKET_GIVEN_UP)
            await session.close()
            if isinstance(error, aiohttp.ClientError | OSError) and not isinstance(error, ZegoError):
                raise unreachable(address.url, type(error).__name__) from None
            raise
        return cls(session, socket, welcome)

    @property
    def was_replaced(self) -> bool:
        """Whether the hub has closed it because another socket goes on with the session."""
        return self._socket.close_code == protocol.SOCKET_REPLACED

    async def send(self, text: str) -> None:
        """Send a message; raises `HubUnreachable` where the socket is broken."""
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise HubUnreachable("The connection to the hub was lost.") from error

    async def texts(self) -> AsyncIterator[str | None]:
        """What the hub says, None for a frame that is no message; ends with the socket."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async for frame in self._socket:
                yield frame.data if frame.type is aiohttp.WSMsgType.TEXT else None
                if self._ending:  # what reads on would take the end from who waits for it
                    return

    async def end(self) -> None:
        """Close, and end the session with it."""
        self._ending = True
        try:
            await _close(self._socket, protocol.SESSION_ENDED)
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """Let go of a socket that is broken; the session may be resumed."""
        # Else what was still to be sent would be waited for, as long as TCP has hope.
        with contextlib.suppress(OSError, AttributeError):  # it is closed already
            self._socket.get_extra_info("socket").shutdown(SHUT_RDWR)
        await self._session.close()
        await _close(self._socket, protocol.SOCKET_GIVEN_UP)  # nobody hears it any more; it frees the connection


def refusal(code: int, message: str) -> ZegoError:
    """The exception for a refusal that arrived over the wire."""
    kinds: dict[int, type[ZegoError]] = {
        ErrorCode.HUB_UNAUTHORIZED: Unauthorized,
        ErrorCode.HUB_STOPPING: HubStopped,
        ErrorCode.MEDIA_BAD_OFFER: BadOffer,
    }
    return kinds.get(code, Refused).from_code(code, message)


def farewell(goodbye: protocol.Goodbye) -> ZegoError:
    """Why a hub has ended a session: `SessionLost` where there is nothing against another."""
    kinds = (ErrorCode.ROOM_SESSION_EXCEPTION_KICKED_OUT, ErrorCode.ROOM_DISCONNECT)
    kind = SessionLost.from_code if goodbye.code in kinds else refusal
    return kind(goodbye.code, goodbye.message)


async def _close(socket: aiohttp.ClientWebSocketResponse, code: int) -> None:
    # A hub that has stopped reading must not keep us: the close handshake gets a second.
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        await asyncio.wait_for(socket.close(code=code), 1.0)


async def _welcome(socket: aiohttp.ClientWebSocketResponse) -> protocol.Welcome:
    frame = await socket.receive()
    if frame.type is not aiohttp.WSMsgType.TEXT:
        raise HubUnreachable("The hub closed the connection instead of greeting back.")
    message = wire.decode_hub(frame.data)
    if isinstance(message, protocol.Refused | protocol.Goodbye):
        raise refusal(message.code, message.message)
    if not isinstance(message, protocol.Welcome):
        raise RemoteProtocolError(
            f"The hub greeted with {type(message).__name__}.", ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE
        )
    return message


def _turned_away(url: str, status: int) -> ZegoError:
    if status in (401, 403):
        return Unauthorized(
            f"The hub at {url} does not accept our secret; it may have been started by someone else."
            " `zego-widget stop` ends it, the next call starts a new one."
        )
    if status == 503:
        return Refused(f"The hub at {url} takes no more links.", ErrorCode.HUB_OVERLOADED)
    return HubUnreachable(f"What answers at {url} is not a hub of this version (HTTP status {status}).")


def unreachable(url: str, detail: str) -> HubUnreachable:
    """The error for an address where nothing answers."""
    return HubUnreachable(f"No hub answers at {url} ({detail}). It may just have stopped: try again.")
