"""A client's link to the hub: one WebSocket, requests with their answers, events, and a sign of life."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import aiohttp
import msgspec

from . import protocol, wire
from .errors import (
    BadOffer,
    ErrorCode,
    HubUnreachable,
    InvalidArgument,
    Refused,
    RemoteProtocolError,
    Unauthorized,
    ZegoError,
)
from .retry import RetryPolicy

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
REQUEST_TIMEOUT = 10.0
SILENT_HEARTBEATS = 3
"""Heartbeats in a row that the hub may leave without any message before it is taken for gone."""

DEFAULT_POLICY = RetryPolicy()

Request = protocol.ClientMessage
R = TypeVar("R", bound=protocol.Message)
OnEvent = Callable[[protocol.HubMessage], None]
OnClosed = Callable[[ZegoError], None]


class Address(Protocol):
    """Where a hub is and what lets a client in; `hub.discovery.HubAddress` is one."""

    @property
    def url(self) -> str: ...
    @property
    def secret(self) -> str: ...


FindAddress = Callable[[], Awaitable[Address]]
"""Says where the hub is now; raises `ZegoError` where there is none."""


def standing_at(address: Address) -> FindAddress:
    """The hub of an address that does not change."""

    async def find() -> Address:
        return address

    return find


class HubLink:
    """A link and its session; made by `connect`, ended by `aclose` or by the hub.

    It outlives its sockets: when one breaks, `on_interrupted` is called, requests wait, and further sockets are opened
    by the retry policy. When one resumes the session, `on_resumed` is called and what either side has missed is sent,
    so that each message and each answer has come exactly once and in order. `on_closed` is called instead with
    `SessionLost` where a hub answers that does not know the session, with `HubUnreachable` when the policy's window
    is over, and with the hub's reason after its goodbye.

    Callbacks run on the loop that connected. `on_closed` is called at most once, and not for our own `aclose`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
        welcome: protocol.Welcome,
        on_event: OnEvent,
        on_closed: OnClosed,
    ) -> None:
        self.welcome = welcome
        self._session = session
        self._socket = socket
        self._on_event = on_event
        self._on_closed = on_closed
        self._pending: dict[int, asyncio.Future[protocol.Message]] = {}
        self._last_request_id = 0
        self._closed: ZegoError | None = None
        self._heard = 0
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._beat()))

    @classmethod
    async def connect(
        cls,
        find_address: FindAddress,
        *,
        client: str,
        on_event: OnEvent,
        on_closed: OnClosed,
        on_interrupted: OnClosed = lambda error: None,
        on_resumed: Callable[[], None] = lambda: None,
        policy: RetryPolicy = DEFAULT_POLICY,
    ) -> HubLink:
        """Open a link and greet the hub; `find_address` is called now and before each attempt to resume.

        Raises what `find_address` does, `HubUnreachable` where no hub answers, `Unauthorized` where it does not let us
        in and `Refused` where it does not want us (another protocol version).
        """
        address = await find_address()
        session = aiohttp.ClientSession()
        socket: aiohttp.ClientWebSocketResponse | None = None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                socket = await session.ws_connect(
                    f"{address.url.rstrip('/')}/v1/link",
                    headers={"Authorization": f"Bearer {address.secret}"},
                    max_msg_size=protocol.MAX_MESSAGE_BYTES,
                )
                await socket.send_str(wire.encode(protocol.Hello(protocol.PROTOCOL_VERSION, client)))
                welcome = await _welcome(socket)
        except aiohttp.WSServerHandshakeError as error:
            await session.close()
            # Not from `error`: it carries the request, and so the secret.
            raise _turned_away(address.url, error.status) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await session.close()
            raise _unreachable(address.url, error) from None
        except BaseException:
            if socket is not None:
                await _close(socket)
            await session.close()
            raise
        return cls(session, socket, welcome, on_event, on_closed)  # to come: resuming

    @property
    def session_id(self) -> str:
        """What the hub calls this link's session."""
        return self.welcome.session_id

    async def request(self, message: Request, answer: type[R]) -> R:
        """Send a request and wait for its answer; the link numbers it, whatever `request_id` it has.

        Raises `Refused` (or `BadOffer`, `Unauthorized`) with the hub's code, `HubUnreachable` when the link goes
        or the hub does not answer in time, `InvalidArgument` for what cannot be sent.
        """
        if self._closed is not None:
            raise self._closed
        self._last_request_id += 1
        request_id = self._last_request_id
        text = _encode(msgspec.structs.replace(message, request_id=request_id))
        future: asyncio.Future[protocol.Message] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = future
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                await self._send(text)
                reply = await future
        except TimeoutError:
            raise HubUnreachable(f"The hub did not answer within {REQUEST_TIMEOUT:.0f} s.") from None
        finally:
            self._pending.pop(request_id, None)
            if future.done() and not future.cancelled():
                future.exception()  # retrieved, even where sending failed first
        if not isinstance(reply, answer):
            raise RemoteProtocolError(
                f"The hub answered {type(message).__name__} with {type(reply).__name__}.",
                ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE,
            )
        return reply

    async def aclose(self) -> None:
        """Close the link and everything it owns; what is pending fails with `HubUnreachable`."""
        self._fail(HubUnreachable("The link to the hub was closed."))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._release()

    async def _release(self) -> None:
        await _close(self._socket)
        await self._session.close()

    async def _send(self, text: str) -> None:
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise self._closed or HubUnreachable("The connection to the hub was lost.") from error

    async def _read(self) -> None:
        reason: ZegoError | None = None
        try:
            async for frame in self._socket:
                self._heard += 1
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    continue
                message = self._decode(frame.data)
                if isinstance(message, protocol.Goodbye):
                    reason = refusal(message.code, message.message)
                if message is not None:
                    self._take(message)
        except (aiohttp.ClientError, OSError) as error:
            logger.debug("The link broke: %s", error)
        await self._gone(reason or HubUnreachable("The connection to the hub was lost."))

    def _decode(self, data: str) -> protocol.HubMessage | None:
        try:
            return wire.decode_hub(data)
        except wire.MalformedMessage as error:
            # A newer hub may say more than we know; an answer that we cannot read fails its request.
            logger.warning("Ignored a message of the hub: %s", error)
            waiting = self._pending.get(error.request_id) if error.request_id is not None else None
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
            return None

    def _take(self, message: protocol.HubMessage) -> None:
        request_id: int | None = getattr(message, "request_id", None)
        if request_id is not None or isinstance(message, protocol.Refused):
            waiting = self._pending.get(request_id) if request_id is not None else None
            if waiting is None or waiting.done():
                logger.debug("An answer that nobody waits for: %s", type(message).__name__)
            elif isinstance(message, protocol.Refused):
                waiting.set_exception(refusal(message.code, message.message))
            else:
                waiting.set_result(message)
        elif not isinstance(message, protocol.HeartbeatAck):
            try:
                self._on_event(message)
            except Exception:
                # The link outlives a bug in what listens to it.
                logger.exception("An event of the hub could not be handled")

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        silent, heard = 0, -1
        # Counted in heartbeats, not in seconds: a process that stood still has not given the hub a chance to answer.
        while silent < SILENT_HEARTBEATS:
            with contextlib.suppress(HubUnreachable):
                await self._send(wire.encode(protocol.Heartbeat(loop.time())))
            await asyncio.sleep(self.welcome.heartbeat_interval)
            silent = silent + 1 if self._heard == heard else 0
            heard = self._heard
        seconds = SILENT_HEARTBEATS * self.welcome.heartbeat_interval
        await self._gone(HubUnreachable(f"The hub has said nothing for {seconds:.0f} s."))

    async def _gone(self, error: ZegoError) -> None:
        if self._closed is not None:
            return
        self._fail(error)
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._on_closed(error)
        await self._release()

    def _fail(self, error: ZegoError) -> None:
        self._closed = self._closed or error
        for future in self._pending.values():
            if not future.done():
                future.set_exception(error)


