"""Only an ICE check signed with a peer's password is answered, and never with more than was sent."""

from __future__ import annotations

import secrets

import pytest

from tests.hub.media.calls import Call, Seat, Stranger, binding_request, frames_keep_coming, stranger_at, until
from zego_widget.model import PeerState


def usernames(seat: Seat) -> tuple[str, str, bytes]:
    """The hub's and the participant's fragment, and the hub's password."""
    credentials = seat.peer.credentials
    return credentials.ufrag, seat.ice.local_username, credentials.password.encode()


async def test_checks_with_wrong_credentials_get_no_answer(call: Call, stranger: Stranger) -> None:
    alice, bob = await call.pair()
    ours, theirs, key = usernames(alice)
    requests = {
        "wrong password": binding_request(f"{ours}:{theirs}", secrets.token_hex(16).encode()),
        "no password": binding_request(f"{ours}:{theirs}", None),
        "the participant's password": binding_request(f"{ours}:{theirs}", alice.ice.local_password.encode()),
        "foreign fragment": binding_request(f"{secrets.token_hex(12)}:{theirs}", key),
        "fragment of another participant": binding_request(f"{bob.peer.credentials.ufrag}:{theirs}", key),
        "foreign sender": binding_request(f"{ours}:nobody", key),
        "empty USERNAME": binding_request("", key),
    }
    for what, request in requests.items():
        dropped, strangers = call.count("dropped_ice"), call.count("dropped_stranger")
        for _ in range(10):
            stranger.send(request)
        stranger.send(b"\x80" * 40)
        await until(lambda: call.count("dropped_stranger") == strangers + 1, what)  # noqa: B023
        assert call.count("dropped_ice") == dropped + 10, what
        assert not stranger.received(), what
    await frames_keep_coming(bob)
    assert alice.peer.state is bob.peer.state is PeerState.CONNECTED


async def test_a_wrong_check_from_a_participant_does_not_end_its_call(call: Call) -> None:
    alice, bob = await call.pair()
    ours, theirs, _ = usernames(alice)
    dropped = call.count("dropped_ice")
    alice.send(binding_request(f"{ours}:{theirs}", b"wrong"))
    bob.send(binding_request(f"{ours}:{theirs}", b"wrong"))
    await until(lambda: call.count("dropped_ice") == dropped + 2, "the checks")
    await frames_keep_coming(bob)
    await alice.is_heard()


@pytest.mark.parametrize("role", ["ICE-CONTROLLING", "ICE-CONTROLLED"])
async def test_the_answer_to_a_right_check_is_not_longer_than_the_check(call: Call, role: str) -> None:
    alice, _ = await call.pair()
    ours, theirs, key = usernames(alice)
    request = binding_request(f"{ours}:{theirs}", key, **{role: 1})
    with stranger_at(call.forwarder.port) as other_address:
        other_address.send(request)
        answers: list[bytes] = []
        await until(lambda: answers.extend(other_address.received()) or answers, "the answer")
        assert len(answers) == 1
        assert len(answers[0]) <= len(request)


@pytest.mark.parametrize("size", [2000, 60000])
async def test_a_check_that_no_path_carries_in_one_packet_is_dropped(call: Call, stranger: Stranger, size: int) -> None:
    alice, bob = await call.pair()
    ours, theirs, key = usernames(alice)
    dropped = call.count("dropped_ice")
    stranger.send(binding_request(f"{ours}:{theirs}", key, SOFTWARE="x" * size))
    await until(lambda: call.count("dropped_ice") == dropped + 1, "the check")
    await frames_keep_coming(bob)


async def test_a_check_with_a_wrong_length_is_dropped(call: Call, stranger: Stranger) -> None:
    alice, bob = await call.pair()
    ours, theirs, key = usernames(alice)
    request = binding_request(f"{ours}:{theirs}", key)
    dropped = call.count("dropped_ice")
    for datagram in (request + b"\0", request + bytes(4), request[:-4], request[:20]):
        stranger.send(datagram)
    await until(lambda: call.count("dropped_ice") == dropped + 4, "the checks")
    await frames_keep_coming(bob)


async def test_nobody_takes_over_the_address_of_another_participant(call: Call) -> None:
    alice, bob = await call.pair()
    ours, theirs, key = usernames(bob)
    dropped = call.count("dropped_ice")
    alice.send(binding_request(f"{ours}:{theirs}", key))  # as bob could, were he to forge his source address
    await until(lambda: call.count("dropped_ice") == dropped + 1, "the check")
    await alice.is_heard()
    await frames_keep_coming(bob)


async def test_media_keeps_coming_from_a_machine_with_many_network_interfaces(call: Call) -> None:
    alice, bob = await call.pair()
    ours, theirs, key = usernames(alice)
    request = binding_request(f"{ours}:{theirs}", key)
    for number in range(59):  # more over time than are remembered at once
        if number % 20 == 0:
            alice.send(request)
            await alice.is_heard()
        with stranger_at(call.forwarder.port) as another_interface:
            another_interface.send(request)
            await until(another_interface.received, "the answer")
    assert call.count("dropped_addresses") > 20
    strangers = call.count("dropped_stranger")
    await frames_keep_coming(bob)
    assert call.count("dropped_stranger") == strangers
