"""The engine of the process, its end, its callbacks and its streams of events."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import zego_widget
from tests.unit.engine.fakes import ScriptedEngine, Subject, code_of
from tests.unit.kernel.scripted import ALICE, BOB, ROOM, ScriptedHub
from zego_widget import protocol
from zego_widget.engine import events as events_module
from zego_widget.engine.engine import ExpressEngine
from zego_widget.engine.events import EVENTS, EngineEvent
from zego_widget.engine.handler import EventHandler
from zego_widget.engine.profile import EngineProfile, LogConfig
from zego_widget.errors import ErrorCode, InvalidArgument, ZegoError
from zego_widget.model import UpdateType

ROOT = Path(__file__).resolve().parents[3]

# -- the engine of the process -----------------------------------------------------------------------------------


@pytest.fixture
def process_engine() -> Iterator[None]:
    yield
    if ExpressEngine._shared is not None:
        ExpressEngine._shared.close().result(10)


@pytest.mark.usefixtures("process_engine")
def test_create_makes_one_engine_and_destroy_ends_it() -> None:
    engine = ExpressEngine.create(EngineProfile())
    assert ExpressEngine.create(EngineProfile()) is engine
    assert ExpressEngine.shared() is engine
    told: list[threading.Thread] = []
    ExpressEngine.destroy(callback=lambda: told.append(threading.current_thread())).result(10)
    assert told[0].name == "zego-widget-engine"
    with pytest.raises(ZegoError) as caught:
        ExpressEngine.shared()
    assert caught.value.code == ErrorCode.COMMON_ENGINE_NOT_CREATE
    with pytest.raises(ZegoError):
        ExpressEngine.destroy()
    another = ExpressEngine.create(EngineProfile())
    assert another is not engine
    another.close().result(10)
    with pytest.raises(ZegoError):
        ExpressEngine.shared()


def test_an_engine_that_is_destroyed_refuses_every_verb() -> None:
    with ExpressEngine(EngineProfile()) as engine:
        pass
    operation = engine.login_room(ROOM, ALICE)
    with pytest.raises(ZegoError) as caught:
        operation.result(0)
    assert caught.value.code == ErrorCode.COMMON_ENGINE_NOT_CREATE
    assert "destroyed" in repr(engine)
    engine.close().result(10)


async def test_destroying_logs_out_and_ends_what_is_under_way(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject()
    async with subject.engine as engine:
        await subject.login()
        await engine.start_publishing_stream("s1")
        subject.hub.answers[protocol.SendBroadcastMessage] = await subject.held_back()
        pending = engine.send_broadcast_message("m", ROOM)
        await subject.settle()
    assert await code_of(pending) != 0
    assert subject.room_states()[-1] == ("LOGOUT", 0, ROOM)
    assert subject.link.asked(protocol.LogoutRoom)
    assert subject.peer.closed
    assert subject.link.closed


async def test_verbs_called_before_the_end_are_done_before_it(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject()
    order: list[str] = []
    subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    subject.engine.login_room(ROOM, ALICE, callback=lambda code, _: order.append(f"login {int(code)}"))
    await subject.engine.close(lambda: order.append("end"))
    assert order == [f"login {int(ErrorCode.COMMON_NOT_LOGIN_ROOM)}", "end"]


async def test_a_second_close_waits_for_the_first(new_subject: Callable[..., Subject]) -> None:
    subject = new_subject()
    told: queue.SimpleQueue[int] = queue.SimpleQueue()
    first = subject.engine.close(lambda: told.put(1))
    second = subject.engine.close(lambda: told.put(2))
    await asyncio.gather(first, second)
    assert sorted([told.get(timeout=10), told.get(timeout=10)]) == [1, 2]


def test_a_process_that_forgets_its_engine_ends_all_the_same() -> None:
    code = "import zego_widget as z; e = z.ExpressEngine.create(z.EngineProfile()); e.start_preview().result(5)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30)


async def test_a_callback_may_not_await_the_end_of_its_engine_either(subject: Subject) -> None:
    told: list[str] = []

    async def end() -> None:
        async with asyncio.timeout(10):
            await subject.engine.aclose()

    @subject.engine.on("room_user_update")
    def leave(*_: Any) -> None:
        try:
            asyncio.run(end())
        except (RuntimeError, TimeoutError) as error:
            told.append(str(error))

    await subject.login()
    subject.engine._parts.core._lease.post(subject.link.users, UpdateType.ADD, BOB)
    await subject.hears("room_user_update")
    await subject.engine.aclose()
    assert "cannot wait" in told[0]


async def test_a_callback_may_end_its_engine_but_not_wait_for_that(subject: Subject) -> None:
    told: list[str] = []

    @subject.engine.on("room_user_update")
    def leave(*_: Any) -> None:
        try:
            subject.engine.close().result(10)
        except RuntimeError as error:
            told.append(str(error))

    await subject.login()
    subject.engine._parts.core._lease.post(subject.link.users, UpdateType.ADD, BOB)
    await subject.hears("room_user_update")
    await subject.engine.aclose()
    assert "cannot wait" in told[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_no_engine_and_is_told_so() -> None:
    code = """
