"""Connectivity checks: who is answered, and who is not."""

from __future__ import annotations

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.forwarder.ice import IceCredentials, IceLiteAgent, checked_ufrag, is_stun

LOCAL = IceCredentials("hubufrag", "hub-password-of-24-chars")
ADDRESS = ("127.0.0.1", 54321)


def check(
    *, username: str = "hubufrag:page", password: str = LOCAL.password, nominate: bool = False, controlled: bool = False
) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = username
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLED" if controlled else "ICE-CONTROLLING"] = 7
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    return bytes(request)


@pytest.fixture
def agent() -> IceLiteAgent:
    return IceLiteAgent(LOCAL, "page")


def test_an_authentic_check_is_answered_with_the_address_it_came_from(agent: IceLiteAgent) -> None:
    datagram = check()
    answer = agent.check(datagram, ADDRESS)
    assert answer is not None
    assert answer.succeeded
    assert not answer.nominated
    response = stun.parse_message(answer.response)
    assert response.message_class == stun.Class.RESPONSE
    assert response.transaction_id == stun.parse_message(datagram).transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == ADDRESS
    assert response.check_message_integrity(LOCAL.password.encode())


@pytest.mark.parametrize("source", [ADDRESS, ("2001:db8::1", 1), ("fe80::1", 65535, 0, 2)])
def test_an_answer_is_what_the_library_would_say(agent: IceLiteAgent, source: tuple[str, int]) -> None:
    datagram = check()
    expected = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, stun.parse_message(datagram).transaction_id)
    expected.attributes["XOR-MAPPED-ADDRESS"] = source[:2]
    expected.add_message_integrity(LOCAL.password.encode())
    answer = agent.check(datagram, source)
    assert answer is not None
    assert answer.response == bytes(expected)


def test_the_answer_is_no_longer_than_the_check(agent: IceLiteAgent) -> None:
    answer = agent.check(check(), ("2001:db8::1", 54321))
    assert answer is not None
    assert len(answer.response) <= len(check())


def test_a_nomination_is_noticed(agent: IceLiteAgent) -> None:
    answer = agent.check(check(nominate=True), ADDRESS)
    assert answer is not None
    assert answer.nominated


def test_a_peer_that_wants_to_be_controlled_is_told_of_the_conflict(agent: IceLiteAgent) -> None:
    answer = agent.check(check(controlled=True, nominate=True), ADDRESS)
    assert answer is not None
    assert not answer.succeeded
    assert not answer.nominated
    assert stun.parse_message(answer.response).error_code == 487


@pytest.mark.parametrize(
    "datagram",
    [
        check(password="another-password"),
        check(username="hubufrag:someone"),
        check(username="other:page"),
        bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)),
        check()[:-1],
        check()[:20],
        bytes(20),
        b"",
    ],
    ids=["password", "remote ufrag", "local ufrag", "unsigned", "cut", "header only", "zeroes", "empty"],
)
def test_what_is_not_authentic_is_not_answered(agent: IceLiteAgent, datagram: bytes) -> None:
    assert agent.check(datagram, ADDRESS) is None


def test_a_response_or_indication_is_not_answered(agent: IceLiteAgent) -> None:
    for kind in (stun.Class.RESPONSE, stun.Class.INDICATION, stun.Class.ERROR):
        message = stun.Message(stun.Method.BINDING, kind, attributes={"USERNAME": "hubufrag:page"})
        message.add_message_integrity(LOCAL.password.encode())
        assert agent.check(bytes(message), ADDRESS) is None


def test_the_peer_is_found_by_our_half_of_the_username() -> None:
    assert is_stun(check())
    assert checked_ufrag(check()) == "hubufrag"


def with_more_attributes(number: int, request: bytes) -> bytes:
    """A check behind whose header come attributes that nobody knows."""
    attributes = b"\x77\x77\0\0" * number + request[20:]
    return request[:2] + len(attributes).to_bytes(2) + request[4:20] + attributes


@pytest.mark.parametrize(("more", "found"), [(0, "hubufrag"), (20, "hubufrag"), (32, None), (340, None)])
def test_who_sends_more_attributes_than_any_check_has_is_not_looked_for(more: int, found: str | None) -> None:
    request = with_more_attributes(more, check())
    assert is_stun(request)
    assert checked_ufrag(request) == found


@given(st.binary(max_size=120))
def test_any_bytes_are_looked_at_without_harm(tail: bytes) -> None:
    header = check()[:20]
    for datagram in (tail, header + tail):
        is_stun(datagram)
        checked_ufrag(datagram)
        assert IceLiteAgent(LOCAL, "page").check(datagram, ADDRESS) is None


def test_credentials_are_long_enough_and_never_the_same() -> None:
    made = [IceCredentials.generate() for _ in range(100)]
    assert len({c.ufrag for c in made}) == len({c.password for c in made}) == 100
    assert all(len(c.ufrag) == 24 and len(c.password) == 32 for c in made)  # hex: 96 and 128 bits


def test_a_password_is_not_shown() -> None:
    assert LOCAL.password not in repr(LOCAL)
