"""Strangers at a real hub: other sites, other users, port scanners (FAULTS 21, 22, 23, 25, 26)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.hub.hub_process import PATIENCE, HubProcess, raw_exchange, status_code
from tests.hub.process.test_guard import FOREIGN_HOSTS, FOREIGN_ORIGINS

UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def request(
    hub: HubProcess,
    *,
    target: str = "/v1/status",
    method: str = "GET",
    host: str | None = "localhost:PORT",
    secret: str | None = "SECRET",
    more: str = "",
    close: bool = True,
) -> bytes:
    """A request as bytes; `PORT` and `SECRET` stand for the hub's."""
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}".replace("PORT", str(hub.port)))
    if secret is not None:
        lines.append(f"Authorization: Bearer {secret}".replace("SECRET", hub.secret))
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n" + more.replace("PORT", str(hub.port)) + "\r\n").encode()


@contextlib.contextmanager
def others_unaffected(hub: HubProcess) -> Iterator[None]:
    """Fail unless the hub still answers its friends afterwards, in the same process."""
    yield
    assert hub.status().pid == hub.pid


def as_ours(table: list[str], hub: HubProcess) -> list[str]:
    return [entry.replace("8123", str(hub.port)) for entry in table]


PATHS = [("/v1/status", ""), ("/v1/link", UPGRADE), ("/", ""), ("/v1/events", "Accept: text/event-stream\r\n")]


@pytest.mark.parametrize(("target", "more"), PATHS)
def test_a_page_of_another_origin_gets_403_before_any_upgrade(shared_hub: HubProcess, target: str, more: str) -> None:
    with others_unaffected(shared_hub):
        for origin in as_ours(FOREIGN_ORIGINS, shared_hub):
            asked = request(shared_hub, target=target, more=f"Origin: {origin}\r\n{more}", close=not more)
            assert raw_exchange(shared_hub.port, asked)[0] == 403, origin


@pytest.mark.parametrize(("target", "more"), PATHS)
def test_a_rebound_name_gets_421_everywhere(shared_hub: HubProcess, target: str, more: str) -> None:
    with others_unaffected(shared_hub):
        for host in as_ours(FOREIGN_HOSTS, shared_hub):
            if host.startswith(" "):
                continue  # white space around a header's value means nothing (RFC 9110 section 5.5)
            asked = request(shared_hub, target=target, host=host, more=more, close=not more)
            assert raw_exchange(shared_hub.port, asked)[0] in (400, 421), host


@pytest.mark.parametrize(
    ("host", "more", "target"),
    [
        (None, "", "/v1/status"),
        ("localhost:PORT", "Host: evil.example\r\n", "/v1/status"),
        ("localhost:PORT", "Host: localhost:PORT\r\n", "/v1/status"),
        ("localhost:PORT", "", "http://evil.example/v1/status"),
        ("evil.example", "", "http://localhost:PORT/v1/status"),
        ("localhost:PORT", "Origin: http://localhost:PORT\r\nOrigin: http://localhost:PORT\r\n", "/v1/status"),
    ],
)
def test_a_request_with_two_minds_about_where_it_goes_is_refused(
    shared_hub: HubProcess, host: str | None, more: str, target: str
) -> None:
    target = target.replace("PORT", str(shared_hub.port))
    with others_unaffected(shared_hub):
        assert raw_exchange(shared_hub.port, request(shared_hub, target=target, host=host, more=more))[0] in (
            400,
            403,
            421,
        )


def test_own_names_and_origins_are_served(shared_hub: HubProcess) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        host = f"{name}:{shared_hub.port}"
        assert raw_exchange(shared_hub.port, request(shared_hub, host=host))[0] == 200
        asked = request(
            shared_hub, target="/v1/link", host=host, more=f"Origin: http://{host}\r\n{UPGRADE}", close=False
        )
        assert raw_exchange(shared_hub.port, asked)[0] == 101


@pytest.mark.parametrize(
    ("method", "target", "more"),
    [("GET", "/v1/status", ""), ("POST", "/v1/stop", ""), ("GET", "/v1/link", UPGRADE), ("GET", "/v1/nothing", "")],
)
def test_without_the_secret_every_answer_is_the_same(
    shared_hub: HubProcess, method: str, target: str, more: str
) -> None:
    wrong: list[str | None] = [
        None,
        "",
        "x",
        shared_hub.secret[:-1],
        shared_hub.secret + "x",
        "\u00e4\u00f6",
        "x" * 4000,
    ]
    answers = {
        without_date(
            raw_exchange(shared_hub.port, request(shared_hub, method=method, target=target, secret=each, more=more))[1]
        )
        for each in wrong
    } | {
        without_date(
            raw_exchange(
                shared_hub.port,
                request(
                    shared_hub,
                    method=method,
                    target=target,
                    secret=None,
                    more=f"Authorization: {authorization}\r\n{more}",
                ),
            )[1]
        )
        for authorization in ("Basic eDp4", shared_hub.secret, f"Bearer {shared_hub.secret}\r\nAuthorization: x")
    }
    assert len(answers) == 1
    answer = answers.pop()
    assert status_code(answer) == 401 and shared_hub.secret.encode() not in answer


