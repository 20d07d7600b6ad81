"""Every refusal has a name, every name is explained, and no client adds one."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from tests.unit.hub.fakes import FakeLink
from zego_widget import protocol as p
from zego_widget.errors import ErrorCode
from zego_widget.forwarder.counters import Counters
from zego_widget.hub.refusals import COUNTERS, GOODBYES, Refusal, Refusals, request_name, whip_name
from zego_widget.hub.whip.problem import _STATUS

ROOT = Path(__file__).parents[3]
EXPLAINED = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "counters.md").read_text(), re.MULTILINE)
PATTERNS = {"request.<error code>", "request.other", "whip.<status>", "whip.other"}


def test_the_table_of_the_documentation_has_every_name_once() -> None:
    assert len(set(EXPLAINED)) == len(EXPLAINED)
    assert set(EXPLAINED) == {str(refusal) for refusal in Refusal} | set(COUNTERS.values()) | PATTERNS


def test_names_are_an_area_and_a_reason() -> None:
    for name in Refusals().as_dict({}):
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", name)


def test_whatever_the_forwarder_drops_refuses_or_closes_has_a_name() -> None:
    negative = {
        field.name
        for field in dataclasses.fields(Counters)
        if field.name.startswith(("dropped_", "closed_", "refused_", "tcp_refused_", "tcp_closed_", "tcp_dropped_"))
    }
    assert negative <= set(COUNTERS)
    assert {name for name in COUNTERS if not name.startswith(("refused_", "resume_refused_"))} == negative


def test_every_refusal_is_counted_somewhere() -> None:
    files = (path for path in (ROOT / "zego_widget" / "hub").rglob("*.py") if path.name != "refusals.py")
    counted = set(re.findall(r"Refusal\.([A-Z_]+)", "".join(path.read_text() for path in files)))
    assert counted | {refusal.name for refusal in GOODBYES.values()} == {refusal.name for refusal in Refusal}


@pytest.mark.parametrize("code", [-1, 0, 1002050, 7, 2**40])
def test_whatever_code_a_request_is_refused_with_its_name_is_of_a_closed_set(code: int) -> None:
    assert request_name(code) in {f"request.{each.name.lower()}" for each in ErrorCode} | {"request.other"}


def test_every_status_of_a_problem_has_a_name() -> None:
    assert {whip_name(status) for status in _STATUS.values()} == {f"whip.{status}" for status in _STATUS.values()}
    assert whip_name(418) == "whip.other"


def test_counts_are_told_with_those_of_the_forwarder() -> None:
    refusals = Refusals()
    refusals.count(Refusal.LINK_SLOWED)
    refusals.request(ErrorCode.ROOM_KICKED_OUT)
    refusals.whip(404)
    refusals.goodbye(ErrorCode.HUB_STOPPING)
    told = refusals.as_dict({"dropped_ice": 3, "packets_received": 9})
    expected = {"link.slowed": 1, "request.room_kicked_out": 1, "whip.404": 1, "session.hub_stopped": 1, "media.ice": 3}
    assert {name: count for name, count in told.items() if count} == expected
    assert list(told) == sorted(told)


def refused(hub):
    return {name: count for name, count in hub.refusals.as_dict({}).items() if count}


async def test_sessions_that_the_hub_ends_are_counted_by_the_reason(hub, monkeypatch):
    FakeLink(hub).login("alice")
    bob = FakeLink(hub).login("bob")
    FakeLink(hub).login("alice")
    assert refused(hub) == {"session.displaced": 1}
    later = hub.now() + 16
    monkeypatch.setattr(hub, "now", lambda: later - 1)
    bob.say(p.Heartbeat())
    hub.tick(later)
    assert refused(hub) == {"session.displaced": 1, "session.silent": 2}
    for _ in range(10_000):
        bob.say(p.Heartbeat())
    monkeypatch.setattr(hub, "now", lambda: later + 5)
    bob.say(p.Heartbeat())
    counts = refused(hub)
    assert counts["session.flood"] == 1 and counts["link.slowed"] > 1000
    FakeLink(hub).login("carol")
    await hub.aclose("The hub stops.")
    assert refused(hub)["session.hub_stopped"] == 1


async def test_a_page_that_says_what_cannot_be_read_is_counted(hub):
    alice = FakeLink(hub).login("alice")
    alice.offer()
    peer = hub.forwarder.peers[0]
    peer.connect()
    peer.open_control()
    peer.listener.control_received(peer, "no JSON")
    assert refused(hub) == {"control.malformed": 1}
