"""A call in a network namespace that loses a tenth of all datagrams; prints what the viewer saw, as JSON.

unshare --net python -m tests.hub.loss.lossy_call <runtime directory>
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.hub.hub_process import HubProcess
from tests.hub.loss.viewing import Watching, films
from tests.hub.media.calls import until
from tests.hub.media.test_hub_process import person
from tests.hub.peers import FRAMES_PER_SECOND

WATCHED = 8 * FRAMES_PER_SECOND
GREY = 128
_TABLE = "inet zego_widget_loss"


def set_up_loopback() -> None:
    """Loopback with a second address, since peers offer none of 127.0.0.0/8."""
    for command in ("ip link set lo up", "ip address add 10.99.0.1/32 dev lo"):
        subprocess.run(command.split(), check=True)


def lose_a_tenth() -> None:
    """Every tenth datagram is dropped where it arrives, at random, whichever way it goes."""
    rules = f"""
    table {_TABLE} {{
        chain arriving {{
            type filter hook input priority 0;
            meta l4proto udp counter
            meta l4proto udp numgen random mod 10 0 counter drop
        }}
    }}
    """
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def datagrams() -> tuple[int, int]:
    """How many arrived, and how many of them were dropped."""
    listing = subprocess.run(["nft", "list", "table", *_TABLE.split()], capture_output=True, text=True, check=True)
    arrived, dropped = re.findall(r"packets (\d+)", listing.stdout)
    return int(arrived), int(dropped)


async def watch(hub: HubProcess) -> dict[str, Any]:
    async with person(hub, "alice", GREY) as alice, person(hub, "bob", GREY) as bob:
        noise = films(alice)
        watching = Watching(bob, noise)
        await bob.sees("alice-main", GREY)
        slot = bob.slot_of("alice-main")
        assert slot is not None
        assert slot.video_mid is not None
        lose_a_tenth()
        sent, seen = noise.frames_sent, watching[slot.video_mid]
        await until(lambda: noise.frames_sent >= sent + WATCHED, "the film to go on")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await bob.until(lambda: watching[slot.video_mid] >= seen + WATCHED)
        arrived, dropped = datagrams()
        return {
            "seen": (watching[slot.video_mid] - seen) / WATCHED,
            "longest_freeze": watching.longest_freeze(slot.video_mid),
            "lost": dropped / arrived,
            "counters": (await asyncio.to_thread(hub.status)).counters,
        }


def main(directory: Path) -> None:
    set_up_loopback()
    with contextlib.closing(HubProcess(directory)) as hub:
        print(json.dumps(asyncio.run(watch(hub))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
