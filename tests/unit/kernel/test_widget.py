"""CallWidget as its user and its page see it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import traitlets

from tests.unit.kernel.conftest import ScriptedWidget
from tests.unit.kernel.scripted import BOB, BOBS, ScriptedHub
from zego_widget import Canvas, VideoView, protocol
from zego_widget.errors import ErrorCode, InvalidArgument, Refused
from zego_widget.model import CallState, PeerState, PublishChannel, RoomStateChangedReason, UpdateType

NewWidget = Callable[..., ScriptedWidget]
ROOT = Path(__file__).parents[3]


def offer(request_id: int = 7, peer_id: str = "page-1") -> dict[str, Any]:
    return {"type": "offer", "request_id": request_id, "peer_id": peer_id, "sdp": "offer sdp"}


def press_start() -> dict[str, Any]:
    return {"type": "press_start", "page_id": "page-1"}


def in_call(widget: ScriptedWidget) -> None:
    widget.from_page(press_start())
    widget.from_page(offer())
    widget.settle()
    widget.on_io(widget.hub.link.peer, "page-1", PeerState.CONNECTED)
    assert widget.state == "in_call"


def test_the_defaults_make_a_guest(new_widget: NewWidget) -> None:
    one, two = new_widget(), new_widget()
    assert one.room_id == "demo" and one.user_name == one.user_id
    assert one.user_id.startswith("guest-") and one.user_id != two.user_id
    assert one._call_id != two._call_id
    assert (one.state, one.error, one.error_code) == ("idle", None, None)
    assert (one.users, one.streams, one.microphone_muted, one.camera_enabled) == ([], [], False, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"room_id": "r" * 129}, ErrorCode.ROOM_ROOMID_TOO_LONG),
        ({"room_id": ""}, ErrorCode.ROOM_ROOMID_NULL),
        ({"user_id": "a lice"}, ErrorCode.ROOM_USER_ID_INVALID_CHARACTER),
        ({"user_id": ""}, ErrorCode.ROOM_USER_ID_NULL),
        ({"user_name": "\u202eecila"}, ErrorCode.ROOM_USER_NAME_INVALID_CHARACTER),
        ({"room_id": 5}, ErrorCode.COMMON_ILLEGAL_PARAM),
        ({"user_id": b"alice"}, ErrorCode.COMMON_ILLEGAL_PARAM),
        ({"user_name": 5}, ErrorCode.COMMON_ILLEGAL_PARAM),
    ],
)
def test_invalid_names_are_refused_at_once(new_widget: NewWidget, arguments: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(InvalidArgument) as refused:
        new_widget(**arguments)
    assert refused.value.code is code


def test_arguments_are_keywords(new_widget: NewWidget) -> None:
    from zego_widget import CallWidget

    with pytest.raises(TypeError):
        CallWidget("demo", "alice")  # type: ignore[misc]


def test_a_missing_front_end_is_a_sentence(new_widget: NewWidget, static: Path) -> None:
    (static / "widget.js").unlink()
    with pytest.raises(FileNotFoundError, match=r"was not built: widget\.js is missing"):
        new_widget()


def test_what_the_widget_says_cannot_be_assigned(new_widget: NewWidget) -> None:
    widget = new_widget()
    for name in ("state", "error", "error_code", "room_id", "user_id", "user_name", "users", "streams"):
        with pytest.raises(traitlets.TraitError):
            setattr(widget, name, getattr(widget, name))


def test_a_page_is_greeted(new_widget: NewWidget) -> None:
    widget = new_widget()
    widget.from_page({"type": "view_hello", "protocol": protocol.PROTOCOL_VERSION, "page_id": "p"})
    (ready,) = widget.to_page()
    assert (ready["type"], ready["page_id"], ready["protocol"]) == ("ready", "p", protocol.PROTOCOL_VERSION)


def test_a_page_of_another_version_is_told(new_widget: NewWidget) -> None:
    widget = new_widget()
    widget.from_page({"type": "view_hello", "protocol": 99, "page_id": "p"})
    (refused,) = widget.to_page()
    assert refused["code"] == ErrorCode.PROTOCOL_VERSION_MISMATCH


@pytest.mark.parametrize(
    ("content", "request_id"),
    [
        (None, None),
        ("press_start", None),
        ([], None),
        ({}, None),
        ({"type": "reboot", "request_id": 4}, 4),
        ({"type": "offer", "request_id": True}, None),
        ({"type": "offer", "request_id": "x" * 1000}, None),
        ({"type": "offer", "request_id": 5, "peer_id": 1, "sdp": "v=0"}, 5),
        ({"type": "press_start", "page_id": {"deep": [[[]]]}}, None),
        ({"type": "page_sound_levels", "page_id": "p", "captured": float("nan"), "played": {}}, None),
        ({"type": "page_sound_levels", "page_id": "p", "captured": 1, "played": {"s": 101.0}}, None),
        ({"type": "page_stats", "page_id": "p", "rtt": float("inf"), "main": None, "aux": None, "played": {}}, None),
    ],
)
def test_a_malformed_message_is_refused_and_the_widget_goes_on(
    new_widget: NewWidget, content: Any, request_id: int | None
) -> None:
    widget = new_widget()
    widget.from_page(content)
    (refused,) = widget.to_page()
    assert (refused["type"], refused["request_id"], refused["code"]) == ("refused", request_id, 1900001)
    in_call(widget)


def test_start_call_to_stop_call(new_widget: NewWidget) -> None:
    widget = new_widget()
    in_call(widget)
    answer = widget.to_page()[-1]
    assert (answer["type"], answer["request_id"], answer["sdp"]) == ("answer", 7, "answer sdp")
    widget.from_page({"type": "press_stop", "page_id": "page-1"})
    widget.settle()
    assert widget.state == "idle"
    assert [new for name, new, _ in widget.changes if name == "state"] == ["connecting", "in_call", "idle"]
    assert [state["state"] for state in widget.updates() if "state" in state] == ["connecting", "in_call", "idle"]


def test_start_and_stop_from_python_are_idempotent_and_work_from_any_thread(new_widget: NewWidget) -> None:
    widget = new_widget()
    widget.stop()
    for _ in range(2):
        thread = threading.Thread(target=widget.start)
        thread.start()
        thread.join(10)
    widget.until(lambda: widget.state == "connecting")
    widget.settle()
    assert len(widget.hub.links) == 1
    widget.stop()
    widget.stop()
    widget.until(lambda: widget.state == "idle")
    widget.start()
    widget.until(lambda: widget.state == "connecting")


def test_users_and_streams_of_the_others_can_be_observed(new_widget: NewWidget) -> None:
    widget = new_widget()
    in_call(widget)
    widget.on_io(widget.hub.link.users, UpdateType.ADD, BOB)
    widget.on_io(widget.hub.link.streams, UpdateType.ADD, BOBS)
    assert widget.users == [BOB] and widget.streams == [BOBS]
    assert [(name, new) for name, new, _ in widget.changes if name in ("users", "streams")] == [
        ("users", [BOB]),
        ("streams", [BOBS]),
    ]
    assert not any("users" in state or "streams" in state for state in widget.updates())


def test_a_refused_login_is_shown(new_widget: NewWidget) -> None:
    hub = ScriptedHub(answers={protocol.LoginRoom: Refused("The room is full.", ErrorCode.ROOM_COUNT_EXCEED)})
    widget = new_widget(hub=hub)
    widget.start()
    widget.until(lambda: widget.state == "refused")
    assert (widget.error, widget.error_code) == ("The room is full.", 1002001)
    sent = {name: value for state in widget.updates() for name, value in state.items()}
    assert sent == {"state": "refused", "error": "The room is full.", "error_code": 1002001}


def test_observers_run_on_their_own_thread_and_may_block(new_widget: NewWidget) -> None:
    widget = new_widget()
    blocked, go_on = threading.Event(), threading.Event()

    def slow(change: Any) -> None:
        blocked.set()
        assert go_on.wait(10)

    widget.observe(slow, "state")
    widget.start()
    assert blocked.wait(10)
    widget.from_page(offer())  # the call does not wait for the callback
    reached = threading.Event()
    for _ in range(30):
        reached.clear()
        widget._io.post(reached.set)
        assert reached.wait(10)
    assert widget.to_page()[-1]["type"] == "answer"
    go_on.set()
    widget.settle()
    assert {thread.name for name, _, thread in widget.changes if name == "state"} == {"zego-widget-observers"}


def test_a_failing_observer_hides_nothing(new_widget: NewWidget, caplog: pytest.LogCaptureFixture) -> None:
    hub = ScriptedHub(unreachable=Refused("No.", ErrorCode.HUB_OVERLOADED))
    widget = new_widget(hub=hub)

    def failing(change: Any) -> None:
        raise ZeroDivisionError("in the user's callback")

    widget.observe(failing, "error")
    widget.start()
    widget.until(lambda: widget.state == "refused")
    assert widget.error == "No." and "in the user's callback" in caplog.text


def test_a_page_sets_its_switches_and_gets_its_echo(new_widget: NewWidget) -> None:
    widget = new_widget()
    widget.receive({"method": "update", "state": {"microphone_muted": True}, "buffer_paths": []})
    assert widget.microphone_muted
    assert widget.updates("echo_update") == [{"microphone_muted": True}]
    assert widget.updates() == []
    widget.microphone_muted = False
    assert widget.updates() == [{"microphone_muted": False}]


def test_a_page_presses_a_switch_and_hears_of_it_before_it_hears_that_it_was_heard(new_widget: NewWidget) -> None:
    widget = new_widget()
    widget.from_page({"type": "press_switches", "page_id": "p", "microphone_muted": True, "camera_enabled": None})
    widget.from_page({"type": "view_hello", "protocol": protocol.PROTOCOL_VERSION, "page_id": "p press 1"})
    assert widget.microphone_muted and widget.camera_enabled
    assert widget.updates() == [{"microphone_muted": True}]
    widget.settle()
    assert widget.engine.is_microphone_muted() and widget.microphone_muted


def test_a_switch_that_is_pressed_fast_never_moves_by_itself(new_widget: NewWidget) -> None:
    widget = new_widget()
    presses = [index % 2 == 0 for index in range(51)]
    for pressed in presses:
        widget.microphone_muted = pressed
    widget.settle()
    assert [new for name, new, _ in widget.changes if name == "microphone_muted"] == presses
    assert widget.engine.is_microphone_muted() and widget.microphone_muted


def test_the_engine_behind_the_call_and_the_switches_of_the_page_agree(new_widget: NewWidget) -> None:
    widget = new_widget()
    widget.receive({"method": "update", "state": {"camera_enabled": False}, "buffer_paths": []})
    widget.engine.mute_microphone(True).result(10)
    widget.settle()
    assert widget.microphone_muted and not widget.camera_enabled
    assert not widget.engine._parts.capture.channels[PublishChannel.MAIN].camera
    assert widget.updates() == [{"microphone_muted": True}]


def test_the_engine_of_a_call_sends_messages_and_hears_the_others(new_widget: NewWidget) -> None:
    widget = new_widget()
    in_call(widget)
    widget.hub.answers[protocol.SendBroadcastMessage] = protocol.MessageSent(0, 7)
    assert widget.engine.send_broadcast_message("hello", widget.room_id).result(10) == 7
    assert widget._call_id == widget.engine._parts.pages.engine_id


def test_a_view_beside_the_call_hands_on_what_is_pressed_in_its_page(new_widget: NewWidget) -> None:
    widget, view = new_widget(), VideoView()
    widget.engine.start_preview(Canvas(view)).result(10)
    widget.settle()
    assert view._call_id == widget._call_id and view._kind == "video"
    line: Any = view.comm
    line.receive({"method": "custom", "content": press_start()})
    line.receive({"method": "custom", "content": offer()})
    widget.settle()
    assert line.messages[-1]["type"] == "answer"
    widget.on_io(widget.hub.link.peer, "page-1", PeerState.CONNECTED)
    assert (widget.state, view.state) == ("in_call", "in_call")
    line.receive({"method": "custom", "content": {"type": "press_stop", "page_id": "page-1"}})
    widget.settle()
    assert (widget.state, view._call_id) == ("idle", "")
    view.close()


def test_a_call_shows_nothing_of_another_engine(new_widget: NewWidget) -> None:
    widget, other = new_widget(), new_widget()
    other.engine.mute_microphone(True).result(10)
    other.engine.start_preview(Canvas(widget)).result(10)
    other.settle()
    widget.settle()
    assert not widget.microphone_muted and not widget._media["main"]["preview"]
    assert widget.updates() == []


@pytest.mark.parametrize("leave", ["logout_room", "close"])
def test_an_engine_that_leaves_the_room_ends_the_call(new_widget: NewWidget, leave: str) -> None:
    widget = new_widget()
    in_call(widget)
    getattr(widget.engine, leave)().result(10)
    widget.until(lambda: widget.state == "idle")
    assert widget.error is None
    assert [new for name, new, _ in widget.changes if name == "state"] == ["connecting", "in_call", "idle"]
    widget.start()
    widget.until(lambda: widget.state == ("connecting" if leave == "logout_room" else "refused"))
    if leave == "close":
        assert "destroyed" in str(widget.error)


def test_a_page_may_publish_before_a_busy_kernel_answers(new_widget: NewWidget) -> None:
    widget = new_widget()
    assert widget._media["main"]["publish"] and widget._media["captures"] and widget._kind == "call"
    widget.engine.set_capture_volume(50).result(10)
    widget.settle()
    assert widget._media["main"]["publish"] and widget._media["capture_volume"] == 50


@pytest.mark.parametrize(
    "state",
    [{"state": "in_call"}, {"room_id": "other"}, {"_esm": "alert(1)"}, {"microphone_muted": 1}, {"error": "x"}],
)
def test_a_page_can_set_nothing_else(new_widget: NewWidget, state: dict[str, Any]) -> None:
    widget = new_widget()
    before = widget.get_state()
    widget.receive({"method": "update", "state": state, "buffer_paths": []})
    assert widget.get_state() == before and widget.updates("echo_update") == []


def test_a_displaced_login_is_shown(new_widget: NewWidget) -> None:
    widget = new_widget()
    in_call(widget)
    sentence = "You joined from another place."
    widget.on_io(widget.hub.link.room_state, RoomStateChangedReason.KICK_OUT, 1002050, sentence)
    assert (widget.state, widget.error, widget.error_code) == ("disconnected", sentence, 1002050)


def test_close_ends_call_comm_and_threads(new_widget: NewWidget) -> None:
    widget = new_widget()
    in_call(widget)
    threads = {thread for thread in threading.enumerate() if thread.name.startswith("zego-widget-")}
    assert {thread.name for thread in threads} == {
        "zego-widget-io",
        "zego-widget-observers",
        "zego-widget-engine",
    }
    widget.close()
    widget.close()
    assert widget.state is CallState.CLOSED
    assert widget.line.sent[-1][0] == "comm_close"
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert widget.hub.link.closed
    widget.stop()
    with pytest.raises(InvalidArgument, match="closed"):
        widget.start()


def test_what_was_on_its_way_when_the_widget_was_closed_is_not_shown(new_widget: NewWidget) -> None:
    widget = new_widget()
    go_on = threading.Event()
    widget._observers.post(go_on.wait, 10)
    widget.start()
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("zego-widget-")]
    widget.close()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert [new for name, new, _ in widget.changes if name == "state"] == ["closed"]


def test_another_widget_goes_on_when_one_is_closed(new_widget: NewWidget) -> None:
    one, two = new_widget(), new_widget()
    in_call(one)
    in_call(two)
    one.close()
    two.on_io(two.hub.link.users, UpdateType.ADD, BOB)
    assert two.users == [BOB] and not two.hub.link.closed


def test_importing_the_package_imports_neither_widgets_nor_media() -> None:
    program = (
        "import sys, zego_widget\n"
        "assert zego_widget.__version__ and zego_widget.CallState.IDLE == 'idle'\n"
        "assert 'CallWidget' in dir(zego_widget)\n"
        "print({'ipywidgets', 'anywidget', 'aiortc', 'av'} & set(sys.modules))\n"
        "zego_widget.CallWidget\n"
        "print({'aiortc', 'av'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\nset()\n", "")


def test_every_public_name_exists() -> None:
    import zego_widget

    assert all(getattr(zego_widget, name) is not None for name in zego_widget.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        zego_widget.nonsense  # noqa: B018
