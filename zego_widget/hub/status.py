"""What a running hub says about itself: the record behind `/v1/status` and `zego-widget status`."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import msgspec


class ProcessStatus(msgspec.Struct, frozen=True):
    """What the hub's process uses now; None where the platform does not tell."""

    tasks: int
    """Tasks of the event loop that are not done."""
    threads: int
    file_descriptors: int | None
    rss_bytes: int | None
    """Memory in RAM."""


class HubStatus(msgspec.Struct, frozen=True):
    """State of one hub; counts are those of now, packets and counters those since its start."""

    url: str
    media_port: int
    """Port of the forwarder, UDP and TCP."""
    pid: int
    version: str
    protocol: int
    managed: bool
    """Whether a kernel started this hub, so that it ends when idle."""
    uptime: float
    """Seconds since the hub began to listen."""
    rooms: int
    sessions: int
    streams: int
    peers: int
    packets_forwarded: int
    connections: int
    """TCP connections to the HTTP port, this one included."""
    counters: dict[str, int]
    process: ProcessStatus
    refusals: dict[str, int] = {}
    """What was refused, dropped, slowed down and closed since the start, as `area.reason`; see docs/counters.md."""
    time: float | None = None
    """Seconds since 1970 by the hub's clock, which decides about tokens; None from a hub that does not say."""
    network: dict[str, dict[str, int]] = {}
    """`upstream` and `downstream`: quality level -> users whose streams somebody plays now."""


def process_status() -> ProcessStatus:
    """What this process uses now; call it on the event loop."""
    return ProcessStatus(
        tasks=len(asyncio.all_tasks()),
        threads=_threads(),
        file_descriptors=_file_descriptors(),
        rss_bytes=_rss_bytes(),
    )


def _threads() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())  # counts native threads, too
    except OSError:
        return threading.active_count()


def _file_descriptors() -> int | None:
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1  # without the one that lists them
    except OSError:
        return None


def _rss_bytes() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
