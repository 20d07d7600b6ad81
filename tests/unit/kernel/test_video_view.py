"""VideoView as its user, its engine and its page see it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import comm
import pytest
import traitlets

from tests.unit.engine.fakes import ScriptedEngine
from tests.unit.kernel.recorded_comm import RecordedComm
from tests.unit.kernel.scripted import ALICE, BOB, BOBS, ROOM, ScriptedHub
from zego_widget import Canvas, VideoView, ViewMode, io_thread, protocol
from zego_widget.model import PublishChannel, UpdateType


class Lab:
    """Engines on scripted hubs, and views; everything is closed in the end."""

    def __init__(self) -> None:
        self.engines: list[ScriptedEngine] = []
        self.views: list[VideoView] = []

    def engine(self) -> ScriptedEngine:
        self.engines.append(ScriptedEngine(ScriptedHub()))
        return self.engines[-1]

    def view(self, **keys: Any) -> VideoView:
        self.views.append(VideoView(**keys))
        return self.views[-1]

    def in_room(self) -> ScriptedEngine:
        engine = self.engine()
        engine.login_room(ROOM, ALICE).result(10)
        return engine


@pytest.fixture
def lab(static: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setattr(comm, "create_comm", RecordedComm)
    lab = Lab()
    yield lab
    threads = {thread for thread in threading.enumerate() if thread.name.startswith("zego-widget")}
    for engine in lab.engines:
        engine.close().result(10)
    for view in lab.views:
        view.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def until(view: VideoView, condition: Callable[[], Any]) -> None:
    """Wait until a trait of the view makes the condition true."""
    changed = threading.Event()
    notify = lambda _: changed.set()  # noqa: E731
    view.observe(notify)
    try:
        while not condition():
            assert changed.wait(10), view.get_state()
            changed.clear()
    finally:
        view.unobserve(notify)


def from_page(view: VideoView, message: dict[str, Any]) -> None:
    line: Any = view.comm
    line.receive({"method": "custom", "content": message})


def switch(view: VideoView, **state: bool) -> None:
    line: Any = view.comm
    line.receive({"method": "update", "state": state, "buffer_paths": []})


def test_a_view_on_no_canvas_shows_nothing_and_starts_nothing(lab: Lab) -> None:
    before = set(threading.enumerate())
    view = lab.view()
    assert (view.stream_id, view._channel, view._call_id, view.state) == (None, None, "", "idle")
    assert (view._kind, view.view_mode) == ("video", ViewMode.ASPECT_FIT)
    assert set(threading.enumerate()) == before


def test_a_view_has_a_size_unless_its_layout_says_another(lab: Lab) -> None:
    assert (lab.view().layout.width, lab.view().layout.height) == ("320px", "180px")
    wide = lab.view(layout={"width": "100%"})
    assert (wide.layout.width, wide.layout.height) == ("100%", "180px")


def test_a_view_mode_is_one_of_three(lab: Lab) -> None:
    view = lab.view(view_mode=ViewMode.ASPECT_FILL)
    assert view.view_mode is ViewMode.ASPECT_FILL
    view.view_mode = 2
    assert view.view_mode is ViewMode.SCALE_TO_FILL and view.get_state()["view_mode"] == 2
    with pytest.raises(traitlets.TraitError):
        view.view_mode = 3
    with pytest.raises(traitlets.TraitError):
        lab.view(view_mode="fill")


def test_a_view_shows_the_preview_of_its_canvas(lab: Lab) -> None:
    engine, view = lab.engine(), lab.view()
    engine.start_preview(Canvas(view, ViewMode.ASPECT_FILL)).result(10)
    until(view, lambda: view._call_id and view._media["main"]["preview"])
    assert (view._channel, view.stream_id, view.view_mode) == (PublishChannel.MAIN, None, ViewMode.ASPECT_FILL)
    assert view._call_id == engine._parts.pages.engine_id
    engine.stop_preview().result(10)
    until(view, lambda: view._call_id == "" and view.state == "idle")
    assert view._channel is None and not view._media["main"]["preview"]


def test_two_views_of_one_engine_are_of_one_page_call(lab: Lab) -> None:
    engine, one, two = lab.in_room(), lab.view(), lab.view()
    engine.start_preview(Canvas(one))
    engine.start_playing_stream(BOBS.stream_id, Canvas(two))
    until(two, lambda: two._call_id and two.state == "connecting")
    assert (two.stream_id, two._channel) == (BOBS.stream_id, None)
    until(one, lambda: one._call_id == two._call_id)
    assert (two.room_id, two.user_id, two.user_name) == (ROOM, "alice", "Alice")


def test_the_canvas_that_was_named_last_has_the_view(lab: Lab) -> None:
    engine, view = lab.in_room(), lab.view()
    engine.start_preview(Canvas(view))
    engine.start_playing_stream(BOBS.stream_id, Canvas(view, ViewMode.SCALE_TO_FILL))
    until(view, lambda: view.stream_id == BOBS.stream_id)
    assert (view._channel, view.view_mode) == (None, ViewMode.SCALE_TO_FILL)
    view.view_mode = ViewMode.ASPECT_FILL
    engine.stop_preview().result(10)
    assert (view.stream_id, view.view_mode) == (BOBS.stream_id, ViewMode.ASPECT_FILL)


def test_a_canvas_of_another_engine_takes_the_view_away(lab: Lab) -> None:
    first, second, view = lab.engine(), lab.engine(), lab.view()
    first.start_preview(Canvas(view)).result(10)
    until(view, lambda: view._call_id == first._parts.pages.engine_id)
    calls = []
    view.observe(lambda change: calls.append(change["new"]), "_call_id")
    second.start_preview(Canvas(view)).result(10)
    until(view, lambda: view._call_id == second._parts.pages.engine_id)
    assert calls == ["", view._call_id]
    muted: list[bool] = []
    view.observe(lambda change: muted.append(change["new"]), "microphone_muted")
    first.mute_microphone(True).result(10)
    first.stop_preview().result(10)
    second.enable_camera(False)
    until(view, lambda: not view.camera_enabled)
    assert muted == []
    assert view._call_id == second._parts.pages.engine_id and view._channel == PublishChannel.MAIN


def test_a_view_that_comes_back_at_once_is_on_the_last_canvas(lab: Lab) -> None:
    first, second, view = lab.engine(), lab.engine(), lab.view()

    def there_and_back() -> None:
        for engine in (first, second, first):
            engine.start_preview(Canvas(view))

    first._parts.core.post(there_and_back)  # nothing comes between
    second.stop_preview().result(10)
    until(view, lambda: view._call_id == first._parts.pages.engine_id)
    first.mute_microphone(True).result(10)
    until(view, lambda: view.microphone_muted)


def test_a_switch_of_a_page_reaches_the_engine_and_the_other_views(lab: Lab) -> None:
    engine, one, two = lab.in_room(), lab.view(), lab.view()
    engine.start_preview(Canvas(one))
    engine.start_playing_stream(BOBS.stream_id, Canvas(two))
    until(two, lambda: two._call_id)
    until(one, lambda: one._call_id)
    switch(one, microphone_muted=True, camera_enabled=False)
    until(two, lambda: two.microphone_muted and not two.camera_enabled)
    assert engine.is_microphone_muted()


def test_a_switch_of_the_engine_reaches_the_views_and_does_not_come_back(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, view = lab.engine(), lab.view()
    engine.start_preview(Canvas(view))
    until(view, lambda: view._call_id)
    echoes: list[Any] = []
    monkeypatch.setattr(engine._parts.pages, "mute_microphone", echoes.append)
    engine.mute_microphone(True)
    until(view, lambda: view.microphone_muted)
    assert echoes == []
    view.microphone_muted = False
    assert echoes == [False]


def test_a_view_takes_the_switches_of_its_engine(lab: Lab) -> None:
    engine, view = lab.engine(), lab.view()
    view.camera_enabled = False
    engine.mute_microphone(True).result(10)
    engine.start_preview(Canvas(view))
    until(view, lambda: view._call_id)
    assert view.microphone_muted and view.camera_enabled


def test_an_offer_of_a_page_is_relayed_and_answered(lab: Lab) -> None:
    engine, view = lab.in_room(), lab.view()
    line: Any = view.comm
    offer = {"type": "offer", "request_id": 7, "peer_id": "page-1", "sdp": "offer sdp"}
    from_page(view, offer)
    assert [(each["type"], each["request_id"]) for each in line.messages] == [("refused", 7)]
    engine.start_playing_stream(BOBS.stream_id, Canvas(view))
    until(view, lambda: view._call_id)
    answered = threading.Event()
    line.on_sent = lambda: line.messages[-1]["type"] == "answer" and answered.set()
    from_page(view, offer)
    assert answered.wait(10)
    assert line.messages[-1]["request_id"] == 7
    assert [each.peer_id for each in engine.hub.link.asked(protocol.Offer)] == ["page-1"]


def test_what_a_page_says_of_calls_changes_nothing(lab: Lab) -> None:
    view = lab.view()
    line: Any = view.comm
    for kind in ("press_start", "press_stop"):
        from_page(view, {"type": kind, "page_id": "p"})
    assert line.messages == []
    from_page(view, {"type": "close_peer", "request_id": 3, "peer_id": "p"})
    assert [each["type"] for each in line.messages] == ["done"]


def test_a_closed_view_leaves_its_canvas(lab: Lab) -> None:
    engine, view = lab.engine(), lab.view()
    engine.start_preview(Canvas(view))
    until(view, lambda: view._call_id)
    observers = io_thread.observers._thread
    assert observers is not None
    view.close()
    view.close()
    observers.join(10)
    assert not observers.is_alive()
    assert (view.state, view._call_id, view._channel) == ("closed", "", None)
    engine.start_preview(Canvas(view)).result(10)  # a canvas of nobody
    engine.stop_preview().result(10)
    assert view.state == "closed"
    lab.view().close()


def test_a_stream_that_stops_gives_its_view_back(lab: Lab) -> None:
    engine, view = lab.in_room(), lab.view()
    engine.start_playing_stream(BOBS.stream_id, Canvas(view))
    until(view, lambda: view._call_id)
    engine.logout_room().result(10)
    until(view, lambda: view._call_id == "" and view.state == "idle")
    assert (view.stream_id, view.room_id) == (None, "")


def test_a_view_goes_on_with_the_users_that_come_and_go(lab: Lab) -> None:
    engine, view = lab.in_room(), lab.view()
    engine.start_playing_stream(BOBS.stream_id, Canvas(view))
    until(view, lambda: view._call_id)
    engine._parts.core.post(engine.hub.link.users, UpdateType.ADD, BOB)
    engine.mute_microphone(True)
    until(view, lambda: view.microphone_muted)
    assert view.stream_id == BOBS.stream_id
