"""What an engine can say to a page on which a person asks what is wrong: of its kernel, and of the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from .. import protocol
from .._version import version
from ..errors import HubUnreachable, ZegoError
from ..hub import discovery
from ..link import Address
from .core import Core
from .line import GivenHub
from .profile import EngineProfile

if TYPE_CHECKING:
    from ..doctor import Finding

Reply = Callable[[protocol.KernelMessage], None]
KnownHub = Callable[[], Awaitable[Address | None]]
"""The hub of now; None where none runs. Raises `ZegoError`."""


class Diagnosis:
    """Belongs to the I/O loop. However often it is asked, it looks at one thing at a time."""

    def __init__(self, core: Core, known_hub: KnownHub) -> None:
        self._core = core
        self._known_hub = known_hub
        self._looking: asyncio.Task[list[protocol.DiagnosisFinding]] | None = None

    def answer(self, question: protocol.Diagnose, reply: Reply) -> None:
        """Look, and reply with `Diagnosis`."""
        self._core.spawn(self._answer(question, reply))

    async def _answer(self, question: protocol.Diagnose, reply: Reply) -> None:
        if self._looking is None or self._looking.done():
            self._looking = self._core.spawn(self._look())
        findings = await asyncio.shield(self._looking)
        reply(protocol.Diagnosis(question.page_id, question.request_id, version(), findings))

    async def _look(self) -> list[protocol.DiagnosisFinding]:
        findings = [*await asyncio.to_thread(_kernel), *await self._hub()]
        return [protocol.DiagnosisFinding(**asdict(each)) for each in findings]

    async def _hub(self) -> list[Finding]:
        from ..doctor import hub as judge
        from ..doctor.status import Target, ask

        url = ""
        try:
            address = await self._known_hub()
            if address is None:
                return [judge.no_hub_yet()]
            url = address.url.rstrip("/")
            answer = await ask(Target(url, address.secret))
        except HubUnreachable as error:
            reason = error.message.rstrip(".")
            return [judge.judge_hub(url, None, started=False, named=False, reason=reason)]
        except ZegoError as error:
            return [judge.judge_directory("", error.message)]
        findings = [judge.judge_hub(url, answer, started=False, named=False)]
        if answer.status == 200 and answer.protocol is not None:
            findings.append(judge.judge_protocol(answer, version(), protocol.PROTOCOL_VERSION))
            findings.append(judge.judge_clock(answer))
        elif answer.status == 401:
            findings.append(judge.judge_secret(answer, given=True))
        return findings


def _kernel() -> list[Finding]:
    from ..doctor import readings
    from ..doctor.versions import KNOWN, judge_package

    return [judge_package(known, readings.package_version(known.package)) for known in KNOWN if known.in_kernel]


def known_hub(profile: EngineProfile) -> KnownHub:
    """The hub that a profile names, else the one of this user on this machine, which is not started for this."""

    async def find() -> Address | None:
        if profile.hub_url is not None and profile.hub_secret is not None:
            return GivenHub(profile.hub_url, profile.hub_secret)
        return await discovery.find()

    return find
