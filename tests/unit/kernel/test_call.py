"""What a call does with the wishes of pages and the events of the hub."""

from __future__ import annotations

import asyncio
import gc
import itertools
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.engine.fakes import FakeView, ScriptedEngine
from tests.unit.kernel.scripted import ALICE, BOB, BOBS, ROOM, Screen, ScriptedHub, offer
from tests.unit.kernel.this_loop import ThisLoop
from zego_widget import io_thread, protocol
from zego_widget.call import Call, stream_id_for
from zego_widget.errors import BadOffer, ErrorCode, HubUnreachable, Refused, SessionLost
from zego_widget.model import (
    CallState,
    PeerState,
    RemoteDeviceState,
    RoomStateChangedReason,
    Stream,
    UpdateType,
    User,
)


class Caller:
    """A call with its screen and the replies that its page got."""

    def __init__(
        self,
        hub: ScriptedHub,
        page_grace: float = 3600.0,
        reload_grace: float = 3600.0,
        offer_grace: float = 3600.0,
    ) -> None:
        self.hub = hub
        self.screen = Screen()
        self.replies: asyncio.Queue[Any] = asyncio.Queue()
        self.engine = ScriptedEngine(hub)
        self.engine._parts.pages.attach(FakeView())
        graces = {"page_grace": page_grace, "reload_grace": reload_grace, "offer_grace": offer_grace}
        self.call = Call(self.engine, ROOM, ALICE, self.screen.show, **graces)

    async def state(self, state: CallState) -> None:
        await self.screen.until(lambda view: view.state is state)

    async def ask(self, message: protocol.Offer) -> Any:
        self.call.offer(message, self.replies.put_nowait)
        return await self.reply()

    async def reply(self) -> Any:
        async with asyncio.timeout(10):
            return await self.replies.get()

    async def join(self, peer_id: str = "page-1") -> None:
        """Start call, one page, connected."""
        self.call.start()
        assert isinstance(await self.ask(offer(peer_id=peer_id)), protocol.Answer)
        self.hub.link.peer(peer_id, PeerState.CONNECTED)
        assert self.screen.last.state is CallState.IN_CALL


@pytest.fixture(autouse=True)
def io_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io_thread, "io", ThisLoop())


@pytest.fixture
def hub() -> ScriptedHub:
    return ScriptedHub()


@pytest.fixture
async def caller(hub: ScriptedHub) -> AsyncIterator[Caller]:
    caller = Caller(hub)
    yield caller
    await caller.call.aclose()
    assert {task for task in asyncio.all_tasks() if task is not asyncio.current_task()} == set()
    assert all(link.closed for link in hub.links)
    views = caller.screen.views
    assert all(before != after for before, after in itertools.pairwise(views)), "a change that is none was shown"


