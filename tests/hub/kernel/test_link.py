"""The link against a server that behaves as the test says, well or badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType, web

from zego_widget import link, outbox, protocol, reconnection, wire
from zego_widget.errors import (
    BadOffer,
    ErrorCode,
    HubStopped,
    HubUnreachable,
    InvalidArgument,
    Refused,
    RemoteProtocolError,
    SessionLost,
    Unauthorized,
    ZegoError,
)
from zego_widget.link import FindAddress, HubLink, standing_at
from zego_widget.model import PeerState
from zego_widget.retry import RetryPolicy
from zego_widget.way_out import WayOut

SECRET = "not-the-real-one"
WELCOME = protocol.Welcome(protocol.PROTOCOL_VERSION, "1.0", "session-1", 3600.0, 3600.0)
AT_ONCE = RetryPolicy((0.0,), later=0.01, jitter=0.0)
Script = Callable[[web.WebSocketResponse], Awaitable[None]]


@dataclass
class Address:
    url: str
    secret: str = SECRET


@dataclass
class Server:
    """One server; each link is run by `script` after the greeting."""

    script: Script
    welcome: protocol.Message | None = WELCOME
    heard: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    address: Address = field(default_factory=lambda: Address(""))

    async def take(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            raise web.HTTPForbidden
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert isinstance(wire.decode_client(await socket.receive_str()), protocol.Hello)
        if self.welcome is not None:
            await socket.send_str(wire.encode(self.welcome))
            await self.script(socket)
        await socket.close()
        return socket


async def listen(socket: web.WebSocketResponse) -> None:
    """Read until the client leaves, answer nothing."""
    async for _ in socket:
        pass


@dataclass
class Listener:
    events: list[protocol.HubMessage] = field(default_factory=list)
    closed: asyncio.Queue[ZegoError] = field(default_factory=asyncio.Queue)
    interrupted: asyncio.Queue[ZegoError] = field(default_factory=asyncio.Queue)
    resumed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def connect(
        self,
        address: Address,
        find: FindAddress | None = None,
        policy: RetryPolicy = AT_ONCE,
    ) -> HubLink:
        return await HubLink.connect(
            find or standing_at(address),
            client="test",
            on_event=self.events.append,
            on_closed=self.closed.put_nowait,
            on_interrupted=self.interrupted.put_nowait,
            on_resumed=self.resumed.release,
            policy=policy,
        )

    async def reason(self) -> ZegoError:
        async with asyncio.timeout(20):
            return await self.closed.get()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    runners: list[web.AppRunner] = []

    async def start(script: Script = listen, welcome: protocol.Message | None = WELCOME) -> Server:
        server = Server(script, welcome)
        application = web.Application()
        application.router.add_get("/v1/link", lambda request: server.take(request))
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.address.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return server

    yield start
    for runner in runners:
        await runner.cleanup()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def answering(*answers: Callable[[int], protocol.Message | str]) -> Script:
    """Answer the requests one after the other; heartbeats are no requests."""

    async def script(socket: web.WebSocketResponse) -> None:
        remaining = list(answers)
        async for frame in socket:
            assert frame.type is WSMsgType.TEXT
            request = wire.decode_client(frame.data)
            if isinstance(request, protocol.Heartbeat):
                continue
            answer = remaining.pop(0)(request.request_id)  # type: ignore[union-attr]
            await socket.send_str(answer if isinstance(answer, str) else wire.encode(answer))

    return script


async def test_requests_get_their_own_answers_and_events_their_callback(serve: Any) -> None:
    event = protocol.PeerStateChanged("p", PeerState.CONNECTED, captures=True)

    async def script(socket: web.WebSocketResponse) -> None:
        first = wire.decode_client(await _request(socket))
        second = wire.decode_client(await _request(socket))
        await socket.send_str(wire.encode(event))
        await socket.send_str(wire.encode(protocol.Answer(second.request_id, "b", "sdp b", captures=False)))
        await socket.send_str(wire.encode(protocol.Answer(first.request_id, "a", "sdp a", captures=True)))
        await listen(socket)

    listener = Listener()
    hub = await listener.connect((await serve(script)).address)
    assert hub.welcome == WELCOME
    answers = await asyncio.gather(
        hub.request(protocol.Offer(7, "a", "sdp"), protocol.Answer),
        hub.request(protocol.Offer(7, "b", "sdp"), protocol.Answer),
    )
    assert [answer.sdp for answer in answers] == ["sdp a", "sdp b"]
    assert listener.events == [event]
    await hub.aclose()
    assert listener.closed.empty()


async def _request(socket: web.WebSocketResponse) -> str:
    while True:
        text = await socket.receive_str()
        if not isinstance(wire.decode_client(text), protocol.Heartbeat):
            return text


@pytest.mark.parametrize(
    ("code", "error"),
    [(1002034, Refused), (1900020, BadOffer), (1900011, Unauthorized), (42, Refused)],
)
async def test_a_refusal_is_raised_with_its_code(serve: Any, code: int, error: type[ZegoError]) -> None:
    server = await serve(answering(lambda number: protocol.Refused(number, code, "No.")))
    hub = await Listener().connect(server.address)
    with pytest.raises(error, match="No") as refused:
        await hub.request(protocol.Offer(0, "a", "sdp"), protocol.Answer)
    assert refused.value.code == (code if code > 1000 else ErrorCode.COMMON_ILLEGAL_PARAM)
    await hub.aclose()


async def test_answers_that_do_not_fit_fail_their_request_only(serve: Any) -> None:
    server = await serve(
        answering(
            protocol.Done,
            lambda number: f'{{"type": "answer", "request_id": {number}}}',
            lambda number: protocol.Answer(number, "a", "sdp", captures=True),
        )
    )
    hub = await Listener().connect(server.address)
    for code in (ErrorCode.PROTOCOL_UNEXPECTED_MESSAGE, ErrorCode.PROTOCOL_MALFORMED_MESSAGE):
        with pytest.raises(RemoteProtocolError) as refused:
            await hub.request(protocol.Offer(0, "a", "sdp"), protocol.Answer)
        assert refused.value.code is code
    assert (await hub.request(protocol.Offer(0, "a", "sdp"), protocol.Answer)).sdp == "sdp"
    await hub.aclose()


async def test_a_callback_that_fails_does_not_end_the_link(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        await socket.send_str(wire.encode(protocol.PeerStateChanged("p", PeerState.CONNECTED, captures=True)))
        await answering(protocol.Done)(socket)

    def failing(event: protocol.HubMessage) -> None:
        raise ZeroDivisionError

    server = await serve(script)
    hub = await HubLink.connect(
        standing_at(server.address), client="test", on_event=failing, on_closed=lambda error: None
    )
    await hub.request(protocol.LogoutRoom(0, "demo"), protocol.Done)
    assert "could not be handled" in caplog.text
    await hub.aclose()


async def test_nonsense_from_the_hub_is_passed_over(serve: Any) -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        for text in ("{", "[]", '{"type": "from_the_future", "x": 1}', wire.encode(protocol.Done(999))):
            await socket.send_str(text)
        await socket.send_bytes(b"\x00")
        await socket.send_str(wire.encode(protocol.Goodbye(1900013, "The hub stops.")))

    listener = Listener()
    hub = await listener.connect((await serve(script)).address)
    reason = await listener.reason()
    assert (reason.code, reason.message) == (ErrorCode.HUB_STOPPING, "The hub stops.")
    await hub.aclose()


async def test_when_the_link_goes_everything_pending_fails(serve: Any) -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        await _request(socket)
        await _request(socket)

    listener = Listener()
    hub = await listener.connect((await serve(script)).address)
    results = await asyncio.gather(
        hub.request(protocol.Offer(0, "a", "sdp"), protocol.Answer),
        hub.request(protocol.LogoutRoom(0, "demo"), protocol.Done),
        return_exceptions=True,
    )
    assert [str(result) for result in results] == 2 * ["The connection to the hub was lost. (error 1900010)"]
    assert isinstance(await listener.reason(), HubUnreachable)
    with pytest.raises(HubUnreachable):
        await hub.request(protocol.LogoutRoom(0, "demo"), protocol.Done)
    await hub.aclose()
    assert listener.closed.empty()


async def test_a_hub_that_falls_silent_is_given_up(serve: Any) -> None:
    quick = protocol.Welcome(protocol.PROTOCOL_VERSION, "1.0", "session-1", 0.02, 1.0)
    listener = Listener()
    hub = await listener.connect((await serve(welcome=quick)).address)
    assert "has said nothing" in (await listener.reason()).message
    await hub.aclose()


async def test_a_hub_that_answers_heartbeats_is_kept(serve: Any) -> None:
    quick = protocol.Welcome(protocol.PROTOCOL_VERSION, "1.0", "session-1", 0.02, 1.0)
    beats = asyncio.Semaphore(0)

    async def script(socket: web.WebSocketResponse) -> None:
        async for frame in socket:
            beat = wire.decode_client(frame.data)
            assert isinstance(beat, protocol.Heartbeat)
            await socket.send_str(wire.encode(protocol.HeartbeatAck(beat.sent_at)))
            beats.release()

    listener = Listener()
    hub = await listener.connect((await serve(script, quick)).address)
    for _ in range(12):
        await beats.acquire()
    assert listener.closed.empty()
    await hub.aclose()


async def test_a_request_without_an_answer_ends(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "REQUEST_TIMEOUT", 0.05)
    hub = await Listener().connect((await serve()).address)
    with pytest.raises(HubUnreachable, match="did not answer"):
        await hub.request(protocol.LogoutRoom(0, "demo"), protocol.Done)
    await hub.aclose()


@pytest.mark.parametrize("sdp", ["v=0" + "x" * protocol.MAX_MESSAGE_BYTES, "\ud800"])
async def test_what_cannot_be_sent_is_refused_here_and_the_link_lives(serve: Any, sdp: str) -> None:
    server = await serve(answering(lambda number: protocol.Answer(number, "a", "sdp", captures=True)))
    hub = await Listener().connect(server.address)
    with pytest.raises(InvalidArgument):
        await hub.request(protocol.Offer(0, "a", sdp), protocol.Answer)
    await hub.request(protocol.Offer(0, "a", "sdp"), protocol.Answer)
    await hub.aclose()


async def test_nobody_listens_there(serve: Any, unused_tcp_port: int) -> None:
    with pytest.raises(HubUnreachable, match=f"No hub answers at http://127.0.0.1:{unused_tcp_port}"):
        await Listener().connect(Address(f"http://127.0.0.1:{unused_tcp_port}"))


async def test_a_wrong_secret_is_a_sentence_without_the_secret(serve: Any) -> None:
    address = (await serve()).address
    with pytest.raises(Unauthorized) as refused:
        await Listener().connect(Address(address.url, "wrong-secret"))
    assert "does not accept our secret" in refused.value.message
    error: BaseException | None = refused.value
    while error is not None:
        assert error.__suppress_context__ or error.__context__ is None
        assert "wrong-secret" not in repr(error)
        error = error.__cause__


@pytest.mark.parametrize(
    ("welcome", "error"),
    [
        (protocol.Refused(None, 1900003, "This hub speaks protocol 2."), Refused),
        (protocol.Done(1), RemoteProtocolError),
        (None, HubUnreachable),
    ],
)
async def test_a_hub_that_does_not_greet(serve: Any, welcome: protocol.Message | None, error: type[ZegoError]) -> None:
    with pytest.raises(error):
        await Listener().connect((await serve(welcome=welcome)).address)


async def test_giving_up_while_connecting_leaves_nothing(serve: Any) -> None:
    server = await serve()
    greeted = asyncio.Event()

    async def never_greet(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        greeted.set()
        await listen(socket)
        return socket

    server.take = never_greet
    connecting = asyncio.create_task(Listener().connect(server.address))
    await greeted.wait()
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


RESUMABLE = protocol.Welcome(protocol.PROTOCOL_VERSION, "1.0", "session-1", 3600.0, 3600.0, resume_key="the key")


@dataclass
class Resuming:
    """A hub that greets each link as the test says: with a message, an HTTP status, or not at all."""

    server: Server
    greetings: list[protocol.Message | int] = field(default_factory=list)
    hellos: list[protocol.Hello] = field(default_factory=list)
    serve_link: Script = listen

    async def take(self, request: web.Request) -> web.StreamResponse:
        greeting = self.greetings.pop(0)
        if isinstance(greeting, int):
            return web.Response(status=greeting)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hello = wire.decode_client(await socket.receive_str())
        assert isinstance(hello, protocol.Hello)
        self.hellos.append(hello)
        await socket.send_str(wire.encode(greeting))
        if greeting is RESUMABLE:  # and cut off
            assert request.transport is not None
            request.transport.abort()
        else:
            await self.serve_link(socket)
        return socket


@pytest.fixture
async def resuming(serve: Any) -> Resuming:
    hub = Resuming(await serve(), [RESUMABLE])
    hub.server.take = hub.take
    return hub


def resumed(received: int = 0) -> protocol.Welcome:
    return protocol.Welcome(protocol.PROTOCOL_VERSION, "1.0", "session-1", 3600.0, 3600.0, "the key", True, received)


async def test_attempts_go_on_while_the_hub_is_not_there_or_has_no_room(resuming: Resuming) -> None:
    resuming.greetings += [503, 404, resumed()]
    listener, failures = Listener(), iter([None, HubUnreachable("Not yet."), None, None, None])

    async def find() -> Address:
        if (failure := next(failures)) is not None:
            raise failure
        return resuming.server.address

    hub = await listener.connect(resuming.server.address, find)
    async with asyncio.timeout(20):
        await listener.resumed.acquire()
    assert resuming.hellos[-1].resume == protocol.Resume("session-1", "the key", 0, 3)
    assert (listener.interrupted.qsize(), listener.closed.empty()) == (1, True)
    await hub.aclose()


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (WELCOME, SessionLost, ErrorCode.HUB_UNREACHABLE),
        (403, SessionLost, ErrorCode.HUB_UNREACHABLE),
        (resumed(received=1), SessionLost, ErrorCode.HUB_UNREACHABLE),  # of which nothing was ever sent
        (protocol.Refused(None, 1900003, "Too old."), Refused, ErrorCode.PROTOCOL_VERSION_MISMATCH),
        (protocol.Goodbye(1900013, "The hub stops."), HubStopped, ErrorCode.HUB_STOPPING),
    ],
)
async def test_an_answer_that_is_no_return_ends_the_link(
    resuming: Resuming, answer: protocol.Message | int, error: type[ZegoError], code: ErrorCode
) -> None:
    resuming.greetings.append(answer)
    listener = Listener()
    hub = await listener.connect(resuming.server.address)
    reason = await listener.reason()
    assert (type(reason), reason.code) == (error, code)
    assert listener.resumed.locked()
    await hub.aclose()


async def test_another_hub_in_its_place_is_not_even_asked(resuming: Resuming) -> None:
    listener = Listener()
    addresses = iter([resuming.server.address, Address(resuming.server.address.url, "another secret")])

    async def find() -> Address:
        return next(addresses)

    hub = await listener.connect(resuming.server.address, find)
    assert isinstance(await listener.reason(), SessionLost)
    assert len(resuming.hellos) == 1
    await hub.aclose()


async def test_the_time_of_a_request_stands_still_while_the_link_is_broken(
    resuming: Resuming, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "REQUEST_TIMEOUT", 0.2)
    found = asyncio.Event()
    found.set()

    async def find() -> Address:
        await found.wait()
        return resuming.server.address

    resuming.greetings.append(resumed())
    resuming.serve_link = answering(protocol.Done)
    listener = Listener()
    hub = await listener.connect(resuming.server.address, find)
    found.clear()
    request = asyncio.create_task(hub.request(protocol.LogoutRoom(0, "demo"), protocol.Done))
    async with asyncio.timeout(20):
        await listener.interrupted.get()
    await asyncio.sleep(0.5)
    assert not request.done()
    found.set()
    await request
    await hub.aclose()


async def test_what_the_hub_does_not_acknowledge_is_not_sent_without_end(
    resuming: Resuming, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "Outbox", lambda: outbox.Outbox(max_messages=4))
    resuming.greetings.append(resumed())
    heard: list[protocol.ClientMessage] = []
    full, acknowledge = asyncio.Event(), asyncio.Event()

    async def script(socket: web.WebSocketResponse) -> None:
        while len(heard) < 4:
            heard.append(wire.decode_client(await _request(socket)))
        full.set()
        await acknowledge.wait()
        await socket.send_str(wire.encode(protocol.Received(4)))
        while len(heard) < 6:
            heard.append(wire.decode_client(await _request(socket)))
        for each in heard:
            await socket.send_str(wire.encode(protocol.Done(each.request_id)))  # type: ignore[union-attr]
        await listen(socket)

    resuming.serve_link = script
    hub = await Listener().connect(resuming.server.address)
    requests = [
        asyncio.create_task(hub.request(protocol.StopPlaying(0, str(number)), protocol.Done)) for number in range(6)
    ]
    async with asyncio.timeout(20):
        await full.wait()
        acknowledge.set()
        await asyncio.gather(*requests)
    assert [each.stream_id for each in heard] == [str(number) for number in range(6)]  # type: ignore[union-attr]
    await hub.aclose()


@pytest.mark.parametrize(
    ("steady", "answers", "attempts"),
    [
        (3600.0, [101, 101, 101, 101], [0, 1, 2, 3]),
        (3600.0, [503, 503, 101, 101, 101], [0, 1, 2, 1, 2]),  # a network may come back and change once more
        (0.0, [101, 101, 503, 101, 101], [0, 0, 0, 1, 0]),
    ],
)
async def test_a_hub_that_breaks_off_each_time_is_asked_less_and_less_often(
    resuming: Resuming, monkeypatch: pytest.MonkeyPatch, steady: float, answers: list[int], attempts: list[int]
) -> None:
    """A message that does not get through breaks each link on which it is sent again."""
    monkeypatch.setattr(reconnection, "STEADY", steady)
    made: list[int] = []

    class Recorded(RetryPolicy):
        def delay(self, attempt: int, random: float) -> float:
            made.append(attempt)
            return 0.0

    async def cut(socket: web.WebSocketResponse) -> None:
        if not resuming.greetings:
            await listen(socket)

    resuming.greetings += [resumed() if each == 101 else each for each in answers]
    resuming.serve_link = cut
    listener = Listener()
    hub = await listener.connect(resuming.server.address, policy=Recorded())
    async with asyncio.timeout(20):
        for _ in range(answers.count(101)):
            await listener.resumed.acquire()
    assert made == attempts
    await hub.aclose()


async def test_a_network_that_changes_again_and_again_is_followed_at_once(
    resuming: Resuming, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnection, "STEADY", 3600.0)
    monkeypatch.setattr(WayOut, "has_changed", lambda way_out: bool(resuming.greetings))
    made: list[int] = []

    class Recorded(RetryPolicy):
        def delay(self, attempt: int, random: float) -> float:
            made.append(attempt)
            return 0.0

    resuming.greetings += [resumed() for _ in range(4)]
    resuming.serve_link = listen
    listener = Listener()
    hub = await listener.connect(resuming.server.address, policy=Recorded())
    async with asyncio.timeout(20):
        for _ in range(4):
            await listener.resumed.acquire()
    assert made == [0, 0, 0, 0]
    await hub.aclose()


async def test_a_hub_that_acknowledges_nothing_is_still_told_everything(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is older than resuming, so nothing has to be kept for it."""
    monkeypatch.setattr(link, "Outbox", lambda: outbox.Outbox(max_messages=4))
    monkeypatch.setattr(link, "REQUEST_TIMEOUT", 1.0)
    server = await serve(answering(*[protocol.Done] * 10))
    hub = await Listener().connect(server.address)
    for number in range(10):
        await hub.request(protocol.StopPlaying(0, str(number)), protocol.Done)
    await hub.aclose()


