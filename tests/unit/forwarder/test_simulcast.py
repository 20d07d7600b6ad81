"""Which layers an offer sends, and what the answer says to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from zego_widget.forwarder.answer import AnswerTransport, build_answer
from zego_widget.forwarder.offer import parse_offer
from zego_widget.forwarder.simulcast import answer_lines, sent_rids

RIDS = ["a=rid:q send", "a=rid:h send", "a=rid:f send max-width=640"]


@pytest.mark.parametrize(
    ("simulcast", "expected"),
    [
        ("a=simulcast:send q;h;f", ("q", "h", "f")),
        ("a=simulcast:send f;h;q", ("f", "h", "q")),
        ("a=simulcast:recv x;y send q;h", ("q", "h")),
        ("a=simulcast:send q,h;f", ("q", "f")),
        ("a=simulcast:send q;~f", ("q", "f")),
        ("a=simulcast:send q", ()),
        ("a=simulcast:recv q;h", ()),
        ("a=simulcast:send q;q", ()),
        ("a=simulcast:send q;z", ()),
        ("a=simulcast:send ;;;", ()),
        ("a=simulcast:send", ()),
        ("a=simulcast:", ()),
        ("a=simulcastsend q;h", ()),
    ],
)
def test_the_layers_of_a_section(simulcast: str, expected: tuple[str, ...]) -> None:
    assert sent_rids([*RIDS, simulcast]) == expected


@pytest.mark.parametrize("rid", ["a" * 17, "a-b", "", "ä", "a b"])
def test_a_rid_that_is_no_rid_is_no_simulcast(rid: str) -> None:
    assert sent_rids([*RIDS, f"a=rid:{rid} send", f"a=simulcast:send q;{rid}"]) == ()


def test_of_many_layers_the_first_three_are_taken() -> None:
    rids = [f"r{number}" for number in range(400)]
    lines = [*(f"a=rid:{rid} send" for rid in rids), f"a=simulcast:send {';'.join(rids)}"]
    assert sent_rids(lines) == ("r0", "r1", "r2")


def test_what_only_receives_is_not_sent() -> None:
    assert sent_rids(["a=rid:q recv", "a=rid:h send", "a=simulcast:send q;h"]) == ()


def test_the_answer_takes_the_layers_in_the_offers_order() -> None:
    assert answer_lines(()) == []
    assert answer_lines(("q", "f")) == ["a=rid:q recv", "a=rid:f recv", "a=simulcast:recv q;f"]


def test_an_offer_and_its_answer() -> None:
    sdp = Path(__file__).with_name("fixtures").joinpath("offer_chromium.sdp").read_text()
    head, *sections = sdp.replace("\r\n", "\n").split("\nm=")
    camera = next(index for index, section in enumerate(sections) if section.startswith("video"))
    lines = [*RIDS, "a=simulcast:send q;h;f"]
    sections[camera] = "\n".join([sections[camera].rstrip("\n"), *lines])
    offer = parse_offer("\r\n".join("\nm=".join([head, *sections]).split("\n")).strip() + "\r\n")
    assert [section.rids for section in offer.media].count(("q", "h", "f")) == 1
    assert offer.media[camera].rids == ("q", "h", "f")
    answer = build_answer(offer, AnswerTransport("u", "p", "AA", "passive", (("127.0.0.1", 9),)), {}, "hub")
    section = answer.split("\r\nm=")[1 + camera]
    assert "a=simulcast:recv q;h;f" in section
    assert answer.count("a=simulcast") == 1