import os, sys
import zego_widget as zego

engine = zego.ExpressEngine()
engine.start_preview().result(10)
child = os.fork()
if child == 0:
    error = engine.login_room("demo", zego.User("alice")).exception(10)
    engine.close().result(10)
    os._exit(0 if error.code == 1000001 else 1)
assert os.waitpid(child, 0)[1] == 0
engine.stop_preview().result(10)
engine.close().result(10)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True, timeout=30)


def test_the_version_is_that_of_the_package() -> None:
    assert ExpressEngine.get_version() == zego_widget.__version__


# -- callbacks ---------------------------------------------------------------------------------------------------


class Recording(EventHandler):
    """Keeps what it is told, and on which thread."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []
        self.threads: set[str] = set()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_"):
            return lambda *arguments: self._record(name, arguments)
        return super().__getattribute__(name)

    def _record(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.threads.add(threading.current_thread().name)
        self.told.append((name, arguments))


async def test_the_handler_is_told_in_order_on_one_thread_of_the_engine(new_subject: Callable[..., Subject]) -> None:
    handler = Recording()
    subject = new_subject(handler=handler)
    await subject.login()
    for number in range(50):
        update = protocol.RoomOnlineUserCountUpdate(ROOM, number)
        await subject.on_io(subject.link.on_event, update)
    await subject.engine.aclose()
    counts = [arguments[0] for name, arguments in handler.told if name == "on_room_online_user_count_update"]
    assert counts == list(range(50))
    assert handler.threads == {"zego-widget-engine"}
    assert handler.told[0][0] == "on_room_state_changed"


async def test_a_callback_that_raises_is_logged_and_the_next_is_called(
    subject: Subject, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Any] = []

    @subject.engine.on("room_user_update")
    def bad(*_: Any) -> None:
        raise SystemExit("not so fast")

    @subject.engine.on("room_user_update")
    def good(*arguments: Any) -> None:
        told.append(arguments)

    await subject.login()
    await subject.on_io(subject.link.users, UpdateType.ADD, BOB)
    await subject.engine.aclose()
    assert told == [(UpdateType.ADD, [BOB], ROOM)]
    assert "not so fast" in caplog.text


async def test_a_callback_may_call_verbs_and_wait_for_them(subject: Subject) -> None:
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @subject.engine.on("room_user_update")
    def answer(*_: Any) -> None:
        results.put(subject.engine.set_room_extra_info(ROOM, "k", "v").result(10))

    await subject.login()
    await subject.on_io(subject.link.users, UpdateType.ADD, BOB)
    assert await asyncio.to_thread(results.get, timeout=10) is None
    assert len(subject.link.asked(protocol.SetRoomExtraInfo)) == 1


async def test_done_callbacks_run_on_the_callback_thread(subject: Subject) -> None:
    called = asyncio.Event()
    threads: list[str] = []
    loop = asyncio.get_running_loop()

    def done(operation: Any) -> None:
        threads.append(threading.current_thread().name)
        loop.call_soon_threadsafe(called.set)

    operation = subject.engine.login_room(ROOM, ALICE)
    operation.add_done_callback(done)
    async with asyncio.timeout(10):
        await called.wait()
    assert threads == ["zego-widget-engine"]


async def test_a_handler_is_taken_away_before_another_comes(new_subject: Callable[..., Subject]) -> None:
    first, second = Recording(), Recording()
    subject = new_subject(handler=first)
    with pytest.raises(ZegoError) as caught:
        subject.engine.set_event_handler(second)
    assert caught.value.code == ErrorCode.COMMON_EVENT_HANDLER_EXISTS
    subject.engine.set_event_handler(None)
    subject.engine.set_event_handler(second)
    await subject.login()
    await subject.engine.aclose()
    assert first.told == []
    assert [name for name, _ in second.told][:2] == ["on_room_state_changed"] * 2


def test_a_handler_is_an_event_handler(hub: ScriptedHub) -> None:
    with pytest.raises(InvalidArgument):
        ScriptedEngine(hub, handler=object())  # type: ignore[arg-type]


def test_events_that_there_are_not_are_named(subject: Subject) -> None:
    with pytest.raises(InvalidArgument, match="room_state_changed"):
        subject.engine.on("on_room_state_changed")


def test_every_callback_has_an_event_and_documents_itself() -> None:
    assert EVENTS["room_state_changed"] == ("reason", "error_code", "extended_data", "room_id")
    for name in EVENTS:
        assert getattr(EventHandler, f"on_{name}").__doc__


# -- streams of events -------------------------------------------------------------------------------------------


async def test_every_stream_gets_every_event_until_the_engine_ends(subject: Subject) -> None:
    streams = [subject.engine.events(), subject.engine.events()]
    await subject.login()
    await subject.engine.aclose()
    for stream in streams:
        told = [event async for event in stream]
        assert [event.reason.name for event in told] == ["LOGINING", "LOGINED", "LOGOUT"]
        assert told[0].name == "room_state_changed"
        assert told[0].room_id == ROOM
    assert [event async for event in subject.engine.events()] == []


async def test_a_consumer_that_waits_is_woken(subject: Subject) -> None:
    async with subject.engine.events() as stream:
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        subject.engine.login_room(ROOM, ALICE)
        async with asyncio.timeout(10):
            assert (await waiting).reason.name == "LOGINING"
    assert [event.name async for event in stream if event.reason.name == "LOGOUT"] == []


async def test_a_slow_consumer_loses_the_oldest(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "BACKLOG", 3)
    stream = subject.engine.events()
    await subject.login()
    for number in range(4):
        await subject.on_io(subject.link.on_event, protocol.RoomOnlineUserCountUpdate(ROOM, number))
    assert [event.count for event in stream.take()] == [1, 2, 3]
    assert stream.lost == 3


def test_an_event_has_its_arguments_as_attributes_and_no_others() -> None:
    event = EngineEvent("room_online_user_count_update", {"count": 3, "room_id": ROOM})
    assert (event.count, event.room_id) == (3, ROOM)
    with pytest.raises(AttributeError):
        _ = event.streams
    assert pickle.loads(pickle.dumps(event)) == event


# -- the package -------------------------------------------------------------------------------------------------


def test_the_public_names_are_there_and_cost_nothing_heavy() -> None:
    code = (
        "import sys, zego_widget as z; z.ExpressEngine, z.EventHandler, z.EngineProfile, z.Canvas;"
        "print([name for name in ('aiortc', 'av', 'ipywidgets', 'anywidget', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [name for name in zego_widget.__all__ if name != "__version__"])
def test_each_public_name_can_be_had(name: str) -> None:
    assert getattr(zego_widget, name).__name__.removeprefix("zego_widget.") == name


def test_the_log_goes_to_a_file_and_away_again(tmp_path: Path) -> None:
    level = logging.getLogger("zego_widget").level
    ExpressEngine.set_log_config(LogConfig(tmp_path / "logs"))
    logging.getLogger("zego_widget.engine").info("room %s", "one\nline")
    ExpressEngine.set_log_config(LogConfig())
    logging.getLogger("zego_widget.engine").info("no more")
    (line,) = (tmp_path / "logs" / "zego_widget.log").read_text().splitlines()
    assert line.endswith("zego_widget.engine: room one\\nline")
    assert logging.getLogger("zego_widget").level == level


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument) as caught:
        ExpressEngine.set_log_config(LogConfig(tmp_path / "file"))
    assert caught.value.code == ErrorCode.ENGINE_LOG_NO_WRITE_PERMISSION
    with pytest.raises(InvalidArgument, match="LOUD"):
        ExpressEngine.set_log_config(LogConfig(level="LOUD"))
