"""Engines that call one another, signed in or in a room."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.fakes import code_of
from zego_widget import ExpressEngine
from zego_widget.hub import discovery
from zego_widget.model import CallInvitationMode, CallUserState, User
from zego_widget.testing import LocalHub
from zego_widget.testing.participant import Recorder


async def signed_in(lab: LocalHub, user_id: str) -> Recorder:
    recorder = Recorder(lab.engine())
    await recorder.engine.sign_in(User(user_id))
    return recorder


async def test_a_user_in_no_room_is_called_and_accepts(lab: LocalHub) -> None:
    alice, bob = await signed_in(lab, "alice"), await signed_in(lab, "bob")
    call = await alice.engine.call_invite(["bob", "nobody"], timeout=60, extended_data="shall we?")
    assert [each.user_id for each in call.error_user_list] in ([], ["nobody"])
    assert (await alice.hears("call_invitation_created")).info.call_id == call.call_id
    invitation = (await bob.hears("call_invitation_received")).info
    assert (invitation.call_id, invitation.caller, invitation.extended_data) == (call.call_id, "alice", "shall we?")
    assert (await bob.engine.call_accept(call.call_id, "yes")).call_id == call.call_id
    await alice.hears(
        "call_user_state_changed",
        lambda event: any(
            each.user_id == "bob" and each.state is CallUserState.ACCEPTED for each in event.info.call_user_list
        ),
    )
    (listed,) = (await bob.engine.query_call_invitation_list()).call_list
    assert listed.call_id == call.call_id


async def test_calls_are_rejected_and_cancelled(lab: LocalHub) -> None:
    alice, bob = await signed_in(lab, "alice"), await lab.participant("bob")
    call = await alice.engine.call_invite(["bob"])
    await bob.hears("call_invitation_received")
    await bob.engine.call_reject(call.call_id)
    await alice.hears(
        "call_user_state_changed",
        lambda event: event.info.call_user_list[0].state is CallUserState.REJECTED,
    )
    second = await alice.engine.call_invite(["bob"])
    assert (await alice.engine.call_cancel(second.call_id)).error_invitees == []
    assert (await bob.hears("call_invitation_cancelled")).info.call_id == second.call_id


async def test_a_call_that_nobody_answers_times_out_on_both_sides(lab: LocalHub) -> None:
    alice, bob = await signed_in(lab, "alice"), await signed_in(lab, "bob")
    call = await alice.engine.call_invite(["bob"], timeout=1)
    assert (await bob.hears("call_invitation_timeout")).info.call_id == call.call_id
    await alice.hears(
        "call_user_state_changed",
        lambda event: event.info.call_user_list[0].state is CallUserState.TIMEOUT,
    )


async def test_an_advanced_call_is_joined_quit_and_ended(lab: LocalHub) -> None:
    alice, bob, carol = [await signed_in(lab, name) for name in ("alice", "bob", "carol")]
    call = await alice.engine.call_invite(["bob"], mode=CallInvitationMode.ADVANCED)
    await bob.hears("call_invitation_received")
    await bob.engine.call_accept(call.call_id)
    assert (await alice.engine.calling_invite(["carol"], call.call_id)).call_id == call.call_id
    await carol.hears("call_invitation_received")
    joined = await carol.engine.call_join(call.call_id)
    assert "carol" in [each.user_id for each in joined.call_user_list]
    assert (await carol.engine.call_quit(call.call_id)).call_id == call.call_id
    assert (await alice.engine.call_end(call.call_id)).end_time
    assert (await bob.hears("call_invitation_ended")).info.operated_user_id == "alice"


async def test_calling_needs_a_sign_in_or_a_room(lab: LocalHub) -> None:
    engine = lab.engine()
    assert await code_of(engine.call_invite(["bob"])) == 1000002
    assert await code_of(engine.sign_in(User("a b"))) == 1002006
    await engine.sign_in(User("alice"))
    assert await code_of(engine.call_accept("no such call")) == 6000276
    await engine.sign_out()
    await engine.sign_out()
    assert await code_of(engine.call_invite(["bob"])) == 1000002
    await lab.until(lambda status: status["sessions"] == 0)


async def test_who_signs_in_elsewhere_is_signed_out_here(lab: LocalHub) -> None:
    first = await signed_in(lab, "alice")
    await signed_in(lab, "alice")
    assert (await first.hears("signed_out")).error_code == 1002050
    assert await code_of(first.engine.call_invite(["bob"])) == 1000002


async def test_a_broken_link_loses_no_invitation(lab: LocalHub) -> None:
    alice, bob = await signed_in(lab, "alice"), await signed_in(lab, "bob")
    lab.break_links()
    await alice.engine.call_invite(["bob"])
    await bob.hears("call_invitation_received")
    assert not alice.all("signed_out") + bob.all("signed_out")


async def test_leaving_a_room_does_not_end_a_sign_in(lab: LocalHub) -> None:
    bob = await signed_in(lab, "bob")
    await bob.engine.login_room("demo", User("bob"))
    await bob.engine.logout_room()
    alice = await signed_in(lab, "alice")
    await alice.engine.call_invite(["bob"])
    await bob.hears("call_invitation_received")


def is_over(event: Any) -> bool:
    """For whoever has called Bob alone."""
    return [(each.user_id, each.state) for each in event.info.call_user_list if each.user_id == "bob"] == [
        ("bob", CallUserState.CANCELLED)
    ]


@pytest.mark.parametrize("mode", CallInvitationMode)
async def test_a_call_that_goes_down_with_its_hub_is_over_for_everyone(
    runtime_dir: Path, mode: CallInvitationMode
) -> None:
    async with contextlib.AsyncExitStack() as closing:
        alice, bob = [Recorder(await closing.enter_async_context(ExpressEngine())) for _ in range(2)]
        await alice.engine.sign_in(User("alice"))
        await bob.engine.login_room("demo", User("bob"))
        call = await alice.engine.call_invite(["bob"], mode=mode)
        await bob.hears("call_invitation_received")
        address = discovery.read_address(runtime_dir)
        assert address is not None

        os.kill(address.pid, signal.SIGKILL)

        if mode is CallInvitationMode.ADVANCED:
            for each in (alice, bob):
                assert (await each.hears("call_invitation_ended")).info.call_id == call.call_id
        else:
            assert (await bob.hears("call_invitation_cancelled")).info.call_id == call.call_id
            await alice.hears("call_user_state_changed", is_over)
        assert await code_of(bob.engine.call_accept(call.call_id)) == 6000276
        await alice.engine.call_invite(["bob"])
        await bob.hears("call_invitation_received", lambda event: event.info.call_id != call.call_id)


async def test_a_call_that_ended_while_its_users_were_missed_rings_no_more(lab: LocalHub) -> None:
    alice, bob = await signed_in(lab, "alice"), await signed_in(lab, "bob")
    call = await alice.engine.call_invite(["bob"])
    await bob.hears("call_invitation_received")
    lab.forget_sessions()
    assert (await bob.hears("call_invitation_cancelled")).info.call_id == call.call_id
    await alice.hears("call_user_state_changed", is_over)
