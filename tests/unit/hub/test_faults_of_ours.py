"""What goes wrong for one session in the hub goes wrong for nobody else."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.hub.fakes import FakeLink, make_hub
from zego_widget import protocol as p
from zego_widget.hub.session import Session
from zego_widget.model import User


def fails_for(monkeypatch, method, session):
    """A method of sessions that fails for one of them."""
    original = getattr(Session, method)

    def failing(self, *arguments):
        if self is session:
            raise ZeroDivisionError
        return original(self, *arguments)

    monkeypatch.setattr(Session, method, failing)


async def test_an_event_that_cannot_be_told_to_one_is_told_to_all_others(hub, monkeypatch, caplog):
    first, broken, last = (FakeLink(hub).login(user_id) for user_id in ("alice", "bob", "carol"))
    fails_for(monkeypatch, "tell", broken.session)
    FakeLink(hub).login("dave")
    for link in (first, last):
        assert link.all(p.RoomUserUpdate)[-1].users == [User("dave")]
    assert broken.all(p.RoomUserUpdate)[-1].users == [User("carol")]
    assert "an event could not be told" in caplog.text


async def test_one_that_does_not_end_cleanly_keeps_nobody_from_the_goodbye(monkeypatch, caplog):
    hub = make_hub()
    broken, other = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
    fails_for(monkeypatch, "say_goodbye", broken.session)
    await hub.aclose("The test is over.")
    assert isinstance(other.received[-1], p.Goodbye)
    assert broken.all(p.Goodbye) == []
    assert "could not be ended cleanly" in caplog.text


async def test_a_link_whose_end_fails_is_gone_all_the_same(hub, monkeypatch, caplog):
    broken = FakeLink(hub).login("alice")
    broken.offer()
    original = hub.calls.user_is_out
    monkeypatch.setattr(hub.calls, "user_is_out", lambda session: original(session) or 1 / 0)
    broken.session.link_closed()
    assert hub.session_count == 0
    assert hub.forwarder.peers[0].closed_because
    assert "could not be ended cleanly" in caplog.text


async def test_the_ticks_go_on_after_one_that_failed(monkeypatch, caplog):
    hub = make_hub(heartbeat_timeout=0.02)
    ticks: list[float] = []
    enough = asyncio.Event()

    def tick(now):
        ticks.append(now)
        if len(ticks) == 3:
            enough.set()
        raise ZeroDivisionError

    monkeypatch.setattr(hub, "tick", tick)
    await asyncio.wait_for(enough.wait(), 20)
    await hub.aclose("The test is over.")
    assert "What is due could not be done" in caplog.text
    told = len(ticks)
    await asyncio.sleep(0)
    assert len(ticks) == told


@pytest.mark.parametrize(
    ("method", "due"),
    [
        ("tick", lambda hub: hub.tick(hub.now())),
        ("tell_network_quality", lambda hub: hub.tick(hub.now() + 60.0)),
        ("watch_token", lambda hub: hub.watch_tokens(0.0)),
        ("tell_sound", lambda hub: hub.sound_tick(hub.now())),
        ("refresh_slots", lambda hub: hub.refresh_slots()),
    ],
)
async def test_what_is_due_is_done_for_all_others(hub, monkeypatch, caplog, method, due):
    first, broken, last = (FakeLink(hub).login(user_id) for user_id in ("alice", "bob", "carol"))
    monkeypatch.setattr(hub.rooms, "expire", lambda now: [])
    done = []
    original = getattr(Session, method)
    monkeypatch.setattr(Session, method, lambda self, *arguments: (done.append(self), original(self, *arguments)))
    fails_for(monkeypatch, method, broken.session)
    due(hub)
    assert done == [first.session, last.session]
    assert "could not be done" in caplog.text


async def test_of_those_who_were_silent_one_that_does_not_end_cleanly_keeps_no_other_from_its_end(
    hub, monkeypatch, caplog
):
    broken, other = FakeLink(hub).login("alice"), FakeLink(hub).login("bob")
    with monkeypatch.context() as fault:
        fails_for(fault, "say_goodbye", broken.session)
        hub.tick(hub.now() + 60.0)
    assert isinstance(other.received[-1], p.Goodbye)
    assert "could not be done" in caplog.text
    broken.session.link_closed()
