"""NACK and RTX are taken from whom offers them, and from nobody else."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from zego_widget.forwarder.answer import AnswerTransport, SlotSource, build_answer
from zego_widget.forwarder.offer import SEND_TIME_EXTENSION, OfferedMedia, parse_offer

FIXTURES = ["offer_aiortc.sdp", "offer_chromium.sdp"]


def offer(name: str) -> str:
    """The offer with the line ends that SDP has."""
    return Path(__file__).with_name("fixtures").joinpath(name).read_text().replace("\n", "\r\n")


def answer_sections(sdp: str) -> list[tuple[OfferedMedia, str]]:
    """Each section of the offer and of its answer; slots have SSRC 7 and, for video, RTX SSRC 8."""
    parsed = parse_offer(sdp)
    sources = {
        mid: SlotSource(7, 8 if kind == "video" else None, "slot")
        for kind in ("audio", "video")
        for mid in parsed.receiving(kind)
    }
    transport = AnswerTransport("ufrag", "pwd", "AA:BB", "passive", (("127.0.0.1", 4000),))
    answer = build_answer(parsed, transport, sources, "hub")
    starts = [match.start() for match in re.finditer("^m=", answer, re.MULTILINE)]
    sections = [answer[start:end] for start, end in pairwise([*starts, len(answer)])]
    return list(zip(parsed.media, sections, strict=True))


def nacks(section: str) -> list[int]:
    return [int(found) for found in re.findall(r"^a=rtcp-fb:(\d+) nack\r$", section, re.MULTILINE)]


@pytest.mark.parametrize("name", FIXTURES)
def test_video_is_repaired_and_sound_is_not_since_nobody_offers_it(name: str) -> None:
    for media, section in answer_sections(offer(name)):
        expected = [codec.payload_type for codec in media.codecs] if media.kind == "video" else []
        assert nacks(section) == expected
        for codec in media.codecs:
            assert codec.nack == (media.kind == "video")
            assert (f"a=fmtp:{codec.rtx_payload_type} apt={codec.payload_type}" in section) == (media.kind == "video")


@pytest.mark.parametrize("name", FIXTURES)
def test_sound_is_repaired_where_it_is_offered(name: str) -> None:
    sdp = re.sub(r"^a=rtpmap:(\d+) opus.*\r\n", r"\g<0>a=rtcp-fb:\1 nack\r\n", offer(name), flags=re.MULTILINE)
    audio = [(media, section) for media, section in answer_sections(sdp) if media.kind == "audio"]
    assert audio
    for media, section in audio:
        assert nacks(section) == [codec.payload_type for codec in media.codecs]


@pytest.mark.parametrize("name", FIXTURES)
def test_who_offers_none_is_asked_for_nothing(name: str) -> None:
    sdp = re.sub(r"^a=rtcp-fb:.*\r\n", "", offer(name), flags=re.MULTILINE)
    assert not any(nacks(section) for _, section in answer_sections(sdp))
    assert not any(codec.nack for media in parse_offer(sdp).media for codec in media.codecs)


def test_an_asterisk_stands_for_all_codecs_of_its_section() -> None:
    sdp = re.sub(r"^a=rtcp-fb:.*\r\n", "", offer("offer_chromium.sdp"), flags=re.MULTILINE)
    sdp = sdp.replace("a=mid:1\r\n", "a=mid:1\r\na=rtcp-fb:* nack\r\n")
    for media, section in answer_sections(sdp):
        assert bool(nacks(section)) == (media.mid == "1")


@pytest.mark.parametrize("name", FIXTURES)
def test_which_stream_repairs_which_is_known_from_the_offer(name: str) -> None:
    cameras = [media for media in parse_offer(offer(name)).media if media.repairs]
    assert cameras
    for media in cameras:
        for rtx_ssrc, ssrc in media.repairs.items():
            assert ssrc in media.ssrcs
            assert rtx_ssrc not in media.ssrcs


def test_a_receive_slot_names_its_retransmission_stream() -> None:
    slots = [section for media, section in answer_sections(offer("offer_chromium.sdp")) if "sendonly" in section]
    assert sum("a=ssrc-group:FID 7 8\r\n" in section for section in slots) == sum("m=video" in s for s in slots) > 0


@pytest.mark.parametrize("number", ["128", "300", "4294967296"])
def test_rtx_under_a_payload_type_that_no_header_has_room_for_is_not_taken(number: str) -> None:
    sdp = re.sub(r"^(a=rtpmap:|a=fmtp:)98 (rtx|apt)", rf"\g<1>{number} \g<2>", offer(FIXTURES[0]), flags=re.MULTILINE)
    video = [(media, section) for media, section in answer_sections(sdp) if media.kind == "video"]
    assert video
    for media, section in video:
        assert next(codec.rtx_payload_type for codec in media.codecs if codec.payload_type == 97) is None
        assert f":{number} " not in section


@pytest.mark.parametrize("name", FIXTURES)
def test_viewers_are_told_when_packets_are_sent_and_tell_what_they_can_receive(name: str) -> None:
    for media, section in answer_sections(offer(name)):
        viewed = media.kind == "video" and media.direction == "recvonly"
        assert (SEND_TIME_EXTENSION in section) == viewed
        assert ("goog-remb" in section) == viewed
