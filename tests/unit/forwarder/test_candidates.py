"""The candidates of an answer: every address over UDP, then over TCP."""

from __future__ import annotations

from aiortc.sdp import candidate_from_sdp

from zego_widget.forwarder.answer import _candidates

ADDRESSES = [("203.0.113.7", 4000), ("2001:db8::7", 4000), ("127.0.0.1", 5000)]


def test_every_address_is_a_candidate_over_udp_and_a_passive_one_over_tcp() -> None:
    candidates = [candidate_from_sdp(line.removeprefix("a=candidate:")) for line in _candidates(ADDRESSES)]
    assert [(c.protocol, c.ip, c.port) for c in candidates] == [
        (protocol, *address) for protocol in ("udp", "tcp") for address in ADDRESSES
    ]
    assert [c.tcpType for c in candidates] == [None, None, None, "passive", "passive", "passive"]
    assert {(c.type, c.component) for c in candidates} == {("host", 1)}
    assert len({c.foundation for c in candidates}) == 6


def test_priorities_fall_in_the_order_of_the_candidates() -> None:
    candidates = [candidate_from_sdp(line.removeprefix("a=candidate:")) for line in _candidates(ADDRESSES)]
    priorities = [c.priority for c in candidates]
    assert priorities == sorted(set(priorities), reverse=True)
    assert priorities[0] == 2130706431  # RFC 8445, section 5.1.2.1
    # RFC 6544, section 4.2: type preference, direction preference 4, other preference, component 1
    assert priorities[3] == 2**24 * 90 + 2**8 * (2**13 * 4 + 8191) + 255
