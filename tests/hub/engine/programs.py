"""People in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0
BAD_WORDS = ("Traceback", "never retrieved", "never awaited", "ResourceWarning", "was destroyed")


class Program:
    """`person.py` for one user, with all that it has said."""

    module = "tests.hub.engine.person"

    def __init__(self, user_id: str, *arguments: str, group: int | None = None, **environment: str) -> None:
        """`group` is that of the process, where firewalls tell programs apart by it."""
        self.user_id = user_id
        self.said: list[dict[str, Any]] = []
        self.heard_at: list[float] = []
        """When each line was heard (time.monotonic)."""
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, user_id, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONWARNINGS": "default,ignore::DeprecationWarning"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            group=group,
        )
        # Threads of their own: a loop that ends waits for those that it lends.
        self._errors = ""
        self._readers = [threading.Thread(target=each, daemon=True) for each in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(RuntimeError):  # the test is over
                self._loop.call_soon_threadsafe(self._hear, json.loads(line), time.monotonic())

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self._errors = self.process.stderr.read()

    def _wait(self) -> int:
        for reader in self._readers:
            reader.join(PATIENCE)
        return self.process.wait(PATIENCE)

    def _hear(self, line: dict[str, Any], now: float) -> None:
        self.said.append(line)
        self.heard_at.append(now)
        self._news.set()

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The lines of a kind, oldest first."""
        return [line for line in self.said if line["kind"] == kind]

    @property
    def last(self) -> dict[str, Any]:
        """The latest count of pictures, descriptors, threads and tasks."""
        return self.all("pictures")[-1]

    @property
    def rooms(self) -> list[tuple[str, int]]:
        """What was told of the room: reasons and codes."""
        return [(line["reason"], line["code"]) for line in self.all("room")]

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until something holds that depends on what was said."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            lines = "\n".join(map(str, [*(each for each in self.said if each["kind"] != "pictures"), self.said[-1]]))
            sentence = f"{self.user_id} waited {PATIENCE:.0f} s until {what}; it said\n{lines}\n{self._errors}"
            raise AssertionError(sentence) from None

    async def sees(self, *user_ids: str, more: int = 5) -> None:
        """Wait until so many more pictures of each have come."""
        streams = [f"{user_id}-stream" for user_id in user_ids]
        before = dict(self.last["pictures"]) if self.all("pictures") else {}

        def seen() -> bool:
            now = self.last["pictures"] if self.all("pictures") else {}
            return all(now.get(each, 0) >= before.get(each, 0) + more for each in streams)

        await self.until(seen, f"it saw {', '.join(user_ids)}")

    async def end(self) -> None:
        """Let it leave; its process must end well and silently."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert await asyncio.to_thread(self._wait) == 0, self._errors
        for word in BAD_WORDS:
            assert word not in self._errors, self._errors

    def kill(self) -> None:
        """End it whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self._wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
