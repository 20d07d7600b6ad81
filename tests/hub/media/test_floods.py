"""Floods at the media port of a real hub process; they come from processes of their own, as they would (FAULTS 20)."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
from collections.abc import Iterable

from tests.hub.hub_process import HubProcess
from tests.hub.media.calls import Arrivals, binding_request
from tests.hub.media.test_hub_process import BRIGHT, DARK, person
from tests.hub.peers import Participant

RATE, SECONDS = 10_000, 10


async def flood(port: int, datagrams: Iterable[bytes]) -> dict[str, int]:
    """Run `tests.hub.media.flood` to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.hub.media.flood", str(port), str(RATE), str(SECONDS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        out, _ = await process.communicate("\n".join(datagram.hex() for datagram in datagrams).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    totals: dict[str, int] = json.loads(out)
    return totals


def wrong_checks(page: Participant) -> list[bytes]:
    """Checks for nobody, and such as one could make who has seen a participant's on the way."""
    found = re.search(r"a=ice-ufrag:(\S+)", page.pc.remoteDescription.sdp)
    theirs = re.search(r"a=ice-ufrag:(\S+)", page.sdp)
    assert found and theirs
    username = f"{found[1]}:{theirs[1]}"
    guesses = [binding_request(f"{secrets.token_hex(12)}:{theirs[1]}", secrets.token_bytes(16)) for _ in range(50)]
    wrong_password = [binding_request(username, secrets.token_bytes(16)) for _ in range(50)]
    unsigned = [binding_request(username, None), binding_request(username, b"", SOFTWARE="x" * 1300)]
    return guesses + wrong_password + unsigned * 10


async def test_scenario_20_a_flood_of_wrong_checks_holds_up_nobody(hub_process: HubProcess) -> None:
    hub = hub_process
    async with person(hub, "alice", DARK) as alice, person(hub, "bob", BRIGHT) as bob:
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        before = await asyncio.to_thread(hub.status)
        arrivals = Arrivals(alice), Arrivals(bob)
        flooding = asyncio.create_task(flood(hub.media_port, wrong_checks(alice)))
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
