"""Offers that are broken, hostile or too large: each is accepted or refused with `BadOffer`, and nothing stays."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
import re
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription

from zego_widget.errors import BadOffer
from zego_widget.forwarder import Forwarder, Peer
from zego_widget.forwarder.answer import AnswerTransport, SlotSource, build_answer
from zego_widget.forwarder.offer import SessionOffer, parse_offer
from zego_widget.model import PeerState

FIXTURES = Path(__file__).parent / "fixtures"
SEEDS = 3000
PEERS = 300
SEND_SLOTS = {"microphone": "0", "camera": "1"}
LINE = re.compile(r"[vostcam]=[ -~]*")
TRANSPORT = AnswerTransport("ufrag", "password", "AA:BB", "passive", (("127.0.0.1", 1234),))


def recorded(name: str, sections: int | None = None) -> str:
    """A recorded offer, or its first sections, as it goes over the wire."""
    lines = (FIXTURES / name).read_text().splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("m=")]
    if sections is not None and sections < len(starts):
        lines = lines[: starts[sections]]
    mids = {line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:")}
    return "".join(f"{_bundle(line, mids)}\r\n" for line in lines)


def _bundle(line: str, mids: set[str]) -> str:
    if not line.startswith("a=group:BUNDLE "):
        return line
    return "a=group:BUNDLE " + " ".join(mid for mid in line.split()[1:] if mid in mids)


CHROMIUM, AIORTC = "offer_chromium.sdp", "offer_aiortc.sdp"
RECORDED = [recorded(CHROMIUM, 2), recorded(CHROMIUM, 6), recorded(AIORTC, 3), recorded(AIORTC)]


# -- mutations: text in, text out, a seeded source of chance -------------------------------------------------


def flip_bytes(text: str, chance: random.Random) -> str:
    characters = list(text)
    for _ in range(chance.randint(1, 8)):
        position = chance.randrange(len(characters))
        characters[position] = chr(ord(characters[position]) ^ 1 << chance.randrange(8))
    return "".join(characters)


def delete_line(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return "".join(lines)


def duplicate_line(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    line = chance.choice(lines)
    lines[chance.randrange(len(lines)) : 0] = [line] * chance.choice((1, 2, 20))
    return "".join(lines)


def swap_lines(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "".join(lines)


def replace_number(text: str, chance: random.Random) -> str:
    found = chance.choice(list(re.finditer(r"\d+", text)))
    values = ("-1", "0", "127", "255", "65536", "4294967296", "9" * 20, "-" + "9" * 400, "9" * 4000, "1e9", "٣", "")
    return text[: found.start()] + chance.choice(values) + text[found.end() :]


def truncate(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text))]


def insert_unicode(text: str, chance: random.Random) -> str:
    position = chance.randrange(len(text))
    return text[:position] + chance.choice(("é", "\u2028", "\u202e", "\ud800", "\0", "💥", "\x85")) + text[position:]


def remove_attribute(text: str, chance: random.Random) -> str:
    names = sorted({line.split(":")[0] for line in text.splitlines() if line.startswith("a=")})
    name = chance.choice(names)
    return "".join(line for line in text.splitlines(keepends=True) if line.strip().split(":")[0] != name)


def empty_attribute(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    position = chance.choice([i for i, line in enumerate(lines) if ":" in line])
    name = lines[position].split(":")[0]
    lines[position] = chance.choice((f"{name}\r\n", f"{name}:\r\n", f"{name}: \r\n", f"{name}:x y z\r\n"))
    return "".join(lines)


def reorder_sections(text: str, chance: random.Random) -> str:
    session, *sections = re.split(r"(?m)^(?=m=)", text)
    chance.shuffle(sections)
    return session + "".join(sections[: chance.randint(0, len(sections))])


def change_line_ends(text: str, chance: random.Random) -> str:
    end = chance.choice(("\n", "\r", "\r\r\n", "\n\n", "\v", "\f", "\x1c", " \r\n", "\t\r\n"))
    if chance.random() < 0.5:
        return text.replace("\r\n", end)
    lines = text.split("\r\n")
    position = chance.randrange(1, len(lines))
    return "\r\n".join(lines[:position]) + end + "\r\n".join(lines[position:])


MUTATIONS: list[Callable[[str, random.Random], str]] = [
    flip_bytes,
    delete_line,
    duplicate_line,
    swap_lines,
    replace_number,
    truncate,
    insert_unicode,
    remove_attribute,
    empty_attribute,
    reorder_sections,
    change_line_ends,
]


def mutated(seed: int) -> str:
    """One to three mutations of a recorded offer; the same for the same seed."""
    chance = random.Random(seed)
    text = RECORDED[seed % len(RECORDED)]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        with contextlib.suppress(IndexError, ValueError):  # an earlier mutation left nothing for this one
            text = chance.choice(MUTATIONS)(text, chance)
    return text


# -- scenario 30: mutated offers ------------------------------------------------------------------------------


def answer_of(offer: SessionOffer) -> str:
    slots = (*offer.receiving("audio"), *offer.receiving("video"))
    return build_answer(offer, TRANSPORT, {mid: SlotSource(1, 2, "slot") for mid in slots}, "cname")


@pytest.mark.parametrize("name", [CHROMIUM, AIORTC])
def test_recorded_offers_are_accepted(name: str) -> None:
    offer = parse_offer(recorded(name))
    assert len(offer.receiving("audio")) >= 3
    assert len(offer.receiving("video")) >= 3
    assert answer_of(offer).count("\r\nm=") == len(offer.media)


def test_mutated_offers_are_accepted_or_refused_and_nothing_else() -> None:
    accepted = 0
    refusals: list[str] = []
    for seed in range(SEEDS):
        text = mutated(seed)
        try:
            offer = parse_offer(text)
        except BadOffer as error:
            refusals.append(str(error))
            continue
        except Exception as error:
            pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")
        accepted += 1
        check_answer(seed, offer)
    # the mutations are neither harmless nor all fatal at the first check
    assert accepted > SEEDS // 10
    assert len(refusals) > SEEDS // 10
    assert all(reason.isascii() and len(reason) < 200 for reason in refusals)


def check_answer(seed: int, offer: SessionOffer) -> None:
    """The answer to an accepted offer is well-formed, whatever was in the offer."""
    lines = answer_of(offer).removesuffix("\r\n").split("\r\n")
    assert all(LINE.fullmatch(line) for line in lines), f"seed {seed}"
    assert sum(line.startswith("m=") for line in lines) == len(offer.media), f"seed {seed}"
    for section in offer.media:
        for codec in section.codecs:
            assert codec.clock_rate == {"audio": 48000, "video": 90000}[section.kind], f"seed {seed}"
            assert 0 <= codec.payload_type < 128, f"seed {seed}"
    assert offer.sctp_port is None or 0 < offer.sctp_port < 65536, f"seed {seed}"


class Audience:
    """Counts the ends of peers."""

    def __init__(self) -> None:
        self.ends = 0
        self.ended = asyncio.Event()

    def peer_connected(self, peer: Peer) -> None:
        raise AssertionError("nobody connects here")

    def control_opened(self, peer: Peer) -> None:
        raise AssertionError("nobody connects here")

    def control_received(self, peer: Peer, text: str) -> None:
        raise AssertionError("nobody connects here")

    def peer_closed(self, peer: Peer, reason: str) -> None:
        self.ends += 1
        self.ended.set()


async def test_peers_of_mutated_offers_are_freed(caplog: pytest.LogCaptureFixture) -> None:
    unhandled: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unhandled.append(str(context)))
    tasks = asyncio.all_tasks()
    audience = Audience()
    peers: list[weakref.ref[Peer]] = []
    with caplog.at_level(logging.WARNING):
        forwarder = await Forwarder.open()
        try:
            for seed in range(PEERS):
                try:
                    peer, _ = forwarder.answer(mutated(seed), SEND_SLOTS, audience)
                except BadOffer:
                    continue
                except Exception as error:
                    pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")
                peers.append(weakref.ref(peer))
                assert peer.state is PeerState.NEW
                assert forwarder.peer_count == 1
                peer.close("the test closes it")
                del peer
                await audience.ended.wait()
                audience.ended.clear()
                assert forwarder.peer_count == 0
            assert not forwarder._endpoint._by_ufrag
            assert not forwarder._endpoint._by_address
            assert not forwarder._endpoint._addresses
        finally:
            await forwarder.aclose()
        await asyncio.sleep(0)
        gc.collect()
    assert len(peers) > PEERS // 10
    assert audience.ends == len(peers)
    assert not [ref for ref in peers if ref() is not None]
    assert asyncio.all_tasks() == tasks
    assert not unhandled
    assert not caplog.records


# -- values that parse, but must not be taken --------------------------------------------------------------------


@pytest.mark.parametrize("rate", ["0", "8000", "9" * 400])
def test_a_codec_at_a_foreign_clock_rate_is_not_taken(rate: str) -> None:
    text = recorded(CHROMIUM, 2).replace("opus/48000/2", f"opus/{rate}/2").replace("VP8/90000", f"VP8/{rate}")
    microphone, camera = parse_offer(text).media
    assert not microphone.codecs
    assert "vp8" not in {codec.name for codec in camera.codecs}


@pytest.mark.parametrize("port", ["-1", "65536", "9" * 20])
def test_an_impossible_sctp_port_is_refused(port: str) -> None:
    with pytest.raises(BadOffer, match="SCTP port"):
        parse_offer(recorded(AIORTC).replace("a=sctp-port:5000", f"a=sctp-port:{port}"))


@pytest.mark.parametrize("size", ["-1", "-99999"])
def test_a_negative_message_size_is_refused(size: str) -> None:
    with pytest.raises(BadOffer, match="message size"):
        parse_offer(recorded(AIORTC).replace("a=max-message-size:262144", f"a=max-message-size:{size}"))


# -- scenario 31: oversized offers ---------------------------------------------------------------------------


class ParserReached(BaseException):
    """Not an Exception, so that nothing turns it into `BadOffer`."""


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiortc's parser must not be reached."""

    def parse(text: str) -> None:
        raise ParserReached

    monkeypatch.setattr(SessionDescription, "parse", parse)
    with pytest.raises(ParserReached):
        parse_offer(recorded(AIORTC))


