"""Call widgets, driven as their pages drive them, on a real hub process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hub.hub_process import PATIENCE
from tests.hub.kernel.conftest import Cell, our_threads, sessions
from tests.hub.peers import Participant
from zego_widget import CallWidget, ErrorCode, ExpressEngine, User, protocol
from zego_widget.call import Call
from zego_widget.engine import room_news
from zego_widget.hub import discovery

Show = Callable[..., Cell]


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


async def test_two_widgets_see_and_hear_each_other(show: Show) -> None:
    alice, bob = show(user_id="alice", user_name="Alice"), show(user_id="bob")
    async with Participant("a", slots=2, brightness=60) as alices, Participant("b", slots=2, brightness=180) as bobs:
        await alice.join(alices)
        await bob.join(bobs)
        await bob.until(lambda: bob.widget.users == [User("alice", "Alice")] and bob.widget.streams)
        await alice.until(lambda: alice.widget.users == [User("bob")] and alice.widget.streams)
        assert bob.stream_id.startswith("demo-alice-") and alice.stream_id.startswith("demo-bob-")
        await alices.sees(alice.stream_id, 180)
        await bobs.sees(bob.stream_id, 60)
        bob.press_stop()
        await bob.state("idle")
        await alice.until(lambda: alice.widget.users == [] and alice.widget.streams == [])
        assert bob.widget.users == [] and bob.widget.streams == []


async def test_stop_and_start_again(show: Show) -> None:
    alice, bob = show(user_id="alice"), show(user_id="bob")
    async with Participant("a", slots=1) as first, Participant("a2", slots=1) as second:
        bob.widget.start()
        await alice.join(first)
        await bob.until(lambda: bob.widget.streams)
        before = bob.stream_id
        alice.widget.stop()
        await alice.state("idle")
        await bob.until(lambda: bob.widget.users == [])
        alice.widget.start()
        await alice.connect(second)
        await alice.state("in_call")
        await bob.until(lambda: bob.widget.streams and bob.stream_id != before)


async def test_a_second_login_displaces_the_first_and_says_why(show: Show) -> None:
    first, second = show(user_id="alice"), show(user_id="alice")
    async with Participant("one", slots=1) as one, Participant("two", slots=1) as two:
        await first.join(one)
        await second.join(two)
        await first.state("disconnected")
        assert first.widget.error_code == ErrorCode.ROOM_KICKED_OUT
        assert first.widget.error and "alice" in first.widget.error
        kicked = await one.hears(protocol.RoomStateChanged)
        assert kicked.message == first.widget.error
        assert (second.widget.state, second.widget.error) == ("in_call", None)
        await sessions(1)


async def test_stop_call_pressed_in_the_page_ends_the_call_in_python(show: Show) -> None:
    alice = show(user_id="alice")
    async with Participant(slots=1) as page:
        await alice.join(page)
        page.say(protocol.LeaveCall())
        await alice.state("idle")
        assert alice.widget.error is None
        await sessions(0)


async def test_a_reload_and_a_second_view_stay_in_the_call(show: Show) -> None:
    alice = show(user_id="alice")
    async with Participant("one", slots=1) as one, Participant("two", slots=1) as two:
        await alice.join(one)
        one.say(protocol.LeavePage())
        await alice.state("reconnecting")
        await alice.connect(two, capture="offer")
        await alice.state("in_call")
        await sessions(1)


async def test_an_offer_that_is_not_sdp_is_refused_and_the_call_goes_on(show: Show) -> None:
    alice = show(user_id="alice")
    alice.press_start()
    refused = await alice.ask(protocol.Offer(0, "bad", "this is not SDP"))
    assert (refused["type"], refused["code"]) == ("refused", ErrorCode.MEDIA_BAD_OFFER)
    async with Participant(slots=1) as page:
        await alice.connect(page)
        await alice.state("in_call")


async def test_a_room_id_that_only_the_hub_refuses_is_shown(show: Show) -> None:
    class Unchecked(CallWidget):
        def _new_call(self, engine: ExpressEngine, room_id: str, user: User) -> Call:
            return super()._new_call(engine, "r" * 129, user)

    alice = show(Unchecked, user_id="alice")
    alice.press_start()
    await alice.state("refused")
    assert alice.widget.error_code == ErrorCode.ROOM_ROOMID_TOO_LONG
    assert alice.widget.error and "129 bytes" in alice.widget.error


async def test_a_hub_that_cannot_be_started_is_a_sentence(show: Show, runtime_dir: Path) -> None:
    runtime_dir.mkdir()
    runtime_dir.chmod(0o755)
    alice = show(user_id="alice")
    alice.press_start()
    await alice.state("refused")
    assert alice.widget.error_code == ErrorCode.HUB_UNAUTHORIZED
    assert alice.widget.error and "open to other users" in alice.widget.error
    runtime_dir.chmod(0o700)
    async with Participant(slots=1) as page:
        await alice.join(page)
        assert alice.widget.error is None


async def test_a_killed_hub_is_replaced_and_pages_go_on_with_a_fresh_offer(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_news, "ROSTER_GRACE", 60.0)  # a busy machine takes its time until everyone is back
    alice, bob = show(user_id="alice"), show(user_id="bob")
    seen: list[str] = []
    async with (
        Participant("a", slots=1) as alices,
        Participant("b", slots=1) as bobs,
        Participant("a2", slots=1, brightness=60) as alices_next,
        Participant("b2", slots=1) as bobs_next,
    ):
        await alice.join(alices)
        await bob.join(bobs)
        await alice.until(lambda: alice.widget.streams)
        await bob.until(lambda: bob.widget.streams)
        stream_id = bob.stream_id
        alice.widget.observe(lambda change: seen.append(change.name), ["users", "streams"])
        killed = discovery.read_address()
        assert killed is not None
        os.kill(killed.pid, signal.SIGKILL)
        await alice.state("reconnecting")
        assert alice.widget.error is None
        await alice.connect(alices_next, capture="take")
        await bob.connect(bobs_next, capture="take")
        await alice.state("in_call")
        await bob.state("in_call")
        await bobs_next.sees(stream_id, 60)
        assert (bob.stream_id, seen) == (stream_id, []), "nobody was ever gone"
        found = discovery.read_address()
        assert found is not None and found.pid != killed.pid
        await sessions(2)


async def test_a_shown_widget_warms_the_hub_and_joins_nothing(show: Show) -> None:
    alice = show(user_id="alice")
    await sessions(0)
    assert alice.widget.state == "idle"


async def test_close_leaves_no_thread_no_socket_and_no_session(show: Show) -> None:
    before = open_files()
    alice = show(user_id="alice")
    alice.press_start()
    await alice.ask(protocol.Offer(0, "bad", "this is not SDP"))  # answered: it is logged in
    threads = our_threads()
    assert len(threads) == 3
    alice.widget.close()
    alice.widget.close()
    for thread in threads:
        await asyncio.to_thread(thread.join, PATIENCE)
    assert our_threads() == set()
    await sessions(0)
    assert alice.widget.state == "closed"
    assert open_files() <= before
