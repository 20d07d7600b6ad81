"""What the offers of tools that come over HTTP want, as tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.forwarder.test_offer_mutations import mutated
from zego_widget.errors import BadOffer, ErrorCode, Refused
from zego_widget.forwarder.offer import parse_offer
from zego_widget.hub.connection import _loggable
from zego_widget.hub.whip.media import Playing, Publishing, trickled_ufrag
from zego_widget.hub.whip.problem import Problem
from zego_widget.model import RemoteDeviceState
from zego_widget.protocol import SendSlots

HEAD = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mids}\r\na=ice-ufrag:ufrag\r\n"
    "a=ice-pwd:a password of 22 chars\r\na=setup:actpass\r\n"
    "a=fingerprint:sha-256 " + ":".join(["5A"] * 32) + "\r\n"
)
CODECS = {"audio": (111, "opus/48000/2"), "video": (96, "VP8/90000")}


def offer(*sections: str, codecs: dict[str, tuple[int, str]] = CODECS) -> str:
    """An offer of sections such as "audio sendonly"; a section without a direction has none."""
    text = HEAD.format(mids=" ".join(str(number) for number in range(len(sections))))
    for number, section in enumerate(sections):
        kind, _, direction = section.partition(" ")
        payload_type, name = codecs[kind]
        text += f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload_type}\r\nc=IN IP4 0.0.0.0\r\na=mid:{number}\r\na=rtcp-mux\r\n"
        text += f"a=rtpmap:{payload_type} {name}\r\n" + (f"a={direction}\r\n" if direction else "")
    return text


@pytest.mark.parametrize(
    ("sections", "slots"),
    [
        (["audio sendonly", "video sendonly"], SendSlots(microphone="0", camera="1")),
        (["video sendonly", "audio sendrecv"], SendSlots(microphone="1", camera="0")),
        (["video", "audio inactive"], SendSlots(camera="0")),
        (["audio sendonly"], SendSlots(microphone="0")),
    ],
)
def test_a_publication_is_what_is_sent(sections: list[str], slots: SendSlots) -> None:
    publishing = Publishing(offer(*sections))
    assert publishing.send_slots == slots
    assert publishing.ice_ufrag == "ufrag"
    for mid, state in ((slots.microphone, publishing.microphone), (slots.camera, publishing.camera)):
        assert (state is RemoteDeviceState.OPEN) == (mid is not None)


@pytest.mark.parametrize(
    ("sections", "status"),
    [
        (["audio sendonly", "video recvonly"], 422),
        (["video sendonly", "video sendonly"], 422),
        (["audio inactive"], 422),
    ],
)
def test_what_cannot_be_published(sections: list[str], status: int) -> None:
    with pytest.raises(Problem) as problem:
        Publishing(offer(*sections))
    assert problem.value.status == status


@pytest.mark.parametrize("codec", ["AV1/90000", "H265/90000", "H264/90000"])  # H.264 of no packetization mode
def test_a_codec_that_is_not_forwarded_is_not_acceptable(codec: str) -> None:
    codecs = CODECS | {"video": (96, codec)}
    with pytest.raises(Problem) as problem:
        Publishing(offer("audio sendonly", "video sendonly", codecs=codecs))
    assert problem.value.status == 406
    playing = Playing(offer("audio recvonly", "video recvonly", codecs=codecs))
    playing.check("audio", {"opus/48000/2"})
    with pytest.raises(Problem):
        playing.check("video", {"vp8/90000/1"})


@pytest.mark.parametrize(
    ("sections", "received"),
    [
        (["audio recvonly", "video recvonly"], ("0", "1")),
        (["audio sendrecv", "video recvonly"], ("0", "1")),
        (["audio", "video sendrecv"], ("0", "1")),
        (["audio inactive", "video sendrecv"], ("1",)),
    ],
)
def test_what_plays_only_receives(sections: list[str], received: tuple[str, ...]) -> None:
    parsed = parse_offer(Playing(offer(*sections)).sdp)
    assert parsed.receiving("audio") + parsed.receiving("video") == received


def test_what_is_not_asked_for_may_come_in_any_codec() -> None:
    playing = Playing(offer("audio recvonly"))
    playing.check("video", {"h264/1/42"})


def test_what_plays_has_something_to_receive_and_nothing_to_send() -> None:
    for sections in (["audio inactive"], ["audio recvonly", "video sendonly"]):
        with pytest.raises(Problem) as problem:
            Playing(offer(*sections))
        assert problem.value.status == 422


def test_an_offer_without_a_group_has_one_section() -> None:
    for kind in (Publishing, Playing):
        single = offer("video").replace("a=group:BUNDLE 0\r\n", "")
        assert not parse_offer(kind(single).sdp).has_bundle
        with pytest.raises(BadOffer):
            kind(offer("audio", "video").replace("a=group:BUNDLE 0 1\r\n", ""))


def test_the_offers_of_browsers_are_understood() -> None:
    fixture = Path(__file__).parents[1] / "forwarder" / "fixtures" / "offer_chromium.sdp"
    playing = Playing("\r\n".join(line for line in fixture.read_text().splitlines() if line != "a=sendonly"))
    assert playing.kinds == {"audio", "video"}


def test_broken_offers_are_refused_and_nothing_else() -> None:
    accepted = 0
    for seed in range(500):
        for kind in (Publishing, Playing):
            try:
                wanted = kind(mutated(seed))
            except (BadOffer, Problem):
                continue
            parse_offer(wanted.sdp)  # what was made of it is one as well
            accepted += 1
    assert accepted


@pytest.mark.parametrize(
    ("fragment", "ufrag"),
    [
        ("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\n", "EsAw"),
        ("a=end-of-candidates\n\na=ice-ufrag:x\n", "x"),
        ("m=audio 9 RTP/AVP 0\r\na=mid:0\r\n", None),
        ("", None),
    ],
)
def test_a_fragment_says_which_ice_session_it_is_about(fragment: str, ufrag: str | None) -> None:
    assert trickled_ufrag(fragment) == ufrag


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (BadOffer("no"), 400, set()),
        (Refused("no", ErrorCode.ROOM_USER_ID_TOO_LONG), 400, set()),
        (Refused("no", ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER), 404, set()),
        (Refused("no", ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR), 403, {"WWW-Authenticate"}),
        (Refused("no", ErrorCode.PLAYER_PLAY_STREAM_NOT_EXIST), 409, {"Retry-After"}),
        (Refused("no", ErrorCode.MEDIA_TOO_MANY_PEERS), 429, {"Retry-After"}),
        (Refused("no", ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER), 503, {"Retry-After"}),
        (Refused("no", ErrorCode.HUB_STOPPING), 503, {"Retry-After"}),
    ],
)
def test_each_refusal_has_its_status(error: Refused | BadOffer, status: int, headers: set[str]) -> None:
    problem = Problem.of(error)
    assert (problem.status, set(problem.headers), problem.code) == (status, headers, int(error.code))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1/status", "/v1/status"),
        ("/whip/studio/camera/secret", "/whip/studio"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_a_path_is_logged_without_the_ids_of_resources(path: str, shown: str) -> None:
    assert _loggable(path) == shown
