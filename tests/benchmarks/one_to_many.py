"""One turn of one engine: a publisher sends the clip, viewers count, the engine's process pays."""

from __future__ import annotations

import asyncio
import contextlib
import math
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import clip
from tests.benchmarks.engines import Engine, OwnProcess
from tests.benchmarks.processes import JsonProcess, cpu_seconds

_WARM_UP = 1.5
_LOAD = "tests.benchmarks.load"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn showed."""

    cost: float
    """CPU time of the engine's process per forwarded packet, microseconds."""
    rate: float
    """Forwarded packets per second, as the viewers count them."""
    core: float
    """Share of one core that the engine used."""
    lost: int
    """Packets that are missing at the viewers, from the first to the last."""
    delays: Sequence[float]
    """Milliseconds from the publisher's send to the engine's."""
    dropped: int | None
    """Packets that the engine says it dropped; None where it does not say."""


@contextlib.contextmanager
def recorded(bitrate: int) -> Iterator[Path]:
    """The clip in a file for the load processes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "clip"
        clip.save(clip.encode_clip(bitrate), path)
        yield path


async def turn(engine: Engine, recording: Path, viewers: int, seconds: float, *, timed: bool = False) -> Turn:
    """Measure for `seconds`; publisher and viewers live in two more processes. Ends the engine."""
    publisher, audience = await JsonProcess.start(_LOAD), await JsonProcess.start(_LOAD)
    try:
        await engine.publish(publisher, "publisher", ["video"])
        await publisher.ask(play=["publisher"], clip=str(recording), stamped=timed)
        await asyncio.sleep(0.2)  # MediaRelay's viewers need a source that sends
        for number in range(viewers):
            await engine.watch(audience, f"viewer-{number}", ["video"], timed=timed)
        await asyncio.sleep(_WARM_UP)
        return await measure(engine, audience, seconds)
    finally:
        for process in (engine, publisher, audience):
            await process.aclose()


async def measure(engine: Engine, audience: JsonProcess, seconds: float) -> Turn:
    """What is forwarded to a process of viewers in `seconds`, and at what cost."""
    before, dropped = await audience.ask(counts=True), await _dropped(engine)
    cpu, since = cpu_seconds(engine.pid), time.perf_counter()
    await asyncio.sleep(seconds)
    cpu, passed = cpu_seconds(engine.pid) - cpu, time.perf_counter() - since
    after, dropped_after = await audience.ask(counts=True), await _dropped(engine)
    packets = after["received"] - before["received"]
    return Turn(
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


def percentile(values: Sequence[float], part: float) -> float:
    """The value that `part` of all values do not exceed."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def ratio(values: Mapping[str, Sequence[float]], base: str, ours: str) -> float:
    """What `ours` is in parts of `base`: the median of the ratios of each run."""
    return statistics.median(o / max(b, 1e-9) for b, o in zip(values[base], values[ours], strict=True))