def section(mid: int, end: str = "\r\n") -> str:
    return f"m=audio 9 UDP/TLS/RTP/SAVPF 111{end}a=mid:x{mid}{end}"


@pytest.mark.usefixtures("no_parser")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("".join(map(section, range(10_000))), "longer than", id="10,000 sections"),
        pytest.param("m=audio 9 X 0\r\n" * 10_000, "media sections", id="10,000 short sections"),
        pytest.param("".join(map(section, range(65))), "media sections", id="65 sections"),
        pytest.param("a=x:" + "y" * 5_000_000, "longer than", id="5 MB attribute"),
        pytest.param("a=x:" + "é" * 200_000, "longer than", id="attribute of 400,000 bytes"),
        pytest.param("a=x:" + "y" * 5000, "line of more than", id="line of 5000 bytes"),
        pytest.param("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 10_000, "longer than", id="10,000 candidates"),
        pytest.param("a=candidate:1\r\n" * 10_000, "lines", id="10,000 short candidates"),
        pytest.param("a=\r\n" * 20_000, "lines", id="20,000 empty attributes"),
        pytest.param("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:* nack\r\n" * 1000, "lines", id="1000 formats in one section"),
    ],
)
def test_an_oversized_offer_is_refused_before_it_is_parsed(text: str, reason: str) -> None:
    with pytest.raises(BadOffer, match=reason):
        parse_offer(recorded(AIORTC) + text)


@pytest.mark.usefixtures("no_parser")
@pytest.mark.parametrize("end", ["\r", "\v", "\f", "\x1c", "\x1d", "\x1e"])
def test_the_limits_hold_for_every_line_end_that_the_parser_knows(end: str) -> None:
    many = "\r\n".join("".join(section(8 * i + k, end) for k in range(8)) for i in range(10))
    with pytest.raises(BadOffer, match="media sections"):
        parse_offer(recorded(AIORTC) + many)
    with pytest.raises(BadOffer, match="lines"):
        parse_offer(recorded(AIORTC) + "\r\n".join(f"a=x{end}" * 100 for _ in range(50)))


def test_what_is_not_read_is_not_parsed() -> None:
    """Candidates are never used, and feedback of every format costs the parser quadratic time."""
    lines = recorded(AIORTC).splitlines()
    unread = ["a=candidate:nonsense", "a=rtcp-fb:* nack", "a=rtcp-fb:nonsense"]
    position = next(i for i, line in enumerate(lines) if line.startswith("a=candidate:"))
    offer = parse_offer("\r\n".join([*lines[:position], *unread * 20, *lines[position:]]) + "\r\n")
    assert len(offer.media) == len(parse_offer(recorded(AIORTC)).media)
