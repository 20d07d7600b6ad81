"""A token is for one client, in this hub and in the next."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zego_widget.hub import used_tokens
from zego_widget.hub.used_tokens import UsedTokens

NOW = 1700000000.0
LATER = NOW + 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "used"


def kept_in(path: Path, now: float = NOW) -> UsedTokens:
    """What a hub has that starts now."""
    used = UsedTokens()
    used.keep_in(path, now)
    return used


class TestInMemory:
    def test_belongs_to_who_came_first(self) -> None:
        used = UsedTokens()
        assert used.claim("t", {"a"}, LATER, NOW)
        assert used.claim("t", {"a"}, LATER, NOW)
        assert not used.claim("t", {"b"}, LATER, NOW)
        assert used.claim("other", {"b"}, LATER, NOW)

    def test_belongs_to_all_sessions_of_a_client(self) -> None:
        used = UsedTokens()
        assert used.claim("t", {"a", "first"}, LATER, NOW)
        assert used.claim("t", {"b", "first"}, LATER, NOW)
        assert used.claim("t", {"c", "b"}, LATER, NOW)
        assert not used.claim("t", {"d", "second"}, LATER, NOW)

    def test_is_not_used_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(used_tokens, "MAX_SESSIONS", 3)
        used = UsedTokens()
        assert [used.claim("t", {f"s{n}", "s0"}, LATER, NOW) for n in range(4)] == [True, True, True, False]
        assert used.claim("t", {"s0"}, LATER, NOW)

    def test_is_remembered_until_it_expires_and_no_longer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(used_tokens, "_SWEEP_FROM", 10)
        used = UsedTokens()
        used.claim("lasting", {"a"}, LATER, NOW)
        for number in range(100):
            used.claim(f"early {number}", {"a"}, NOW + 60, NOW)
        for number in range(200):
            used.claim(f"late {number}", {"a"}, NOW + 200, NOW + 100)
        assert len(used) == 201
        assert not used.claim("lasting", {"b"}, LATER, NOW + 100)

    def test_is_one_of_a_bounded_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(used_tokens, "MAX_TOKENS", 10)
        used = UsedTokens()
        for number in range(50):
            used.claim(f"t{number}", {"a"}, LATER, NOW)
        assert len(used) == 10
        assert not used.claim("t49", {"b"}, LATER, NOW)

    def test_that_has_expired_makes_room_for_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(used_tokens, "_SWEEP_FROM", 10)
        monkeypatch.setattr(used_tokens, "MAX_TOKENS", 35)
        used = UsedTokens()
        used.claim("lasting", {"a"}, LATER, NOW)
        for number in range(30):
            used.claim(f"early {number}", {"a"}, NOW + 60, NOW)
        for number in range(100):
            used.claim(f"late {number}", {"a"}, NOW + 101 + number, NOW + 100 + number)
        assert not used.claim("lasting", {"b"}, LATER, NOW + 200)


class TestInAFile:
    def test_is_remembered_by_the_next_hub(self, path: Path) -> None:
        before = kept_in(path)
        before.claim("t", {"a"}, LATER, NOW)
        before.claim("t", {"b", "a"}, LATER, NOW)
        after = kept_in(path)
        assert not after.claim("t", {"c"}, LATER, NOW)
        assert after.claim("t", {"d", "b"}, LATER, NOW)
        assert kept_in(path).claim("t", {"d"}, LATER, NOW)

    def test_holds_what_came_before_there_was_one(self, path: Path) -> None:
        used = UsedTokens()
        used.claim("t", {"a"}, LATER, NOW)
        used.keep_in(path, NOW)
        assert not kept_in(path).claim("t", {"b"}, LATER, NOW)

    def test_forgets_what_has_expired(self, path: Path) -> None:
        kept_in(path).claim("t", {"a"}, LATER, NOW)
        assert len(kept_in(path, LATER)) == 1
        assert len(kept_in(path, LATER + 1)) == 0
        assert path.read_bytes() == b""

    def test_holds_no_token(self, path: Path) -> None:
        kept_in(path).claim("04secret", {"a"}, LATER, NOW)
        assert b"04secret" not in path.read_bytes()
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
    def test_is_for_its_user_alone(self, path: Path) -> None:
        kept_in(path).claim("t", {"a"}, LATER, NOW)
        assert path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("rest", [b'["abc",1', b"\xff\xfe\n", b"{}\n", b'[1,"x",[]]\n', b"\x00" * 100])
    def test_may_end_in_the_middle(self, path: Path, rest: bytes) -> None:
        kept_in(path).claim("t", {"a"}, LATER, NOW)
        with path.open("ab") as file:
            file.write(rest)
        after = kept_in(path)
        assert len(after) == 1
        assert not after.claim("t", {"b"}, LATER, NOW)
        assert after.claim("u", {"b"}, LATER, NOW)
        assert len(kept_in(path)) == 2

    def test_does_not_grow_without_end(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(used_tokens, "_SWEEP_FROM", 10)
        used = kept_in(path)
        for number in range(500):
            used.claim(f"t{number}", {"a"}, NOW + number + 2, NOW + number)
        assert len(path.read_bytes().splitlines()) <= 20
        assert not kept_in(path, NOW + 499).claim("t499", {"b"}, LATER, NOW)

    def test_does_not_grow_without_end_where_there_are_too_many_to_remember(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(used_tokens, "_SWEEP_FROM", 10)
        monkeypatch.setattr(used_tokens, "MAX_TOKENS", 20)
        used = kept_in(path)
        for number in range(500):
            used.claim(f"t{number}", {"a"}, LATER, NOW)
        assert len(path.read_bytes().splitlines()) <= 40

    def test_that_cannot_be_written_is_told_and_stops_nobody(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        used = kept_in(tmp_path / "missing" / "used")
        assert used.claim("t", {"a"}, LATER, NOW)
        assert not used.claim("t", {"b"}, LATER, NOW)
        assert "cannot be kept" in caplog.text
        path = tmp_path / "gone" / "used"
        path.parent.mkdir()
        used = kept_in(path)
        path.unlink()
        path.parent.rmdir()
        assert used.claim("t", {"a"}, LATER, NOW)
        assert "could not be kept" in caplog.text
