"""One turn of one engine: everyone in a room sends camera and microphone and plays all others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.engines import Engine, JanusRoom, OwnProcess
from tests.benchmarks.one_to_many import Turn
from tests.benchmarks.processes import JsonProcess, cpu_seconds

BITRATE = 950_000
_KINDS = ("audio", "video")
_WARM_UP = 2.5  # beyond the first key frames


@dataclass(frozen=True, slots=True)
class RoomTurn(Turn):
    """What a turn showed."""

    dropped: int | None
    """Packets that the engine says it dropped; None where it does not say."""


async def _join_all(engine: Engine, load: JsonProcess, names: list[str], *, timed: bool) -> None:
    if isinstance(engine, OwnProcess):
        for name in names:
            await engine.join(load, name, _KINDS, _KINDS * (len(names) - 1), timed=timed)
        return
    assert isinstance(engine, JanusRoom)
    for name in names:
        await engine.publish(load, name, _KINDS)
    for name in names:
        await engine.play(load, f"{name} plays", [other for other in names if other != name], timed=timed)


async def room_turn(engine: Engine, recording: Path, people: int, seconds: float, *, timed: bool = False) -> RoomTurn:
    """Measure for `seconds`; all people live in one more process. Ends the engine."""
    load = await JsonProcess.start("tests.benchmarks.load")
    names = [f"person-{number}" for number in range(people)]
    try:
        await _join_all(engine, load, names, timed=timed)
        await load.ask(play=names, clip=str(recording), stamped=timed)
        if isinstance(engine, OwnProcess):
            await engine.connect()
        await asyncio.sleep(_WARM_UP)
        before, dropped = await load.ask(counts=True), await _dropped(engine)
        cpu, since = cpu_seconds(engine.pid), time.perf_counter()
        await asyncio.sleep(seconds)
        cpu, passed = cpu_seconds(engine.pid) - cpu, time.perf_counter() - since
        after, dropped_after = await load.ask(counts=True), await _dropped(engine)
    finally:
        await engine.aclose()
        await load.aclose()
    packets = after["received"] - before["received"]
    return RoomTurn(
        cost=cpu / max(1, packets) * 1e6,
        rate=packets / passed,
        core=cpu / passed,
        lost=after["lost"] - before["lost"],
        delays=[delay / 1e6 for delay in after["delays"]],
        dropped=None if dropped is None or dropped_after is None else dropped_after - dropped,
    )


async def _dropped(engine: Engine) -> int | None:
    if not isinstance(engine, OwnProcess):
        return None
    return sum(count for name, count in (await engine.counters()).items() if name.startswith("dropped_"))
