"""A call whose people, programs, networks, page and hub faults strike, as a schedule says."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.browser.notebook import Notebook
from tests.chaos import firewall
from tests.chaos.schedule import OF_PAGE, Fault, Kind
from tests.hub.engine.programs import Program
from tests.hub.engine.test_hub_death import hubs_of
from zego_widget.errors import HubUnreachable
from zego_widget.hub import discovery
from zego_widget.hub.status import HubStatus

PATIENCE = 90.0
"""Seconds after the last fault within which everybody sees everybody."""
FIRST_GROUP = 61_000
"""Groups of the programs' processes; they own nothing."""
CUTS = {
    Kind.SIGNALLING_CUT: firewall.SIGNALLING_CUT,
    Kind.EVERYTHING_CUT: firewall.EVERYTHING_CUT,
    Kind.LOSS: firewall.LOSSY,
}


class Crowd(Program):
    """`people.py` for some users."""

    module = "tests.chaos.people"

    def __init__(self, users: Sequence[str], group: int) -> None:
        super().__init__(*users, group=group)

    def tell(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    @property
    def pictures(self) -> dict[str, dict[str, int]]:
        """Viewer -> publisher -> pictures so far."""
        return self.last["pictures"] if self.all("pictures") else {}


class ChaosCall:
    """Programs of people, and a page if one is given, in one network with the hub that they start."""

    def __init__(
        self, programs: Mapping[str, Sequence[str]], directory: Path, wall: firewall.Firewall, page: Notebook | None
    ) -> None:
        self._users = programs
        self._groups = {name: FIRST_GROUP + number for number, name in enumerate(programs)}
        self._directory = directory
        self._wall = wall
        self._hub_pid = 0
        self.page = page
        self.programs: dict[str, Crowd] = {}

    def start(self) -> None:
        """Let everybody come."""
        for name in self._users:
            self._start(name)

    def _start(self, name: str) -> None:
        self.programs[name] = Crowd(self._users[name], self._groups[name])

    @property
    def users(self) -> list[str]:
        """Everybody who is to be in the call, the page's user included."""
        users = [user for name in self._users for user in self._users[name]]
        return users + ([self.page.name] if self.page else [])

    # -- what happens to it ----------------------------------------------------------------------------------

    async def suffers(self, faults: Sequence[Fault]) -> None:
        """Let the faults happen at their times; returns when all are undone."""
        begun = time.monotonic()

        async def happen(fault: Fault) -> None:
            await asyncio.sleep(fault.at + begun - time.monotonic())
            print(f"{time.monotonic() - begun:6.1f} s: {fault.kind.value}, {fault.whom}", flush=True)
            await self._strike(fault)

        watching = asyncio.create_task(self.knows_hubs())
        try:
            async with asyncio.TaskGroup() as group:
                for fault in faults:
                    group.create_task(happen(fault))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def knows_hubs(self) -> None:
        """Tell the firewall of each hub."""
        while True:
            address = discovery.read_address(self._directory)
            if address is not None and address.pid != self._hub_pid:
                try:
                    status = await discovery.status_of(address)
                except HubUnreachable:
                    status = None
                if status is not None:
                    self._wall.knows_hub(urlsplit(address.url).port or 0, status.media_port)
                    self._hub_pid = address.pid
            await asyncio.sleep(0.1)

    async def _strike(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.SIGNALLING_CUT | Kind.EVERYTHING_CUT | Kind.LOSS:
                self._wall.strike(CUTS[fault.kind], self._groups[fault.whom])
                await asyncio.sleep(fault.lasts)
                self._wall.spare(CUTS[fault.kind], self._groups[fault.whom])
            case Kind.PROGRAM_STOPPED:
                process = self.programs[fault.whom].process
                process.send_signal(signal.SIGSTOP)
                try:
                    await asyncio.sleep(fault.lasts)
                finally:
                    process.send_signal(signal.SIGCONT)
            case Kind.PROGRAM_KILLED:
                await asyncio.to_thread(self.programs[fault.whom].kill)
                await asyncio.sleep(fault.lasts)
                self._start(fault.whom)
            case Kind.USER_LEFT:
                program = next(self.programs[name] for name, users in self._users.items() if fault.whom in users)
                program.tell(f"leave {fault.whom}")
                await asyncio.sleep(fault.lasts)
                program.tell(f"join {fault.whom}")
            case Kind.HUB_KILLED:
                address = discovery.read_address(self._directory)
                if address is not None:
                    os.kill(address.pid, signal.SIGKILL)
            case Kind.PAGE_RELOADED | Kind.PAGE_LEFT:
                await self._strike_page(fault)

    async def _strike_page(self, fault: Fault) -> None:
        assert fault.kind in OF_PAGE and self.page is not None
        if fault.kind is Kind.PAGE_RELOADED:
            await self.page.reload()
        else:
            await self.page.call.press("Stop call")
            await asyncio.sleep(fault.lasts)
            await self.page.call.press("Start call")

    # -- how it is ---------------------------------------------------------------------------------------------

    async def everyone_sees_everyone(self, more: int = 5) -> None:
        """Wait until so many more pictures of everybody have come to everybody."""
        before = {viewer: dict(seen) for each in self.programs.values() for viewer, seen in each.pictures.items()}
        everybody = set(self.users)

        def unseen() -> list[str]:
            now = {viewer: seen for each in self.programs.values() for viewer, seen in each.pictures.items()}
            return [
                f"{viewer} does not see {other}"
                for users in self._users.values()
                for viewer in users
                for other in sorted(everybody - {viewer})
                if now.get(viewer, {}).get(other, 0) < before.get(viewer, {}).get(other, 0) + more
            ]

        deadline = time.monotonic() + PATIENCE
        while missing := unseen():
            assert time.monotonic() < deadline, f"after {PATIENCE:.0f} s: {missing}\n{await self.report()}"
            await asyncio.sleep(0.1)
        if self.page is not None:
            others = [user for user in self.users if user != self.page.name]
            await asyncio.gather(*(self.page.call.wait_until_sees(user) for user in others))
            await self.page.call.wait_for_tiles(len(others))
            await self.page.call.wait_until_whole()
            await self.page.call.wait_for_state("in_call")

    async def status(self) -> HubStatus:
        """What the hub says of itself."""
        address = discovery.read_address(self._directory)
        assert address is not None
        status = await discovery.status_of(address)
        assert status is not None
        return status

    async def hub_is_at(self, condition: Any, what: str) -> HubStatus:
        """Wait until a condition holds of the hub's status."""
        deadline = time.monotonic() + PATIENCE
        while not condition(status := await self.status()):
            assert time.monotonic() < deadline, f"never {what}: {status}\n{await self.report()}"
            await asyncio.sleep(0.2)
        return status

    async def holds_exactly_everybody(self) -> HubStatus:
        """Wait until the hub's tables hold those that are to be there, and nobody else."""
        many = len(self.users)
        expected = (1, many, many, many)
        return await self.hub_is_at(
            lambda status: (status.rooms, status.sessions, status.streams, status.peers) == expected,
            f"(rooms, sessions, streams, peers) were {expected}",
        )

    async def has_no_process(self) -> None:
        """Wait until no hub of this directory is left."""
        deadline = time.monotonic() + PATIENCE
        while left := hubs_of(self._directory):
            assert time.monotonic() < deadline, f"hubs went on: {left}"
            await asyncio.sleep(0.1)

    async def report(self) -> str:
        """What the programs said, without their counts, and the end of the hub's log."""
        lines = [
            f"{program.heard_at[number]:.1f} {line}"
            for program in self.programs.values()
            for number, line in enumerate(program.said)
            if line["kind"] != "pictures" or number == len(program.said) - 1
        ]
        log = (self._directory / discovery.LOG_FILE).read_text()
        return "\n".join([*lines, log[-20_000:]])

    async def end(self) -> None:
        """Everybody leaves; all processes must end well and silently."""
        await asyncio.gather(*(program.end() for program in self.programs.values()))

    def kill(self) -> None:
        """End all programs whatever they do."""
        for program in self.programs.values():
            if program.process.poll() is None:
                program.process.send_signal(signal.SIGCONT)
            program.kill()