async def _turns() -> None:
    """Let everything run that can run now."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_nothing_is_joined_before_the_call_starts(caller: Caller, hub: ScriptedHub) -> None:
    caller.call.prepare()
    await _turns()
    assert hub.searches == 1
    assert hub.links == []
    assert caller.screen.last.state is CallState.IDLE


async def test_a_failure_to_prepare_stays_silent_until_start(caller: Caller, hub: ScriptedHub) -> None:
    hub.unreachable = HubUnreachable("No hub answers there.")
    caller.call.prepare()
    await _turns()
    assert caller.screen.last.error is None
    caller.call.start()
    await caller.state(CallState.REFUSED)
    assert caller.screen.last.error == "No hub answers there."
    assert caller.screen.last.error_code is ErrorCode.HUB_UNREACHABLE


async def test_a_refused_login_that_no_page_waited_for_is_forgotten_quietly(
    caller: Caller, hub: ScriptedHub, caplog: pytest.LogCaptureFixture
) -> None:
    hub.unreachable = HubUnreachable("No hub answers there.")
    caller.call.start()
    await caller.state(CallState.REFUSED)
    hub.unreachable = None
    await caller.join()
    gc.collect()
    assert caplog.text == ""


async def test_start_logs_in_with_auto_play_and_publishes(caller: Caller, hub: ScriptedHub) -> None:
    await caller.join()
    login, publishing, relayed = hub.link.requests
    assert (login.room_id, login.user, login.auto_play) == (ROOM, ALICE, True)
    assert login.config.is_user_status_notify
    assert re.fullmatch(r"demo-alice-[0-9a-f]{8}", publishing.stream_id)
    assert relayed.sdp == "offer sdp"


async def test_start_twice_is_one_login(caller: Caller, hub: ScriptedHub) -> None:
    caller.call.start()
    caller.call.start()
    await caller.ask(offer())
    caller.call.start()
    assert len(hub.links) == 1 and len(hub.link.asked(protocol.LoginRoom)) == 1


async def test_in_call_with_the_first_connected_page_only(caller: Caller, hub: ScriptedHub) -> None:
    caller.call.start()
    await caller.ask(offer())
    hub.link.peer("page-1", PeerState.CONNECTING)
    assert caller.screen.last.state is CallState.CONNECTING
    hub.link.peer("page-1", PeerState.CONNECTED)
    assert caller.screen.last.state is CallState.IN_CALL


async def test_each_page_gets_its_own_request_id_back(caller: Caller) -> None:
    caller.call.start()
    caller.call.offer(offer(7, "page-1"), caller.replies.put_nowait)
    caller.call.offer(offer(7, "page-2"), caller.replies.put_nowait)
    answers = [await caller.reply(), await caller.reply()]
    assert {(answer.request_id, answer.peer_id) for answer in answers} == {(7, "page-1"), (7, "page-2")}


async def test_an_offer_during_the_login_waits_for_it(caller: Caller, hub: ScriptedHub) -> None:
    login = hub.answers[protocol.LoginRoom] = asyncio.get_running_loop().create_future()
    caller.call.start()
    caller.call.offer(offer(), caller.replies.put_nowait)
    await hub.opened.wait()
    await _turns()
    assert hub.link.asked(protocol.Offer) == [] and caller.replies.empty()
    login.set_result(protocol.LoggedIn(0, ROOM, "session", [], []))
    assert isinstance(await caller.reply(), protocol.Answer)


async def test_an_offer_that_waits_for_a_refused_login_is_refused_alike(caller: Caller, hub: ScriptedHub) -> None:
    hub.answers[protocol.LoginRoom] = Refused("The room is full.", ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER)
    caller.call.start()
    refused = await caller.ask(offer(3))
    assert refused == protocol.Refused(3, 1002034, "The room is full.")
    assert caller.screen.last.state is CallState.REFUSED
    assert caller.screen.last.error == "The room is full."


async def test_an_offer_without_a_call_is_refused(caller: Caller) -> None:
    assert await caller.ask(offer(9)) == protocol.Refused(9, 1000002, "The call is not started.")


async def test_a_bad_offer_reaches_its_page_and_the_next_one_works(caller: Caller, hub: ScriptedHub) -> None:
    hub.answers[protocol.Offer] = BadOffer("This is not SDP.")
    caller.call.start()
    assert await caller.ask(offer(1)) == protocol.Refused(1, 1900020, "This is not SDP.")
    del hub.answers[protocol.Offer]
    assert isinstance(await caller.ask(offer(2)), protocol.Answer)


async def test_an_offer_made_twice_does_not_lose_the_page(caller: Caller, hub: ScriptedHub) -> None:
    refusal = Refused("A peer of this ID is there already.", ErrorCode.COMMON_ILLEGAL_PARAM)
    scripted = iter([None, refusal])

    class Answers(dict[type, Any]):
        def get(self, kind: type, default: Any = None) -> Any:
            return next(scripted) if kind is protocol.Offer else default

    hub.answers = Answers()
    caller.call.start()
    for request_id in (1, 2):  # both wait for the login
        caller.call.offer(offer(request_id), caller.replies.put_nowait)
    replies = [await caller.reply(), await caller.reply()]
    assert {type(reply) for reply in replies} == {protocol.Answer, protocol.Refused}
    hub.link.peer("page-1", PeerState.CONNECTED)
    assert caller.screen.last.state is CallState.IN_CALL


async def test_the_roster_follows_the_hub(caller: Caller, hub: ScriptedHub) -> None:
    hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "session", [BOB], [BOBS])
    await caller.join()
    assert caller.screen.last.users == (BOB,) and caller.screen.last.streams == (BOBS,)
    carol = User("carol")
    hub.link.users(UpdateType.ADD, carol)
    assert caller.screen.last.users == (BOB, carol)
    muted = Stream(BOBS.stream_id, BOB, microphone=RemoteDeviceState.MUTE)
    hub.link.on_event(protocol.StreamStateChanged(ROOM, muted))
    assert caller.screen.last.streams == (muted,)
    hub.link.streams(UpdateType.DELETE, BOBS)
    hub.link.users(UpdateType.DELETE, BOB)
    assert caller.screen.last.users == (carol,) and caller.screen.last.streams == ()


async def test_what_changes_while_the_answer_to_the_login_travels_is_not_lost(caller: Caller, hub: ScriptedHub) -> None:
    login = hub.answers[protocol.LoginRoom] = asyncio.get_running_loop().create_future()
    caller.call.start()
    await hub.opened.wait()
    await _turns()
    login.set_result(protocol.LoggedIn(0, ROOM, "session", [BOB], [BOBS]))
    hub.link.streams(UpdateType.DELETE, BOBS)
    hub.link.users(UpdateType.DELETE, BOB)
    await caller.ask(offer())
    assert caller.screen.last.users == () and caller.screen.last.streams == ()


async def test_a_displaced_login_says_why(caller: Caller, hub: ScriptedHub) -> None:
    await caller.join()
    hub.link.room_state(RoomStateChangedReason.KICK_OUT, 1002050, "You joined from another place.")
    view = caller.screen.last
    assert (view.state, view.error, view.error_code) == (
        CallState.DISCONNECTED,
        "You joined from another place.",
        ErrorCode.ROOM_KICKED_OUT,
    )
    assert await caller.ask(offer(5)) == protocol.Refused(5, 1002050, "You joined from another place.")


async def test_what_follows_a_displacement_does_not_hide_its_reason(caller: Caller, hub: ScriptedHub) -> None:
    await caller.join()
    hub.link.room_state(RoomStateChangedReason.KICK_OUT, 1002050, "You joined from another place.")
    hub.link.peer("page-1", PeerState.CLOSED, "displaced")
    hub.link.room_state(RoomStateChangedReason.LOGOUT)
    hub.link.lose(SessionLost("The connection to the hub was lost."))
    assert caller.screen.last.error == "You joined from another place."


@pytest.mark.usefixtures("gives_up_at_once")
async def test_a_hub_that_stays_away_ends_the_call_and_start_joins_the_next_one(
    caller: Caller, hub: ScriptedHub
) -> None:
    hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "session", [BOB], [BOBS])
    await caller.join()
    hub.link.lose(SessionLost("The connection to the hub was lost."))
    await caller.state(CallState.DISCONNECTED)
    view = caller.screen.last
    assert view.error is not None and "Start call" in view.error
    assert view.users == () and view.streams == ()
    await caller.join("page-2")
    assert caller.screen.last.error is None
    assert len(hub.links) == 2


async def test_while_the_link_is_interrupted_the_call_is_reconnecting_and_its_page_stays(
    caller: Caller, hub: ScriptedHub
) -> None:
    hub.answers[protocol.LoginRoom] = protocol.LoggedIn(0, ROOM, "session", [BOB], [BOBS])
    await caller.join()
    hub.link.interrupt()
    view = caller.screen.last
    assert (view.state, view.users, view.streams) == (CallState.RECONNECTING, (BOB,), (BOBS,))
    hub.link.on_resumed()
    assert caller.screen.last.state is CallState.IN_CALL
    assert len(hub.links) == 1


async def test_a_lost_session_is_followed_by_another_and_an_offer_of_the_page_waits_for_it(
    caller: Caller, hub: ScriptedHub
) -> None:
    await caller.join()
    login = hub.answers[protocol.LoginRoom] = asyncio.get_running_loop().create_future()
    hub.link.lose(SessionLost("The hub knows us no more."))
    assert caller.screen.last.state is CallState.RECONNECTING
    caller.call.offer(offer(9, "page-2"), caller.replies.put_nowait)
    while len(hub.links) == 1:
        await _turns()
    assert caller.replies.empty() and not hub.link.asked(protocol.Offer)
    login.set_result(protocol.LoggedIn(0, ROOM, "session", [], []))
    assert await caller.reply() == protocol.Answer(9, "page-2", "answer sdp", captures=True)
    hub.link.peer("page-2", PeerState.CONNECTED)
    assert caller.screen.last.state is CallState.IN_CALL
    (first,), (second,) = (link.asked(protocol.StartPublishing) for link in hub.links)
    assert first.stream_id == second.stream_id


async def test_after_a_lost_session_a_call_without_pages_ends(caller: Caller, hub: ScriptedHub) -> None:
    caller.call._offer_grace = 0.01
    await caller.join()
    hub.link.lose(SessionLost("The hub knows us no more."))
    await caller.state(CallState.DISCONNECTED)


async def test_a_link_lost_right_after_publishing_is_made_good(caller: Caller, hub: ScriptedHub) -> None:
    published = hub.answers[protocol.StartPublishing] = asyncio.get_running_loop().create_future()
    caller.call.start()
    await hub.opened.wait()
    await _turns()
    published.set_result(protocol.Done(0))
    hub.link.lose(SessionLost("The connection to the hub was lost."))
    assert isinstance(await caller.ask(offer()), protocol.Answer)
    assert [len(link.asked(protocol.StartPublishing)) for link in hub.links] == [1, 1]


async def test_stop_logs_out_and_start_works_again(caller: Caller, hub: ScriptedHub) -> None:
    await caller.join()
    first = hub.link
    caller.call.stop()
    assert caller.screen.last.state is CallState.IDLE
    caller.call.stop()
    await caller.join()
    assert len(first.asked(protocol.LogoutRoom)) == 1 and first.closed
    streams = {link.asked(protocol.StartPublishing)[0].stream_id for link in hub.links}
    assert len(streams) == 2


async def test_a_second_login_waits_until_the_first_has_logged_out(caller: Caller, hub: ScriptedHub) -> None:
    logout = hub.answers[protocol.LogoutRoom] = asyncio.get_running_loop().create_future()
    await caller.join()
    caller.call.stop()
    caller.call.start()
    await _turns()
    assert len(hub.links) == 1
    logout.set_result(protocol.Done(0))
    await caller.ask(offer())
    assert len(hub.links) == 2


async def test_stop_during_the_login_leaves_nothing_behind(caller: Caller, hub: ScriptedHub) -> None:
    hub.answers[protocol.LoginRoom] = asyncio.get_running_loop().create_future()
    caller.call.start()
    caller.call.offer(offer(4), caller.replies.put_nowait)
    await hub.opened.wait()
    caller.call.stop()
    refused = await caller.reply()
    assert (refused.request_id, refused.message) == (4, "The call was stopped.")
    await _turns()
    assert hub.link.closed and caller.screen.last.state is CallState.IDLE


async def test_stop_call_pressed_on_a_page_ends_the_call_here_too(caller: Caller, hub: ScriptedHub) -> None:
    await caller.join()
    hub.link.room_state(RoomStateChangedReason.LOGOUT)
    assert caller.screen.last.state is CallState.IDLE and caller.screen.last.error is None


async def test_a_reload_keeps_the_call(caller: Caller, hub: ScriptedHub) -> None:
    await caller.join("page-1")
    hub.link.peer("page-1", PeerState.CLOSED, "left")
    assert caller.screen.last.state is CallState.RECONNECTING
    await caller.ask(offer(peer_id="page-2"))
    hub.link.peer("page-2", PeerState.CONNECTED)
    assert caller.screen.last.state is CallState.IN_CALL
    assert len(hub.links) == 1


async def test_one_of_two_pages_may_go(caller: Caller, hub: ScriptedHub) -> None:
    await caller.join("page-1")
    await caller.ask(offer(peer_id="page-2"))
    hub.link.peer("page-2", PeerState.CONNECTED)
    hub.link.peer("page-1", PeerState.CLOSED)
    assert caller.screen.last.state is CallState.IN_CALL


async def test_when_the_last_page_stays_away_the_call_ends(hub: ScriptedHub) -> None:
    caller = Caller(hub, reload_grace=0.0)
    await caller.join("page-1")
    hub.link.peer("page-1", PeerState.CLOSED, protocol.PAGE_LEFT)
    await caller.state(CallState.IDLE)
    assert caller.screen.last.error is None
    await caller.call.aclose()
    assert len(hub.link.asked(protocol.LogoutRoom)) == 1 and hub.link.closed


async def test_a_page_that_is_reloaded_has_more_time_than_one_that_fell_silent(hub: ScriptedHub) -> None:
    caller = Caller(hub, page_grace=0.0)
    await caller.join("page-1")
    hub.link.peer("page-1", PeerState.CLOSED, protocol.PAGE_LEFT)
    await asyncio.sleep(0.1)
    await caller.join("page-2")
    assert CallState.IDLE not in [view.state for view in caller.screen.views[1:]]
    await caller.call.aclose()


async def test_a_page_that_falls_silent_is_told_why_the_call_ended_when_it_wakes_up(hub: ScriptedHub) -> None:
    caller = Caller(hub, page_grace=0.0)
    await caller.join("page-1")
    hub.link.peer("page-1", PeerState.CLOSED, "nothing was heard for 8 s")
    await caller.state(CallState.DISCONNECTED)
    assert caller.screen.last.error_code is ErrorCode.MEDIA_PAGE_SILENT
    caller.call.press_start()
    await caller.state(CallState.CONNECTING)
    await caller.call.aclose()


async def test_a_page_that_starts_the_call_and_goes_before_its_offer_leaves_no_ghost(hub: ScriptedHub) -> None:
    caller = Caller(hub, offer_grace=0.0)
    caller.call.press_start()
    await caller.state(CallState.REFUSED)
    assert caller.screen.last.error_code is ErrorCode.MEDIA_CONNECT_FAILED
    await caller.call.aclose()


async def test_a_call_started_from_python_waits_for_its_page(hub: ScriptedHub) -> None:
    caller = Caller(hub, page_grace=0.0, offer_grace=0.0)
    caller.call.start()
    caller.call.press_start()
    await hub.opened.wait()
    await _turns()
    assert caller.screen.last.state is CallState.CONNECTING
    await caller.call.aclose()


async def test_an_offer_in_time_keeps_the_call(caller: Caller, hub: ScriptedHub) -> None:
    caller.call.press_start()
    await caller.join()
    assert len(hub.links) == 1


async def test_a_page_whose_offer_is_bad_and_stays_away_ends_in_a_reason(hub: ScriptedHub) -> None:
    hub.answers[protocol.Offer] = BadOffer("This is not SDP.")
    caller = Caller(hub, page_grace=0.0)
    caller.call.start()
    await caller.ask(offer())
    await caller.state(CallState.REFUSED)
    assert "This is not SDP." in str(caller.screen.last.error)
    await caller.call.aclose()


async def test_a_page_that_never_connects_ends_in_a_reason(hub: ScriptedHub) -> None:
    caller = Caller(hub, page_grace=0.0)
    caller.call.start()
    await caller.ask(offer(peer_id="page-1"))
    hub.link.peer("page-1", PeerState.CLOSED, "no connectivity check arrived within 15 s")
    await caller.state(CallState.REFUSED)
    view = caller.screen.last
    assert view.error_code is ErrorCode.MEDIA_CONNECT_FAILED
    assert view.error is not None and "no connectivity check arrived within 15 s" in view.error
    await caller.call.aclose()


async def test_states_of_peers_that_are_not_ours_change_nothing(caller: Caller, hub: ScriptedHub) -> None:
    caller.call.start()
    await caller.ask(offer(peer_id="page-1"))
    hub.link.peer("stranger", PeerState.CONNECTED)
    hub.link.peer("stranger", PeerState.CLOSED)
    assert caller.screen.last.state is CallState.CONNECTING


async def test_closing_a_peer_is_answered_with_the_page_s_request_id(caller: Caller, hub: ScriptedHub) -> None:
    await caller.join()
    caller.call.close_peer(protocol.ClosePeer(12, "page-1"), caller.replies.put_nowait)
    assert await caller.reply() == protocol.Done(12)
    caller.call.stop()
    caller.call.close_peer(protocol.ClosePeer(13, "page-1"), caller.replies.put_nowait)
    assert await caller.reply() == protocol.Done(13)


async def test_close_logs_out_even_when_the_hub_does_not_answer(
    caller: Caller, hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zego_widget.engine.rooms.LOGOUT_TIMEOUT", 0.0)
    hub.answers[protocol.LogoutRoom] = asyncio.get_running_loop().create_future()
    await caller.join()
    await caller.call.aclose()
    assert caller.screen.last.state is CallState.CLOSED and hub.link.closed
    await caller.call.aclose()
    caller.call.start()
    assert caller.screen.last.state is CallState.CLOSED


async def test_a_surprise_while_joining_is_a_sentence_not_a_traceback(
    caller: Caller, hub: ScriptedHub, caplog: pytest.LogCaptureFixture
) -> None:
    hub.unreachable = KeyError("surprise")
    caller.call.start()
    await caller.state(CallState.REFUSED)
    assert caller.screen.last.error == "The call could not be started: KeyError: 'surprise'"
    assert "could not be started" in caplog.text


@pytest.mark.parametrize(
    ("room_id", "user_id", "begins"),
    [("demo", "alice", "demo-alice-"), ("a.b/c", "é@x", "a_b_c-__x-"), ("r" * 128, "u" * 250, "r" * 128 + "-u")],
)
def test_stream_ids_are_readable_valid_and_new(room_id: str, user_id: str, begins: str) -> None:
    first, second = stream_id_for(room_id, user_id), stream_id_for(room_id, user_id)
    assert first != second and first.startswith(begins)
    assert re.fullmatch(r"[0-9A-Za-z_-]{1,256}", first)
