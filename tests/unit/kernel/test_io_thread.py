"""The background thread: who starts it, who ends it, what interpreter exit leaves behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from zego_widget.io_thread import Lease, LoopThread

ROOT = Path(__file__).parents[3]


def _thread_of(lease: Lease) -> threading.Thread:
    async def current() -> threading.Thread:
        return threading.current_thread()

    return lease.submit(current()).result(10)


def test_users_share_one_thread_and_the_last_one_ends_it() -> None:
    shared = LoopThread("test-io")
    assert not shared.alive
    first, second = shared.acquire(), shared.acquire()
    thread = _thread_of(first)
    assert thread is _thread_of(second) and thread.daemon and thread.name == "test-io"
    first.release()
    first.release()
    assert _thread_of(second) is thread
    second.release()
    thread.join(10)
    assert not thread.is_alive() and second.loop.is_closed()


def test_the_thread_starts_again_after_its_end() -> None:
    shared = LoopThread("test-io")
    before = shared.acquire()
    old = _thread_of(before)
    before.release()
    after = shared.acquire()
    assert _thread_of(after) is not old
    before.release()
    new = _thread_of(after)
    after.release()
    new.join(10)


def test_the_last_release_may_come_from_the_thread_itself() -> None:
    lease = LoopThread("test-io").acquire()
    thread = _thread_of(lease)
    lease.post(lease.release)
    thread.join(10)
    assert not thread.is_alive()


def test_the_end_of_the_thread_cancels_what_still_runs() -> None:
    lease = LoopThread("test-io").acquire()
    thread = _thread_of(lease)
    running: Future[bool] = Future()
    cancelled: Future[bool] = Future()

    async def endless() -> None:
        running.set_result(True)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set_result(True)
            raise

    lease.submit(endless())
    assert running.result(10)
    lease.release()
    assert cancelled.result(10)
    thread.join(10)


def test_posting_after_the_end_is_harmless_and_submitting_says_so() -> None:
    lease = LoopThread("test-io").acquire()
    thread = _thread_of(lease)
    lease.release()
    thread.join(10)
    lease.post(print)
    with pytest.raises(RuntimeError, match="not running"):
        lease.submit(asyncio.sleep(0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_starts_its_own_thread() -> None:
    shared = LoopThread("test-io")
    lease = shared.acquire()
    thread = _thread_of(lease)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            lease.post(print)
            lease.release()
            own = shared.acquire()
            status = 0 if lease.orphaned and _thread_of(own).is_alive() and own.loop is not lease.loop else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert _thread_of(lease) is thread
    lease.release()
    thread.join(10)


@pytest.mark.parametrize("ending", ["", "sys.exit(0)", "io.post(lambda: time.sleep(0.05))"])
def test_interpreter_exit_lets_users_finish_quietly(ending: str) -> None:
    program = f"""
import asyncio, sys, time
from zego_widget.io_thread import io, observers
io, _ = io.acquire(lambda: farewell()), observers.acquire()
async def farewell():
    await asyncio.sleep(0.01)
    print("logged out", flush=True)
async def endless():
    await asyncio.Event().wait()
io.submit(endless())
{ending}
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", program], cwd=ROOT, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"logged out\n", b"")
