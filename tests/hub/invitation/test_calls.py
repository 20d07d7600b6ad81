"""Users of one hub process call each other, each on a link of their own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from tests.hub.hub_process import HubProcess
from tests.hub.invitation.people import Town, people
from zego_widget import protocol as p
from zego_widget.credentials import new_app
from zego_widget.errors import ErrorCode
from zego_widget.hub.settings import HubSettings
from zego_widget.model import CallInvitationMode, CallInvitationState, CallUserInfo, CallUserState, User

ADVANCED = CallInvitationMode.ADVANCED


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Town]]:
    """One hub for all tests of this module, which have nothing to do with each other: each has its own app."""
    apps = [new_app() for _ in range(64)]
    directory = tmp_path_factory.mktemp("hub") / "runtime"
    with contextlib.closing(HubProcess(directory, HubSettings(), apps=apps)) as hub:
        yield (Town(hub, app) for app in apps)


@pytest.fixture
def town(towns: Iterator[Town]) -> Town:
    return next(towns)


async def test_a_user_in_no_room_is_called_and_accepts(town: Town) -> None:
    async with people(town, "alice", "bob") as (alice, bob):
        before = time.time() * 1000
        call_id = await alice.calls("bob", extended_data="lunch?", timeout=60)
        received = await bob.hears(p.CallInvitationReceived)
        assert (received.call_id, received.caller, received.inviter) == (call_id, "alice", "alice")
        assert (received.timeout, received.extended_data) == (60, "lunch?")
        assert before - 5000 < received.create_time < time.time() * 1000 + 5000
        created = await alice.hears(p.CallInvitationCreated)
        assert created.call_user_list[1] == CallUserInfo("bob", CallUserState.INVITING)
        await bob.accepts(call_id, "yes")
        await alice.hears_that("bob", "ACCEPTED", call_id)
        await bob.hears_that("bob", "ACCEPTED", call_id)
        assert alice.news(call_id) == [("bob", "RECEIVED"), ("bob", "ACCEPTED")]
        answer = await alice.link.request(p.QueryCallInvitationList(0, 1), p.CallInvitationList)
        (info,) = answer.call_list
        assert (info.state, info.caller, info.extended_data) == (CallInvitationState.ENDED, "alice", "lunch?")
        assert info.call_user_list[1] == CallUserInfo("bob", CallUserState.ACCEPTED, "yes")


async def test_a_rejection_reaches_the_caller(town: Town) -> None:
    async with people(town, "alice", "bob") as (alice, bob):
        call_id = await alice.calls("bob")
        answer = await bob.link.request(p.CallReject(0, call_id, "busy"), p.CallRejectionSent)
        assert answer.call_id == call_id
        changed = await alice.hears(p.CallUserStateChanged, lambda m: m.call_user_list[0].state != 5)
        assert changed.call_user_list == [CallUserInfo("bob", CallUserState.REJECTED, "busy")]


async def test_a_cancelled_call_stops_ringing(town: Town) -> None:
    async with people(town, "alice", "bob", "carol") as (alice, bob, carol):
        call_id = await alice.calls("bob", "carol")
        sent = await alice.link.request(p.CallCancel(0, call_id, ["bob", "dave"], "sorry"), p.CallCancelSent)
        assert sent.error_invitees == ["dave"]
        cancelled = await bob.hears(p.CallInvitationCancelled)
        assert (cancelled.call_id, cancelled.inviter, cancelled.extended_data) == (call_id, "alice", "sorry")
        await carol.hears_that("bob", "CANCELLED", call_id)
        assert carol.all(p.CallInvitationCancelled) == []
        await alice.link.request(p.CallCancel(0, call_id), p.CallCancelSent)
        await carol.hears(p.CallInvitationCancelled)
        assert await carol.is_refused(p.CallAccept(0, call_id)) == ErrorCode.CALL_INVITATION_CALL_MISSING


async def test_an_invitee_who_signs_in_later_receives_the_call(town: Town) -> None:
    async with people(town, "alice") as (alice,):
        call_id = await alice.calls("bob")
        assert await alice.states(call_id) == {"alice": "ACCEPTED", "bob": "INVITING"}
        async with people(town, "bob") as (bob,):
            await bob.hears(p.CallInvitationReceived, lambda m: m.call_id == call_id)
            await alice.hears_that("bob", "RECEIVED", call_id)
            await bob.accepts(call_id)
            await alice.hears_that("bob", "ACCEPTED", call_id)


async def test_time_runs_out_for_caller_and_invitee(town: Town) -> None:
    async with people(town, "alice", "bob") as (alice, bob):
        call_id = await alice.calls("bob", timeout=1)
        assert (await bob.hears(p.CallInvitationTimeout)).call_id == call_id
        await alice.hears_that("bob", "TIMEOUT", call_id)
        assert await bob.is_refused(p.CallAccept(0, call_id)) == ErrorCode.CALL_INVITATION_CALL_MISSING


async def test_the_caller_is_told_who_has_not_received_the_call(town: Town) -> None:
    async with people(town, "alice") as (alice,):
        call_id = await alice.calls("nobody", enable_not_received_check=True)
        await alice.hears_that("nobody", "NOT_YET_RECEIVED", call_id)


@pytest.mark.parametrize("how", ["signs out", "is lost"])
async def test_a_caller_who_goes_before_anyone_accepted_has_cancelled(town: Town, how: str) -> None:
    async with people(town, "alice", "bob") as (alice, bob):
        call_id = await alice.calls("bob", "zoe")
        if how == "is lost":
            await alice.link.aclose()
        else:
            await alice.link.request(p.SignOut(0), p.Done)
        assert (await bob.hears(p.CallInvitationCancelled)).call_id == call_id
        async with people(town, "zoe") as (zoe,):
            await zoe.is_up_to_date()
            assert zoe.all(p.CallInvitationReceived) == []


async def test_a_caller_who_falls_silent_has_cancelled(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(heartbeat_interval=0.5, heartbeat_timeout=3.0)
    assert hub.address.app is not None
    async with people(Town(hub, hub.address.app), "bob") as (bob,), hub.greeted_link() as silent:
        await silent.send(p.SignIn(1, User("alice"), hub.key("alice", "")))
        await silent.send(p.CallInvite(2, ["bob"]))
        received = await bob.hears(p.CallInvitationReceived)
        assert (await bob.hears(p.CallInvitationCancelled)).call_id == received.call_id


async def test_a_hub_that_stops_cancels_nothing(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub()
    assert hub.address.app is not None
    async with people(Town(hub, hub.address.app), "alice", "bob") as (alice, bob):
        await alice.calls("bob")
        await bob.hears(p.CallInvitationReceived)
        await asyncio.to_thread(hub.close)
        for person in (alice, bob):
            assert (await person.hears(p.Goodbye)).code == ErrorCode.HUB_STOPPING
        assert bob.all(p.CallInvitationCancelled) == []


async def test_an_advanced_call_from_the_first_ring_to_the_end(town: Town) -> None:
    async with people(town, "alice", "bob", "carol", "dave") as (alice, bob, carol, dave):
        call_id = await alice.calls("bob", mode=ADVANCED, extended_data="topic")
        await bob.accepts(call_id)
        sent = await bob.link.request(p.CallingInvite(0, call_id, ["carol", "alice"]), p.CallingInvitationSent)
        assert [error.user_id for error in sent.error_user_list] == ["alice"]
        received = await carol.hears(p.CallInvitationReceived)
        assert (received.caller, received.inviter, received.mode) == ("alice", "bob", ADVANCED)
        await carol.accepts(call_id)

        joined = await dave.link.request(p.CallJoin(0, call_id, "hello"), p.CallJoinSent)
        assert joined.extended_data == "topic"
        assert [user.user_id for user in joined.call_user_list] == ["alice", "bob", "carol", "dave"]
        for person in (alice, bob, carol, dave):
            await person.hears_that("dave", "ACCEPTED", call_id)

        left = await carol.link.request(p.CallQuit(0, call_id), p.CallQuitSent)
        assert left.create_time <= left.accept_time <= left.quit_time
        for person in (alice, bob, dave):
            await person.hears_that("carol", "QUIT", call_id)

        ended = await dave.link.request(p.CallEnd(0, call_id, "bye"), p.CallEndSent)
        for person in (alice, bob, dave):
            told = await person.hears(p.CallInvitationEnded)
            assert (told.call_id, told.caller, told.operated_user_id) == (call_id, "alice", "dave")
            assert (told.extended_data, told.end_time) == ("bye", ended.end_time)
        await carol.is_up_to_date()
        assert carol.all(p.CallInvitationEnded) == []
        assert await alice.states(call_id) == {"alice": "ENDED", "bob": "ENDED", "carol": "QUIT", "dave": "ENDED"}


async def test_one_who_is_lost_in_an_advanced_call_has_quit(town: Town) -> None:
    async with people(town, "alice", "bob", "carol") as (alice, bob, carol):
        call_id = await alice.calls("bob", "carol", mode=ADVANCED)
        await bob.accepts(call_id)
        await carol.accepts(call_id)
        await bob.link.aclose()
        for person in (alice, carol):
            await person.hears_that("bob", "QUIT", call_id)


async def test_verbs_that_do_not_fit_are_refused_with_zims_codes(town: Town) -> None:
    async with people(town, "alice", "bob", "dave") as (alice, bob, dave):
        call_id = await alice.calls("bob", "carol")
        names = [f"u{number}" for number in range(10)]
        expected = [
            (alice, p.CallInvite(0, names), ErrorCode.CALL_INVITATION_TOO_MANY_INVITEES),
            (alice, p.CallInvite(0, ["alice"]), ErrorCode.CALL_INVITATION_FAILED),
            (alice, p.CallInvite(0, ["no user"]), ErrorCode.CALL_INVITATION_NO_INVITEE_REGISTERED),
            (alice, p.CallInvite(0, ["bob"], 601), ErrorCode.COMMON_ILLEGAL_PARAM),
            (bob, p.CallCancel(0, call_id), ErrorCode.CALL_INVITATION_NOT_INVITER),
            (dave, p.CallAccept(0, call_id), ErrorCode.CALL_INVITATION_NOT_INVITEE),
            (dave, p.CallReject(0, "none"), ErrorCode.CALL_INVITATION_CALL_MISSING),
            (alice, p.CallEnd(0, call_id), ErrorCode.CALL_INVITATION_WRONG_MODE),
            (bob, p.CallJoin(0, call_id), ErrorCode.CALL_INVITATION_WRONG_MODE),
            (alice, p.QueryCallInvitationList(0, 101), ErrorCode.COMMON_ILLEGAL_PARAM),
            (alice, p.CallInvite(0, ["x" * 257]), ErrorCode.PROTOCOL_MALFORMED_MESSAGE),
            (alice, p.CallInvite(0, ["bob"], extended_data="x" * 1025), ErrorCode.COMMON_ILLEGAL_PARAM),
        ]
        for person, message, code in expected:
            assert await person.is_refused(message) == code, message
        await bob.accepts(call_id)
        code = await alice.is_refused(p.CallCancel(0, call_id))
        assert code == ErrorCode.CALL_INVITATION_ALREADY_ACCEPTED
        advanced = await alice.calls("bob", mode=ADVANCED)
        assert await alice.is_refused(p.CallJoin(0, advanced)) == ErrorCode.CALL_INVITATION_ALREADY_IN_CALL


async def test_the_list_comes_page_by_page(town: Town) -> None:
    async with people(town, "paul", "quinn") as (paul, quinn):
        made = []
        for _ in range(5):
            made.append(await paul.calls("quinn"))
            await quinn.accepts(made[-1])
        seen: list[str] = []
        flag, pages = 0, 0
        while pages == 0 or flag:
            answer = await quinn.link.request(p.QueryCallInvitationList(0, 2, flag), p.CallInvitationList)
            seen += [call.call_id for call in answer.call_list]
            flag, pages = answer.next_flag, pages + 1
        assert (seen, pages) == (made[::-1], 3)


class TestSigningIn:
    async def test_nobody_can_call_before(self, town: Town) -> None:
        async with people(town, "alice", signed_in=False) as (alice,):
            code = await alice.is_refused(p.CallInvite(0, ["bob"]))
            assert code == ErrorCode.COMMON_NOT_LOGIN_ROOM

    async def test_needs_a_credential_of_this_user(self, town: Town) -> None:
        async with people(town, "alice", signed_in=False) as (alice,):
            assert await alice.is_refused(p.SignIn(0, User("alice"))) == ErrorCode.ROOM_NO_TOKEN
            stolen = p.SignIn(0, User("alice"), town.key("bob"))
            assert await alice.is_refused(stolen) == ErrorCode.ROOM_TOKEN_USERID_ERROR
            assert await alice.is_refused(p.SignIn(0, User("no user"))) == ErrorCode.ROOM_USER_ID_INVALID_CHARACTER
            await alice.sign_in()
            await alice.sign_in()  # again is no harm
            await alice.is_up_to_date()
            assert alice.heard == []

    async def test_a_login_to_a_room_signs_in_and_leaving_it_does_not_sign_out(self, town: Town) -> None:
        async with people(town, "alice", "bob", signed_in=False) as (alice, bob):
            await alice.sign_in()
            await bob.login("room-of-bob")
            first = await alice.calls("bob")
            await bob.hears(p.CallInvitationReceived, lambda m: m.call_id == first)
            await bob.logout("room-of-bob")
            second = await alice.calls("bob")
            await bob.hears(p.CallInvitationReceived, lambda m: m.call_id == second)

    async def test_signing_out_is_for_those_in_no_room(self, town: Town) -> None:
        async with people(town, "alice", "bob") as (alice, bob):
            await bob.login("room-of-bob")
            assert await bob.is_refused(p.SignOut(0)) == ErrorCode.COMMON_CONFIG_AFTER_ROOM_LOGGED_IN
            other = p.SignIn(0, User("zoe"), town.key("zoe"))
            assert await bob.is_refused(other) == ErrorCode.COMMON_CONFIG_AFTER_ROOM_LOGGED_IN
            await bob.logout("room-of-bob")
            await bob.link.request(p.SignOut(0), p.Done)
            await bob.link.request(p.SignOut(0), p.Done)
            call_id = await alice.calls("bob")
            await bob.is_up_to_date()
            assert bob.all(p.CallInvitationReceived) == []
            assert (await alice.states(call_id))["bob"] == "INVITING"

    async def test_as_another_user_is_a_new_beginning(self, town: Town) -> None:
        async with people(town, "alice", "bob") as (alice, bob):
            bob.user = User("robert")
            await bob.sign_in()
            old, new = await alice.calls("bob"), await alice.calls("robert")
            assert (await bob.hears(p.CallInvitationReceived)).call_id == new
            assert (await alice.states(old))["bob"] == "INVITING"

    @pytest.mark.parametrize("first_in_room", [False, True])
    @pytest.mark.parametrize("then_in_room", [False, True])
    async def test_elsewhere_takes_the_calls_along_and_the_earlier_session_is_told(
        self, town: Town, first_in_room: bool, then_in_room: bool
    ) -> None:
        async with people(town, "alice", "bob", "bob", signed_in=False) as (alice, earlier, later):
            await alice.sign_in()
            await (earlier.login("first-room") if first_in_room else earlier.sign_in())
            waiting = await alice.calls("bob")
            going_on = await alice.calls("bob", mode=ADVANCED)
            await earlier.accepts(going_on)
            await (later.login("second-room") if then_in_room else later.sign_in())

            told = await earlier.hears(p.SignedOut)
            assert (told.user_id, told.error_code) == ("bob", ErrorCode.ROOM_KICKED_OUT)
            kicked = [state.error_code for state in earlier.all(p.RoomStateChanged)]
            assert kicked == ([ErrorCode.ROOM_KICKED_OUT] if first_in_room else [])
            assert earlier.closed is None
            assert await earlier.is_refused(p.CallAccept(0, waiting)) == ErrorCode.COMMON_NOT_LOGIN_ROOM

            await later.hears(p.CallInvitationReceived, lambda m: m.call_id == waiting)
            await later.hears_that("bob", "ACCEPTED", going_on)
            await later.accepts(waiting)
            await later.link.request(p.CallQuit(0, going_on), p.CallQuitSent)
            await alice.hears_that("bob", "QUIT", going_on)
            await earlier.link.aclose()  # whose end has nothing to do with bob any more
            await alice.calls("bob")
            await later.hears(p.CallInvitationReceived, lambda m: m.call_id not in (waiting, going_on))


async def test_users_of_another_app_are_other_users(towns: Iterator[Town]) -> None:
    here, there = next(towns), next(towns)
    async with people(here, "alice", "bob") as (alice, bob), people(there, "bob") as (namesake,):
        call_id = await alice.calls("bob")
        assert await namesake.is_refused(p.CallAccept(0, call_id)) == ErrorCode.CALL_INVITATION_CALL_MISSING
        await bob.accepts(call_id)
        assert namesake.heard == []


async def test_calls_leave_nothing_behind(town: Town) -> None:
    async with people(town, "alice", "bob") as (alice, bob):
        await bob.accepts(await alice.calls("bob"))
        level = await town.hub.level()
        async with people(town, "carol", "dave") as (carol, dave):
            for _ in range(20):
                call_id = await carol.calls("dave", mode=ADVANCED)
                await dave.accepts(call_id)
                await dave.link.request(p.CallQuit(0, call_id), p.CallQuitSent)
                await carol.link.request(p.CallEnd(0, call_id), p.CallEndSent)
        await town.hub.is_back_at(level)
