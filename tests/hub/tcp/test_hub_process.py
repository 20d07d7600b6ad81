"""A real hub process: calls over TCP, strangers at its media port, and nothing left of either."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from tests.hub.hub_process import HubProcess, run_command
from tests.hub.media.test_hub_process import BRIGHT, DARK, ask, beat, until_counted
from tests.hub.peers import Participant
from tests.hub.tcp.carrier import Caller, Carrier
from zego_widget import protocol as p
from zego_widget.model import RoomConfig, User


@contextlib.asynccontextmanager
async def person_over_tcp(hub: HubProcess, user_id: str, brightness: int) -> AsyncIterator[Participant]:
    async with (
        hub.greeted_link() as link,
        Carrier(hub.media_port) as carrier,
        Participant(user_id, slots=2, brightness=brightness) as page,
    ):
        await ask(link, p.LoginRoom(1, "demo", User(user_id, user_id), RoomConfig(), True, hub.key(user_id, "demo")))
        await ask(link, p.StartPublishing(2, f"{user_id}-main"))
        answer = await ask(link, await page.offer(3, capture="take"))
        assert isinstance(answer, p.Answer), answer
        assert f" tcp 1520435199 127.0.0.1 {hub.media_port} typ host tcptype passive\r\n" in answer.sdp
        await page.take_answer(carrier.edit_answer(answer.sdp))
        beats = asyncio.create_task(beat(link))
        try:
            yield page
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)


async def test_people_over_tcp_see_each_other_whatever_strangers_do_and_nothing_is_left(
    hub_process: HubProcess,
) -> None:
    hub = hub_process
    before = await hub.level()
    async with person_over_tcp(hub, "alice", DARK) as alice, person_over_tcp(hub, "bob", BRIGHT) as bob:
        await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        level = await hub.level()
        async with contextlib.AsyncExitStack() as stack:
            strangers = []
            for _ in range(40):
                strangers.append(await Caller.call(hub.media_port))
                stack.push_async_callback(strangers[-1].aclose)
            await until_counted(hub, 8, "tcp_refused_crowd")
            for stranger in strangers[20:]:
                stranger.send(b"\x80" * 40)
            await until_counted(hub, 20, "tcp_refused_stranger")
            await alice.sees("bob-main", BRIGHT)
        await bob.sees("alice-main", DARK)
        await hub.is_back_at(level)
        counters = json.loads(run_command(hub.directory, "status", "--json").stdout)["counters"]
        assert counters["tcp_accepted"] >= 42
        assert counters["tcp_dropped_slow"] == counters["tcp_closed_slow"] == counters["tcp_refused_frame"] == 0
    await hub.is_back_at(before, rss_slack=64 << 20)