def without_date(answer: bytes) -> bytes:
    return b"\r\n".join(line for line in answer.split(b"\r\n") if not line.startswith(b"Date:"))


def test_with_the_secret_everything_else_is_one_404(shared_hub: HubProcess) -> None:
    asked = [
        ("GET", "/"),
        ("GET", "/favicon.ico"),
        ("GET", "/v1/nothing"),
        ("POST", "/v1/status"),
        ("GET", "/v1/stop"),
        ("DELETE", "/v1/link"),
        ("HEAD", "/v1/status"),
        ("GET", "/v1/status/"),
        ("GET", "/v1/../v1/statu%73x"),
    ]
    codes = {raw_exchange(shared_hub.port, request(shared_hub, method=m, target=t))[0] for m, t in asked}
    assert codes == {404}


async def test_a_thousand_wrong_guesses_change_nothing_for_others(shared_hub: HubProcess) -> None:
    alone = await shared_hub.level()
    async with shared_hub.greeted_link() as link:
        level = await shared_hub.level()
        refused = shared_hub.status().counters["refused_secret"]

        async def guess() -> int:
            reader, writer = await asyncio.open_connection("127.0.0.1", shared_hub.port)
            try:
                writer.write(request(shared_hub, secret=secrets.token_urlsafe(32)))
                return status_code(await asyncio.wait_for(reader.read(), PATIENCE))
            finally:
                writer.close()

        codes: list[int] = []
        for _ in range(20):
            guessing = asyncio.gather(*(guess() for _ in range(50)))
            await link.is_alive()
            codes += await guessing
        assert codes == [401] * 1000
        assert (await asyncio.to_thread(shared_hub.status)).counters["refused_secret"] == refused + 1000
        await shared_hub.is_back_at(level)
    await shared_hub.is_back_at(alone)
    assert shared_hub.secret not in shared_hub.log


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00" * 4096 + b"\r\n\r\n",
        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 5000 + b"\r\n",
        b"POST /v1/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/stop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"SSH-2.0-scanner\r\n\r\n",
    ],
)
def test_garbage_is_answered_and_not_logged(shared_hub: HubProcess, garbage: bytes) -> None:
    with others_unaffected(shared_hub):
        before = shared_hub.log
        code, answer = raw_exchange(shared_hub.port, garbage)
        assert code in (400, 404, 421)
        assert b"Traceback" not in answer
        assert shared_hub.log == before


async def test_half_open_connections_end_and_keep_nobody_out(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(handshake_timeout=2.0)
    level = await hub.level()
    crowd: list[socket.socket] = []
    try:
        for number in range(500):
            each = socket.create_connection(("127.0.0.1", hub.port))
            crowd.append(each)
            with contextlib.suppress(ConnectionError):  # the oldest are turned away while the crowd grows
                each.sendall([b"", b"GET /v1/link HTTP/1.1\r\nHost: local", b"G"][number % 3])
        status = await asyncio.to_thread(hub.status)
        assert status.process.file_descriptors is None or status.process.file_descriptors < 200
        async with hub.greeted_link() as link:
            await link.is_alive()
            # A trickle of bytes buys no time.
            deadline = time.monotonic() + PATIENCE
            open_ones = set(crowd)
            while open_ones and time.monotonic() < deadline:
                for each in list(open_ones):
                    try:
                        each.setblocking(False)
                        each.send(b"x")
                        if each.recv(1000) == b"":
                            open_ones.discard(each)
                    except BlockingIOError:
                        pass
                    except ConnectionError:
                        open_ones.discard(each)
                await asyncio.sleep(0.2)
            assert not open_ones
            await link.is_alive()
    finally:
        for each in crowd:
            each.close()
    await hub.is_back_at(level)
    status = hub.status()
    assert status.counters["connections_turned_away"] >= 372
    assert status.refusals["http.crowd"] + status.refusals["http.silent"] >= 372 and status.refusals["http.silent"]


def test_the_hub_listens_on_loopback_only(shared_hub: HubProcess) -> None:
    """All TCP and UDP sockets of the process, as the kernel knows them (`ss -lnp` reads the same tables)."""
    psutil = pytest.importorskip("psutil")
    sockets = [each for each in psutil.Process(shared_hub.pid).net_connections("all") if each.laddr]
    inet = {(each.laddr.ip, each.laddr.port) for each in sockets if hasattr(each.laddr, "ip")}
    assert {ip for ip, _ in inet} == {"127.0.0.1"}
    assert {shared_hub.port, shared_hub.media_port} <= {port for _, port in inet}
