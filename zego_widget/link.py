"""A client's link to the hub: one session over one socket after the other; requests with their answers, and events."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from . import protocol, wire
from .errors import (
    ErrorCode,
    HubUnreachable,
    InvalidArgument,
    RemoteProtocolError,
    SessionLost,
    ZegoError,
)
from .link_socket import Address as Address
from .link_socket import LinkSocket, farewell, refusal
from .outbox import Inbox, Outbox
from .reconnection import FindAddress as FindAddress
from .reconnection import Reconnection
from .reconnection import standing_at as standing_at
from .retry import RetryPolicy

logger = logging.getLogger(__name__)

REQUEST_TIMEOUT = 10.0
ANSWER_TIME = 3.0
"""Seconds without any message that make us ask again, after a heartbeat."""
SECOND_ANSWER_TIME = 1.0
"""Seconds that the hub gets then. A process that stood still has not listened, so nobody is given up at once."""
LOOK_INTERVAL = 0.5
"""Seconds between two looks whether the network is still the same."""
DEFAULT_POLICY = RetryPolicy()

Request = protocol.ClientMessage
R = TypeVar("R", bound=protocol.Message)
OnEvent = Callable[[protocol.HubMessage], None]
OnClosed = Callable[[ZegoError], None]

_UNCOUNTED = (protocol.Welcome, protocol.HeartbeatAck, protocol.Received)


@dataclass(eq=False, slots=True)
class _Waiting:
    """A request without an answer yet; its time runs while there is a socket."""

    answer: asyncio.Future[protocol.Message]
    time: asyncio.Timeout


class HubLink:
    """A link and its session; made by `connect`, ended by `aclose` or by the hub.

    It outlives its sockets: when one breaks, `on_interrupted` is called, requests wait, and further sockets are opened
    by the retry policy. When one resumes the session, `on_resumed` is called and what either side has missed is sent,
    so that each message and each answer has come exactly once and in order. `on_closed` is called instead with
    `SessionLost` where a hub answers that does not know the session (`HubStopped` where it says goodbye because it is
    stopped), with `HubUnreachable` when the policy's window is over, and with `Refused` where the hub does not want us.

    Callbacks run on the loop that connected. `on_closed` is called at most once, and not for our own `aclose`.
    """

    def __init__(
        self,
        reconnection: Reconnection,
        socket: LinkSocket,
        *,
        on_event: OnEvent,
        on_closed: OnClosed,
        on_interrupted: OnClosed,
        on_resumed: Callable[[], None],
    ) -> None:
        self._reconnection = reconnection
        self._on_event = on_event
        self._on_closed = on_closed
        self._on_interrupted = on_interrupted
        self._on_resumed = on_resumed
        self._socket: LinkSocket | None = socket
        self._outbox = Outbox()
        self._inbox = Inbox(protocol.ACKNOWLEDGE_EVERY)
        # What goes before the outbox, and is not sent again: heartbeats and acknowledgements.
        self._first: deque[str] = deque()
        self._to_write = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._pending: dict[int, _Waiting] = {}
        self._last_request_id = 0
        self._closed: ZegoError | None = None
        self._heard = 0
        self._running = asyncio.create_task(self._run(socket), name="link")

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
        reconnection, socket = await Reconnection.begin(find_address, client=client, policy=policy)
        return cls(
            reconnection,
            socket,
            on_event=on_event,
            on_closed=on_closed,
            on_interrupted=on_interrupted,
            on_resumed=on_resumed,
        )

    @property
    def address(self) -> Address:
        """Where the hub is, or was last."""
        return self._reconnection.address

    @property
    def welcome(self) -> protocol.Welcome:
        """What the hub said when it began the session."""
        return self._reconnection.welcome

    @property
    def session_id(self) -> str:
        """What the hub calls this link's session."""
        return self.welcome.session_id

    async def request(self, message: Request, answer: type[R]) -> R:
        """Send a request and wait for its answer; the link numbers it, whatever `request_id` it has.

        While the link is interrupted it waits, and its time does not run. Raises `Refused` (or `BadOffer`,
        `Unauthorized`) with the hub's code, `HubUnreachable` when the link ends or the hub does not answer in time,
        `InvalidArgument` for what cannot be sent.
        """
        if self._closed is not None:
            raise self._closed
        self._last_request_id += 1
        request_id = self._last_request_id
        text = _encode(msgspec.structs.replace(message, request_id=request_id))
        loop = asyncio.get_running_loop()
        waiting = _Waiting(loop.create_future(), asyncio.timeout(REQUEST_TIMEOUT if self._socket else None))
        try:
            async with waiting.time:
                self._pending[request_id] = waiting
                await self._post(text)
                reply = await waiting.answer
        except TimeoutError:
            raise HubUnreachable(f"The hub did not answer within {REQUEST_TIMEOUT:.0f} s.") from None
        finally:
            self._pending.pop(request_id, None)
            if waiting.answer.done() and not waiting.answer.cancelled():
                waiting.answer.exception()  # retrieved, even where it was given up first
        if not isinstance(reply, answer):
            raise RemoteProtocolError(
                f"The hub answered {type(message).__name__} with {type(reply).__name__}.",
                ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE,
            )
        return reply

    async def aclose(self) -> None:
        """Close the link and everything it owns; what is pending fails with `HubUnreachable`.

        The hub hears of it also while the link is broken, where it can be reached within two seconds: else the user
        would stay in the room until the heartbeat timeout.
        """
        is_over = self._closed is not None
        self._fail(HubUnreachable("The link to the hub was closed."))
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.end()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        if socket is None and not is_over:
            await self._reconnection.say_farewell(self._inbox.received)

    # -- sending --------------------------------------------------------------------------------------------

    async def _post(self, text: str) -> None:
        while not self._outbox.fits(text):
            self._acknowledged.clear()
            await self._acknowledged.wait()
            if self._closed is not None:
                raise self._closed
        self._outbox.append(text)
        self._to_write.set()

    def _say_first(self, message: protocol.Message) -> None:
        self._first.append(wire.encode(message))
        self._to_write.set()

    async def _write(self, socket: LinkSocket) -> None:
        """Send what there is to send; where that fails the reader hears of it, with all that the hub had to say."""
        sent = socket.welcome.received
        try:
            while True:
                while self._first or sent < self._outbox.last:
                    if self._first:
                        text = self._first.popleft()
                    else:
                        text = self._outbox.after(sent)
                        sent += 1
                    await socket.send(text)
                    if not socket.welcome.resume_key:  # it is never sent again
                        self._outbox.acknowledge(sent)
                        self._acknowledged.set()
                self._to_write.clear()
                await self._to_write.wait()
        except HubUnreachable as error:
            logger.debug("The link broke while something was sent: %s", error)

    async def _beat(self, socket: LinkSocket) -> ZegoError:
        """Give signs of life; returns when the hub gives none."""
        loop = asyncio.get_running_loop()
        interval = socket.welcome.heartbeat_interval
        answer_times = (min(ANSWER_TIME, interval), min(SECOND_ANSWER_TIME, interval))
        while True:
            heard, begun = self._heard, loop.time()
            for answer_time in answer_times:
                self._say_first(protocol.Heartbeat(begun))
                if self._inbox.is_news:
                    self._say_first(protocol.Received(self._inbox.tell()))
                await asyncio.sleep(answer_time)
                if self._heard != heard:
                    break
            else:
                return HubUnreachable(f"The hub has said nothing for {sum(answer_times):.0f} s.")
            await asyncio.sleep(begun + interval - loop.time())

    async def _watch_network(self, socket: LinkSocket) -> ZegoError:
        """Returns when this machine has another address; TCP would not notice for minutes."""
        while not socket.way_out.has_changed():  # noqa: ASYNC110 - the system sends no event
            await asyncio.sleep(LOOK_INTERVAL)
        self._reconnection.network_changed()
        return HubUnreachable("The network of this machine has changed.")

    # -- receiving ------------------------------------------------------------------------------------------

    async def _read(self, socket: LinkSocket) -> ZegoError:
        """Take what the hub says; returns why it says no more."""
        reason: ZegoError | None = None
        async for text in socket.texts():
            self._heard += 1
            if text is None:
                continue
            message = self._decode(text)
            if not isinstance(message, _UNCOUNTED):
                self._inbox.count()
                if self._inbox.is_due:
                    self._say_first(protocol.Received(self._inbox.tell()))
            if isinstance(message, protocol.Goodbye):
                reason = farewell(message)
            if message is not None:
                self._take(message)
        if socket.was_replaced:
            return reason or SessionLost("Another connection goes on with this session.")
        return reason or HubUnreachable("The connection to the hub was lost.")

    def _decode(self, data: str) -> protocol.HubMessage | None:
        try:
            return wire.decode_hub(data)
        except wire.MalformedMessage as error:
            # A newer hub may say more than we know; an answer that we cannot read fails its request.
            logger.warning("Ignored a message of the hub: %s", error)
            waiting = self._pending.get(error.request_id) if error.request_id is not None else None
            if waiting is not None and not waiting.answer.done():
                waiting.answer.set_exception(error)
            return None

    def _take(self, message: protocol.HubMessage) -> None:
        request_id: int | None = getattr(message, "request_id", None)
        if isinstance(message, protocol.Received):
            self._outbox.acknowledge(message.received)
            self._acknowledged.set()
        elif request_id is not None or isinstance(message, protocol.Refused):
            waiting = self._pending.get(request_id) if request_id is not None else None
            if waiting is None or waiting.answer.done():
                logger.debug("An answer that nobody waits for: %s", type(message).__name__)
            elif isinstance(message, protocol.Refused):
                waiting.answer.set_exception(refusal(message.code, message.message))
            else:
                waiting.answer.set_result(message)
        elif not isinstance(message, protocol.HeartbeatAck):
            self._tell(self._on_event, message)

    # -- sockets --------------------------------------------------------------------------------------------

    async def _run(self, socket: LinkSocket) -> None:
        try:
            await self._go_through_sockets(socket)
        except Exception:
            logger.exception("The link failed")
            self._finish(HubUnreachable("The link to the hub failed; the log says why."))
            last, self._socket = self._socket, None
            if last is not None:
                await last.end()

    async def _go_through_sockets(self, socket: LinkSocket) -> None:
        """One after the other, until the session is over."""
        while True:
            error = await self._serve(socket)
            if self._closed is not None:  # who closes the link ends the socket
                return
            over = not isinstance(error, HubUnreachable) or isinstance(error, SessionLost)
            if not over and not self.welcome.resume_key:
                over, error = True, SessionLost(error.message)  # the hub is older than resuming
            if over:
                self._finish(error)
                self._socket = None
                await socket.end()
                return
            self._socket = None
            await socket.abandon()
            self._pause(error)
            try:
                socket = await self._reconnection.reopen(self._inbox.received, self._outbox)
            except ZegoError as found:
                self._finish(found)
                return
            self._go_on(socket)

    async def _serve(self, socket: LinkSocket) -> ZegoError:
        """Read and write until the socket is of no more use; says why."""
        writing = asyncio.create_task(self._write(socket))
        others = [asyncio.create_task(each(socket)) for each in (self._read, self._beat, self._watch_network)]
        try:
            done, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
            return next(task for task in others if task in done).result()  # what the hub said before all else
        finally:
            for task in (writing, *others):
                task.cancel()
            await asyncio.gather(writing, *others, return_exceptions=True)
            self._first.clear()

    def _pause(self, error: ZegoError) -> None:
        logger.info("The link is interrupted: %s", error.message)
        for waiting in self._pending.values():
            if not waiting.time.expired():
                waiting.time.reschedule(None)
        self._tell(self._on_interrupted, error)

    def _go_on(self, socket: LinkSocket) -> None:
        logger.info("The link is resumed.")
        self._socket = socket
        self._outbox.acknowledge(socket.welcome.received)
        self._acknowledged.set()
        self._inbox.tell()
        deadline = asyncio.get_running_loop().time() + REQUEST_TIMEOUT
        for waiting in self._pending.values():
            if not waiting.time.expired():
                waiting.time.reschedule(deadline)
        self._tell(self._on_resumed)

    def _finish(self, error: ZegoError) -> None:
        if self._closed is None:
            self._fail(error)
            self._tell(self._on_closed, error)

    def _fail(self, error: ZegoError) -> None:
        self._closed = self._closed or error
        self._reconnection.give_up(self._closed)
        self._acknowledged.set()
        for waiting in self._pending.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(error)

    def _tell(self, callback: Callable[..., None], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            # The link outlives a bug in what listens to it.
            logger.exception("An event of the hub could not be handled")


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