async def test_a_socket_that_is_closed_in_a_hurry_leaves_nothing_open(serve: Any) -> None:
    socket = await link.LinkSocket.open((await serve()).address, protocol.Hello(1, "test"))
    end = asyncio.create_task(socket.end())
    await asyncio.sleep(0)
    end.cancel()
    with pytest.raises(asyncio.CancelledError):
        await end
    assert socket._session.closed


async def test_a_socket_that_is_abandoned_lets_go_of_its_connection(serve: Any) -> None:
    """Else somebody reads of an unclosed connection in the notebook, whenever the garbage is collected."""
    heard: list[WSMessage] = []
    gone = asyncio.Event()

    async def until_it_is_gone(socket: web.WebSocketResponse) -> None:
        heard.append(await socket.receive())
        gone.set()

    socket = await link.LinkSocket.open((await serve(until_it_is_gone)).address, protocol.Hello(1, "test"))
    await socket.abandon()
    assert socket._socket._response.connection is None
    async with asyncio.timeout(20):
        await gone.wait()
    assert heard[0].type is not WSMsgType.CLOSE  # the hub waits for another


async def test_a_socket_that_takes_nothing_any_more_is_abandoned_at_once(serve: Any) -> None:
    """What is still to be sent must not keep the link from trying another socket."""
    server, over = await serve(), asyncio.Event()

    async def stop_reading(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_str(wire.encode(WELCOME))
        assert request.transport is not None
        request.transport.pause_reading()  # type: ignore[attr-defined]
        await over.wait()
        return socket

    server.take = stop_reading
    socket = await link.LinkSocket.open(server.address, protocol.Hello(1, "test"))
    sending = [asyncio.create_task(socket.send("x" * (1 << 20))) for _ in range(16)]
    await asyncio.sleep(0.1)
    assert not sending[-1].done()
    try:
        async with asyncio.timeout(10):
            await socket.abandon()
            await asyncio.gather(*sending, return_exceptions=True)
    finally:
        over.set()


async def test_the_hub_hears_of_the_end_also_where_it_says_something_itself(serve: Any) -> None:
    """Else the connection breaks before the hub has read of it, and it keeps the session for one who may return."""
    ends, codes = asyncio.Event(), asyncio.Queue[int | None]()

    async def talk(socket: web.WebSocketResponse) -> None:
        transport: Any = socket._req and socket._req.transport
        transport.pause_reading()
        await ends.wait()
        for _ in range(2):
            await socket.send_str(wire.encode(protocol.HeartbeatAck(0)))
        transport.resume_reading()
        await listen(socket)
        codes.put_nowait(socket.close_code)

    client = await Listener().connect((await serve(talk)).address)
    closing = asyncio.create_task(client.aclose())
    await asyncio.wait({closing}, timeout=0.1)
    ends.set()
    async with asyncio.timeout(20):
        assert await codes.get() == protocol.SESSION_ENDED
        await closing
