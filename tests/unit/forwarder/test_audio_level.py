"""What a publisher says of its loudness, and what becomes of it."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from struct import pack

import pytest

from zego_widget.forwarder.answer import AnswerTransport, SlotSource, build_answer
from zego_widget.forwarder.audio_level import AudioLevel, sound_level
from zego_widget.forwarder.offer import AUDIO_LEVEL_EXTENSION, parse_offer

EXTENSION = 2
PACKETS_PER_SECOND = 50


def packet(below: int | None, extension_id: int = EXTENSION) -> bytes:
    """A packet that says so many -dBov; None says nothing."""
    if below is None:
        return pack("!BBHII", 0x80, 111, 1, 2, 3) + b"opus"
    return pack("!BBHIIHHBBH", 0x90, 111, 1, 2, 3, 0xBEDE, 1, extension_id << 4, below, 0) + b"opus"


def levels(*said: int | None) -> list[float]:
    """The level after each packet."""
    level, heard = AudioLevel(EXTENSION), []
    for number, below in enumerate(said):
        level.packet(packet(below), number / PACKETS_PER_SECOND)
        heard.append(level.at(number / PACKETS_PER_SECOND))
    return heard


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (bytes([0]), 100.0),
        (bytes([0x80]), 100.0),
        (bytes([15]), 75.0),
        (bytes([0x80 | 15]), 75.0),
        (bytes([30]), 50.0),
        (bytes([59]), 100 / 60),
        (bytes([60]), 0.0),
        (bytes([127]), 0.0),
        (bytes([0xFF]), 0.0),
        (b"", 0.0),
        (bytes([30, 0, 0]), 50.0),
    ],
)
def test_a_level_is_linear_in_decibels(value: bytes, level: float) -> None:
    assert sound_level(value) == pytest.approx(level)


def test_somebody_who_begins_to_speak_is_loud_after_a_syllable() -> None:
    heard = levels(*[127] * 50, *[18] * 10)
    assert heard[49] == 0
    assert heard[54] > 60
    assert heard[59] == pytest.approx(70, abs=1)


def test_a_gap_between_words_is_no_silence_and_a_second_is() -> None:
    heard = levels(*[18] * 50, *[127] * 50)
    assert heard[50 + 10] > 40
    assert heard[-1] < 10


def test_a_beep_of_the_fake_microphone_lasts_until_the_next() -> None:
    beep = [13, 8, 22, 32, 36, 40, 43, 46, 50, 53] + [127] * 15
    assert min(levels(*beep * 4)[25:]) > 25


@pytest.mark.parametrize(("after", "least", "most"), [(0.1, 70, 70), (0.5, 20, 30), (2.0, 0, 1)])
def test_who_sends_no_more_falls_silent(after: float, least: float, most: float) -> None:
    level = AudioLevel(EXTENSION)
    for number in range(50):
        level.packet(packet(18), number * 0.02)
    assert least - 0.5 <= level.at(49 * 0.02 + after) <= most + 0.5


def test_a_level_begins_where_silence_left_it() -> None:
    level = AudioLevel(EXTENSION)
    for number in range(50):
        level.packet(packet(18), number * 0.02)
    level.packet(packet(127), 60.0)
    assert level.at(60.0) < 1


@pytest.mark.parametrize("other", [packet(None), packet(0, extension_id=3), packet(0, extension_id=15)])
def test_packets_that_say_nothing_change_nothing(other: bytes) -> None:
    level = AudioLevel(EXTENSION)
    assert level.at(5.0) == 0
    level.packet(packet(18), 10.0)
    before = level.at(10.05)
    level.packet(other, 10.05)
    assert level.at(10.05) == before


def test_whatever_is_said_the_level_is_a_number_from_0_to_100() -> None:
    level = AudioLevel(EXTENSION)
    clock = count()
    for below in (*range(256), *[0] * 1000):
        level.packet(packet(below), next(clock) / 1000)
        assert 0 <= level.at(next(clock) / 1000) <= 100


# -- negotiation ------------------------------------------------------------------------------------------------------


def offer(name: str) -> str:
    return Path(__file__).with_name("fixtures").joinpath(name).read_bytes().decode()


def answered(sdp: str) -> list[str]:
    """For each section of the answer the ID that it takes the extension under, or ""."""
    parsed = parse_offer(sdp)
    sources = {mid: SlotSource(7, None, "slot") for kind in ("audio", "video") for mid in parsed.receiving(kind)}
    transport = AnswerTransport("ufrag", "pwd", "AA:BB", "passive", (("127.0.0.1", 4000),))
    sections = build_answer(parsed, transport, sources, "hub").split("m=")[1:]
    lines = [[line for line in section.splitlines() if AUDIO_LEVEL_EXTENSION in line] for section in sections]
    kinds = [media.kind if media.mid not in sources else "received" for media in parsed.media]
    assert all(kind == "audio" for kind, found in zip(kinds, lines, strict=True) if found)
    return [found[0].removeprefix("a=extmap:").split()[0] for found in lines if found]


@pytest.mark.parametrize("attributes", ["", " vad=on"])
@pytest.mark.parametrize(("name", "ids"), [("offer_aiortc.sdp", ["2", "2"]), ("offer_chromium.sdp", ["1", "1"])])
def test_it_is_taken_for_what_is_sent_to_the_hub(name: str, ids: list[str], attributes: str) -> None:
    assert answered(offer(name).replace(AUDIO_LEVEL_EXTENSION, AUDIO_LEVEL_EXTENSION + attributes)) == ids


def test_who_does_not_offer_it_simply_has_no_level() -> None:
    lines = offer("offer_aiortc.sdp").splitlines(keepends=True)
    without = "".join(line for line in lines if AUDIO_LEVEL_EXTENSION not in line)
    assert answered(without) == []
