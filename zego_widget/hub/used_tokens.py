"""Which tokens have let somebody in, so that a copy of one lets nobody in."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

logger = logging.getLogger(__name__)

MAX_TOKENS = 1 << 16
"""Remembered until they expire; beyond that the oldest is forgotten."""
MAX_SESSIONS = 1024
"""Of one token."""
_SWEEP_FROM = 1024


class _Line(msgspec.Struct, array_like=True):
    """One line of the file: SHA-256 of a token in hex, when it expires, and sessions of its client."""

    digest: str
    expires_at: float
    sessions: list[str]


@dataclass(slots=True)
class _Use:
    expires_at: float
    sessions: set[str] = field(default_factory=set)


class UsedTokens:
    """By each token the sessions of the one client it is for. Tokens themselves are not kept.

    In memory, and with `keep_in` also in a file, for apps whose tokens outlive the hub.
    """

    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}
        # Tokens that the last sweep left, and what was claimed since.
        self._kept = 0
        self._claimed = 0
        self._path: Path | None = None

    def __len__(self) -> int:
        return len(self._uses)

    def claim(self, token: str, sessions: Iterable[str], expires_at: float, now: float) -> bool:
        """Whether these sessions may use a token: nobody has, or one of them has before."""
        mine = set(sessions)
        digest = hashlib.sha256(token.encode()).hexdigest()
        use = self._uses.get(digest)
        if use is None:
            self._uses[digest] = use = _Use(expires_at)
        elif use.sessions.isdisjoint(mine):
            return False
        new = mine - use.sessions
        if new:
            if len(use.sessions) + len(new) > MAX_SESSIONS:
                return False
            use.sessions |= new
            self._append(_Line(digest, expires_at, sorted(new)))
            self._sweep(now)
        return True

    def keep_in(self, path: Path, now: float) -> None:
        """Remember what an earlier hub wrote to this file (0600), and go on writing to it."""
        with contextlib.suppress(OSError):
            for text in path.read_bytes().splitlines():
                with contextlib.suppress(msgspec.DecodeError, UnicodeError):  # the last line of a hub that was killed
                    line = msgspec.json.decode(text, type=_Line)
                    if line.expires_at >= now:
                        self._uses.setdefault(line.digest, _Use(line.expires_at)).sessions.update(line.sessions)
        self._path = path
        self._kept = len(self._uses)
        self._write()

    def _write(self) -> None:
        """All there is to remember, in place of what the file says."""
        if self._path is None:
            return
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            with open(draft, "xb", opener=_private) as file:
                for digest, use in self._uses.items():
                    file.write(msgspec.json.encode(_Line(digest, use.expires_at, sorted(use.sessions))) + b"\n")
            draft.replace(self._path)
        except OSError as error:
            logger.warning("Used tokens cannot be kept in %s: %s", self._path, error.strerror)
            with contextlib.suppress(OSError):
                draft.unlink()

    def _append(self, line: _Line) -> None:
        if self._path is None:
            return
        try:
            with open(self._path, "ab", opener=_private) as file:
                file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            logger.warning("A used token could not be kept in %s: %s", self._path, error.strerror)

    def _sweep(self, now: float) -> None:
        if len(self._uses) > MAX_TOKENS:
            del self._uses[next(iter(self._uses))]
        self._claimed += 1
        # As rarely as it pays, and often enough that what has expired does not push out what lasts.
        if self._claimed >= min(max(_SWEEP_FROM, self._kept), MAX_TOKENS // 8):
            self._uses = {digest: use for digest, use in self._uses.items() if use.expires_at >= now}
            self._kept, self._claimed = len(self._uses), 0
            self._write()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
