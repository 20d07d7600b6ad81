"""How the networks of others are, with real media."""

from __future__ import annotations

import itertools

import pytest

from tests.hub.media_python.people import Person
from zego_widget import protocol as p
from zego_widget.forwarder.publication import Publication
from zego_widget.forwarder.publisher import Publisher
from zego_widget.model import StreamQualityLevel as Level


def says(user_id: str, upstream: set[Level], downstream: set[Level]):
    def holds(update: p.NetworkQualityUpdate) -> bool:
        return any(
            user.user_id == user_id and user.upstream in upstream and user.downstream in downstream
            for user in update.users
        )

    return holds


async def test_two_people_on_one_machine_have_a_known_network(hub, join) -> None:
    alice: Person = await join("alice")
    bob: Person = await join("bob")
    known = {Level.EXCELLENT, Level.GOOD}
    await bob.client.hears(p.NetworkQualityUpdate, says("alice", known, known))
    await alice.client.hears(p.NetworkQualityUpdate, says("bob", known, known))
    peers = list(hub.forwarder._peers)
    assert len(peers) == 2
    await bob.client.hears(p.NetworkQualityUpdate, lambda _: all(peer.viewer.round_trip is not None for peer in peers))
    assert all(0 <= peer.viewer.round_trip < 5 for peer in peers)
    assert hub.status()["counters"]["reports_received"] > 0


async def test_what_is_lost_on_the_way_up_is_the_publishers_and_not_the_viewers(
    hub, join, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice: Person = await join("alice")
    (peer,) = hub.forwarder._peers
    alices = peer.publisher
    numbers = itertools.count()
    receive = Publisher.receive

    def loses_half(publisher: Publisher, packet: bytes, now: float) -> Publication | None:
        return receive(publisher, packet, now) if publisher is not alices or next(numbers) % 2 else None

    monkeypatch.setattr(Publisher, "receive", loses_half)
    bob: Person = await join("bob")
    carol: Person = await join("carol", publishes=False)
    await carol.client.hears(p.NetworkQualityUpdate, says("alice", {Level.BAD}, {Level.EXCELLENT, Level.GOOD}))
    await carol.client.hears(p.NetworkQualityUpdate, says("bob", {Level.EXCELLENT}, {Level.EXCELLENT, Level.GOOD}))
    assert alice.peer is not bob.peer
