"""A link that broke comes back to its session, or says why it does not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tests.hub.kernel.link_server import WELCOME, Address, Listener, Script, Server, answering, listen, next_request
from zego_widget import link, outbox, protocol, reconnection, wire
from zego_widget.errors import ErrorCode, HubStopped, HubUnreachable, Refused, SessionLost, ZegoError
from zego_widget.retry import RetryPolicy
from zego_widget.way_out import WayOut

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
            heard.append(wire.decode_client(await next_request(socket)))
        full.set()
        await acknowledge.wait()
        await socket.send_str(wire.encode(protocol.Received(4)))
        while len(heard) < 6:
            heard.append(wire.decode_client(await next_request(socket)))
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
