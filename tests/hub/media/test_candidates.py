"""Addresses that an offer names are never used; the hub answers checks and nothing else (FAULTS 39)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hub.media.calls import Call, Edit, Seat, frames_keep_coming
from tests.hub.peers import PATIENCE, Participant
from zego_widget.forwarder import endpoint
from zego_widget.model import PeerState

ELSEWHERE = [
    ("169.254.169.254", 80),  # where clouds keep what their machines may do
    ("224.0.0.251", 5353),
    ("239.255.255.250", 1900),
    ("255.255.255.255", 9),
    ("0.0.0.0", 0),
    ("192.0.2.1", 443),
    ("fe80::1", 5353),
    ("ff02::fb", 5353),
]
NAMES = [f"{number:08x}-0000-4000-8000-000000000000.local" for number in range(200)]


class Third:
    """A party that has nothing to do with the call: a UDP and a TCP port, where nothing may come from the hub."""

    def __init__(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        for each in (self._udp, self._tcp):
            each.setblocking(False)
        self.address: tuple[str, int] = self._udp.getsockname()
        self.tcp_address: tuple[str, int] = self._tcp.getsockname()

    def was_met(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            self._udp.recv(65536)
            return True
        with contextlib.suppress(BlockingIOError):
            self._tcp.accept()[0].close()
            return True
        return False

    def close(self) -> None:
        self._udp.close()
        self._tcp.close()


@pytest.fixture
def third() -> Iterator[Third]:
    with contextlib.closing(Third()) as third:
        yield third


class NotingSocket(socket.socket):
    """Notes where it sends."""

    destinations: set[Any]

    def sendto(self, *args: Any) -> int:
        self.destinations.add(args[-1])
        return super().sendto(*args)

    def sendmsg(self, *args: Any) -> int:
        self.destinations.add(args[3])
        return super().sendmsg(*args)


@pytest.fixture
def destinations(monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    """Where the hub's UDP socket sends."""
    seen: set[Any] = set()

    def udp_socket(host: str, port: int) -> socket.socket:
        sock = NotingSocket(fileno=original(host, port).detach())
        sock.destinations = seen
        return sock

    original = endpoint._udp_socket
    monkeypatch.setattr(endpoint, "_udp_socket", udp_socket)
    return seen


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The names that somebody in this process wants to resolve, and the addresses that it connects to."""
    asked: list[Any] = []

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        raise socket.gaierror("nobody here resolves")

    async def connect(self: Any, factory: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(args)
        raise OSError("nobody here connects")

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        monkeypatch.setattr(socket, name, resolve)
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", connect)
    return asked


def naming(third: Third) -> Edit:
    """Makes an offer name only addresses that are not the offerer's, in every place where SDP has one."""
    addresses = [third.address, third.tcp_address, *ELSEWHERE, *((name, 9) for name in NAMES[:100])]
    candidates = [
        f"a=candidate:{number} 1 {protocol} {2130706431 - number} {host} {port} typ {kind}"
        for number, (host, port) in enumerate(addresses)
        for protocol, kind in (
            ("udp", "host"),
            ("udp", f"srflx raddr {third.address[0]} rport {third.address[1]}"),
            ("tcp", "host tcptype passive"),
        )
    ]
    host, port = third.address

    def edit(sdp: str) -> str:
        lines = [line for line in sdp.split("\r\n") if not line.startswith(("a=candidate:", "c=", "a=rtcp:"))]
        edited: list[str] = []
        for line in lines:
            if line.startswith("m="):
                kind, _, rest = line.split(" ", 2)
                edited += [f"{kind} {port} {rest}", f"c=IN IP4 {host}", f"a=rtcp:{port} IN IP4 {host}"]
                edited += candidates
                candidates.clear()
                edited.append(f"a=remote-candidates:1 {host} {port}")
            elif line.startswith("o="):
                edited.append(f"o=- 1 1 IN IP4 {NAMES[-1]}")
            else:
                edited.append(line)
        return "\r\n".join(edited)

    return edit


async def test_scenario_39_the_hub_sends_nothing_to_addresses_that_an_offer_names(
    destinations: set[Any], call: Call, third: Third, asked: list[Any]
) -> None:
    alice, bob = await call.pair()
    mallory = await call.invite("mallory", sends=True, edit_offer=naming(third))
    await asyncio.wait_for(mallory.connected.wait(), PATIENCE)  # by the checks that she sends
    bob.peer.viewer.unsubscribe(bob.peer.viewer.video_slots[0])
    call.play(bob, mallory)
    await frames_keep_coming(bob)
    checked = set(call.forwarder._endpoint._by_address)
    assert third.address not in checked
    assert destinations
    assert destinations <= checked, "the hub sent to an address that no check has come from"
    assert not third.was_met()
    assert not asked
    await alice.is_heard()
    await mallory.is_heard()


async def test_scenario_39_who_never_checks_is_sent_nothing_however_often_it_is_invited(
    destinations: set[Any], call: Call, third: Third, asked: list[Any]
) -> None:
    """Each offer names all the addresses; nothing of the third party's answers, and none of its ports is asked."""
    alice, bob = await call.pair()
    before = set(destinations)
    peers = []
    async with Participant("mallory", slots=1, sends=("camera",)) as page:
        sdp = naming(third)((await page.offer()).sdp)
        for _ in range(100):
            peers.append(call.forwarder.answer(sdp, {}, Seat(page))[0])
    await frames_keep_coming(bob)
    assert destinations == before
    assert not third.was_met()
    assert not asked
    assert {peer.state for peer in peers} == {PeerState.NEW}
    await alice.is_heard()
