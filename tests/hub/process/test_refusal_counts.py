"""Whatever a real hub refuses shows in its status under a name, and nothing that was said is part of one."""

from __future__ import annotations

import asyncio
import socket

import aiohttp

from tests.hub.hub_process import PATIENCE, HubProcess, Link, raw_exchange, run_command
from zego_widget import protocol
from zego_widget.hub.refusals import COUNTERS, Refusal
from zego_widget.model import User


def refused(hub: HubProcess) -> dict[str, int]:
    """What was refused so far, by name."""
    return {name: count for name, count in hub.status().refusals.items() if count}


async def until(hub: HubProcess, name: str) -> None:
    """Wait until something was counted."""
    async with asyncio.timeout(PATIENCE):
        while name not in await asyncio.to_thread(refused, hub):  # noqa: ASYNC110 - another process sends no event
            await asyncio.sleep(0.02)


def request(
    hub: HubProcess, path: str, *, method: str = "GET", host: str = "", headers: str = "", secret: bool = True
) -> int:
    authorization = f"Authorization: Bearer {hub.secret}\r\n" if secret else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{hub.port}'}\r\n{authorization}{headers}\r\n"
    return raw_exchange(hub.port, head.encode())[0]


def test_nothing_was_refused_yet_and_every_name_is_there(hub_process: HubProcess) -> None:
    told = hub_process.status().refusals
    assert set(told) == {str(refusal) for refusal in Refusal} | set(COUNTERS.values())
    assert not any(told.values())


def test_requests_that_are_none_of_ours(hub_process: HubProcess) -> None:
    assert request(hub_process, "/v1/status", host="evil.example") == 421
    assert request(hub_process, "/v1/status", headers="Origin: http://evil.example\r\n") == 403
    assert request(hub_process, "/v1/status", secret=False) == 401
    assert request(hub_process, "/v1/nothing-<script>") == 404
    assert request(hub_process, "/v1/link") == 400
    assert request(hub_process, "/whip/room/stream", method="PUT") == 405
    assert raw_exchange(hub_process.port, b"\x16\x03\x01 no HTTP\r\n\r\n")[0] == 400
    assert refused(hub_process) == {
        "http.host": 1,
        "http.origin": 1,
        "http.secret": 1,
        "http.path": 1,
        "http.malformed": 1,
        "link.no_websocket": 1,
        "whip.405": 1,
    }


async def test_links_that_ask_for_what_cannot_be(hub_process: HubProcess) -> None:
    async with hub_process.greeted_link() as link:
        await link.send(protocol.LogoutRoom(1, "room"))
        await link.socket.send_bytes(b"no text")
        await link.socket.send_str('{"type": "<img onerror>"}')
        await link.is_alive()
    async with hub_process.greeted_link() as link:
        await link.socket.send_str("x" * (protocol.MAX_MESSAGE_BYTES + 1))
        assert await link.closed() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    async with hub_process.link() as link:
        await link.send(protocol.Hello(protocol.PROTOCOL_VERSION + 1, "test"))
        assert await link.closed() == aiohttp.WSCloseCode.PROTOCOL_ERROR
    counts = refused(hub_process)
    assert counts.pop("link.binary") == counts.pop("link.oversized") == 1
    assert counts.pop("request.protocol_version_mismatch") == 1
    assert counts.pop("request.protocol_unknown_message", 0) + counts.pop("request.protocol_malformed_message", 0) == 1
    assert len(counts) == 1 and next(iter(counts)).startswith("request."), counts


async def log_in(hub: HubProcess, link: Link, user_id: str) -> None:
    await link.send(protocol.LoginRoom(1, "room", User(user_id), credential=hub.key(user_id, "room")))
    while not isinstance(await link.receive(), protocol.LoggedIn):
        pass


async def test_a_user_who_logs_in_twice(hub_process: HubProcess) -> None:
    async with hub_process.greeted_link() as first, hub_process.greeted_link() as second:
        await log_in(hub_process, first, "alice")
        await log_in(hub_process, second, "alice")
        assert refused(hub_process) == {"session.displaced": 1}


async def test_strangers_at_the_media_port(hub_process: HubProcess) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", hub_process.media_port))
        sock.send(b"")
        sock.send(b"\x80 no one's RTP")
        await until(hub_process, "media.empty")
        await until(hub_process, "media.stranger")
    with socket.create_connection(("127.0.0.1", hub_process.media_port)) as connection:
        connection.sendall(b"\x00\x03abc")
        await until(hub_process, "tcp.stranger")
    assert set(refused(hub_process)) == {"media.empty", "media.stranger", "tcp.stranger"}


def test_a_person_sees_what_was_refused_and_nothing_else(hub_process: HubProcess) -> None:
    assert "refused" not in run_command(hub_process.directory, "status").stdout
    request(hub_process, "/v1/status", secret=False)
    request(hub_process, "/v1/status", secret=False)
    lines = run_command(hub_process.directory, "status").stdout.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("refused, dropped"))
    assert [line.split() for line in lines[begin + 1 :]] == [["http.secret", "2"]]
