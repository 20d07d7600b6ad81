"""Counting and keeping messages, whatever is lost and wherever a link breaks."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zego_widget.outbox import Inbox, Outbox


def numbered(count: int, **bounds: int) -> Outbox:
    outbox = Outbox(**bounds)
    for number in range(1, count + 1):
        outbox.append(f"message {number}")
    return outbox


class TestOutbox:
    def test_keeps_what_is_not_acknowledged(self) -> None:
        outbox = numbered(5)
        outbox.acknowledge(3)
        assert outbox.last == 5
        assert outbox.since(3) == ["message 4", "message 5"]
        assert outbox.since(5) == []
        assert outbox.after(3) == "message 4"

    @pytest.mark.parametrize("received", [-1, 0, 2, 6, 1 << 60])
    def test_what_cannot_be_acknowledged_changes_nothing(self, received: int) -> None:
        outbox = numbered(5)
        outbox.acknowledge(2)
        outbox.acknowledge(received)
        assert outbox.since(2) == ["message 3", "message 4", "message 5"]

    @pytest.mark.parametrize(("received", "holds"), [(-1, False), (1, False), (2, True), (5, True), (6, False)])
    def test_knows_from_where_on_it_can_send_again(self, received: int, holds: bool) -> None:
        outbox = numbered(5)
        outbox.acknowledge(2)
        assert outbox.holds_since(received) is holds
        if not holds:
            with pytest.raises(ValueError, match="are kept"):
                outbox.since(received)

    def test_forgets_the_oldest_beyond_its_bounds_and_says_so(self) -> None:
        outbox = numbered(3, max_messages=3)
        assert outbox.holds_since(0)
        assert not outbox.fits("x")
        assert not outbox.append("message 4")
        assert not outbox.holds_since(0)
        assert outbox.since(1) == ["message 2", "message 3", "message 4"]

    def test_long_messages_count_by_their_length(self) -> None:
        outbox = Outbox(max_characters=10)
        assert outbox.append("12345")
        assert outbox.fits("12345")
        assert not outbox.fits("123456")
        assert not outbox.append("123456")
        assert outbox.since(1) == ["123456"]
        outbox.acknowledge(2)
        assert outbox.fits("1234567890")


class TestInbox:
    def test_is_due_after_so_many_and_news_after_one(self) -> None:
        inbox = Inbox(tell_every=3)
        assert not inbox.is_news
        inbox.count()
        assert (inbox.is_news, inbox.is_due) == (True, False)
        inbox.count()
        inbox.count()
        assert inbox.is_due
        assert inbox.tell() == 3
        assert (inbox.is_news, inbox.is_due, inbox.received) == (False, False, 3)


@dataclass
class Side:
    """One side of a link as both implement it: what is on its way may be lost with the socket."""

    outbox: Outbox = field(default_factory=lambda: Outbox(max_messages=20))
    inbox: Inbox = field(default_factory=lambda: Inbox(tell_every=4))
    sent: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    on_its_way: list[str | int] = field(default_factory=list)
    """To this side: messages, and acknowledgements as numbers."""

    def say(self, other: Side, connected: bool) -> None:
        text = f"{len(self.sent) + 1}"
        if not self.outbox.fits(text):
            return
        self.sent.append(text)
        self.outbox.append(text)
        if connected:
            other.on_its_way.append(text)

    def take(self, other: Side) -> None:
        if not self.on_its_way:
            return
        arrived = self.on_its_way.pop(0)
        if isinstance(arrived, int):
            self.outbox.acknowledge(arrived)
            return
        self.taken.append(arrived)
        self.inbox.count()
        if self.inbox.is_due:
            other.on_its_way.append(self.inbox.tell())

    def resume(self, other: Side) -> None:
        """The other side says what it has, and gets the rest."""
        assert self.outbox.holds_since(other.inbox.received)
        self.outbox.acknowledge(other.inbox.received)
        other.on_its_way.extend(self.outbox.since(other.inbox.received))


STEPS = st.lists(st.sampled_from(["client says", "hub says", "client takes", "hub takes", "break", "resume"]))


@given(STEPS)
def test_each_message_comes_once_and_in_order_whatever_breaks_wherever(steps: list[str]) -> None:
    client, hub = Side(), Side()
    connected = True

    def resume() -> None:
        client.on_its_way.clear()
        hub.on_its_way.clear()
        hub.resume(client)
        client.resume(hub)

    for step in [*steps, "resume"]:
        match step:
            case "client says":
                client.say(hub, connected)
            case "hub says":
                hub.say(client, connected)
            case "client takes" if connected:
                client.take(hub)
            case "hub takes" if connected:
                hub.take(client)
            case "break":  # what was sent is lost, from some point on
                connected = False
            case "resume":  # the first is half dead at best
                resume()
                connected = True
        assert client.taken == hub.sent[: len(client.taken)]
        assert hub.taken == client.sent[: len(hub.taken)]
        assert len(client.outbox.since(hub.inbox.received)) <= 20
    while client.on_its_way or hub.on_its_way:
        client.take(hub)
        hub.take(client)
    assert client.taken == hub.sent
    assert hub.taken == client.sent
