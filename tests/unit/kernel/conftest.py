"""A call widget without a kernel and without a hub: a recorded comm in front, a script behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import comm
import pytest

from tests.unit.engine.fakes import ScriptedEngine
from tests.unit.kernel.recorded_comm import RecordedComm
from tests.unit.kernel.scripted import ScriptedHub
from zego_widget import io_thread, view_widget, widget
from zego_widget.call import Call
from zego_widget.engine.engine import ExpressEngine
from zego_widget.model import User


class ScriptedWidget(widget.CallWidget):
    """A CallWidget whose hub is a script."""

    def __init__(self, hub: ScriptedHub | None = None, **keys: Any) -> None:
        self.hub = hub or ScriptedHub()
        self.changes: list[tuple[str, Any, threading.Thread]] = []
        self._changed = threading.Condition()
        super().__init__(**keys)
        self.line: RecordedComm = self.comm
        self.observe(self._record)

    def _new_engine(self) -> ScriptedEngine:
        return ScriptedEngine(self.hub)

    def _new_call(self, engine: ExpressEngine, room_id: str, user: User) -> Call:
        return Call(engine, room_id, user, self._call_changed, page_grace=3600.0, reload_grace=3600.0)

    def _record(self, change: Any) -> None:
        with self._changed:
            self.changes.append((change["name"], change["new"], threading.current_thread()))
            self._changed.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a trait change makes the condition true."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=10)

    def from_page(self, content: Any) -> None:
        """A custom message as the front end sends it."""
        self.receive({"method": "custom", "content": content})

    def receive(self, data: dict[str, Any]) -> None:
        self.line.receive(data)

    def to_page(self) -> list[Any]:
        """Contents of the custom messages that the page got."""
        return self.line.messages

    def updates(self, method: str = "update") -> list[dict[str, Any]]:
        return [data["state"] for _, data, _ in self.line.sent if data.get("method") == method]

    def settle(self) -> None:
        """Wait until both background threads have done what they were given."""
        for lease in (self._io, self._observers):
            for _ in range(30):
                done = threading.Event()
                lease.post(done.set)
                assert done.wait(10)

    def on_io(self, callback: Callable[..., object], *args: Any) -> None:
        """Let the hub do something, and wait for what follows from it."""
        self._io.post(callback, *args)
        self.settle()


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "widget.js").write_text("export default {}")
    (tmp_path / "widget.css").write_text(".zego {}")
    monkeypatch.setattr(view_widget, "STATIC", tmp_path)
    return tmp_path


@pytest.fixture
def new_widget(static: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ScriptedWidget]]:
    monkeypatch.setattr(comm, "create_comm", RecordedComm)
    made: list[ScriptedWidget] = []

    def new(**keys: Any) -> ScriptedWidget:
        made.append(ScriptedWidget(**keys))
        return made[-1]

    yield new
    threads = [thread for thread in (io_thread.io._thread, io_thread.observers._thread) if thread is not None]
    for each in made:
        each.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
