"""Verdicts on this machine: sockets' buffers, the event loop, open files."""

from __future__ import annotations

from .finding import Finding, Verdict

WANTED_BUFFER = 4 << 20
"""Bytes that the hub asks for, in each direction: the key frames of a room must not overflow it."""
ENOUGH_FILES = 4096
"""For a room of a thousand."""
FEWEST_FILES = 256


def judge_buffers(receive: int, send: int) -> Finding:
    """How much of the UDP buffers it asks for the hub gets, in bytes."""
    if min(receive, send) >= WANTED_BUFFER:
        return Finding("buffers", Verdict.OK, "UDP sockets get buffers of 4 MiB.")
    return Finding(
        "buffers",
        Verdict.LIMITED,
        f"UDP sockets get {receive >> 10} KiB to receive and {send >> 10} KiB to send; large pictures may get lost.",
        "On Linux run `sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304` as root, then restart the hub.",
    )


def judge_loop(platform: str, uvloop: str | None) -> Finding:
    """Whether the hub runs on the fast event loop; `platform` as `sys.platform` has it."""
    if uvloop is not None:
        return Finding("uvloop", Verdict.OK, f"The hub runs on uvloop {uvloop}.")
    if platform == "win32":
        return Finding("uvloop", Verdict.OK, "There is no uvloop for Windows; the hub runs on asyncio's own loop.")
    return Finding(
        "uvloop",
        Verdict.LIMITED,
        "uvloop is not installed; the hub takes several times the processor time.",
        "Run `pip install uvloop`, then `zego-widget stop`.",
    )


def judge_files(limit: int | None) -> Finding:
    """How many files and sockets a hub may open (it raises its own limit as far as it may); None is no limit."""
    if limit is None or limit >= ENOUGH_FILES:
        return Finding("files", Verdict.OK, f"A hub may have {limit or 'any number of'} files and sockets open.")
    verdict = Verdict.LIMITED if limit >= FEWEST_FILES else Verdict.BROKEN
    return Finding(
        "files",
        verdict,
        f"A hub may have only {limit} files and sockets open, and needs up to three for each person.",
        "Raise the hard limit (`ulimit -Hn`) of the session that starts it.",
    )
