"""The hub's end of one link: a WebSocket with a bounded queue in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from aiohttp import ClientError, WebSocketError, WSCloseCode, WSMessage, WSMsgType, web

from .. import protocol, wire
from ..errors import ErrorCode
from .refusals import Refusal, Refusals
from .token_bucket import STRAY_BURST, STRAY_RATE, TokenBucket

logger = logging.getLogger(__name__)

MAX_QUEUED_MESSAGES = 4096
"""More than a steady reader ever needs: when a process with hundreds of users dies, each of the others hears of all
of them, their streams and their users, before its writer has a turn. What a slow one costs is bounded by the bytes."""
MAX_QUEUED_BYTES = 4 << 20
PAUSE_READING_AT = 16
"""With this many messages unsent the client is not read: who floods waits for the answers first."""
READ_BURST = 32
"""Messages of one link in a row before everybody else gets a turn."""
CLOSE_GRACE = 1.0
"""Seconds a client has to take what is still queued once the hub closes."""

_TOO_SLOW = "The link takes messages too slowly."


class Receiver(Protocol):
    """What a link delivers to; the hub's `Session`."""

    def receive(self, text: str) -> float: ...
    def send(self, message: protocol.Message) -> None: ...
    def link_closed(self, socket: LinkSocket, *, may_return: bool) -> None: ...


def _too_big(error: object) -> bool:
    return isinstance(error, WebSocketError) and error.code == WSCloseCode.MESSAGE_TOO_BIG


def _ends(message: WSMessage) -> bool:
    """Whether a client wanted to end its link, or broke the rules of WebSocket; else its connection was lost."""
    if message.type is WSMsgType.CLOSE:
        return bool(message.data == protocol.SESSION_ENDED)
    return message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError)


class LinkWebSocket(web.WebSocketResponse):
    """A WebSocket of messages up to `protocol.MAX_MESSAGE_BYTES`, uncompressed: what is small can not inflate.

    After a message that is too large the connection stays open for a moment: closing a socket with data unread
    resets it (RFC 9293 section 3.10.4), and the client, still sending, would never see the code 1009.
    """

    def __init__(self) -> None:
        # aiohttp refuses from this size on.
        # A ping is answered by whoever counts it.
        super().__init__(
            compress=False, max_msg_size=protocol.MAX_MESSAGE_BYTES + 1, timeout=CLOSE_GRACE, autoping=False
        )

    def _close_transport(self) -> None:
        if not _too_big(self.exception()):
            super()._close_transport()


class LinkSocket:
    """Sends for one session (`hub.session_link.LinkSender`) and reads for it, until either side closes."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport, refusals: Refusals) -> None:
        self._socket = socket
        self._transport = transport
        self._refusals = refusals
        self._session: Receiver | None = None
        self._queue: deque[str] = deque()
        self._queued_bytes = 0
        self._closing: tuple[int, str] | None = None
        # Whether either side wanted the end; else the socket broke.
        self._ended = False
        self._wake_writer = asyncio.Event()
        self._stray = TokenBucket(STRAY_RATE, STRAY_BURST)
        self._may_read = asyncio.Event()
        self._may_read.set()

    def send(self, text: str) -> None:
        """Queue a message; a client that lets too much pile up is closed instead."""
        if self._closing is not None:
            return
        if len(self._queue) >= MAX_QUEUED_MESSAGES or self._queued_bytes + len(text) > MAX_QUEUED_BYTES:
            logger.warning("A client does not read its messages; its link is closed.")
            self._refusals.count(Refusal.LINK_SLOW_READER)
            self._empty_queue()
            self.close(WSCloseCode.POLICY_VIOLATION, _TOO_SLOW)
            return
        self._queued_bytes += len(text)
        self._queue.append(text)
        if len(self._queue) >= PAUSE_READING_AT:
            self._may_read.clear()
        self._wake_writer.set()

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued was sent, at the latest after `CLOSE_GRACE`."""
        self._ended = True  # of a socket that broke as well: what it still has is not taken any more
        if self._closing is not None:
            return
        self._closing = (code, reason)
        self._wake_writer.set()
        asyncio.get_running_loop().call_later(CLOSE_GRACE, self._transport.abort)

    async def run(self, greet: Callable[[str], Receiver], handshake_timeout: float) -> None:
        """Serve the link until it is closed; `greet` takes the first message and says who takes the others."""
        writer = asyncio.create_task(self._write(), name="link writer")
        try:
            try:
                async with asyncio.timeout(handshake_timeout):
                    text = await self._receive()
            except TimeoutError:
                self._refusals.count(Refusal.LINK_SILENT)
                self.close(WSCloseCode.POLICY_VIOLATION, "The first message did not come in time.")
                return
            if text is None:
                return
            session = self._session = greet(text)
            count = 1
            while (text := await self._receive()) is not None:
                # After the end what was on its way is for nobody, or comes again over another socket.
                pause = 0.0 if self._ended else session.receive(text)
                count += 1
                if pause or count % READ_BURST == 0:
                    await asyncio.sleep(pause)
                await self._may_read.wait()
        finally:
            if self._session is not None:
                self._session.link_closed(self, may_return=not self._ended)
            if self._closing is None:  # else it ends by itself, with the close frame
                writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    async def _receive(self) -> str | None:
        """The next message; None when the link is closed."""
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.TEXT:
                text: str = message.data
                return text
            if message.type is WSMsgType.ERROR and _too_big(message.data):
                self._refusals.count(Refusal.LINK_OVERSIZED)
                await asyncio.sleep(CLOSE_GRACE)  # what still arrives is thrown away
            if message.type not in (WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG):
                self._ended |= _ends(message)
                return None
            await self._answer_stray(message)
            if pause := self._stray.spend(asyncio.get_running_loop().time()):
                self._refusals.count(Refusal.LINK_SLOWED)
            await asyncio.sleep(pause)

    async def _answer_stray(self, message: WSMessage) -> None:
        """A frame that is no message is answered, and not passed on."""
        if message.type is WSMsgType.BINARY:
            self._refusals.count(Refusal.LINK_BINARY)
            sentence = "A message is text, not binary data."
            refused = protocol.Refused(None, ErrorCode.PROTOCOL_MALFORMED_MESSAGE, sentence)
            if self._session is not None:
                self._session.send(refused)  # which counts what the client counts
            else:
                self.send(wire.encode(refused))
        elif message.type is WSMsgType.PING:
            with contextlib.suppress(ConnectionError, ClientError):  # the client is gone; the next read says so
                await self._socket.pong(message.data)

    async def _write(self) -> None:
        """Send what is queued, then close."""
        try:
            while self._queue or self._closing is None:
                if not self._queue:
                    self._wake_writer.clear()
                    await self._wake_writer.wait()
                    continue
                text = self._queue.popleft()
                self._queued_bytes -= len(text)
                await self._socket.send_str(text)
                if len(self._queue) < PAUSE_READING_AT:
                    self._may_read.set()
            code, reason = self._closing
            # A close frame has room for 123 bytes of reason (RFC 6455 section 5.5).
            await self._socket.close(code=code, message=reason.encode()[:123])
        except (ConnectionError, ClientError):  # the client is gone
            self._transport.abort()
        finally:
            # Nothing is sent any more, so nobody may wait for it.
            self._closing = self._closing or (WSCloseCode.ABNORMAL_CLOSURE, "")
            self._empty_queue()

    def _empty_queue(self) -> None:
        self._queue.clear()
        self._queued_bytes = 0
        self._may_read.set()
