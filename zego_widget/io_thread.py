"""One daemon thread with one asyncio loop, shared by everything in the process that needs it.

A kernel's own loops are the kernel's: cells block the main one, subshells have others, and a widget cannot know
which of them runs its handlers. What this package does in the background it does on loops of its own:

    io         sockets and timers of all calls; nothing there may block
    observers  trait changes that come from a call, and so the callbacks of `observe`; these may block
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

AtExit = Callable[[], Coroutine[Any, Any, None]]
"""What a user of the thread still has to do on the loop when the interpreter ends."""

EXIT_TIMEOUT = 3.0
"""Seconds that interpreter exit waits for `AtExit` of all users together."""


class LoopThread:
    """A thread that runs a loop while it has users; started by the first `acquire`, ended by the last `release`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._leases: set[Lease] = set()
        # Before executors are closed: what still has to be done may need them.
        _before_executors(self.shutdown)
        atexit.register(self.shutdown)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def acquire(self, at_exit: AtExit | None = None) -> Lease:
        """Become a user of the thread, until `Lease.release`."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            lease = Lease(self, self._loop, at_exit)
            self._leases.add(lease)
            return lease

    def _release(self, lease: Lease) -> None:
        with self._lock:
            self._leases.discard(lease)
            if self._leases or lease.loop is not self._loop:
                return
            self._stop()

    def _stop(self) -> threading.Thread | None:
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
        return thread

    def shutdown(self, timeout: float = EXIT_TIMEOUT) -> None:
        """Let every user finish, then end the thread; for interpreter exit."""
        with self._lock:
            leases = list(self._leases)
            loop = self._loop
        if loop is None:
            return
        farewells = [lease.at_exit for lease in leases if lease.at_exit is not None]
        if farewells:
            finished = asyncio.run_coroutine_threadsafe(_all(farewells), loop)
            # Whatever goes wrong here, the process is ending and nobody is left to be told.
            with contextlib.suppress(Exception):
                finished.result(timeout)
        with self._lock:
            self._leases.clear()
            thread = self._stop()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _forget(self) -> None:
        # In a forked child the thread does not exist, and its sockets belong to the parent.
        self._lock = threading.Lock()
        for lease in self._leases:
            lease.orphaned = True
        self._leases = set()
        self._loop = self._thread = None


class Lease:
    """One user's hold on a `LoopThread`."""

    def __init__(self, owner: LoopThread, loop: asyncio.AbstractEventLoop, at_exit: AtExit | None) -> None:
        self.loop = loop
        self.at_exit = at_exit
        # Set in a forked child: the loop is the parent's.
        self.orphaned = False
        self._owner = owner

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop; callable from any thread. Raises `RuntimeError` when the thread has ended."""
        if self.orphaned or self.loop.is_closed():
            coroutine.close()
            raise RuntimeError("The background thread of zego_widget is not running in this process.")
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def post(self, callback: Callable[..., object], *args: Any) -> None:
        """Call something on the loop soon, in the order of posting; dropped when the thread has ended."""
        if self.orphaned:
            return
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(callback, *args)

    def release(self) -> None:
        """Stop being a user; idempotent, does not wait for the thread to end."""
        if not self.orphaned:
            self._owner._release(self)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        while tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


async def _all(farewells: list[AtExit]) -> None:
    await asyncio.gather(*(farewell() for farewell in farewells), return_exceptions=True)


def _before_executors(end: Callable[[], None]) -> None:
    """Call at interpreter exit while executors still work, where Python has a way to say so."""
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        # Executors have registered when their module was imported, and who comes last is called first.
        importlib.import_module("concurrent.futures.thread")
        register(end)


io = LoopThread("zego-widget-io")
observers = LoopThread("zego-widget-observers")
