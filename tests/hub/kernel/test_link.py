"""The link against a server that behaves as the test says, well or badly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from tests.hub.kernel.link_server import WELCOME, Address, Listener, answering, listen, next_request
from zego_widget import link, protocol, wire
from zego_widget.errors import (
    BadOffer,
    ErrorCode,
    HubUnreachable,
    InvalidArgument,
    Refused,
    RemoteProtocolError,
    Unauthorized,
    ZegoError,
)
from zego_widget.link import HubLink, standing_at
from zego_widget.model import PeerState


async def test_requests_get_their_own_answers_and_events_their_callback(serve: Any) -> None:
    event = protocol.PeerStateChanged("p", PeerState.CONNECTED, captures=True)

    async def script(socket: web.WebSocketResponse) -> None:
        first = wire.decode_client(await next_request(socket))
        second = wire.decode_client(await next_request(socket))
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
        await next_request(socket)
        await next_request(socket)

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
