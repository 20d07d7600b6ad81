"""A machine that gets another address during a call: link and media follow at once, and nobody is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from tests.hub.engine.cable import AWAY, HOME, Cable
from tests.hub.engine.programs import Program
from tests.hub.hub_process import HubProcess, environment
from tests.hub.tcp.network import needs_root
from zego_widget.credentials import App

APP = App(1234567890, "ab" * 32)
AGAIN = ["PLAY_REQUESTING", "PLAYING"]
NEVER = {"heartbeat_interval": 200.0, "heartbeat_timeout": 600.0}
"""Times in which a link does not notice by itself that it is dead."""


@needs_root
async def test_another_address_is_followed_at_once(start_hub: Callable[..., HubProcess]) -> None:
    programs: list[Program] = []
    with contextlib.closing(Cable()) as cable, contextlib.ExitStack() as ending:
        with cable.at_home():
            hub = start_hub(host="0.0.0.0", media_host=HOME, apps=[APP], **NEVER)
        ours = environment(hub.directory, TEST_HUB=f"http://{HOME}:{hub.port} {hub.secret}")
        for user_id, there in (("alice", cable.away), ("bob", cable.at_home)):
            with there():
                programs.append(Program(user_id, "--app", str(APP.app_id), APP.app_sign, **ours))
            ending.callback(programs[-1].kill)
        alice, bob = programs
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))

        cable.move(AWAY, "198.51.100.7")

        await alice.until(lambda: ("RECONNECTED", 0) in alice.rooms, "its link was back")
        await alice.until(lambda: [line["state"] for line in alice.all("player")][-2:] == AGAIN, "its media were back")
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
        assert alice.rooms[2:] == [("RECONNECTING", 1002051), ("RECONNECTED", 0)]
        assert [line["update"] for line in bob.all("users")] == ["ADD"]
        with cable.at_home():
            status = hub.status()
        assert (status.sessions, status.streams, status.counters["sessions_resumed"]) == (2, 2, 1)
        await asyncio.gather(alice.end(), bob.end())
        with cable.at_home():
            hub.close()
