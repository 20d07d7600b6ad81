"""The peer of `zego-widget doctor` believes only what the hub has signed, and ends whatever it meets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from aioice import stun

from zego_widget.doctor import probe as probing
from zego_widget.doctor.media import PathFacts, Transport
from zego_widget.errors import Refused
from zego_widget.forwarder import Forwarder

ANSWER = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0\r
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r
c=IN IP4 0.0.0.0\r
a=mid:0\r
a=ice-ufrag:abcd\r
a=ice-pwd:0123456789012345678901\r
a=fingerprint:sha-256 {fingerprint}\r
a=setup:passive\r
{candidates}"""
FINGERPRINT = ":".join(["00"] * 32)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "CHECK_TIMEOUT", 1.0)


def answer_with(*candidates: str) -> str:
    lines = "".join(f"a=candidate:1 1 {candidate} typ host\r\n" for candidate in candidates)
    return ANSWER.format(fingerprint=FINGERPRINT, candidates=lines)


async def probed(transport: Transport, answer: str) -> PathFacts:
    async def answer_to(sdp: str) -> str:
        return answer

    facts = await probing.probe(transport, answer_to)
    assert facts.connected is None
    return facts


class Liar(asyncio.DatagramProtocol):
    """Answers every check, without knowing the password."""

    def __init__(self, lie: Callable[[bytes], bytes]) -> None:
        self._lie = lie

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._lie(data), addr)  # type: ignore[attr-defined]


@contextlib.asynccontextmanager
async def liar(lie: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Liar(lie), local_addr=("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")[1]
    transport.close()


def unsigned(request: bytes) -> bytes:
    return bytes(
        stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=stun.parse_message(request).transaction_id,
        )
    )


@pytest.mark.parametrize(
    "lie",
    [unsigned, lambda request: request, lambda request: b"\x00", lambda request: b"", lambda request: b"\x01" * 40],
)
async def test_an_answer_that_the_hub_has_not_signed_is_none(impatient: None, lie: Callable[[bytes], bytes]) -> None:
    async with liar(lie) as port:
        facts = await probed("udp", answer_with(f"udp 1 127.0.0.1 {port}"))
    assert facts.answered is None and facts.reason == "nothing came back"
    assert facts.tried == (f"127.0.0.1:{port}",)


async def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    async with liar(unsigned) as port:
        pass
    for transport in ("udp", "tcp"):
        facts = await probed(transport, answer_with(f"{transport} 1 127.0.0.1 {port}"))
        assert facts.reason == "connection refused"


async def test_a_server_that_hangs_up_is_told() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        facts = await probed("tcp", answer_with(f"tcp 1 127.0.0.1 {port}"))
    assert facts.answered is None and "closed" in facts.reason


async def test_an_answer_without_a_candidate_leaves_nothing_to_try() -> None:
    facts = await probed("tcp", answer_with("udp 1 127.0.0.1 9"))
    assert facts.tried == () and facts.answered is None and facts.reason == "the hub names none for it"


async def test_a_refused_offer_is_the_reason() -> None:
    async def answer_to(sdp: str) -> str:
        raise Refused("The hub is full.")

    facts = await probing.probe("udp", answer_to)
    assert facts.connected is None and facts.reason == "The hub is full"


class NoListener:
    """Nobody listens to this peer."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: None


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("fingerprint", ["right", "wrong"])
async def test_only_the_announced_certificate_connects(transport: Transport, fingerprint: str) -> None:
    forwarder = await Forwarder.open()
    tasks = asyncio.all_tasks()

    async def answer_to(sdp: str) -> str:
        _, answer = forwarder.answer(sdp, {}, NoListener())
        if fingerprint == "wrong":
            lines = [f"a=fingerprint:sha-256 {FINGERPRINT}" if "fingerprint" in x else x for x in answer.splitlines()]
            answer = "\r\n".join(lines) + "\r\n"
        return answer

    try:
        facts = await probing.probe(transport, answer_to)
        assert facts.answered is not None
        assert facts.works is (fingerprint == "right"), facts
        assert bool(facts.reason) is (fingerprint == "wrong")
    finally:
        await forwarder.aclose()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= tasks