def refusal(code: int, message: str) -> ZegoError:
    """The exception for a refusal that arrived over the wire."""
    kinds: dict[int, type[ZegoError]] = {
        ErrorCode.HUB_UNAUTHORIZED: Unauthorized,
        ErrorCode.MEDIA_BAD_OFFER: BadOffer,
    }
    return kinds.get(code, Refused).from_code(code, message)


async def _close(socket: aiohttp.ClientWebSocketResponse) -> None:
    # A hub that has stopped reading must not keep us: the close handshake gets a second.
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        await asyncio.wait_for(socket.close(), 1.0)


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


def _encode(message: Any) -> str:
    try:
        text = wire.encode(message)
    except ValueError as error:  # a lone surrogate in some text
        raise InvalidArgument(f"The message cannot be sent: {error}.", ErrorCode.PROTOCOL_MALFORMED_MESSAGE) from error
    if len(text.encode()) > protocol.MAX_MESSAGE_BYTES:
        raise InvalidArgument(
            f"A message may have {protocol.MAX_MESSAGE_BYTES} bytes.", ErrorCode.PROTOCOL_MALFORMED_MESSAGE
        )
    return text


def _turned_away(url: str, status: int) -> ZegoError:
    if status in (401, 403):
        return Unauthorized(
            f"The hub at {url} does not accept our secret; it may have been started by someone else."
            " `zego-widget stop` ends it, the next call starts a new one."
        )
    if status == 503:
        return Refused(f"The hub at {url} takes no more links.", ErrorCode.HUB_OVERLOADED)
    return HubUnreachable(f"What answers at {url} is not a hub of this version (HTTP status {status}).")


def _unreachable(url: str, error: BaseException) -> HubUnreachable:
    detail = "it did not answer in time" if isinstance(error, TimeoutError) else type(error).__name__
    return HubUnreachable(f"No hub answers at {url} ({detail}). It may just have stopped; press Start call again.")
