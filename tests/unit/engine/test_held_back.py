"""What the hub told of each peer."""

from __future__ import annotations

from zego_widget import protocol
from zego_widget.engine.held_back import NONE, REMEMBERED_PEERS, HeldBack


def refused(peer_id: str, *stream_ids: str) -> protocol.PeerVideosRefused:
    return protocol.PeerVideosRefused(peer_id, [protocol.RefusedVideo(each, "H.264") for each in stream_ids])


def test_each_reason_and_each_peer_by_itself() -> None:
    held_back = HeldBack()
    held_back.take(refused("one", "a", "b"))
    held_back.take(protocol.PeerVideosPaused("one", ["c"]))
    held_back.take(refused("two", "d"))
    assert (set(held_back.of("one").refused), held_back.of("one").paused) == ({"a", "b"}, {"c"})
    held_back.take(refused("one"))
    assert (dict(held_back.of("one").refused), held_back.of("one").paused) == ({}, {"c"})
    assert held_back.of("two").refused == {"d": "H.264"}
    assert held_back.of("three") is held_back.of(None) is NONE


def test_peers_that_come_and_go_are_forgotten() -> None:
    held_back = HeldBack()
    for number in range(REMEMBERED_PEERS + 1):
        held_back.take(refused(f"page {number}", "a"))
    assert held_back.of("page 0") is NONE
    assert held_back.of("page 1").refused
    held_back.clear()
    assert held_back.of("page 1") is NONE
