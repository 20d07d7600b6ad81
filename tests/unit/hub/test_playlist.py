"""Which streams a session plays."""

import pytest

from zego_widget.errors import ErrorCode, Refused
from zego_widget.hub.playlist import Playlist

TWENTY = [f"s{i}" for i in range(20)]


def refusal(action, *arguments):
    with pytest.raises(Refused) as caught:
        action(*arguments)
    return caught.value.code


def test_auto_play_plays_the_first_twelve_and_the_next_moves_up():
    playlist = Playlist(auto_play=True)
    assert playlist.wanted(TWENTY) == TWENTY[:12]
    assert playlist.wanted(TWENTY[1:]) == TWENTY[1:13]


def test_auto_play_keeps_those_who_spoke_latest_and_moves_nobody_else():
    playlist = Playlist(auto_play=True)
    assert playlist.wanted(TWENTY) == TWENTY[:12]
    assert playlist.spoke("s15")
    assert not playlist.spoke("s15")
    assert playlist.wanted(TWENTY) == [*TWENTY[:11], "s15"]
    assert playlist.spoke("s3")
    assert playlist.wanted(TWENTY) == [*TWENTY[:11], "s15"]
    assert playlist.spoke("s17")
    assert playlist.wanted(TWENTY) == [*TWENTY[:10], "s15", "s17"]
    for stream_id in TWENTY[:12]:
        playlist.spoke(stream_id)
    assert playlist.wanted(TWENTY) == TWENTY[:12]
    playlist.spoke("s19")
    assert playlist.wanted(TWENTY) == [*TWENTY[1:12], "s19"], "of those who spoke the first goes"


def test_who_speaks_but_was_stopped_by_hand_or_has_gone_is_not_played():
    playlist = Playlist(auto_play=True)
    playlist.stop("s2", TWENTY)
    playlist.spoke("s2")
    playlist.spoke("s19")
    assert playlist.wanted(TWENTY[:19]) == [each for each in TWENTY[:13] if each != "s2"]
    assert not playlist.spoke("s2") or "s2" not in playlist.wanted(TWENTY)
    assert not Playlist(auto_play=False).spoke("s2")


def test_without_auto_play_only_what_was_asked_for_is_played():
    playlist = Playlist(auto_play=False)
    assert playlist.wanted(["x", "y"]) == []
    playlist.start("y")
    assert playlist.wanted(["x", "y"]) == ["y"]


def test_a_stream_that_does_not_exist_yet_is_waited_for():
    playlist = Playlist(auto_play=False)
    playlist.start("later")
    assert playlist.wanted([]) == []
    assert playlist.wanted(["later"]) == ["later"]


def test_a_thirteenth_stream_is_refused_with_1004010():
    playlist = Playlist(auto_play=False)
    for stream_id in TWENTY[:12]:
        playlist.start(stream_id)
    playlist.start(TWENTY[0])
    assert refusal(playlist.start, TWENTY[12]) == ErrorCode.PLAYER_COUNT_EXCEED
    playlist.stop(TWENTY[0], [])
    playlist.start(TWENTY[12])


def test_stopping_what_is_not_played_is_refused_with_1004011():
    asked = Playlist(auto_play=False)
    assert refusal(asked.stop, "x", ["x"]) == ErrorCode.PLAYER_STREAM_WAS_NOT_PLAYED
    auto = Playlist(auto_play=True)
    assert refusal(auto.stop, "x", []) == ErrorCode.PLAYER_STREAM_WAS_NOT_PLAYED
    assert refusal(auto.stop, TWENTY[12], TWENTY) == ErrorCode.PLAYER_STREAM_WAS_NOT_PLAYED


def test_auto_play_leaves_out_what_was_stopped_until_it_is_started_or_new():
    playlist = Playlist(auto_play=True)
    playlist.stop("x", ["x", "y"])
    assert playlist.wanted(["x", "y"]) == ["y"]
    playlist.start("x")
    assert playlist.wanted(["x", "y"]) == ["x", "y"]
    playlist.stop("x", ["x", "y"])
    assert playlist.wanted(["y"]) == ["y"]
    assert playlist.wanted(["y", "x"]) == ["y", "x"]
