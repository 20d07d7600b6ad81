"""The hub's end of one link: a WebSocket with a bounded queue in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from .. import protocol
from ..errors import ErrorCode

logger = logging.getLogger(__name__)

MAX_QUEUED_MESSAGES = 256
"""One event of a full room can mean a burst of messages, so this is more than a steady reader ever needs."""
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

    def receive(self, text: str) -> None: ...
    def link_closed(self) -> None: ...


class LinkSocket:
    """Sends for one session (`hub.session.LinkSender`) and reads for it, until either side closes."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._socket = socket
        self._transport = transport
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._queued_bytes = 0
        self._closing: tuple[int, str] | None = None

    def send(self, text: str) -> None:
        """Queue a message; a client that lets too much pile up is closed instead."""
        if self._closing is not None:
            return
        if self._queue.qsize() >= MAX_QUEUED_MESSAGES or self._queued_bytes + len(text) > MAX_QUEUED_BYTES:
            logger.warning("A client does not read its messages; its link is closed.")
            self._forget_queue()
            self.close(WSCloseCode.POLICY_VIOLATION, _TOO_SLOW)
            return
        self._queued_bytes += len(text)
        self._queue.put_nowait(text)

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued was sent, at the latest after `CLOSE_GRACE`."""
        if self._closing is not None:
            return
        self._closing = (code, reason)
        self._queue.put_nowait(None)
        asyncio.get_running_loop().call_later(CLOSE_GRACE, self._transport.abort)

    async def run(self, open_session: Callable[[], Receiver], handshake_timeout: float) -> None:
        """Serve the link until it is closed; the session begins with the first message."""
        writer = asyncio.create_task(self._write(), name="link writer")
        session: Receiver | None = None
        try:
            try:
                async with asyncio.timeout(handshake_timeout):
                    text = await self._receive()
            except TimeoutError:
                self.close(WSCloseCode.POLICY_VIOLATION, "The first message did not come in time.")
                await writer
                return
            if text is None:
                return
            session = open_session()
            count = 0
            while text is not None:
                session.receive(text)
                count += 1
                if count % READ_BURST == 0:
                    await asyncio.sleep(0)
                if self._queue.qsize() >= PAUSE_READING_AT:
                    await self._queue.join()
                text = await self._receive()
        finally:
            if session is not None:
                session.link_closed()
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
            if message.type is not WSMsgType.BINARY:
                return None
            self.send(
                protocol.encode(
                    protocol.Refused(None, ErrorCode.PROTOCOL_MALFORMED_MESSAGE, "A message is text, not binary data.")
                )
            )

    async def _write(self) -> None:
        """Send what is queued, then close."""
        try:
            while (text := await self._queue.get()) is not None:
                await self._socket.send_str(text)
                self._queued_bytes -= len(text)
                self._queue.task_done()
        except ConnectionError:
            # The client is gone. Whoever waits for the queue must not wait for ever.
            self._forget_queue()
            self._transport.abort()
            return
        code, reason = self._closing or (WSCloseCode.OK, "")
        # A close frame has room for 123 bytes of reason (RFC 6455 section 5.5).
        await self._socket.close(code=code, message=reason.encode()[:123])

    def _forget_queue(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
        self._queued_bytes = 0
