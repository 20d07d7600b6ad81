"""Floods of requests, with a token and without, hold up nobody in a call on the same hub (FAULTS 23, 31)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import aiohttp

from tests.hub.hub_process import HubProcess
from tests.hub.media.calls import Arrivals
from tests.hub.media.test_hub_process import BRIGHT, DARK, person
from tests.hub.whip.conftest import Studio, token
from tests.hub.whip.outsider import SDP, Outsider, bearer
from zego_widget.hub.whip.resources import BEGIN_BURST, BEGIN_RATE

CONNECTIONS = 40
EACH = 10


async def costly_offer() -> str:
    """One that is within all limits, takes the parser longer than others, and is refused when it is parsed."""
    async with Outsider("", "") as outsider:
        sdp = await outsider.offer("video", "video")
    return sdp + "".join(f"a=rtpmap:{number % 128} VP8/90000\r\n" for number in range(400))


async def flood(url: str, headers: dict[str, str], body: bytes) -> Counter[int]:
    """Post again and again over many connections at once; how often each status came, 0 where none did."""
    statuses: Counter[int] = Counter()

    async def post() -> None:
        for _ in range(EACH):
            try:
                async with http.post(url, data=body, headers=headers) as response:
                    statuses[response.status] += 1
            except aiohttp.ClientError:  # the hub closed while the body was on its way
                statuses[0] += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await asyncio.gather(*(post() for _ in range(CONNECTIONS)))
    return statuses


async def test_scenario_31_who_posts_costly_offers_all_the_time_has_few_of_them_parsed(studio: Studio) -> None:
    offer = (await costly_offer()).encode()
    for user, url in (("hasty", studio.whip("camera")), ("restless", studio.whep("camera"))):
        began = time.monotonic()
        statuses = await flood(url, bearer(token(user)) | SDP, offer)
        assert 0 < statuses[422] <= BEGIN_BURST + BEGIN_RATE * (time.monotonic() - began) + 1
        assert statuses[429] > statuses[422]
    status = studio.hub.status()
    assert (status.rooms, status.sessions, status.peers) == (0, 0, 0)


async def test_scenario_23_bodies_without_a_token_are_not_read_and_the_call_goes_on(hub_process: HubProcess) -> None:
    hub = hub_process
    async with person(hub, "alice", DARK) as alice, person(hub, "bob", BRIGHT) as bob:
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        before = await asyncio.to_thread(hub.status)
        arrivals = Arrivals(bob)
        for headers in ({}, {"Authorization": "Bearer " + "04" + "A" * 200}):
            statuses = await flood(f"{hub.url}/whip/demo/camera", headers | SDP, bytes(250_000))
            assert set(statuses) <= {0, 401}
            assert statuses[401]
        assert arrivals.longest_gap < 1.0
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        await hub.is_back_at(before.process)
