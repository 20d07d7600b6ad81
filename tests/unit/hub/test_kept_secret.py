"""A secret that outlives a hub."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from zego_widget.errors import InvalidArgument, Unauthorized
from zego_widget.hub.kept_secret import MIN_CHARACTERS, kept_secret


def test_a_secret_is_made_once_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = kept_secret(path)
    assert len(secret) >= MIN_CHARACTERS
    assert kept_secret(path) == secret
    assert kept_secret(tmp_path / "other") != secret


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes are those of POSIX")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    kept_secret(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(Unauthorized, match="0600"):
        kept_secret(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 31, b"x" * 31 + b"\xff", b"two words " * 8])
def test_what_is_no_secret_is_refused_and_not_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(InvalidArgument) as caught:
        kept_secret(path)
    assert not content or content.decode(errors="replace") not in str(caught.value)


def test_a_place_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="cannot be"):
        kept_secret(tmp_path / "nowhere" / "secret")
    with pytest.raises(InvalidArgument, match="cannot be"):
        kept_secret(tmp_path)
