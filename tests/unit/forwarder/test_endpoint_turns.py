"""Datagrams that wait at the media port are taken together, and not for longer than others can wait."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest
from aioice import stun

from zego_widget.forwarder.counters import Counters
from zego_widget.forwarder.endpoint import Endpoint
from zego_widget.forwarder.ice import CheckAnswer
from zego_widget.forwarder.path import Path


class Publisher:
    """Notes which packets came in which turn of the loop."""

    def __init__(self) -> None:
        self.turns: list[list[bytes]] = []
        self.known = asyncio.Event()
        self.everything = asyncio.Event()

    def receive_check(self, datagram: bytes, path: Path) -> CheckAnswer:
        self.known.set()
        return CheckAnswer(b"answer", succeeded=True, nominated=True)

    def receive_media(self, datagrams: Sequence[bytes]) -> None:
        self.turns.append(list(datagrams))
        if datagrams[-1].endswith(b"last"):
            self.everything.set()

    def receive_dtls(self, datagram: bytes) -> None: ...

    def path_lost(self, path: Path) -> None: ...


async def turns(*packets: bytes) -> list[list[bytes]]:
    endpoint = await Endpoint.open("127.0.0.1", 0, Counters())
    publisher = Publisher()
    endpoint.register("alice", publisher)
    check = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    check.attributes["USERNAME"] = "alice:page"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as page:
        page.connect((endpoint.host, endpoint.port))
        page.send(bytes(check))
        await asyncio.wait_for(publisher.known.wait(), 10)
        for packet in packets:
            page.send(packet)
        await asyncio.wait_for(publisher.everything.wait(), 10)
    endpoint.unregister("alice", publisher)
    await endpoint.aclose()
    return publisher.turns


async def test_packets_that_wait_are_taken_in_one_turn_so_that_they_leave_in_one_call() -> None:
    packets = [b"\x80first", b"\x80second", b"\x80last"]
    assert await turns(*packets) == [packets]


async def test_a_burst_leaves_turns_to_others() -> None:
    packets = [b"\x80%d" % number for number in range(40)] + [b"\x80last"]
    assert [len(turn) for turn in await turns(*packets)] == [16, 16, 9]


async def test_a_loop_that_cannot_tell_of_a_socket_takes_datagram_by_datagram(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_reader(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", add_reader)
    assert await turns(b"\x80first", b"\x80last") == [[b"\x80first"], [b"\x80last"]]
