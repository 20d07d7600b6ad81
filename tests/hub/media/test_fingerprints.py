"""A certificate that is not the one of the offer or answer never connects, whoever is the DTLS server (FAULTS 36)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from tests.hub.media.calls import Call, Edit, Seat, call_on, frames_keep_coming, until
from tests.hub.peers import PATIENCE, Participant
from zego_widget.forwarder import Forwarder
from zego_widget.model import PeerState

SETUPS = {"actpass": "passive", "active": "passive", "passive": "active"}
"""The offer's `a=setup` and the hub's answer to it: passive is the DTLS server."""


def with_setup(setup: str) -> Edit:
    return lambda sdp: sdp.replace("a=setup:actpass", f"a=setup:{setup}")


def with_other_fingerprint(algorithms: str) -> Edit:
    """The first digit of the fingerprints changed."""

    def changed(found: re.Match[str]) -> str:
        return found[1] + format(int(found[2], 16) ^ 1, "X")

    return lambda sdp: re.sub(rf"(a=fingerprint:(?:{algorithms}) )([0-9A-F])", changed, sdp)


@pytest.mark.parametrize("setup", SETUPS)
async def test_the_right_certificate_connects_in_both_roles(call: Call, setup: str) -> None:
    answers: list[str] = []
    seat = await call.invite(
        "alice", sends=True, edit_offer=with_setup(setup), edit_answer=lambda sdp: answers.append(sdp) or sdp
    )
    await asyncio.wait_for(seat.connected.wait(), PATIENCE)
    assert f"a=setup:{SETUPS[setup]}\r\n" in answers[0]
    bob = await call.join("bob", sends=False)
    call.play(bob, seat)
    await frames_keep_coming(bob)
    await seat.is_heard()


ALL = "sha-256|sha-384|sha-512"


@pytest.mark.parametrize(
    ("setup", "algorithms"), [("actpass", ALL), ("active", "sha-512"), ("passive", ALL), ("passive", "sha-256")]
)
async def test_a_participant_with_another_certificate_never_connects(call: Call, setup: str, algorithms: str) -> None:
    alice, bob = await call.pair()

    def edit(sdp: str) -> str:
        return with_other_fingerprint(algorithms)(with_setup(setup)(sdp))

    mallory = await call.invite("mallory", sends=True, edit_offer=edit)
    carol = await call.join("carol", sends=False)
    call.play(carol, mallory)
    await asyncio.wait_for(mallory.closed.wait(), PATIENCE)
    assert mallory.reasons == ["the DTLS handshake failed"]
    assert call.count("closed_handshake") == 1
    assert mallory.peer.state is PeerState.CLOSED
    assert not mallory.connected.is_set()
    await frames_keep_coming(bob)
    await alice.is_heard()
    for name in ("camera", "microphone"):
        publication = mallory.peer.publisher.publication(name)
        assert publication is not None
        assert publication.packets_received == 0
    assert not carol.page.frames
    assert call.forwarder.peer_count == 3


@pytest.fixture
async def impatient(clean_log: None) -> AsyncIterator[Call]:
    """A call on a forwarder that gives silent peers up after a second."""
    forwarder = await Forwarder.open(peer_timeout=1.0, connect_timeout=1.0)
    async with call_on(forwarder) as call:
        yield call
    await forwarder.aclose()
    assert forwarder.peer_count == 0


async def test_who_never_comes_is_given_up(impatient: Call) -> None:
    async with Participant("alice", slots=1) as page:
        seat = Seat(page)
        seat.peer, _ = impatient.forwarder.answer((await page.offer()).sdp, {}, seat)
        await asyncio.wait_for(seat.closed.wait(), PATIENCE)
    assert seat.reasons == ["it did not connect within 1 s"]
    assert impatient.count("closed_unconnected") == 1


@pytest.mark.parametrize("setup", SETUPS)
async def test_a_hub_with_another_certificate_is_refused(impatient: Call, setup: str) -> None:
    call = impatient
    seat = await call.invite(
        "alice", sends=True, edit_offer=with_setup(setup), edit_answer=with_other_fingerprint("sha-256")
    )
    await until(lambda: seat.page.pc.connectionState == "failed", "the participant's refusal")
    await seat.page.pc.close()
    await asyncio.wait_for(seat.closed.wait(), PATIENCE)
    assert len(seat.reasons) == 1
    assert call.count("packets_received") == call.count("packets_forwarded") == 0
