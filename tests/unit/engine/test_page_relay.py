"""What an engine hands on between its pages and the hub before they talk directly."""

from __future__ import annotations

import pytest

from tests.unit.engine.fakes import FakePage, FakeView, Subject
from tests.unit.kernel.scripted import ALICE, ROOM
from zego_widget import protocol
from zego_widget.engine.profile import Canvas
from zego_widget.errors import ErrorCode, Refused, SessionLost


async def test_an_offer_during_the_login_waits_for_it(subject: Subject, view: FakeView, page: FakePage) -> None:
    await subject.engine.start_preview(Canvas(view))
    answer = subject.hub.answers[protocol.LoginRoom] = await subject.held_back()
    subject.engine.login_room(ROOM, ALICE)
    await subject.settle()
    await page.offer("p1")
    assert page.heard == []
    assert subject.engine._parts.pages.offers == 1
    await subject.on_io(answer.set_result, protocol.LoggedIn(0, ROOM, "s", [], []))
    assert isinstance(page.heard[0], protocol.Answer)
    assert subject.engine._parts.pages.offers == 0


@pytest.mark.parametrize("moment", ["login", "at once", "outage", "lost on its way"])
async def test_an_offer_whose_peer_is_closed_before_the_hub_is_reached_is_refused(
    subject: Subject, view: FakeView, page: FakePage, moment: str
) -> None:
    await subject.engine.start_preview(Canvas(view))
    if moment in ("outage", "lost on its way"):
        await subject.login()
    answers, heard = subject.hub.answers, page.heard
    logged_in, offered = await subject.held_back(), await subject.held_back()
    answers[protocol.LoginRoom], answers[protocol.Offer] = logged_in, offered
    lost = SessionLost("The hub knows us no more.")
    if moment in ("login", "at once"):
        subject.engine.login_room(ROOM, ALICE)
        await subject.settle()
    elif moment == "outage":
        await subject.on_io(subject.link.lose, lost)
    if moment == "at once":

        def say_both() -> None:
            take = subject.engine._parts.pages.take
            take(protocol.Offer(7, "p1", "offer sdp"), heard.append)
            take(protocol.ClosePeer(8, "p1"), heard.append)

        await subject.on_io(say_both)
    else:
        await page.offer("p1")
        await page.say(protocol.ClosePeer(8, "p1"))
    if moment == "lost on its way":
        await subject.on_io(subject.link.lose, lost)
    assert subject.engine._parts.pages.offers == 0
    await subject.on_io(logged_in.set_result, protocol.LoggedIn(0, ROOM, "s", [], []))
    await subject.settle()
    refused = next(each for each in heard if each.request_id == 7)
    assert isinstance(refused, protocol.Refused)
    assert (refused.code, "closed" in refused.message) == (ErrorCode.MEDIA_CONNECT_FAILED, True)
    assert any(each.request_id == 8 for each in heard)
    while len(subject.hub.links) < (2 if moment in ("outage", "lost on its way") else 1):
        await subject.settle()
    assert not subject.link.asked(protocol.Offer)
    pages = subject.engine._parts.pages
    assert (dict(pages.peers), pages.offers) == ({}, 0)


async def test_an_offer_that_fails_is_refused_with_its_own_number(
    subject: Subject, view: FakeView, page: FakePage
) -> None:
    await subject.engine.start_preview(Canvas(view))
    await page.offer("p1")
    assert (page.heard[-1].request_id, page.heard[-1].code) == (7, 1000002)
    await subject.login()
    subject.hub.answers[protocol.Offer] = Refused("bad sdp", ErrorCode.MEDIA_BAD_OFFER)
    await page.offer("p1")
    assert (page.heard[-1].request_id, page.heard[-1].code) == (7, 1900020)
    pages = subject.engine._parts.pages
    assert (dict(pages.peers), pages.last_peer_reason) == ({}, "bad sdp")


async def test_closing_a_peer_is_relayed_and_without_a_session_done(
    subject: Subject, view: FakeView, page: FakePage
) -> None:
    await page.say(protocol.ClosePeer(3, "p1"))
    assert page.heard == [protocol.Done(3)]
    await subject.login()
    await page.connect("p1")
    await page.say(protocol.ClosePeer(4, "p1"))
    assert page.heard[-1] == protocol.Done(4)
    assert [each.peer_id for each in subject.link.asked(protocol.ClosePeer)] == ["p1"]
