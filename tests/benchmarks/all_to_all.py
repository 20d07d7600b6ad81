"""One turn of one engine: everyone in a room sends camera and microphone and plays all others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.benchmarks.engines import Engine, JanusRoom, OwnProcess
from tests.benchmarks.one_to_many import Turn, measure
from tests.benchmarks.processes import JsonProcess

BITRATE = 950_000
_KINDS = ("audio", "video")
_WARM_UP = 2.5  # beyond the first key frames


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


async def room_turn(engine: Engine, recording: Path, people: int, seconds: float, *, timed: bool = False) -> Turn:
    """Measure for `seconds`; all people live in one more process. Ends the engine."""
    load = await JsonProcess.start("tests.benchmarks.load")
    names = [f"person-{number}" for number in range(people)]
    try:
        await _join_all(engine, load, names, timed=timed)
        await load.ask(play=names, clip=str(recording), stamped=timed)
        if isinstance(engine, OwnProcess):
            await engine.connect()
        await asyncio.sleep(_WARM_UP)
        return await measure(engine, load, seconds)
    finally:
        await engine.aclose()
        await load.aclose()
