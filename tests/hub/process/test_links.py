"""What a link survives, and what ends it (FAULTS 23, 27, 29 and the first half of 28)."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from collections.abc import Callable

import aiohttp
import pytest

from tests.hub.hub_process import PATIENCE, HubProcess
from zego_widget import protocol, wire
from zego_widget.errors import ErrorCode
from zego_widget.hub.token_bucket import STRAY_BURST, STRAY_RATE
from zego_widget.model import User

MALFORMED = ErrorCode.PROTOCOL_MALFORMED_MESSAGE
UNKNOWN = ErrorCode.PROTOCOL_UNKNOWN_MESSAGE

BAD_MESSAGES = {
    "empty": ("", MALFORMED),
    "not JSON": ("hello", MALFORMED),
    "cut off": ('{"type":"heartbeat"', MALFORMED),
    "not an object": ("[1,2,3]", MALFORMED),
    "null": ("null", MALFORMED),
    "no type": ("{}", MALFORMED),
    "unknown type": ('{"type":"reboot","request_id":7}', UNKNOWN),
    "type of another direction": ('{"type":"welcome","request_id":7}', MALFORMED),
    "type that is no text": ('{"type":7}', MALFORMED),
    "missing fields": ('{"type":"login_room","request_id":7}', MALFORMED),
    "wrong types": ('{"type":"start_playing","request_id":7,"stream_id":{}}', MALFORMED),
    "NaN": ('{"type":"heartbeat","sent_at":NaN}', MALFORMED),
    "huge number": ('{"type":"stop_publishing","request_id":7,"channel":' + "9" * 400 + "}", MALFORMED),
    "deep nesting": ("[" * 100_000 + "]" * 100_000, MALFORMED),
    "deep nesting in a field": ('{"type":"heartbeat","x":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}", MALFORMED),
    "an array of many elements": ('{"type":"heartbeat","sent_at":[' + "1," * 400_000 + "1]}", MALFORMED),
    "lone surrogate": ('{"type":"start_playing","request_id":"\\ud800","stream_id":"s"}', MALFORMED),
}


@pytest.mark.parametrize(("text", "code"), BAD_MESSAGES.values(), ids=BAD_MESSAGES.keys())
async def test_a_bad_message_is_refused_and_the_link_lives_on(
    shared_hub: HubProcess, text: str, code: ErrorCode
) -> None:
    async with shared_hub.greeted_link() as link:
        await link.socket.send_str(text)
        refused = await link.receive()
        assert isinstance(refused, protocol.Refused)
        assert refused.code == code and refused.message and "Traceback" not in refused.message
        if '"request_id":7' in text:
            assert refused.request_id == 7
        await link.is_alive()


async def test_binary_data_is_refused_and_the_link_lives_on(shared_hub: HubProcess) -> None:
    async with shared_hub.greeted_link() as link:
        await link.socket.send_bytes(b"\x00\xff")
        refused = await link.receive()
        assert isinstance(refused, protocol.Refused) and refused.code == MALFORMED
        await link.is_alive()


async def test_a_ping_is_answered(shared_hub: HubProcess) -> None:
    reader, writer = await raw_link(shared_hub)
    writer.write(bytes([0x89, 0x80 | 2, 0, 0, 0, 0]) + b"hi")
    assert await asyncio.wait_for(reader.readexactly(4), PATIENCE) == bytes([0x8A, 2]) + b"hi"
    writer.write(bytes([0x8A, 0x80, 0, 0, 0, 0]))  # a pong that nobody asked for
    await send_frame(writer, wire.encode(protocol.Hello(protocol.PROTOCOL_VERSION, "test")))
    await read_until(reader, b"welcome")
    writer.transport.abort()


@pytest.mark.parametrize(
    "frame", [bytes([0x82, 0x81, 0, 0, 0, 0, 7]), bytes([0x89, 0x80, 0, 0, 0, 0])], ids=["binary", "ping"]
)
async def test_who_floods_with_binary_data_or_pings_is_slowed_down(shared_hub: HubProcess, frame: bytes) -> None:
    slowed = shared_hub.status().refusals["link.slowed"]
    async with shared_hub.greeted_link() as other:
        reader, writer = await raw_link(shared_hub)
        await send_frame(writer, wire.encode(protocol.Hello(protocol.PROTOCOL_VERSION, "test")))
        started_at = time.monotonic()
        frames = STRAY_BURST + STRAY_RATE
        writer.write(frame * frames)
        await send_frame(writer, wire.encode(protocol.Heartbeat(4711.0)))
        await other.is_alive()
        await read_until(reader, b"4711")
        # All were read before the heartbeat; that takes this long at least.
        assert time.monotonic() - started_at >= (frames - STRAY_BURST) / STRAY_RATE - 0.1
        assert shared_hub.status().refusals["link.slowed"] > slowed
        writer.transport.abort()


async def test_a_login_before_hello_is_refused(shared_hub: HubProcess) -> None:
    async with shared_hub.link() as link:
        await link.send(protocol.LoginRoom(1, "room", User("alice")))
        assert isinstance(await link.receive(), protocol.Refused)


async def test_another_version_of_the_protocol_is_refused_with_a_sentence(shared_hub: HubProcess) -> None:
    async with shared_hub.link() as link:
        await link.send(protocol.Hello(protocol.PROTOCOL_VERSION + 1, "test"))
        refused = await link.receive()
        assert isinstance(refused, protocol.Refused) and refused.code == ErrorCode.PROTOCOL_VERSION_MISMATCH
        await link.closed()


@pytest.mark.parametrize("size", [protocol.MAX_MESSAGE_BYTES + 1, 16 * protocol.MAX_MESSAGE_BYTES])
async def test_a_message_over_1_mib_closes_with_1009(shared_hub: HubProcess, size: int) -> None:
    async with shared_hub.greeted_link() as other, shared_hub.greeted_link() as link:
        level = await shared_hub.level()
        sending = asyncio.create_task(link.socket.send_str("x" * size))
        assert await link.closed() == 1009
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await other.is_alive()
        await shared_hub.is_back_at(level, rss_slack=8 << 20)


async def test_a_client_in_the_middle_of_a_large_message_still_hears_why(shared_hub: HubProcess) -> None:
    """The hub does not reset the connection under a client that sends first and reads later."""
    reader, writer = await raw_link(shared_hub)
    writer.write(bytes([0x81, 0x80 | 127]) + (16 << 20).to_bytes(8, "big") + bytes(4))
    for _ in range(256):
        writer.write(bytes(1 << 16))
        await writer.drain()
    close_frame = bytes([0x88, 2]) + (1009).to_bytes(2, "big")
    assert await asyncio.wait_for(reader.readexactly(4), PATIENCE) == close_frame
    writer.close()


async def test_a_message_of_exactly_1_mib_is_read(shared_hub: HubProcess) -> None:
    async with shared_hub.greeted_link() as link:
        text = json.dumps({"type": "heartbeat", "sent_at": 1.0, "padding": ""})
        text = text[:-2] + "x" * (protocol.MAX_MESSAGE_BYTES - len(text)) + text[-2:]
        assert len(text) == protocol.MAX_MESSAGE_BYTES
        await link.socket.send_str(text)
        assert await link.receive() == protocol.HeartbeatAck(1.0)


async def test_nothing_inflates(shared_hub: HubProcess) -> None:
    """The hub does not take up compression even if asked to, so a small message cannot become a large one."""
    async with (
        aiohttp.ClientSession(headers=shared_hub.address.headers) as session,
        session.ws_connect(shared_hub.url + "/v1/link", compress=15) as socket,
    ):
        assert not socket.compress
        assert "Sec-WebSocket-Extensions" not in socket._response.headers


async def test_a_client_that_says_nothing_is_closed(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(handshake_timeout=0.5)
    level = await hub.level()
    async with hub.link() as link:
        assert await link.closed() == 1008
    await hub.is_back_at(level)
    assert hub.status().refusals["link.silent"] == 1


async def test_a_client_that_does_not_read_is_closed_and_others_are_not_held_up(shared_hub: HubProcess) -> None:
    level = await shared_hub.level()
    async with shared_hub.greeted_link() as other:
        _, writer = await raw_link(shared_hub)
        await send_frame(writer, wire.encode(protocol.Hello(protocol.PROTOCOL_VERSION, "test")))
        # Each of these is answered; unread answers fill the socket buffers, then the hub's queue, then no more is read.
        heartbeat = wire.encode(protocol.Heartbeat(1.0))
        sent = 0
        try:
            while sent < 400_000:
                for _ in range(1000):
                    frame(writer, heartbeat)
                sent += 1000
                await asyncio.wait_for(writer.drain(), 1.0)
        except (TimeoutError, ConnectionError):
            pass
        await other.is_alive()
        assert ((await shared_hub.level()).rss_bytes or 0) < (level.rss_bytes or 0) + (32 << 20)
        writer.transport.abort()
        await other.is_alive()
    await shared_hub.is_back_at(level)


async def raw_link(hub: HubProcess) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A link without a WebSocket library: what is read and when is up to the test."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port, limit=4096)
    writer.write(
        f"GET /v1/link HTTP/1.1\r\nHost: localhost:{hub.port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Authorization: Bearer {hub.secret}\r\n\r\n".encode()
    )
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    return reader, writer


async def read_until(reader: asyncio.StreamReader, wanted: bytes) -> None:
    """Read and throw away until this has come; any amount may come before it."""
    read = b""
    async with asyncio.timeout(PATIENCE):
        while wanted not in read:
            chunk = await reader.read(4096)
            assert chunk, "the hub closed the connection"
            read = read[-len(wanted) :] + chunk


async def send_frame(writer: asyncio.StreamWriter, text: str) -> None:
    frame(writer, text)
    await writer.drain()


def frame(writer: asyncio.StreamWriter, text: str) -> None:
    """A masked text frame of less than 126 bytes (RFC 6455 section 5.2); the mask is zero."""
    data = text.encode()
    assert len(data) < 126
    writer.write(bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data)


async def test_links_come_and_go_without_a_trace(shared_hub: HubProcess) -> None:
    async with shared_hub.greeted_link():
        pass
    await everybody_left(shared_hub)
    level = await shared_hub.level()
    for _ in range(50):
        async with shared_hub.greeted_link() as link:
            await link.is_alive()
    await shared_hub.is_back_at(level)
    await everybody_left(shared_hub)


async def everybody_left(hub: HubProcess) -> None:
    """A hub hears of the end of a link a moment after the client that ended it."""
    async with asyncio.timeout(PATIENCE):
        while (await asyncio.to_thread(hub.status)).sessions:  # noqa: ASYNC110 - another process, which sends no event
            await asyncio.sleep(0.02)


async def test_a_client_that_hangs_up_before_it_is_answered_leaves_no_trace(shared_hub: HubProcess) -> None:
    """Its log is looked at when the hub has ended."""
    lines = (
        "GET /v1/link HTTP/1.1",
        f"Host: 127.0.0.1:{shared_hub.port}",
        f"Authorization: Bearer {shared_hub.secret}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
    )
    before = await shared_hub.level()
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", shared_hub.port), PATIENCE) as client:
            client.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    await shared_hub.is_back_at(before)
    assert "Traceback" not in shared_hub.log


async def test_a_wrong_secret_gets_no_link(shared_hub: HubProcess) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer wrong"}) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(shared_hub.url + "/v1/link")
    assert refused.value.status == 401
