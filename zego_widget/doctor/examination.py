"""All checks, one after the other: what is read and asked, and who judges it."""

from __future__ import annotations

import sys
from pathlib import Path

from .._version import version
from ..credentials import apps_from_environment
from ..errors import HubUnreachable, ZegoError
from ..hub import discovery
from ..protocol import PROTOCOL_VERSION
from . import hub, machine, media, readings, versions
from .finding import Finding, Verdict
from .status import Target, ask, upgrade_status
from .visit import hub_of_our_own, named_target, visit


async def examine(url: str | None = None, secret_file: Path | None = None) -> list[Finding]:
    """Look at this machine and at a hub: the one at `url`, else the one that runs, else one started for this.

    Raises `ZegoError` where `url`, `secret_file` or the environment make no sense.
    """
    findings = examine_machine()
    if url is not None:
        apps = apps_from_environment()
        target = named_target(url, secret_file, apps[0] if apps else None)
        return findings + await _examine_hub(target, named=True)
    try:
        directory = discovery.runtime_directory()
        address = discovery.read_address(directory)
    except ZegoError as error:
        return [*findings, hub.judge_directory("", error.message)]
    findings.append(hub.judge_directory(str(directory), None))
    try:
        running = address is not None and await discovery.ask(address) is not None
    except HubUnreachable as error:
        return [*findings, hub.judge_hub("", None, started=False, named=False, reason=error.message.rstrip("."))]
    if address is not None and running:
        return findings + await _examine_hub(Target(address.url, address.secret, address.app))
    try:
        async with hub_of_our_own() as target:
            return findings + await _examine_hub(target, started=True)
    except ZegoError as error:
        return [*findings, hub.judge_hub("", None, started=True, named=False, reason=error.message.rstrip("."))]


def examine_machine() -> list[Finding]:
    """What is known without a hub."""
    python = sys.version_info[:3]
    return [
        versions.judge_python(python, version(), PROTOCOL_VERSION),
        *(versions.judge_package(known, readings.package_version(known.package)) for known in versions.KNOWN),
        machine.judge_loop(sys.platform, readings.package_version("uvloop")),
        machine.judge_buffers(*readings.udp_buffers()),
        machine.judge_files(readings.open_files()),
    ]


async def _examine_hub(target: Target, *, started: bool = False, named: bool = False) -> list[Finding]:
    try:
        answer = await ask(target)
    except HubUnreachable as error:
        return [hub.judge_hub(target.url, None, started=started, named=named, reason=error.message.rstrip("."))]
    findings = [hub.judge_hub(target.url, answer, started=started, named=named)]
    if findings[0].verdict is not Verdict.OK:
        return findings
    findings.append(hub.judge_secret(answer, given=bool(target.secret)))
    findings.append(hub.judge_clock(answer))
    if answer.status != 200:
        if not target.secret:
            findings.append(hub.judge_upgrade(await upgrade_status(target)))
        return findings
    findings.append(hub.judge_protocol(answer, version(), PROTOCOL_VERSION))
    if answer.protocol != PROTOCOL_VERSION:
        return findings
    return findings + await _examine_call(target)


async def _examine_call(target: Target) -> list[Finding]:
    findings: list[Finding] = []
    refusal: str | None = None
    try:
        async with visit(target) as visitor:
            findings.append(hub.judge_link(None))
            if target.app is None:
                return [*findings, hub.judge_login(None, has_app=False)]
            try:
                await visitor.log_in()
            except ZegoError as error:
                refusal = str(error)
            findings.append(hub.judge_login(refusal, has_app=True))
            if refusal is None:
                findings += media.judge_paths(await visitor.connect("udp"), await visitor.connect("tcp"))
    except ZegoError as error:
        return [hub.judge_link(error.message), *findings[1:]]
    return findings
