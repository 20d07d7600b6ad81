"""Floods at the media port of a real hub process; they come from processes of their own (FAULTS 20, 25)."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
from collections.abc import Iterable

from tests.hub.hub_process import HubProcess
from tests.hub.media.calls import Arrivals, binding_request, client_hello
from tests.hub.media.test_hub_process import BRIGHT, DARK, person
from tests.hub.peers import Participant
from tests.hub.tcp.carrier import Caller
from zego_widget.forwarder.half_open import MOST


async def flood(kind: str, port: int, rate: int, seconds: int, what: Iterable[bytes]) -> dict[str, int]:
    """Run `tests.hub.media.flood` to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.hub.media.flood", kind, str(port), str(rate), str(seconds)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        out, _ = await process.communicate("\n".join(each.hex() for each in what).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    totals: dict[str, int] = json.loads(out)
    return totals


def told(page: Participant, attribute: str) -> str:
    """What the hub's answer says to a participant."""
    found = re.search(rf"a={attribute}:(\S+)", page.pc.remoteDescription.sdp)
    assert found
    return found[1]


def said(page: Participant, attribute: str) -> str:
    """What a participant's offer says."""
    found = re.search(rf"a={attribute}:(\S+)", page.sdp)
    assert found
    return found[1]


def wrong_checks(page: Participant) -> list[bytes]:
    """Checks for nobody, and such as one could make who has seen a participant's on the way."""
    theirs = said(page, "ice-ufrag")
    username = f"{told(page, 'ice-ufrag')}:{theirs}"
    guesses = [binding_request(f"{secrets.token_hex(12)}:{theirs}", secrets.token_bytes(16)) for _ in range(50)]
    wrong_password = [binding_request(username, secrets.token_bytes(16)) for _ in range(50)]
    unsigned = [binding_request(username, None), binding_request(username, b"", SOFTWARE="x" * 1300)]
    crowd = b"\x77\x77\0\0" * 340 + unsigned[0][20:]
    crowded = unsigned[0][:2] + len(crowd).to_bytes(2) + unsigned[0][4:20] + crowd
    return guesses + wrong_password + [*unsigned, crowded] * 10


async def test_scenario_20_a_flood_of_wrong_checks_holds_up_nobody(hub_process: HubProcess) -> None:
    hub = hub_process
    async with person(hub, "alice", DARK) as alice, person(hub, "bob", BRIGHT) as bob:
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        before = await asyncio.to_thread(hub.status)
        arrivals = Arrivals(alice), Arrivals(bob)
        flooding = asyncio.create_task(flood("checks", hub.media_port, 10_000, 10, wrong_checks(alice)))
        async with person(hub, "carol", BRIGHT) as carol:  # who comes meanwhile gets in
            await carol.sees("alice-main", DARK)
        totals = await flooding
        assert max(each.longest_gap for each in arrivals) < 1.0
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        after = await asyncio.to_thread(hub.status)
        assert totals["bytes_back"] == 0 < totals["bytes_sent"]
        assert after.counters["dropped_ice"] > before.counters["dropped_ice"] + totals["sent"] // 2
        assert after.peers == before.peers
        await hub.is_back_at(before.process)


def beginnings(page: Participant) -> list[bytes]:
    """What is sent on a TCP connection that is nobody's: nothing, parts of frames, wrong checks, anything else."""
    check = binding_request(f"{told(page, 'ice-ufrag')}:{said(page, 'ice-ufrag')}", secrets.token_bytes(16))
    frames = [check, client_hello(), b"", b"\x80" * 100, bytes(1500)]
    whole = [len(frame).to_bytes(2) + frame for frame in frames]
    return [b"", b"\0", check[:1], whole[0][:40], b"\x05\xdc" + bytes(1499), *whole, b"\xff\xff", b"\0\0" * 500]


async def test_scenario_25_a_flood_of_connections_at_the_media_port_holds_up_nobody(hub_process: HubProcess) -> None:
    hub = hub_process
    async with person(hub, "alice", DARK) as alice, person(hub, "bob", BRIGHT) as bob:
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        before = await asyncio.to_thread(hub.status)
        arrivals = Arrivals(alice), Arrivals(bob)
        username = f"{told(alice, 'ice-ufrag')}:{said(alice, 'ice-ufrag')}"
        check = binding_request(username, told(alice, "ice-pwd").encode())
        flooding = asyncio.create_task(flood("connections", hub.media_port, 500, 6, beginnings(alice)))
        files = answered = 0
        while not flooding.done():
            caller = await Caller.call(hub.media_port)
            caller.send(check)
            assert (await caller.frame())[:2] == b"\x01\x01"  # a success response (RFC 8489, section 5)
            answered += 1
            await caller.aclose()
            files = max(files, (await hub.level()).file_descriptors or 0)
        totals = await flooding
        assert answered
        assert totals["bytes_back"] == 0 < totals["bytes_sent"]
        assert files < (before.process.file_descriptors or 0) + MOST + 20
        assert max(each.longest_gap for each in arrivals) < 1.0
        counters = (await asyncio.to_thread(hub.status)).counters
        assert counters["tcp_accepted"] >= totals["sent"]
        for reason in ("tcp_refused_crowd", "tcp_refused_stranger", "tcp_refused_frame"):
            assert counters[reason] > before.counters[reason], reason
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        await hub.is_back_at(before.process)
