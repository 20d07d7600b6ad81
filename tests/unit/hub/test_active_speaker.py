"""Who is the speaker of a room, look by look."""

from __future__ import annotations

from struct import pack

import pytest

from zego_widget.forwarder.audio_level import AudioLevel
from zego_widget.hub.active_speaker import BEGINS, LOUD, LOUDER, PAUSE, TAKES_OVER, ActiveSpeaker
from zego_widget.hub.sound_levels import PERIOD

QUIET = LOUD - 1
TALK = 50.0


def speakers(*spans: tuple[float, dict[str, float]]) -> list[str | None]:
    """The speaker after each span: seconds, and the levels meanwhile."""
    active, now, after = ActiveSpeaker(), 0.0, []
    for seconds, levels in spans:
        for _ in range(round(seconds / PERIOD)):
            now += PERIOD
            speaker = active.look(levels, now)
        after.append(speaker)
    return after


@pytest.mark.parametrize(
    ("spans", "after"),
    [
        pytest.param([(1, {})], [None], id="an empty room"),
        pytest.param([(9, {"a": QUIET, "b": 0})], [None], id="silence"),
        pytest.param([(1, {"a": TALK, "b": 0})], ["a"], id="one speaks"),
        pytest.param([(0.4, {"a": 100, "b": 0}), (5, {"a": 0, "b": 0})], [None, None], id="a door slams"),
        pytest.param([(1, {"a": TALK}), (1.8, {"a": 0}), (0.4, {"a": TALK})], ["a", "a", "a"], id="one thinks"),
        pytest.param([(1, {"a": TALK}), (2.2, {"a": 0})], ["a", None], id="one has said what there was to say"),
        pytest.param(
            [(1, {"a": TALK, "b": 0}), (0.4, {"a": 0, "b": TALK}), (0.6, {"a": 0, "b": TALK})],
            ["a", "a", "b"],
            id="one answers in a pause",
        ),
        pytest.param([(9, {"a": TALK, "b": TALK})], ["a"], id="of two that begin alike the first that came"),
        pytest.param([(9, {"a": TALK, "b": TALK + 1})], ["b"], id="of two that begin together the louder"),
        pytest.param(
            [(1, {"a": TALK, "b": 0}), (9, {"a": TALK, "b": TALK + LOUDER - 1})], ["a", "a"], id="both speak alike"
        ),
        pytest.param(
            [(1, {"a": TALK, "b": 0}), (0.8, {"a": TALK, "b": 90}), (0.4, {"a": TALK, "b": 90})],
            ["a", "a", "b"],
            id="one talks another down",
        ),
        pytest.param([(1, {"a": TALK, "b": 0}), (0.2, {"b": 0})], ["a", None], id="the speaker leaves or mutes"),
        pytest.param(
            [(1, {"a": TALK, "b": 40}), (1, {"b": 40})], ["a", "b"], id="the speaker leaves while another speaks"
        ),
        pytest.param(
            [(1, {"a": TALK, "b": 0}), (0.2, {}), (0.4, {"a": TALK})], ["a", None, None], id="back is not at once"
        ),
    ],
)
def test_speakers_in_order(spans: list[tuple[float, dict[str, float]]], after: list[str | None]) -> None:
    assert (PERIOD, BEGINS, TAKES_OVER, PAUSE) == (0.2, 0.6, 0.8, 2.0)
    assert speakers(*spans) == after


def test_two_who_shout_in_turns_do_not_make_it_flap() -> None:
    one, other = {"a": 90.0, "b": 30.0}, {"a": 30.0, "b": 90.0}
    told = speakers((1, one), *[(0.6, other), (0.6, one)] * 20)
    assert set(told) == {"a"}


def test_a_laugh_of_everybody_leaves_the_speaker_where_it_is() -> None:
    room = {f"s{i}": 0.0 for i in range(10)}
    told = speakers((1, {**room, "s5": 60.0}), (1.0, dict.fromkeys(room, 65.0)))
    assert told == ["s5", "s5"]


def test_nobody_is_remembered_who_has_left() -> None:
    active = ActiveSpeaker()
    for number in range(1000):
        active.look({f"s{number}": 100.0}, number * PERIOD)
    assert len(active._challengers) <= 1


SILENCE, ROOM = [127] * 50, [52, 55, 50, 54, 53] * 10
SPEECH = [22, 20, 24, 26, 28, 24, 22, 30, 50, 55, 60, 50] * 10
BEEP = [13, 8, 22, 32, 36, 40, 43, 46, 50, 53] + [127] * 15
DOOR = [5, 8, 12, 20, 30, 45] + [127] * 60
KEY_PRESSED = [38] + [127] * 6


@pytest.mark.parametrize(
    ("said", "speaks"),
    [
        pytest.param(SILENCE + SPEECH, True, id="speech"),
        pytest.param(SILENCE + BEEP * 4, True, id="the fake microphone of Chromium"),
        pytest.param(SILENCE + DOOR, False, id="a door"),
        pytest.param(SILENCE + KEY_PRESSED * 40, False, id="typing"),
        pytest.param(ROOM * 4, False, id="a fan"),
    ],
)
def test_what_packets_say_makes_a_speaker(said: list[int], speaks: bool) -> None:
    """-dBov of packets, 20 ms each, as a publisher writes them."""
    level, active, spoke = AudioLevel(1), ActiveSpeaker(), False
    for number, below in enumerate(said):
        packet = pack("!BBHIIHHBBH", 0x90, 111, 1, 2, 3, 0xBEDE, 1, 1 << 4, below, 0)
        level.packet(packet, number * 0.02)
        if number % round(PERIOD / 0.02) == 0:
            spoke |= active.look({"a": level.at(number * 0.02)}, number * 0.02) == "a"
    assert spoke is speaks
