"""SCTP packets that would keep aiortc's parser busy are found before it sees them."""

from __future__ import annotations

import random
import struct

import pytest
from aiortc import rtcsctptransport as aiortc_sctp

from zego_widget.forwarder.sctp import MAX_ACKNOWLEDGED, is_digestible


def packet(*chunks: bytes) -> bytes:
    return bytes(12) + b"".join(chunks)


def chunk(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBH", kind, 0, 4 + len(body)) + body + bytes(-len(body) % 4)


def parameter(length: int) -> bytes:
    return struct.pack("!HH", 1, length)


def sack(*gaps: tuple[int, int]) -> bytes:
    return chunk(3, struct.pack("!LLHH", 1, 1000, len(gaps), 0) + b"".join(struct.pack("!HH", *gap) for gap in gaps))


@pytest.mark.parametrize(("kind", "fixed"), [(1, 16), (2, 16), (4, 0), (5, 0), (6, 0), (9, 0), (130, 0)])
@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_parameter_that_the_parser_never_gets_past_is_refused(kind: int, fixed: int, length: int) -> None:
    good = bytes(fixed) + parameter(4)
    assert is_digestible(packet(chunk(kind, good)))
    assert not is_digestible(packet(chunk(kind, good + parameter(length))))
    assert not is_digestible(packet(sack(), chunk(kind, bytes(fixed) + parameter(length))))


def test_a_sack_that_acknowledges_more_than_anybody_sends_is_refused() -> None:
    assert is_digestible(packet(sack((2, 3), (5, 900))))
    assert is_digestible(packet(sack((1, MAX_ACKNOWLEDGED))))
    assert not is_digestible(packet(sack(*[(1, 65535)] * 300)))
    assert not is_digestible(packet(sack((1, MAX_ACKNOWLEDGED), (9000, 9000))))


def test_what_aiortc_says_passes() -> None:
    init = aiortc_sctp.InitChunk()
    init.initiate_tag, init.advertised_rwnd, init.outbound_streams, init.inbound_streams, init.initial_tsn = (
        1,
        1,
        1,
        1,
        1,
    )
    init.params = [(aiortc_sctp.SCTP_STATE_COOKIE, bytes(range(25))), (aiortc_sctp.SCTP_PRSCTP_SUPPORTED, b"")]
    heartbeat = aiortc_sctp.HeartbeatChunk()
    heartbeat.params = [(1, b"seven b")]
    for said in (init, heartbeat, aiortc_sctp.AbortChunk(), aiortc_sctp.ShutdownCompleteChunk()):
        assert is_digestible(aiortc_sctp.serialize_packet(5000, 5000, 1, said)), said


def test_the_parameters_are_where_aiortc_looks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bytes] = []
    monkeypatch.setattr(aiortc_sctp, "decode_params", lambda body: looked.append(body) or [])
    body = bytes(40)
    found = {}
    for kind, kind_class in aiortc_sctp.CHUNK_TYPES.items():
        looked.clear()
        kind_class(body=body)
        if looked:
            found[kind] = len(body) - len(looked[0])
    assert found == {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}


def test_any_bytes_are_judged_without_an_exception() -> None:
    source = random.Random(7)
    for _ in range(5000):
        kind = source.choice([0, 1, 3, 4, 130, source.randrange(256)])
        body = source.randbytes(source.randrange(60))
        header = struct.pack("!BBH", kind, 0, source.choice([0, 4, 4 + len(body), source.randrange(70)]))
        is_digestible(source.randbytes(source.choice([0, 5, 12])) + header + body)
